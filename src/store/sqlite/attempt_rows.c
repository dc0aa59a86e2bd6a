/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/sqlite/attempt_rows.h"

#include "store/sqlite/row.h"

#include <sqlite3.h>

#define COLUMNS                                                                                                        \
    "sequence, number, started_realtime, started_boottime, started_boot, ended_at, outcome, plan, message, output"
#define VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"

static const char insert_sql[] = "INSERT INTO attempts (" COLUMNS ") VALUES (" VALUES ")";

static const char update_sql[] =
        "INSERT INTO attempts (" COLUMNS ") SELECT " VALUES " FROM actions WHERE sequence = ?1 "
        "ON CONFLICT (sequence, number) DO UPDATE SET started_realtime = ?3, started_boottime = ?4, started_boot = ?5, "
        "ended_at = ?6, outcome = ?7, plan = ?8, message = ?9, output = ?10";

static gboolean write_attempt(
        FleetDatabase *database, const char *sql, const FleetAttemptRecord *attempt, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, sql, error);
    int bound;
    guint n;

    if (statement == NULL)
        return FALSE;
    bound = sqlite3_bind_int64(statement, 1, attempt->sequence) | sqlite3_bind_int64(statement, 2, attempt->number) |
            fleet_row_bind_instant(statement, 3, &attempt->started) |
            sqlite3_bind_int64(statement, 6, attempt->ended_at) | sqlite3_bind_int(statement, 7, attempt->outcome) |
            fleet_row_bind_text(statement, 8, attempt->plan) | fleet_row_bind_text(statement, 9, attempt->message) |
            fleet_row_bind_text(statement, 10, attempt->output);
    return fleet_database_change_rows(database, statement, bound, &n, error);
}

gboolean fleet_attempt_rows_insert(FleetDatabase *database, const FleetAttemptRecord *attempt, GError **error)
{
    return write_attempt(database, insert_sql, attempt, error);
}

gboolean fleet_attempt_rows_update(FleetDatabase *database, const FleetAttemptRecord *attempt, GError **error)
{
    return write_attempt(database, update_sql, attempt, error);
}
