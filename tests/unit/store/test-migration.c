/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Databases of every schema that was ever released (tests/fixtures) open, keep all they hold, and end up alike. */

#include "store_test.h"

#define SCHEMAS 1

/* A directory with a copy of that schema's database. */
static char *copy_fixture(int schema)
{
    g_autofree char *name = g_strdup_printf("schema-%d.db", schema);
    g_autofree char *fixture = g_build_filename(fleet_test_env("FLEET_SOURCE"), "tests", "fixtures", name, NULL);
    char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);

    fleet_test_copy(fixture, path);
    return directory;
}

static FleetDevice *new_device(gint64 key, const char *id, const char *name, const char *type, FleetDeviceStatus status)
{
    FleetDevice *device = fleet_device_new(id, name, type, "simulated");

    device->key = key;
    device->status = status;
    device->registered_at = 1700000000000000 + key;
    device->updated_at = 1700000100000000 + key;
    return device;
}

static void assert_devices(const GPtrArray *devices)
{
    g_autoptr(FleetDevice) first = new_device(2, "router-1", "Router, first floor", "router", FLEET_DEVICE_UPDATING);
    g_autoptr(FleetDevice) second = new_device(1, "sensor 'ü'/東京", "", "", FLEET_DEVICE_ERROR);

    second->last_seen_at = 1700000200000000;
    ck_assert_uint_eq(devices->len, 2);
    fleet_test_assert_same_device(devices->pdata[0], first);
    fleet_test_assert_same_device(devices->pdata[1], second);
}

static void assert_finished_action(const FleetAction *action)
{
    g_autoptr(FleetAction) expected = fleet_test_action(3, "sensor 'ü'/東京");

    fleet_parameters_unref(expected->parameters);
    expected->parameters = fleet_test_parameters("url", "https://example.com/ü?a=b&c", "version", "", NULL);
    expected->initiated_at = 1700000300123456;
    expected->id.msec = 1700000300123;
    expected->owner_uid = 1000;
    expected->max_attempts = 3;
    expected->status = FLEET_ACTION_FAILED;
    expected->result = FLEET_RESULT_TIMED_OUT;
    expected->attempt = 3;
    expected->started = (FleetInstant){1700000301000000, 5000000, 0xfedcba9876543210};
    expected->completed_at = 1700000400000000;
    expected->progress = 0.75;
    expected->progress_known = TRUE;
    fleet_action_set_text(&expected->phase, "installing");
    fleet_action_set_text(&expected->message, "two\nlines");
    fleet_action_set_text(&expected->error_name, "org.fleet.Error.TimedOut");
    fleet_action_set_text(&expected->error_message, "no answer within 90 s");
    fleet_action_set_text(&expected->plan, "seed=7");
    fleet_test_assert_same_action(action, expected);
}

static void assert_running_action(const FleetAction *action)
{
    g_autoptr(FleetAction) expected = fleet_test_action(8, "router-1");

    fleet_parameters_unref(expected->parameters);
    expected->parameters = fleet_parameters_new_empty();
    expected->initiated_at = 1700000500000999;
    expected->id.msec = 1700000500000;
    expected->status = FLEET_ACTION_RUNNING;
    expected->attempt = 1;
    expected->started = (FleetInstant){1700000500001000, 6000000, 1};
    fleet_test_assert_same_action(action, expected);
}

START_TEST(old_database_keeps_all_it_holds)
{
    g_autofree char *directory = copy_fixture(_i);
    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);

    assert_devices(loaded.devices);
    ck_assert_uint_eq(loaded.actions->len, 2);
    assert_finished_action(loaded.actions->pdata[0]);
    assert_running_action(loaded.actions->pdata[1]);

    /* Action 9 was stored once and is gone. */
    g_autoptr(FleetStore) store = fleet_store_open(directory, NULL);
    ck_assert_int_eq(fleet_store_last_action_sequence(store), 9);
    ck_assert_int_eq(fleet_store_last_device_key(store), 2);
}
END_TEST

/* Also a guard: whoever changes the schema without a new number fails here. */
START_TEST(old_database_gets_the_schema_of_a_new_one)
{
    static const char describe[] = "SELECT group_concat(name || ': ' || coalesce(sql, ''), char(10)) || char(10) || "
                                   "(SELECT user_version FROM pragma_user_version) "
                                   "FROM (SELECT name, sql FROM sqlite_schema ORDER BY name)";
    g_autofree char *old_directory = copy_fixture(_i);
    g_autofree char *new_directory = fleet_test_directory_new();
    g_autofree char *old_path = g_build_filename(old_directory, "fleet.db", NULL);
    g_autofree char *new_path = g_build_filename(new_directory, "fleet.db", NULL);
    g_auto(FleetTestLoaded) old_loaded = fleet_test_store_load(old_directory);
    g_auto(FleetTestLoaded) new_loaded = fleet_test_store_load(new_directory);
    g_autofree char *old_schema = fleet_test_sql_read(old_path, describe);
    g_autofree char *new_schema = fleet_test_sql_read(new_path, describe);

    ck_assert_str_eq(old_schema, new_schema);
}
END_TEST

START_TEST(old_database_can_be_written)
{
    g_autofree char *directory = copy_fixture(_i);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetDevice) device = fleet_test_device(3, "router-2");
    g_autoptr(FleetAction) action = fleet_test_action(10, "router-2");
    const FleetChange changes[] = {
            {FLEET_CHANGE_INSERT_DEVICE, {.device = device}}, {FLEET_CHANGE_INSERT_ACTION, {.action = action}}};

    fleet_test_store_submit(test, "it", changes, G_N_ELEMENTS(changes));
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed it");
}
END_TEST

/* This very number of fixtures is there: a new schema brings its own. */
START_TEST(every_schema_has_a_fixture)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    g_autofree char *newest = fleet_test_sql_read(path, "PRAGMA user_version");

    ck_assert_int_eq(g_ascii_strtoll(newest, NULL, 10), SCHEMAS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store: migration");
    TCase *tcase = fleet_test_case(suite, "migration");

    tcase_add_loop_test(tcase, old_database_keeps_all_it_holds, 1, SCHEMAS + 1);
    tcase_add_loop_test(tcase, old_database_gets_the_schema_of_a_new_one, 1, SCHEMAS + 1);
    tcase_add_loop_test(tcase, old_database_can_be_written, 1, SCHEMAS + 1);
    tcase_add_test(tcase, every_schema_has_a_fixture);
    return fleet_test_main(suite);
}
