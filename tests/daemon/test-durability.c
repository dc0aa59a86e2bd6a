/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What docs/storage.md promises: an acknowledgement survives the end of fleetd, whenever and however that comes. Here
 * it is killed at random moments while several clients call it.
 */

#include "load.h"

#include <sqlite3.h>
#include <string.h>

#define ROUNDS 50

/* Actions end all the time, so that ends are killed too. */
#define CONFIG                                                                                                         \
    "[Simulation]\nMinDuration=0\nMaxDuration=150ms\nSuccessRate=0.5\n"                                                \
    "[Retention]\nFinishedActions=100\n"                                                                               \
    "[Log]\nLevel=warning\n"

/* What was seen of each action, by its id: "STATUS result completed message", and "" while it ran. */
static GHashTable *ends;

static void copy_if_there(const char *from_directory, const char *to_directory, const char *name)
{
    g_autofree char *from = g_build_filename(from_directory, name, NULL);
    g_autofree char *to = g_build_filename(to_directory, name, NULL);
    g_autofree char *content = NULL;
    gsize length;

    if (!g_file_get_contents(from, &content, &length, NULL))
        return;
    ck_assert(g_file_set_contents(to, content, (gssize)length, NULL));
}

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        fleet_test_fail("%s: %s", sql, sqlite3_errmsg(database));
    return statement;
}

/* Fails unless the first column of the only row is that text. */
static void assert_answer(sqlite3 *database, const char *sql, const char *expected)
{
    sqlite3_stmt *statement = prepare(database, sql);

    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    const char *answer = (const char *)sqlite3_column_text(statement, 0);
    if (g_strcmp0(answer, expected) != 0)
        fleet_test_fail("%s: expected %s but got %s", sql, expected, answer);
    sqlite3_finalize(statement);
}

/* No end that was stored ever changes or goes, and no id belongs to two actions. */
static void compare_ends(sqlite3 *database)
{
    sqlite3_stmt *statement = prepare(database,
            "SELECT 'action_' || (initiated_at / 1000) || '_' || sequence,"
            "  CASE WHEN status >= 2 THEN status || ' ' || result || ' ' || completed_at || ' ' || message ELSE '' END,"
            "  device_id FROM actions");

    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(statement, 0);
        const char *end = (const char *)sqlite3_column_text(statement, 1);
        const char *before = g_hash_table_lookup(ends, id);

        if (before != NULL && *before != '\0' && !g_str_equal(before, end))
            fleet_test_fail("%s ended as '%s', and now as '%s'", id, before, end);
        if (before == NULL || *before == '\0')
            g_hash_table_replace(ends, g_strdup(id), g_strdup(end));
    }
    sqlite3_finalize(statement);
    /* All that were there still are. */
    g_autofree char *all = g_strdup_printf("%u", g_hash_table_size(ends));
    assert_answer(database, "SELECT count(*) FROM actions", all);
}

static void assert_all_stored(sqlite3 *database, GHashTable *actions)
{
    sqlite3_stmt *statement = prepare(database,
            "SELECT device_id FROM actions WHERE 'action_' || (initiated_at / 1000) || '_' || sequence = ?"
            " AND sequence = ?");
    GHashTableIter iter;
    gpointer id, device;

    g_hash_table_iter_init(&iter, actions);
    while (g_hash_table_iter_next(&iter, &id, &device)) {
        sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, g_ascii_strtoll(strrchr(id, '_') + 1, NULL, 10));
        if (sqlite3_step(statement) != SQLITE_ROW)
            fleet_test_fail("%s was acknowledged and is not stored", (const char *)id);
        ck_assert_str_eq((const char *)sqlite3_column_text(statement, 0), device);
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
}

/* Looks at a copy of what the kill left, so that fleetd has to recover the original itself. */
static void inspect(const FleetTestDaemon *daemon, GHashTable *actions)
{
    static const char *const files[] = {"fleet.db", "fleet.db-wal"};
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    sqlite3 *database = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(files); i++)
        copy_if_there(fleet_test_daemon_state_directory(daemon), directory, files[i]);
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    assert_answer(database, "PRAGMA integrity_check", "ok");
    assert_answer(database, "SELECT count(*) FROM actions WHERE status = 0", "0");
    assert_answer(database,
            "SELECT count(*) FROM (SELECT 1 FROM actions WHERE status = 1 GROUP BY device_id HAVING count(*) > 1)",
            "0");
    assert_answer(database,
            "SELECT count(*) FROM devices WHERE id GLOB 'worker-*' AND (status IN (1, 4)) <>"
            " (EXISTS (SELECT 1 FROM actions WHERE device_id = id AND actions.status = 1))",
            "0");
    assert_answer(database,
            "SELECT count(*) FROM actions WHERE (status >= 2) <> (completed_at > 0) OR (status >= 2) <> (result > 0)"
            " OR (status = 2) <> (result = 1)",
            "0");
    compare_ends(database);
    assert_all_stored(database, actions);
    sqlite3_close(database);
    fleet_test_remove(directory);
}

START_TEST(acknowledgements_survive_kills)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    guint rounds = MAX((guint)(ROUNDS / fleet_test_slowness()), 5), acknowledged = 0, lost = 0;

    ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    fleet_test_daemon_set_config(daemon, CONFIG);
    fleet_test_daemon_start(daemon);
    g_autoptr(FleetTestLoad) load = fleet_test_load_new(bus, daemon);
    for (guint round = 0; round < rounds; round++) {
        fleet_test_load_start(load);
        fleet_test_run_for((guint)(g_random_int_range(5, 150) * fleet_test_slowness()));
        fleet_test_load_expect_end(load);
        fleet_test_daemon_kill(daemon);
        fleet_test_load_finish(load);
        acknowledged += fleet_test_load_acknowledged(load);
        lost += fleet_test_load_lost(load);
        ck_assert_uint_eq(fleet_test_load_refused(load), 0);

        inspect(daemon, fleet_test_load_actions(load));
        fleet_test_daemon_start(daemon);
        fleet_test_load_verify(load);
    }
    /* There was a load, and the kills did hit it. */
    ck_assert_uint_gt(acknowledged, rounds * 20);
    ck_assert_uint_gt(lost, rounds);
    ck_assert_uint_gt(g_hash_table_size(fleet_test_load_actions(load)), rounds);
    g_hash_table_unref(ends);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon: durability");

    tcase_add_test(fleet_test_case_with_timeout(suite, "kill", 150), acknowledgements_survive_kills);
    return fleet_test_main(suite);
}
