/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reading one row of a result, column by column, and binding what takes more than one call. The first value that cannot
 * be right is kept as the row's error, names row and column, and is looked at once at the end; until then each call
 * gives some harmless value.
 */

#include "base/clock.h"
#include "store/sqlite/database.h"

typedef struct {
    FleetDatabase *database;
    sqlite3_stmt *statement;
    const char *what; /* "device row" */
    gint64 key;
    gboolean interned; /* texts asked for as such are interned: only on the main loop, see submission.h */
    GError *error;     /* NULL as long as all is well */
} FleetRow;

/* An integer within bounds. */
gint64 fleet_row_integer(FleetRow *row, int column, gint64 min, gint64 max);

/* A number within bounds. */
double fleet_row_real(FleetRow *row, int column, double min, double max);

/* A moment, of three columns: realtime, boottime, boot. */
FleetInstant fleet_row_instant(FleetRow *row, int first);

/* A text: valid UTF-8 without NUL. Valid until the next step; "" on error. */
const char *fleet_row_text(FleetRow *row, int column);

/* The same as a new reference. */
GRefString *fleet_row_ref_string(FleetRow *row, int column);

/* The same, interned if the row says so. */
GRefString *fleet_row_interned(FleetRow *row, int column);

/* Keeps an error about a column, if it is the first; takes nothing. */
void fleet_row_fail(FleetRow *row, int column, const char *reason);

/* TRUE if all values were right, else hands the error over. */
gboolean fleet_row_finish(FleetRow *row, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Binds a text, which must stay until the statement was run. SQLite's result code. */
int fleet_row_bind_text(sqlite3_stmt *statement, int parameter, const char *text);

/* Binds a moment to three parameters. SQLite's result code. */
int fleet_row_bind_instant(sqlite3_stmt *statement, int first, const FleetInstant *instant);
