/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A wall clock that is set, back and ahead, while fleetd runs and while it does not, and a fleetd that was stopped for
 * a while. Only the times that people see may follow the wall clock.
 */

#include "lib/fleet_test.h"

#include <string.h>

#define SECOND ((gint64)1000000)
#define DAY (86400 * SECOND)
#define YEAR (366 * DAY)

#define CONFIG                                                                                                         \
    "[Simulation]\nMinDuration=%s\nMaxDuration=%s\nSuccessRate=%s\nTransientRate=1\n"                                  \
    "[Retention]\nHistoryAge=30d\nAuditAge=30d\n"

static FleetTestBus *bus;
static FleetTestDaemon *fleetd;
static FleetTestClock *wall;
static GDBusConnection *connection;
static FleetTestSignals *signals;

static void setup(void)
{
    bus = fleet_test_bus_new(NULL);
    fleetd = fleet_test_daemon_new();
    wall = fleet_test_clock_new(fleetd);
    connection = fleet_test_connect(fleet_test_bus_address(bus));
    signals = fleet_test_signals_new(connection, NULL, NULL, NULL);
}

static void teardown(void)
{
    g_clear_pointer(&signals, fleet_test_signals_free);
    g_clear_object(&connection);
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&wall, fleet_test_clock_free);
    g_clear_pointer(&bus, fleet_test_bus_free);
}

static void start(const char *duration, gboolean success)
{
    g_autofree char *config = g_strdup_printf(CONFIG, duration, duration, success ? "1" : "0");

    fleet_test_daemon_set_config(fleetd, config);
    fleet_test_daemon_start(fleetd);
}

static void add(const char *id)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", id, "", "", "", NULL));
}

/* The path of a new action with an option (NULL = none). Owned by the caller, like the id, if that is wanted. */
static char *initiate(const char *device, const char *option, GVariant *value, char **id)
{
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);
    char *path;

    if (option != NULL)
        g_variant_dict_insert_value(&options, option, value);
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}@a{sv})", device, "SOFTWARE_UPDATE", NULL, g_variant_dict_end(&options)), "(sos)");
    g_variant_get(reply, "(sos)", id, &path, NULL);
    return path;
}

static gint64 read_wall(void)
{
    return g_get_real_time();
}

static guint64 get_time(const char *path, const char *property)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, path, FLEET_TEST_ACTION, property);

    return g_variant_get_uint64(value);
}

static void assert_string(const char *path, const char *property, const char *expected)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, path, FLEET_TEST_ACTION, property);

    ck_assert_str_eq(g_variant_get_string(value, NULL), expected);
}

/* What QueryActions lists, as ids, the newest first. Owned by the caller. */
static char *list_history(void)
{
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "QueryActions",
            g_variant_new("(a{sv}su)", NULL, "", 0), "(a(sssssdttt)s)");
    g_autoptr(GVariantIter) iter = NULL;
    g_autoptr(GString) ids = g_string_new(NULL);
    const char *id;

    g_variant_get(reply, "(a(sssssdttt)&s)", &iter, NULL);
    while (g_variant_iter_next(iter, "(&sssssdttt)", &id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL))
        g_string_append_printf(ids, "%s ", id);
    return g_string_free(g_steal_pointer(&ids), FALSE);
}

/* Ids stay unique, and history keeps the order in which things happened. */
START_TEST(ids_and_history_keep_their_order)
{
    static const gint64 shifts[] = {0, -DAY, DAY, -2 * DAY, 0, -DAY};
    g_autoptr(GString) expected = g_string_new(NULL);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gint64 last = 0;

    start("0", TRUE);
    add("a");
    for (guint i = 0; i < G_N_ELEMENTS(shifts); i++) {
        g_autofree char *id = NULL;

        fleet_test_clock_shift(wall, shifts[i]);
        g_autofree char *path = initiate("a", NULL, NULL, &id);
        fleet_test_signals_wait_property(signals, 0, path, "Status", "'COMPLETED'");
        gint64 initiated = (gint64)get_time(path, "InitiatedAt"), right = read_wall() + shifts[i];
        ck_assert_int_lt(ABS(initiated - right), 600 * SECOND);
        gint64 sequence = g_ascii_strtoll(strrchr(id, '_') + 1, NULL, 10);
        ck_assert_int_gt(sequence, last);
        last = sequence;
        g_string_prepend_c(expected, ' ');
        g_string_prepend(expected, id);
        ck_assert(g_hash_table_add(seen, g_strdup(id)));
        if (i == 3)
            fleet_test_daemon_restart(fleetd);
    }
    g_autofree char *listed = list_history();
    ck_assert_str_eq(listed, expected->str);
}
END_TEST

/* Durations are those of the clock that nobody sets. */
START_TEST(running_actions_do_not_notice)
{
    static const gint64 shifts[] = {-DAY, DAY, YEAR};
    gint64 began = g_get_monotonic_time();
    start("1s", TRUE);
    add("a");
    add("b");
    g_autofree char *path = initiate("a", NULL, NULL, NULL);
    g_autofree char *limited = initiate("b", "Timeout", g_variant_new_uint64(300000), NULL);
    fleet_test_signals_wait_property(signals, 0, path, "Status", "'RUNNING'");
    fleet_test_clock_shift(wall, shifts[_i]);
    fleet_test_round_trip(connection);
    assert_string(path, "Status", "RUNNING");
    fleet_test_signals_wait_property(signals, 0, limited, "Status", "'FAILED'");
    assert_string(limited, "Result", "timed-out");
    assert_string(path, "Status", "RUNNING");
    fleet_test_signals_wait_property(signals, 0, path, "Status", "'COMPLETED'");
    ck_assert_int_ge(g_get_monotonic_time() - began, SECOND);
}
END_TEST

/* A retry waits for the time that it was told, whatever the wall clock says. */
START_TEST(a_retry_does_not_notice)
{
    gint64 began;
    start("0", FALSE);
    add("a");
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert(&options, "MaxAttempts", "u", 2);
    g_variant_dict_insert(&options, "RetryDelay", "t", (guint64)700000);
    g_variant_dict_insert(&options, "RetryJitter", "d", 0.0);
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}@a{sv})", "a", "SOFTWARE_UPDATE", NULL, g_variant_dict_end(&options)), "(sos)");
    g_autofree char *path = NULL;
    g_variant_get(reply, "(sos)", NULL, &path, NULL);
    began = g_get_monotonic_time();
    fleet_test_clock_shift(wall, _i == 0 ? DAY : -DAY);
    fleet_test_signals_wait_property(signals, 0, path, "Status", "'FAILED'");
    ck_assert_int_ge(g_get_monotonic_time() - began, 500000);
    g_autoptr(GVariant) attempt = fleet_test_get(connection, path, FLEET_TEST_ACTION, "Attempt");
    ck_assert_uint_eq(g_variant_get_uint32(attempt), 2);
}
END_TEST

/* A time that people gave is one of the wall clock. */
START_TEST(a_scheduled_start_follows_the_wall_clock)
{
    start("0", TRUE);
    add("a");
    g_autofree char *path = initiate("a", "NotBefore", g_variant_new_uint64((guint64)(read_wall() + DAY / 2)), NULL);
    fleet_test_clock_shift(wall, -DAY);
    fleet_test_round_trip(connection);
    assert_string(path, "Status", "PENDING");
    fleet_test_clock_shift(wall, DAY);
    fleet_test_signals_wait_property(signals, 0, path, "Status", "'COMPLETED'");
}
END_TEST

START_TEST(a_start_deadline_follows_the_wall_clock)
{
    start("0", TRUE);
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", "a", "", "", "OFFLINE", NULL));
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert(&options, "StartDeadline", "t", (guint64)(read_wall() + DAY / 2));
    g_variant_dict_insert(&options, "IfBusy", "s", "queue");
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}@a{sv})", "a", "SOFTWARE_UPDATE", NULL, g_variant_dict_end(&options)), "(sos)");
    g_autofree char *path = NULL;
    g_variant_get(reply, "(sos)", NULL, &path, NULL);
    fleet_test_clock_shift(wall, DAY);
    fleet_test_signals_wait_property(signals, 0, path, "Status", NULL);
    assert_string(path, "Result", "timed-out");
}
END_TEST

/* Without a battery a clock can be a year ahead until it is set. */
START_TEST(history_outlasts_a_clock_that_is_a_year_ahead)
{
    g_autofree char *expected = NULL;

    start("0", TRUE);
    add("a");
    for (guint i = 0; i < 3; i++) {
        g_autofree char *path = initiate("a", NULL, NULL, NULL);

        fleet_test_signals_wait_property(signals, 0, path, "Status", "'COMPLETED'");
    }
    expected = list_history();
    for (guint i = 0; i < 2; i++) {
        ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
        fleet_test_clock_shift(wall, i == 0 ? YEAR : 0);
        fleet_test_daemon_start(fleetd);
        g_autofree char *listed = list_history();
        ck_assert_str_eq(listed, expected);
        /* As well while it runs. */
        fleet_test_clock_shift(wall, i == 0 ? 2 * YEAR : YEAR);
        fleet_test_round_trip(connection);
        fleet_test_clock_shift(wall, 0);
    }
    ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
    g_autofree char *path = g_build_filename(fleet_test_daemon_state_directory(fleetd), "fleet.db", NULL);
    g_autofree char *rows =
            fleet_test_run_ok("sqlite3", path, "SELECT count(*) FROM actions; SELECT count(*) FROM audit");
    ck_assert_str_eq(rows, "3\n4\n");
}
END_TEST

/* Stopped, it is late, not wrong: what is over ends at once, what is not goes on, and no call is lost. */
START_TEST(it_goes_on_after_a_stop)
{
    start("400ms", TRUE);
    add("a");
    add("b");
    g_autofree char *path = initiate("a", NULL, NULL, NULL);
    g_autofree char *limited = initiate("b", "Timeout", g_variant_new_uint64(10 * SECOND), NULL);
    fleet_test_signals_wait_property(signals, 0, limited, "Status", "'RUNNING'");
    fleet_test_daemon_signal(fleetd, SIGSTOP);
    g_dbus_connection_call(connection, FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", "late", "", "", "", NULL), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
    /* The action would end while it is stopped; that time passes is what is tested. */
    fleet_test_run_for(600);
    fleet_test_daemon_signal(fleetd, SIGCONT);
    fleet_test_signals_wait_property(signals, 0, path, "Status", "'COMPLETED'");
    fleet_test_signals_wait_property(signals, 0, limited, "Status", "'COMPLETED'");
    fleet_test_call_void(
            connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "GetDeviceInfo", g_variant_new("(s)", "late"));
    ck_assert_uint_ge(get_time(path, "CompletedAt") - get_time(path, "StartedAt"), 400000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults: clock");
    TCase *set = fleet_test_case(suite, "clock");

    tcase_add_checked_fixture(set, setup, teardown);
    tcase_add_test(set, ids_and_history_keep_their_order);
    tcase_add_loop_test(set, running_actions_do_not_notice, 0, 3);
    tcase_add_loop_test(set, a_retry_does_not_notice, 0, 2);
    tcase_add_test(set, a_scheduled_start_follows_the_wall_clock);
    tcase_add_test(set, a_start_deadline_follows_the_wall_clock);
    tcase_add_test(set, history_outlasts_a_clock_that_is_a_year_ahead);
    tcase_add_test(set, it_goes_on_after_a_stop);
    return fleet_test_main(suite);
}
