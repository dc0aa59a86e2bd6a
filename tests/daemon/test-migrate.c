/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the first release has left behind is taken up: its running actions go on and end, and its history stays. */

#include "fixture.h"

#include <glib/gstdio.h>
#include <sqlite3.h>

#define LEFT_MSEC 1500 /* that the running action has still to go */

/* Its history is older than the default keeps it. */
#define CONFIG                                                                                                         \
    "[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=1\n"                                                      \
    "[Retention]\nHistoryAge=36500d\n"                                                                                 \
    "[Log]\nLevel=warning\n"

/* On top of the fixture: one action that runs, one whose time has passed, one that was not started yet. */
#define NOW "%1$" G_GINT64_FORMAT
#define STARTED NOW ", 0, 1, 0, 0.0, 0" /* on another boot */
#define MORE                                                                                                           \
    "INSERT INTO devices VALUES"                                                                                       \
    " (11, 'a', 'Name of a', 'router', 'simulated', 4, 1600000000000001, 1600000000000002, 0),"                        \
    " (12, 'b', 'b', '', 'simulated', 1, 1600000000000003, 1600000000000004, 0),"                                      \
    " (13, 'c', 'c', '', 'simulated', 0, 1600000000000005, 1600000000000006, 0);"                                      \
    "INSERT INTO actions VALUES"                                                                                       \
    " (21, " NOW ", 'a', 'SOFTWARE_UPDATE', 'simulated', 0, 1, x'', 1, 0, 1, " STARTED ", 'downloading', '', '', '',"  \
    " 'duration=%2$" G_GINT64_FORMAT " success=1'),"                                                                   \
    " (22, " NOW ", 'b', 'SYSTEM_REBOOT', 'simulated', 0, 1, x'', 1, 0, 1, " STARTED ", 'rebooting', '', '', '',"      \
    " 'duration=1 success=0'),"                                                                                        \
    " (23, " NOW ", 'c', 'SYSTEM_REBOOT', 'simulated', 0, 1, CAST('why' || char(0) || 'test' || char(0) AS BLOB),"     \
    " 0, 0, 0, 0, 0, 0, 0, 0.0, 0, '', '', '', '', '');"

static gint64 now; /* when the first release initiated the last actions, µs since the epoch */

static void setup(void)
{
    fleet_test_fixture_setup();
    fleet_test_daemon_set_config(fleetd, CONFIG);
}

static char *database_path(void)
{
    return g_build_filename(fleet_test_daemon_state_directory(fleetd), "fleet.db", NULL);
}

static sqlite3 *open_database(void)
{
    g_autofree char *path = database_path();
    sqlite3 *database = NULL;

    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    return database;
}

static void execute(sqlite3 *database, const char *sql)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fleet_test_fail("%s: %s", sql, sqlite3_errmsg(database));
}

/* Makes the database as the first release has written it. */
static void write_old_database(void)
{
    g_autofree char *fixture =
            g_build_filename(fleet_test_env("FLEET_SOURCE"), "tests", "fixtures", "schema-1.sql", NULL);
    g_autofree char *schema = fleet_test_read(fixture);

    now = g_get_real_time();
    g_autofree char *more = g_strdup_printf(MORE, now, (gint64)(LEFT_MSEC * 1000 * fleet_test_slowness()));
    ck_assert_int_eq(g_mkdir(fleet_test_daemon_state_directory(fleetd), 0700), 0);
    sqlite3 *database = open_database();
    execute(database, schema);
    execute(database, more);
    sqlite3_close(database);
}

static char *id_of(gint64 sequence)
{
    return g_strdup_printf("action_%" G_GINT64_FORMAT "_%" G_GINT64_FORMAT, now / 1000, sequence);
}

static char *path_of(gint64 sequence)
{
    return g_strdup_printf(
            FLEET_TEST_ROOT "/action/action_5f%" G_GINT64_FORMAT "_5f%" G_GINT64_FORMAT, now / 1000, sequence);
}

static GVariant *status_of(const char *id)
{
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER,
            "GetDeviceActionStatus", g_variant_new("(s)", id), "(a{sv})");

    return g_variant_get_child_value(reply, 0);
}

/* Fails unless a property of the action has that value, as g_variant_print() writes it. */
static void assert_action(const char *id, const char *property, const char *expected)
{
    g_autoptr(GVariant) info = status_of(id);
    g_autoptr(GVariant) value = g_variant_lookup_value(info, property, NULL);

    ck_assert_ptr_nonnull(value);
    g_autofree char *text = g_variant_print(value, FALSE);
    ck_assert_str_eq(text, expected);
}

static void assert_device(const char *id, const char *property, const char *expected)
{
    g_autoptr(GVariant) reply = fleet_test_call(
            connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "GetDeviceInfo", g_variant_new("(s)", id), "(a{sv})");
    g_autoptr(GVariant) info = g_variant_get_child_value(reply, 0);
    g_autoptr(GVariant) value = g_variant_lookup_value(info, property, NULL);

    ck_assert_ptr_nonnull(value);
    g_autofree char *text = g_variant_print(value, FALSE);
    ck_assert_str_eq(text, expected);
}

/* The statuses and phases of an action's moves, "PENDING RUNNING COMPLETED". */
static void assert_moves(const char *id, const char *expected)
{
    g_autoptr(GVariant) reply = fleet_test_call(
            connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "GetActionHistory", g_variant_new("(s)", id), "(a(tsss))");
    g_autoptr(GVariantIter) moves = NULL;
    g_autoptr(GString) found = g_string_new(NULL);
    const char *status, *last = "";

    g_variant_get(reply, "(a(tsss))", &moves);
    while (g_variant_iter_next(moves, "(t&s&s&s)", NULL, &status, NULL, NULL)) {
        if (!g_str_equal(status, last)) /* phases aside */
            g_string_append_printf(found, "%s%s", found->len > 0 ? " " : "", status);
        last = status;
    }
    ck_assert_str_eq(found->str, expected);
}

static guint count_ends(const char *path)
{
    guint count = 0;

    for (guint i = 0; i < fleet_test_signals_count(signals); i++) {
        const FleetTestSignal *signal = fleet_test_signals_get(signals, i);

        if (!g_str_equal(signal->path, path) || !g_str_equal(signal->member, "PropertiesChanged"))
            continue;
        g_autoptr(GVariant) changed = g_variant_get_child_value(signal->arguments, 1);
        if (g_variant_lookup(changed, "CompletedAt", "t", NULL))
            count++;
    }
    return count;
}

START_TEST(running_actions_go_on_and_end_once)
{
    write_old_database();
    fleet_test_daemon_start(fleetd);
    ck_assert(fleet_test_daemon_wait_notify(fleetd, "STATUS=Bringing the database from schema 1 to *", 0));
    g_autofree char *going = id_of(21);
    g_autofree char *over = id_of(22);
    g_autofree char *waiting = id_of(23);
    g_autofree char *going_path = path_of(21);
    g_autofree char *over_path = path_of(22);
    g_autofree char *waiting_path = path_of(23);

    assert_action(going, "Status", "'RUNNING'");
    assert_action(going, "Attempt", "1");
    g_autofree char *quoted = g_strdup_printf("'%s'", going);
    assert_device("a", "CurrentActionId", quoted);
    assert_device("a", "Status", "'UPDATING'");
    if (_i == 1) { /* a crash in between changes nothing */
        fleet_test_daemon_kill(fleetd);
        fleet_test_daemon_start(fleetd);
        assert_action(going, "Status", "'RUNNING'");
    }
    fleet_test_signals_wait_property(signals, 0, going_path, "Status", "'COMPLETED'");
    gint64 took = g_get_real_time() - now;
    ck_assert_int_ge(took, (gint64)(LEFT_MSEC * 1000 * fleet_test_slowness()));
    fleet_test_signals_settle(signals);

    assert_action(going, "Result", "'success'");
    assert_action(over, "Result", "'failed'");
    assert_action(waiting, "Result", "'success'");
    assert_action(waiting, "Parameters", "{'why': 'test'}");
    assert_moves(going, "PENDING RUNNING COMPLETED");
    assert_moves(over, "PENDING RUNNING FAILED");
    assert_moves(waiting, "PENDING RUNNING COMPLETED");
    ck_assert_uint_eq(count_ends(going_path), 1);
    ck_assert_uint_le(count_ends(over_path), 1); /* none: it came before fleetd was killed, and was not told */
    ck_assert_uint_le(count_ends(waiting_path), 1);
    assert_device("a", "Status", "'IDLE'");
    assert_device("b", "Status", "'ERROR'");
    assert_device("c", "Status", "'IDLE'");
    assert_device("c", "QueuedActions", "0");
}
END_TEST

/* The fixture's own rows; the one that runs there has no plan that anybody could follow. */
START_TEST(history_and_devices_are_kept)
{
    static const char finished[] = "action_1700000300123_3", running[] = "action_1700000500000_8";
    static const char sensor[] = "sensor 'ü'/東京";

    write_old_database();
    fleet_test_daemon_start(fleetd);
    fleet_test_signals_wait_property(
            signals, 0, FLEET_TEST_ROOT "/action/action_5f1700000500000_5f8", "Status", "'FAILED'");
    for (guint i = 0; i < 2; i++) {
        assert_action(finished, "Status", "'FAILED'");
        assert_action(finished, "Result", "'timed-out'");
        assert_action(finished, "DeviceId", "\"sensor 'ü'/東京\"");
        assert_action(finished, "OwnerUid", "1000");
        assert_action(finished, "Attempt", "3");
        assert_action(finished, "CompletedAt", "1700000400000000");
        assert_action(finished, "Message", "'two\\nlines'");
        assert_action(finished, "ErrorName", "'org.fleet.Error.TimedOut'");
        assert_action(finished, "Parameters", "{'url': 'https://example.com/ü?a=b&c', 'version': ''}");
        assert_action(finished, "RequestId", "''");
        assert_moves(finished, "PENDING RUNNING FAILED");
        assert_device(sensor, "RegisteredAt", "1700000000000001");
        assert_device(sensor, "UpdatedAt", "1700000100000001");
        assert_device(sensor, "LastSeen", "1700000200000000");
        assert_device(sensor, "Status", "'ERROR'");
        assert_device(sensor, "Driver", "'simulated'");
        assert_device("router-1", "Name", "'Router, first floor'");
        assert_action(running, "InitiatedAt", "1700000500000999");
        assert_action(running, "Result", "'failed'");
        assert_action(running, "ErrorMessage", "'the stored plan of the simulation cannot be read'");
        assert_moves(running, "PENDING RUNNING FAILED");
        fleet_test_daemon_restart(fleetd);
    }
}
END_TEST

START_TEST(ids_go_on_and_the_new_release_can_do_all)
{
    const char *id;
    GVariantDict options = G_VARIANT_DICT_INIT(NULL);

    write_old_database();
    fleet_test_daemon_start(fleetd);
    g_variant_dict_insert(&options, "RequestId", "s", "first");
    g_variant_dict_insert(&options, "IfBusy", "s", "queue");
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}@a{sv})", "a", "SYSTEM_REBOOT", NULL, g_variant_dict_end(&options)), "(sos)");
    g_variant_get(reply, "(&s&o&s)", &id, NULL, NULL);
    ck_assert_int_eq(g_ascii_strtoll(strrchr(id, '_') + 1, NULL, 10), 24);
    assert_device("a", "QueuedActions", "1");
    fleet_test_call_void(
            connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "CancelDeviceAction", g_variant_new("(sa{sv})", id, NULL));
    assert_action(id, "Result", "'cancelled'");
    ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);

    sqlite3 *database = open_database();
    sqlite3_stmt *statement = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(database,
                             "SELECT (SELECT count(*) FROM actions), (SELECT count(*) FROM devices),"
                             " (SELECT count(*) FROM actions WHERE attempt <>"
                             " (SELECT count(*) FROM attempts WHERE attempts.sequence = actions.sequence))",
                             -1, &statement, NULL),
            SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(statement, 0), 6);
    ck_assert_int_eq(sqlite3_column_int(statement, 1), 5);
    ck_assert_int_eq(sqlite3_column_int(statement, 2), 1); /* only the last of earlier attempts is known */
    sqlite3_finalize(statement);
    sqlite3_close(database);
}
END_TEST

/* The way back is refused, by the first release too: nothing is lost by trying. */
START_TEST(a_database_of_the_future_is_left_alone)
{
    write_old_database();
    sqlite3 *database = open_database();
    execute(database, "PRAGMA user_version = 1000");
    sqlite3_close(database);
    ck_assert_int_eq(fleet_test_daemon_start_fails(fleetd), 7);
    g_autofree char *written = fleet_test_daemon_stderr(fleetd);
    fleet_test_assert_contains(written, "1000");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon: migration");
    TCase *tcase = fleet_test_case(suite, "migration");

    tcase_add_checked_fixture(tcase, setup, fleet_test_fixture_teardown);
    tcase_add_loop_test(tcase, running_actions_go_on_and_end_once, 0, 2);
    tcase_add_test(tcase, history_and_devices_are_kept);
    tcase_add_test(tcase, ids_go_on_and_the_new_release_can_do_all);
    tcase_add_test(tcase, a_database_of_the_future_is_left_alone);
    return fleet_test_main(suite);
}
