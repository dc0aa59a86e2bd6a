/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who waits for a start hears how it gets on; and whether the writer is at work can be asked for. */

#include "store_test.h"

#include <sqlite3.h>

typedef struct {
    FleetStoreProgress progress;
    guint migrations, from, to;
    guint opening, loading; /* how often it was at work */
    gboolean loads;
} Heard;

static void migrating(guint from, guint to, gpointer user_data)
{
    Heard *heard = user_data;

    heard->migrations++;
    heard->from = from;
    heard->to = to;
}

static void working(gpointer user_data)
{
    Heard *heard = user_data;

    if (heard->loads)
        heard->loading++;
    else
        heard->opening++;
}

static void take_device(FleetDevice *device, gpointer user_data)
{
    fleet_device_unref(device);
}

static void take_action(FleetAction *action, gpointer user_data)
{
    fleet_action_unref(action);
}

static void open_and_load(const char *directory, Heard *heard)
{
    g_autoptr(GError) error = NULL;

    heard->progress = (FleetStoreProgress){.migrating = migrating, .working = working, .user_data = heard};
    g_autoptr(FleetStore) store = fleet_store_open(directory, &heard->progress, &error);
    fleet_test_assert_no_error(error);
    heard->loads = TRUE;
    ck_assert(fleet_store_load(store, 0, 10, take_device, take_action, NULL, &error));
}

#define DEVICES 50000

static char *make_devices(void)
{
    char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetStore) store = fleet_store_open(directory, NULL, NULL);

    fleet_test_sql(path,
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT " G_STRINGIFY(
                    DEVICES) ") INSERT INTO devices (key, id, name, type, driver, status, registered_at, updated_at, "
                             "last_seen_at) SELECT i, 'device-' || i, 'd', '', 'simulated', 0, 1, 1, 0 FROM n");
    return directory;
}

START_TEST(a_new_database_brings_nothing_up_to_date)
{
    g_autofree char *directory = fleet_test_directory_new();
    Heard heard = {0};

    open_and_load(directory, &heard);
    ck_assert_uint_eq(heard.migrations, 0);
}
END_TEST

START_TEST(loading_is_told)
{
    g_autofree char *directory = make_devices();
    Heard heard = {0};

    open_and_load(directory, &heard);
    ck_assert_uint_eq(heard.migrations, 0);
    ck_assert_uint_ge(heard.loading, 5);
}
END_TEST

START_TEST(migrating_is_told)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *fixture =
            g_build_filename(fleet_test_env("FLEET_SOURCE"), "tests", "fixtures", "schema-1.db", NULL);
    Heard heard = {0};

    fleet_test_copy(fixture, path);
    fleet_test_sql(path, "WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n LIMIT 20000) "
                         "INSERT INTO actions SELECT i, i, 'd', 'X', 'simulated', 0, 1, x'', 2, 1, 1, i, 0, 1, i, 0.0, "
                         "0, '', '', '', "
                         "'', '' FROM n");
    open_and_load(directory, &heard);
    ck_assert_uint_eq(heard.migrations, 1);
    ck_assert_uint_eq(heard.from, 1);
    ck_assert_uint_gt(heard.to, 1);
    ck_assert_uint_ge(heard.opening, 5);
}
END_TEST

/* Another program holds the database, so the writer waits, as it does for a slow disk. */
START_TEST(a_writer_at_work_is_busy)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetDevice) device = fleet_test_device(1, "a");
    sqlite3 *other = NULL;

    ck_assert_int_eq(fleet_store_busy_for(test->store), 0);
    ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    fleet_test_store_submit_device(test, "A", FLEET_CHANGE_INSERT_DEVICE, device);
    while (fleet_store_busy_for(test->store) < 100000)
        g_main_context_iteration(NULL, FALSE);
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed A");

    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);
    while (fleet_store_busy_for(test->store) != 0)
        ck_assert_int_gt(fleet_test_remaining(deadline), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store: progress");
    TCase *tcase = fleet_test_case(suite, "progress");

    tcase_add_test(tcase, a_new_database_brings_nothing_up_to_date);
    tcase_add_test(tcase, loading_is_told);
    tcase_add_test(tcase, migrating_is_told);
    tcase_add_test(tcase, a_writer_at_work_is_busy);
    return fleet_test_main(suite);
}
