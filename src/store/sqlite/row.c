/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/sqlite/row.h"

#include <sqlite3.h>

void fleet_row_fail(FleetRow *row, int column, const char *reason)
{
    if (row->error == NULL)
        fleet_database_set_error_damaged(row->database, &row->error, "%s %" G_GINT64_FORMAT ": %s %s", row->what,
                row->key, sqlite3_column_name(row->statement, column), reason);
}

gint64 fleet_row_integer(FleetRow *row, int column, gint64 min, gint64 max)
{
    gint64 value = sqlite3_column_int64(row->statement, column);

    if (value >= min && value <= max)
        return value;

    g_autofree char *reason = g_strdup_printf("is %" G_GINT64_FORMAT ", which is out of range", value);
    fleet_row_fail(row, column, reason);
    return min;
}

double fleet_row_real(FleetRow *row, int column, double min, double max)
{
    double value = sqlite3_column_double(row->statement, column);

    if (value >= min && value <= max)
        return value;

    g_autofree char *reason = g_strdup_printf("is not from %g to %g", min, max);
    fleet_row_fail(row, column, reason);
    return min;
}

FleetInstant fleet_row_instant(FleetRow *row, int first)
{
    return (FleetInstant){.realtime = fleet_row_integer(row, first, 0, G_MAXINT64),
            .boottime = fleet_row_integer(row, first + 1, 0, G_MAXINT64),
            .boot = (guint64)sqlite3_column_int64(row->statement, first + 2)};
}

/* The text and its length in bytes. */
static const char *read_text(FleetRow *row, int column, gsize *length)
{
    const char *text = (const char *)sqlite3_column_text(row->statement, column);

    *length = (gsize)sqlite3_column_bytes(row->statement, column);
    if (text != NULL && g_utf8_validate_len(text, *length, NULL))
        return text;
    fleet_row_fail(row, column, text != NULL ? "is not valid UTF-8" : "is missing");
    *length = 0;
    return "";
}

const char *fleet_row_text(FleetRow *row, int column)
{
    gsize length;

    return read_text(row, column, &length);
}

GRefString *fleet_row_ref_string(FleetRow *row, int column)
{
    gsize length;
    const char *text = read_text(row, column, &length);

    return g_ref_string_new_len(text, (gssize)length);
}

GRefString *fleet_row_interned(FleetRow *row, int column)
{
    return row->interned ? g_ref_string_new_intern(fleet_row_text(row, column)) : fleet_row_ref_string(row, column);
}

gboolean fleet_row_finish(FleetRow *row, GError **error)
{
    if (row->error == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&row->error));
    return FALSE;
}

int fleet_row_bind_text(sqlite3_stmt *statement, int parameter, const char *text)
{
    return sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC);
}

int fleet_row_bind_instant(sqlite3_stmt *statement, int first, const FleetInstant *instant)
{
    return sqlite3_bind_int64(statement, first, instant->realtime) |
           sqlite3_bind_int64(statement, first + 1, instant->boottime) |
           sqlite3_bind_int64(statement, first + 2, (gint64)instant->boot);
}
