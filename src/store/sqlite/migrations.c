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

/* steps[i] makes schema i + 1 of schema i; 0 is an empty database. */
static const char *const steps[] = {schema_1};

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
