/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/sqlite/migrations.h"

#include <sqlite3.h>

#if SQLITE_VERSION_NUMBER < 3037000
#error "SQLite 3.37 or newer is needed: the tables are STRICT"
#endif

/*
 * The comments inside CREATE TABLE are kept by SQLite, for whoever looks at the database with its shell. Times are µs
 * since the epoch, 0 = never. Enumerations are the numbers of model/status.h.
 *
 * An action's id is not stored: it is action_<initiated_at / 1000>_<sequence>. AUTOINCREMENT keeps a sequence from
 * coming back after its row was deleted. The indices on actions let start and retention go by what they need, not by
 * all of history.
 */
static const char schema_1[] =
        "CREATE TABLE devices (\n"
        "  key INTEGER PRIMARY KEY,\n"
        "  id TEXT NOT NULL UNIQUE,\n"
        "  name TEXT NOT NULL,\n"
        "  type TEXT NOT NULL,\n"
        "  driver TEXT NOT NULL,\n"
        "  status INTEGER NOT NULL, -- 0 IDLE 1 BUSY 2 OFFLINE 3 MAINTENANCE 4 UPDATING 5 RECOVERING 6 ERROR\n"
        "  registered_at INTEGER NOT NULL, -- times: microseconds since 1970, 0 = never\n"
        "  updated_at INTEGER NOT NULL,\n"
        "  last_seen_at INTEGER NOT NULL\n"
        ") STRICT;\n"
        "CREATE TABLE actions (\n"
        "  sequence INTEGER PRIMARY KEY AUTOINCREMENT, -- the id is action_<initiated_at / 1000>_<sequence>\n"
        "  initiated_at INTEGER NOT NULL,\n"
        "  device_id TEXT NOT NULL,\n"
        "  type TEXT NOT NULL,\n"
        "  driver TEXT NOT NULL,\n"
        "  owner_uid INTEGER NOT NULL,\n"
        "  max_attempts INTEGER NOT NULL,\n"
        "  parameters BLOB NOT NULL, -- name, NUL, value, NUL, and so on\n"
        "  status INTEGER NOT NULL, -- 0 PENDING 1 RUNNING 2 COMPLETED 3 FAILED 4 CANCELLED\n"
        "  result INTEGER NOT NULL, -- 0 none 1 success 2 failed 3 rejected 4 timed-out 5 cancelled 6 lost 7 "
        "superseded\n"
        "  attempt INTEGER NOT NULL,\n"
        "  started_realtime INTEGER NOT NULL,\n"
        "  started_boottime INTEGER NOT NULL, -- microseconds since the boot ...\n"
        "  started_boot INTEGER NOT NULL, -- ... whose boot id starts with these 64 bits\n"
        "  completed_at INTEGER NOT NULL,\n"
        "  progress REAL NOT NULL, -- 0.0 to 1.0, of the end only\n"
        "  progress_known INTEGER NOT NULL,\n"
        "  phase TEXT NOT NULL,\n"
        "  message TEXT NOT NULL,\n"
        "  error_name TEXT NOT NULL,\n"
        "  error_message TEXT NOT NULL,\n"
        "  plan TEXT NOT NULL -- the driver's own\n"
        ") STRICT;\n"
        "CREATE INDEX actions_active ON actions (status) WHERE status < 2;\n"
        "CREATE INDEX actions_finished ON actions (completed_at) WHERE status >= 2;\n"
        "CREATE INDEX actions_by_device ON actions (device_id);\n";

/*
 * Actions get what schema 1 did not know: SQLite can only add columns at the end of a table, and leaves no room for
 * comments there, so the table is made anew. The largest column comes last, so that whoever looks for a status need not
 * read past it. Each action's moves are reckoned from its times, and what was started has had one attempt. Defaults are
 * written out, for the program's own may change.
 */
static const char schema_2[] =
        "ALTER TABLE actions RENAME TO actions_1;\n"
        "DROP INDEX actions_active;\n"
        "DROP INDEX actions_finished;\n"
        "DROP INDEX actions_by_device;\n"
        "CREATE TABLE actions (\n"
        "  sequence INTEGER PRIMARY KEY AUTOINCREMENT, -- the id is action_<initiated_at / 1000>_<sequence>\n"
        "  initiated_at INTEGER NOT NULL,\n"
        "  device_id TEXT NOT NULL,\n"
        "  type TEXT NOT NULL,\n"
        "  driver TEXT NOT NULL,\n"
        "  owner_uid INTEGER NOT NULL,\n"
        "  priority INTEGER NOT NULL,\n"
        "  not_before INTEGER NOT NULL, -- times: microseconds since 1970, 0 = none\n"
        "  start_deadline INTEGER NOT NULL,\n"
        "  timeout INTEGER NOT NULL, -- durations: microseconds, 0 = none\n"
        "  step_timeout INTEGER NOT NULL,\n"
        "  max_attempts INTEGER NOT NULL,\n"
        "  retry_delay INTEGER NOT NULL,\n"
        "  retry_factor REAL NOT NULL,\n"
        "  retry_cap INTEGER NOT NULL,\n"
        "  retry_jitter REAL NOT NULL,\n"
        "  request_id TEXT NOT NULL, -- '' = none\n"
        "  request_digest INTEGER NOT NULL,\n"
        "  status INTEGER NOT NULL, -- 0 PENDING 1 RUNNING 2 COMPLETED 3 FAILED 4 CANCELLED\n"
        "  result INTEGER NOT NULL, -- 0 none 1 success 2 failed 3 rejected 4 timed-out 5 cancelled 6 lost 7 "
        "superseded\n"
        "  moved_at INTEGER NOT NULL, -- when status or phase changed last\n"
        "  attempt INTEGER NOT NULL,\n"
        "  started_realtime INTEGER NOT NULL, -- of the first attempt\n"
        "  started_boottime INTEGER NOT NULL, -- microseconds since the boot ...\n"
        "  started_boot INTEGER NOT NULL, -- ... whose boot id starts with these 64 bits\n"
        "  attempt_started_realtime INTEGER NOT NULL, -- of the newest attempt\n"
        "  attempt_started_boottime INTEGER NOT NULL,\n"
        "  attempt_started_boot INTEGER NOT NULL,\n"
        "  retry_at_realtime INTEGER NOT NULL, -- when the next attempt is due\n"
        "  retry_at_boottime INTEGER NOT NULL,\n"
        "  retry_at_boot INTEGER NOT NULL,\n"
        "  cancel_requested_realtime INTEGER NOT NULL, -- since when it is to stop\n"
        "  cancel_requested_boottime INTEGER NOT NULL,\n"
        "  cancel_requested_boot INTEGER NOT NULL,\n"
        "  cancel_result INTEGER NOT NULL, -- the result that it will have then\n"
        "  past_return INTEGER NOT NULL, -- it can no longer be stopped\n"
        "  completed_at INTEGER NOT NULL,\n"
        "  progress REAL NOT NULL, -- 0.0 to 1.0, as of the last change of anything else\n"
        "  progress_known INTEGER NOT NULL,\n"
        "  phase TEXT NOT NULL,\n"
        "  message TEXT NOT NULL,\n"
        "  error_name TEXT NOT NULL,\n"
        "  error_message TEXT NOT NULL,\n"
        "  plan TEXT NOT NULL, -- the driver's own\n"
        "  parameters BLOB NOT NULL -- name, NUL, value, NUL, and so on\n"
        ") STRICT;\n"
        "INSERT INTO actions SELECT sequence, initiated_at, device_id, type, driver, owner_uid, 0, 0, 0, 0, 0, "
        "max(max_attempts, 1), 10000000, 2.0, 600000000, 0.1, '', 0, status, result, "
        "coalesce(nullif(completed_at, 0), nullif(started_realtime, 0), initiated_at), attempt, started_realtime, "
        "started_boottime, started_boot, started_realtime, started_boottime, started_boot, 0, 0, 0, 0, 0, 0, 0, 0, "
        "completed_at, progress, progress_known, phase, message, error_name, error_message, plan, parameters "
        "FROM actions_1 ORDER BY sequence;\n"
        /* The highest sequence ever given may be one whose row was deleted. */
        "DELETE FROM sqlite_sequence WHERE name = 'actions';\n"
        "UPDATE sqlite_sequence SET name = 'actions' WHERE name = 'actions_1';\n"
        "DROP TABLE actions_1;\n"
        "CREATE INDEX actions_active ON actions (status) WHERE status < 2;\n"
        "CREATE INDEX actions_finished ON actions (completed_at) WHERE status >= 2;\n"
        "CREATE INDEX actions_by_device ON actions (device_id);\n"
        "CREATE UNIQUE INDEX actions_by_request ON actions (device_id, request_id) WHERE request_id <> '';\n"
        "CREATE TABLE transitions (\n"
        "  sequence INTEGER NOT NULL, -- the action's\n"
        "  n INTEGER NOT NULL, -- from 1\n"
        "  at INTEGER NOT NULL,\n"
        "  status INTEGER NOT NULL, -- as in actions\n"
        "  phase TEXT NOT NULL,\n"
        "  message TEXT NOT NULL,\n"
        "  PRIMARY KEY (sequence, n)\n"
        ") STRICT, WITHOUT ROWID;\n"
        /* Each action's rows together and in order: no sorting, no splitting of pages. */
        "INSERT INTO transitions SELECT sequence, CASE move WHEN 3 THEN 2 + (started_realtime <> 0) ELSE move END, "
        "CASE move WHEN 1 THEN initiated_at WHEN 2 THEN coalesce(nullif(started_realtime, 0), initiated_at) "
        "ELSE moved_at END, CASE move WHEN 3 THEN status ELSE move - 1 END, CASE WHEN move = 3 OR status = move - 1 "
        "THEN phase ELSE '' END, "
        "CASE WHEN move = 3 OR status = move - 1 THEN message ELSE '' END "
        "FROM actions CROSS JOIN (SELECT 1 AS move UNION ALL SELECT 2 UNION ALL SELECT 3) "
        "WHERE move = 1 OR move = 2 AND (started_realtime <> 0 OR status = 1) OR move = 3 AND status >= 2;\n"
        "CREATE TABLE attempts (\n"
        "  sequence INTEGER NOT NULL, -- the action's\n"
        "  number INTEGER NOT NULL, -- from 1\n"
        "  started_realtime INTEGER NOT NULL,\n"
        "  started_boottime INTEGER NOT NULL,\n"
        "  started_boot INTEGER NOT NULL,\n"
        "  ended_at INTEGER NOT NULL, -- 0 = not yet\n"
        "  outcome INTEGER NOT NULL, -- 0 success 1 transient 2 permanent 3 uncertain 4 rejected 5 stopped -1 none\n"
        "  plan TEXT NOT NULL, -- the driver's own\n"
        "  message TEXT NOT NULL,\n"
        "  output TEXT NOT NULL, -- the end of what it printed\n"
        "  PRIMARY KEY (sequence, number)\n"
        ") STRICT, WITHOUT ROWID;\n"
        "INSERT INTO attempts SELECT sequence, 1, started_realtime, started_boottime, started_boot, completed_at, "
        "CASE result WHEN 1 THEN 0 WHEN 2 THEN 2 WHEN 3 THEN 4 ELSE -1 END, plan, "
        "CASE WHEN error_message <> '' THEN error_message WHEN status >= 2 THEN message ELSE '' END, '' "
        "FROM actions WHERE started_realtime <> 0 ORDER BY sequence;\n"
        "CREATE TABLE audit (\n"
        "  number INTEGER PRIMARY KEY AUTOINCREMENT,\n"
        "  at INTEGER NOT NULL,\n"
        "  uid INTEGER NOT NULL,\n"
        "  executable TEXT NOT NULL, -- of the caller's process, '' = not known\n"
        "  sender TEXT NOT NULL, -- the caller's name on its bus\n"
        "  method TEXT NOT NULL,\n"
        "  object TEXT NOT NULL, -- the device's or the action's id, '' = several\n"
        "  outcome TEXT NOT NULL -- 'ok', or the name of the error\n"
        ") STRICT;\n"
        "CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit BEGIN\n"
        "  SELECT RAISE(ABORT, 'the audit cannot be changed');\n"
        "END;\n";

/*
 * Devices get an owner. No row is touched: those that are there belong to root, as the default says, and every new one
 * is written with its own. A comment of this kind is kept by SQLite.
 */
static const char schema_3[] =
        "ALTER TABLE devices ADD COLUMN owner_uid INTEGER NOT NULL DEFAULT 0 /* who registered it */;\n";

/*
 * Devices get an address, and whether they were away. What status is in their row is their own: one that is away only
 * shows OFFLINE. No row is touched.
 */
static const char schema_4[] =
        "ALTER TABLE devices ADD COLUMN address TEXT NOT NULL DEFAULT '' /* for its driver, '' = by its id */;\n"
        "ALTER TABLE devices ADD COLUMN away INTEGER NOT NULL DEFAULT 0 /* 1 = it was missed, and is not back */;\n";

/* steps[i] makes schema i + 1 of schema i; 0 is an empty database. */
static const char *const steps[] = {schema_1, schema_2, schema_3, schema_4};

guint fleet_migrations_newest(void)
{
    return G_N_ELEMENTS(steps);
}

static gboolean run_step(FleetDatabase *database, guint schema, GError **error)
{
    g_autofree char *set_version = g_strdup_printf("PRAGMA user_version = %u", schema + 1);

    return fleet_database_begin(database, error) && fleet_database_execute(database, steps[schema], error) &&
           fleet_database_execute(database, set_version, error) && fleet_database_commit(database, error);
}

gboolean fleet_migrations_run(FleetDatabase *database, guint schema, GError **error)
{
    for (; schema < G_N_ELEMENTS(steps); schema++)
        if (!run_step(database, schema, error)) {
            fleet_database_roll_back(database);
            return FALSE;
        }
    return TRUE;
}
