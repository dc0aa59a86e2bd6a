/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Databases of every schema that was ever released (tests/fixtures) open, keep all they hold, and end up alike. */

#include "store_test.h"

#define SCHEMAS 4

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
    device->status = device->own_status = status;
    device->registered_at = 1700000000000000 + key;
    device->updated_at = 1700000100000000 + key;
    return device;
}

/* Of schema 4 and later: one that was away while it was in MAINTENANCE, and one that an operator had made OFFLINE. */
static void assert_new_devices(const GPtrArray *devices)
{
    g_autoptr(FleetDevice) camera = new_device(3, "camera-1", "Camera", "camera", FLEET_DEVICE_MAINTENANCE);
    g_autoptr(FleetDevice) gate = new_device(4, "gate-1", "Gate", "", FLEET_DEVICE_OFFLINE);

    g_ref_string_release(camera->driver);
    camera->driver = g_ref_string_new_intern("command");
    fleet_device_set_address(camera, "device/camera-1//");
    camera->presence = FLEET_PRESENCE_OFFLINE;
    camera->last_seen_at = 1700000200000003;
    camera->owner_uid = 1000;
    gate->last_seen_at = 1700000200000004;
    fleet_test_assert_same_device(devices->pdata[0], camera);
    fleet_test_assert_same_device(devices->pdata[1], gate);
}

/* Schema 3 was the first to say who had registered a device, schema 4 where one is and that one was away. */
static void assert_devices(const GPtrArray *devices, int schema)
{
    g_autoptr(FleetDevice) router = new_device(2, "router-1", "Router, first floor", "router", FLEET_DEVICE_UPDATING);
    g_autoptr(FleetDevice) sensor = new_device(1, "sensor 'ü'/東京", "", "", FLEET_DEVICE_ERROR);

    sensor->last_seen_at = 1700000200000000;
    sensor->owner_uid = schema < 3 ? 0 : 4294967294;
    if (schema >= 4) {
        fleet_device_set_address(sensor, "floor 3/ü's");
        sensor->presence = FLEET_PRESENCE_OFFLINE;
        sensor->status = FLEET_DEVICE_OFFLINE;
    }
    ck_assert_uint_eq(devices->len, schema < 4 ? 2 : 4);
    if (schema >= 4)
        assert_new_devices(devices);
    fleet_test_assert_same_device(devices->pdata[devices->len - 2], router);
    fleet_test_assert_same_device(devices->pdata[devices->len - 1], sensor);
}

static void assert_finished_action(const FleetAction *action)
{
    g_autoptr(FleetAction) expected = fleet_test_action(3, "sensor 'ü'/東京");

    fleet_parameters_unref(expected->parameters);
    expected->parameters = fleet_test_parameters("url", "https://example.com/ü?a=b&c", "version", "", NULL);
    expected->initiated_at = 1700000300123456;
    expected->id.msec = 1700000300123;
    expected->owner_uid = 1000;
    expected->policy.max_attempts = 3;
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
    expected->moved_at = expected->completed_at;
    expected->attempt_started = expected->started;
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
    expected->attempt_started = expected->started;
    expected->moved_at = expected->started.realtime;
    fleet_test_assert_same_action(action, expected);
}

/* Of schema 2 and later: all that schema 1 did not know. */
static void assert_stopping_action(const FleetAction *action)
{
    g_autoptr(FleetAction) expected = fleet_test_action(5, "router-1");

    fleet_parameters_unref(expected->parameters);
    expected->parameters = fleet_parameters_new_empty();
    fleet_action_set_text(&expected->type, "FIRMWARE_UPDATE");
    fleet_action_set_text(&expected->driver, "command");
    expected->initiated_at = 1700000400500000;
    expected->id.msec = 1700000400500;
    expected->owner_uid = 1001;
    expected->priority = -7;
    expected->not_before = 1700000400600000;
    expected->start_deadline = 1700009999000000;
    expected->policy = (FleetPolicy){90000000, 5000000, 5, 1000000, 1.5, 30000000, 0.25};
    fleet_action_set_text(&expected->request_id, "request 'ü' 1");
    expected->request_digest = G_MAXUINT64 - 1;
    expected->status = FLEET_ACTION_RUNNING;
    expected->moved_at = 1700000490000001;
    expected->attempt = 2;
    expected->started = (FleetInstant){1700000401000000, 7000000, 3};
    expected->attempt_started = (FleetInstant){1700000450000000, 56000000, 3};
    expected->retry_at = (FleetInstant){1700000500000000, 106000000, 3};
    expected->cancel_requested = (FleetInstant){1700000495000000, 101000000, 3};
    expected->cancel_result = FLEET_RESULT_SUPERSEDED;
    expected->past_return = TRUE;
    expected->progress = 0.5;
    expected->progress_known = TRUE;
    fleet_action_set_text(&expected->phase, "cancelling");
    fleet_action_set_text(&expected->message, "is asked to stop");
    fleet_action_set_text(&expected->plan, "unit=fleet-action-5");
    fleet_test_assert_same_action(action, expected);
}

START_TEST(old_database_keeps_all_it_holds)
{
    g_autofree char *directory = copy_fixture(_i);
    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    guint n = 0;

    assert_devices(loaded.devices, _i);
    ck_assert_uint_eq(loaded.actions->len, _i == 1 ? 2 : 3);
    assert_finished_action(loaded.actions->pdata[n++]);
    if (_i > 1)
        assert_stopping_action(loaded.actions->pdata[n++]);
    assert_running_action(loaded.actions->pdata[n++]);

    /* Action 9 was stored once and is gone. */
    g_autoptr(FleetStore) store = fleet_store_open(directory, NULL, NULL);
    ck_assert_int_eq(fleet_store_last_action_sequence(store), 9);
    ck_assert_int_eq(fleet_store_last_device_key(store), _i < 4 ? 2 : 4);
}
END_TEST

START_TEST(old_actions_have_their_moves)
{
    g_autofree char *directory = copy_fixture(_i);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autofree char *finished = fleet_test_store_moves(test, (FleetActionId){1700000300123, 3});
    g_autofree char *running = fleet_test_store_moves(test, (FleetActionId){1700000500000, 8});
    g_autofree char *stopping = fleet_test_store_moves(test, (FleetActionId){1700000400500, 5});

    ck_assert_str_eq(finished, "1700000300123456 PENDING : \n"
                               "1700000301000000 RUNNING : \n"
                               "1700000400000000 FAILED installing: two\nlines\n");
    ck_assert_str_eq(running, "1700000500000999 PENDING : \n"
                              "1700000500001000 RUNNING : \n");
    ck_assert_str_eq(stopping, _i == 1 ? ""
                                       : "1700000400500000 PENDING waiting-device: \n"
                                         "1700000401000000 RUNNING : \n"
                                         "1700000440000000 RUNNING waiting-retry: the device did not answer\n"
                                         "1700000450000000 RUNNING : \n"
                                         "1700000490000001 RUNNING cancelling: is asked to stop\n");
}
END_TEST

#define ATTEMPTS                                                                                                       \
    "SELECT group_concat(sequence || '|' || number || '|' || started_realtime || '|' || started_boottime || '|' || "   \
    "started_boot || '|' || ended_at || '|' || outcome || '|' || plan || '|' || message || '|' || output, char(10)) "  \
    "FROM attempts"

START_TEST(old_actions_have_their_attempts)
{
    g_autofree char *directory = copy_fixture(_i);
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    g_autofree char *old = fleet_test_sql_read(path, ATTEMPTS " WHERE sequence <> 5");
    g_autofree char *new = fleet_test_sql_read(path, ATTEMPTS " WHERE sequence = 5");

    ck_assert_str_eq(old, "3|1|1700000301000000|5000000|-81985529216486896|1700000400000000|-1|seed=7|no answer within "
                          "90 s|\n8|1|1700000500001000|6000000|1|0|-1|||");
    ck_assert_pstr_eq(new, _i == 1 ? NULL
                                   : "5|1|1700000401000000|7000000|3|1700000440000000|1|unit=fleet-action-5|the device "
                                     "did not answer|connecting\ntimeout\n\n"
                                     "5|2|1700000450000000|56000000|3|0|-1|unit=fleet-action-5||");
}
END_TEST

static void append_audit(GPtrArray *records, gint64 last, const GError *error, gpointer user_data)
{
    for (guint i = 0; i < records->len; i++) {
        const FleetAuditRecord *record = records->pdata[i];

        g_string_append_printf(user_data, "%" G_GINT64_FORMAT "|%u|%s|%s|%s|%s|%s\n", record->at, record->uid,
                record->executable, record->sender, record->method, record->object, record->outcome);
    }
    g_string_append_printf(user_data, "last %d", (int)last);
}

START_TEST(old_audit_is_there)
{
    g_autofree char *directory = copy_fixture(_i);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAuditRecord) next = fleet_audit_record_new(4, 0, "", "", "SetDeviceStatus", "router-1", "ok");
    g_autoptr(GString) audit = g_string_new(NULL);

    fleet_store_query_audit(test->store, 0, 10, append_audit, audit);
    g_autofree char *after = fleet_test_store_moves(test, (FleetActionId){0}); /* questions are answered in order */
    ck_assert_str_eq(audit->str,
            _i == 1 ? "last 0"
                    : "1700000000000003|4294967295|/usr/bin/busctl||SetDevicesStatus||ok\n"
                      "1700000000000002|1000||:1.22|UnregisterDevice|router 'ü'|org.fleet.Error.DeviceNotFound\n"
                      "last 2");

    /* The numbers go on from the highest that was ever given. */
    g_string_truncate(audit, 0);
    fleet_test_store_submit_audit(test, "next", next);
    fleet_test_store_settle(test);
    fleet_store_query_audit(test->store, 0, 1, append_audit, audit);
    g_autofree char *later = fleet_test_store_moves(test, (FleetActionId){0});
    ck_assert_str_eq(audit->str,
            _i == 1 ? "4|0|||SetDeviceStatus|router-1|ok\nlast 1" : "4|0|||SetDeviceStatus|router-1|ok\nlast 4");
}
END_TEST

/* As the first release has really written them: it set no number of attempts. */
START_TEST(every_status_of_schema_1_comes_over)
{
    static const char rows[] =
            "INSERT INTO actions VALUES "
            "(20, 2000, 'a', 'T', 'simulated', 7, 0, x'61006200', 0, 0, 0, 0, 0, 0, 0, 0.0, 0, '', '', '', '', ''), "
            "(21, 3000, 'a', 'T', 'simulated', 7, 0, x'', 1, 0, 1, 3001, 31, 9, 0, 0.5, 1, 'rebooting', 'soon', '', "
            "'', 'p'), "
            "(22, 4000, 'b', 'T', 'simulated', 7, 0, x'', 2, 1, 1, 4001, 41, 9, 4999, 1.0, 1, '', 'done', '', '', "
            "'p'), "
            "(23, 5000, 'c', 'T', 'simulated', 7, 0, x'', 3, 2, 1, 5001, 51, 9, 5999, 0.1, 1, '', 'no power', "
            "'org.fleet.Error.Failed', 'no power', 'p'), "
            "(24, 6000, 'c', 'T', 'simulated', 7, 0, x'', 4, 5, 0, 0, 0, 0, 6999, 0.0, 0, '', 'was cancelled', '', '', "
            "'')";
    static const char *const moves[] = {"2000 PENDING : \n", "3000 PENDING : \n3001 RUNNING rebooting: soon\n",
            "4000 PENDING : \n4001 RUNNING : \n4999 COMPLETED : done\n",
            "5000 PENDING : \n5001 RUNNING : \n5999 FAILED : no power\n",
            "6000 PENDING : \n6999 CANCELLED : was cancelled\n"};
    static const gint64 moved_at[] = {2000, 3001, 4999, 5999, 6999};
    g_autofree char *directory = copy_fixture(1);
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);

    fleet_test_sql(path, "DELETE FROM actions");
    fleet_test_sql(path, rows);
    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    g_autofree char *attempts = fleet_test_sql_read(path, ATTEMPTS);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);

    ck_assert_uint_eq(loaded.actions->len, G_N_ELEMENTS(moves));
    for (guint i = 0; i < G_N_ELEMENTS(moves); i++) {
        const FleetAction *action = loaded.actions->pdata[i];
        g_autofree char *found = fleet_test_store_moves(test, action->id);

        ck_assert_int_eq(action->id.sequence, 20 + i);
        ck_assert_uint_eq(action->status, i);
        ck_assert_uint_eq(action->owner_uid, 7);
        ck_assert_uint_eq(action->policy.max_attempts, 1);
        ck_assert_int_eq(action->policy.retry_delay, fleet_policy_default.retry_delay);
        ck_assert_int_eq(action->moved_at, moved_at[i]);
        ck_assert_int_eq(action->attempt_started.boottime, action->started.boottime);
        ck_assert_str_eq(found, moves[i]);
    }
    ck_assert_str_eq(attempts, "21|1|3001|31|9|0|-1|p||\n22|1|4001|41|9|4999|0|p|done|\n"
                               "23|1|5001|51|9|5999|2|p|no power|");
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
    g_autoptr(FleetDevice) device = fleet_test_device(5, "router-2");
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
    tcase_add_loop_test(tcase, old_actions_have_their_moves, 1, SCHEMAS + 1);
    tcase_add_loop_test(tcase, old_actions_have_their_attempts, 1, SCHEMAS + 1);
    tcase_add_loop_test(tcase, old_audit_is_there, 1, SCHEMAS + 1);
    tcase_add_test(tcase, every_status_of_schema_1_comes_over);
    tcase_add_loop_test(tcase, old_database_gets_the_schema_of_a_new_one, 1, SCHEMAS + 1);
    tcase_add_loop_test(tcase, old_database_can_be_written, 1, SCHEMAS + 1);
    tcase_add_test(tcase, every_schema_has_a_fixture);
    return fleet_test_main(suite);
}
