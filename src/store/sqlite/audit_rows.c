/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/sqlite/audit_rows.h"

#include "store/sqlite/row.h"

#include <sqlite3.h>

static const char insert_sql[] = "INSERT INTO audit (at, uid, executable, sender, method, object, outcome) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
static const char query_sql[] = "SELECT number, at, uid, executable, sender, method, object, outcome FROM audit "
                                "WHERE number < ?1 ORDER BY number DESC LIMIT ?2";

/* As query_sql has them. */
enum {
    NUMBER,
    AT,
    UID,
    EXECUTABLE,
    SENDER,
    METHOD,
    OBJECT,
    OUTCOME,
};

gboolean fleet_audit_rows_insert(FleetDatabase *database, const FleetAuditRecord *record, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, insert_sql, error);
    int bound;
    guint n;

    if (statement == NULL)
        return FALSE;
    bound = sqlite3_bind_int64(statement, 1, record->at) | sqlite3_bind_int64(statement, 2, record->uid) |
            fleet_row_bind_text(statement, 3, record->executable) | fleet_row_bind_text(statement, 4, record->sender) |
            fleet_row_bind_text(statement, 5, record->method) | fleet_row_bind_text(statement, 6, record->object) |
            fleet_row_bind_text(statement, 7, record->outcome);
    return fleet_database_change_rows(database, statement, bound, &n, error);
}

typedef struct {
    GPtrArray *records;
    gint64 last;
} Page;

static gboolean read_record(FleetDatabase *database, sqlite3_stmt *statement, gpointer user_data, GError **error)
{
    Page *page = user_data;
    FleetRow row = {.database = database,
            .statement = statement,
            .what = "audit row",
            .key = sqlite3_column_int64(statement, NUMBER)};

    page->last = fleet_row_integer(&row, NUMBER, 1, G_MAXINT64);
    g_ptr_array_add(page->records,
            fleet_audit_record_new(fleet_row_integer(&row, AT, 0, G_MAXINT64),
                    (uid_t)fleet_row_integer(&row, UID, 0, G_MAXUINT32), fleet_row_text(&row, EXECUTABLE),
                    fleet_row_text(&row, SENDER), fleet_row_text(&row, METHOD), fleet_row_text(&row, OBJECT),
                    fleet_row_text(&row, OUTCOME)));
    return fleet_row_finish(&row, error);
}

GPtrArray *fleet_audit_rows_query(FleetDatabase *database, gint64 before, guint limit, gint64 *last, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, query_sql, error);
    Page page = {.records = g_ptr_array_new_with_free_func((GDestroyNotify)fleet_audit_record_unref)};
    g_autoptr(GPtrArray) records = page.records;

    if (statement == NULL || !fleet_database_read_rows(database, statement,
                                     sqlite3_bind_int64(statement, 1, before != 0 ? before : G_MAXINT64) |
                                             sqlite3_bind_int64(statement, 2, limit),
                                     read_record, &page, error))
        return NULL;
    *last = page.last;
    return g_steal_pointer(&records);
}
