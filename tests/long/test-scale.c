/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * 100,000 actions that wait and 10,000 that run: at rest fleetd sleeps, and it is there when a deadline comes.
 */

#include "wakeups.h"

#define WAITING 100000
#define RUNNING 10000
#define BATCH 10000                /* devices in one call */
#define WATCHED 10.0               /* seconds */
#define AHEAD (3 * G_USEC_PER_SEC) /* of the deadlines */
#define LATE 50000                 /* µs that they may be late */

#define CONFIG                                                                                                         \
    "[Actions]\nRunningMax=20000\n"                                                                                    \
    "[Simulation]\nMinDuration=1000h\nMaxDuration=1000h\n"                                                             \
    "[Log]\nLevel=warning\n"

static void call_batch(GDBusConnection *connection, const char *prefix, guint from, const char *status)
{
    GVariantBuilder devices, ids, options;

    g_variant_builder_init(&devices, G_VARIANT_TYPE("a(ssss)"));
    g_variant_builder_init(&ids, G_VARIANT_TYPE("as"));
    g_variant_builder_init(&options, G_VARIANT_TYPE("a{sv}"));
    g_variant_builder_add(&options, "{sv}", "IfBusy", g_variant_new_string("queue"));
    for (guint i = from; i < from + BATCH; i++) {
        g_autofree char *id = g_strdup_printf("%s-%u", prefix, i);

        g_variant_builder_add(&devices, "(ssss)", id, "", "", status);
        g_variant_builder_add(&ids, "s", id);
    }
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevices",
            g_variant_new("(a(ssss)a{sv})", &devices, NULL));
    g_autoptr(GVariant) reply =
            fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceActions",
                    g_variant_new("(assa{ss}a{sv})", &ids, "SYSTEM_REBOOT", NULL, &options), "(a(uso)a(uss))");
    g_autoptr(GVariant) started = g_variant_get_child_value(reply, 0);
    ck_assert_uint_eq(g_variant_n_children(started), BATCH);
}

static void assert_count(GDBusConnection *connection, const char *property, guint expected)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, property);

    ck_assert_uint_eq(g_variant_get_uint32(value), expected);
}

static void fill(GDBusConnection *connection)
{
    for (guint i = 0; i < WAITING; i += BATCH)
        call_batch(connection, "waiting", i, "MAINTENANCE");
    for (guint i = 0; i < RUNNING; i += BATCH)
        call_batch(connection, "running", i, "IDLE");
    assert_count(connection, "PendingActions", WAITING);
    assert_count(connection, "RunningActions", RUNNING);
}

/* The counters are announced last of all, after a while. */
static void wait_for_the_last_signals(GDBusConnection *connection, const char *device, guint devices)
{
    g_autofree char *count = g_strdup_printf("%u", devices);
    g_autoptr(FleetTestSignals) signals =
            fleet_test_signals_new(connection, FLEET_TEST_PROPERTIES, "PropertiesChanged", FLEET_TEST_ROOT);

    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", device, "", "", "", NULL));
    fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "DeviceCount", count);
}

/* An action on a device of its own, with one option. Its path. Owned by the caller. */
static char *initiate(
        GDBusConnection *connection, const char *device, const char *status, const char *option, guint64 value)
{
    GVariantDict options = G_VARIANT_DICT_INIT(NULL);
    char *path;

    g_variant_dict_insert(&options, "IfBusy", "s", "queue");
    g_variant_dict_insert(&options, option, "t", value);
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", device, "", "", status, NULL));
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}@a{sv})", device, "SYSTEM_REBOOT", NULL, g_variant_dict_end(&options)), "(sos)");
    g_variant_get(reply, "(sos)", NULL, &path, NULL);
    return path;
}

/* Waits until the action has that status, and fails unless the time that is told with it is that of its deadline. */
static void assert_in_time(
        FleetTestSignals *signals, const char *path, const char *status, const char *property, guint64 due)
{
    guint i = fleet_test_signals_wait_property(signals, 0, path, "Status", status);
    g_autoptr(GVariant) changed = g_variant_get_child_value(fleet_test_signals_get(signals, i)->arguments, 1);
    guint64 at;

    ck_assert(g_variant_lookup(changed, property, "t", &at));
    if (at < due || at - due > LATE * fleet_test_slowness())
        fleet_test_fail("%s came %" G_GINT64_FORMAT " µs after its time", path, (gint64)(at - due));
}

static guint64 started_at(GDBusConnection *connection, const char *path)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, path, FLEET_TEST_ACTION, "StartedAt");

    return g_variant_get_uint64(value);
}

static void assert_deadlines_are_kept(GDBusConnection *connection, const char *suffix)
{
    g_autofree char *scheduled = g_strconcat("scheduled", suffix, NULL);
    g_autofree char *bounded = g_strconcat("bounded", suffix, NULL);
    g_autofree char *limited = g_strconcat("limited", suffix, NULL);
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(connection, FLEET_TEST_PROPERTIES, NULL, NULL);
    guint64 start = (guint64)(g_get_real_time() + AHEAD), end = start + G_USEC_PER_SEC / 3;

    g_autofree char *starts = initiate(connection, scheduled, "IDLE", "NotBefore", start);
    g_autofree char *misses = initiate(connection, bounded, "MAINTENANCE", "StartDeadline", end);
    g_autofree char *times_out = initiate(connection, limited, "IDLE", "Timeout", AHEAD + G_USEC_PER_SEC);
    guint64 timeout = started_at(connection, times_out) + AHEAD + G_USEC_PER_SEC;

    assert_in_time(signals, starts, "'RUNNING'", "StartedAt", start);
    assert_in_time(signals, misses, "'FAILED'", "CompletedAt", end);
    assert_in_time(signals, times_out, "'FAILED'", "CompletedAt", timeout);
}

START_TEST(a_full_house_sleeps_and_wakes_in_time)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();

    fleet_test_daemon_set_config(daemon, CONFIG);
    fleet_test_daemon_start(daemon);
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));
    fill(connection);
    wait_for_the_last_signals(connection, "last", WAITING + RUNNING + 1);
    fleet_test_assert_asleep(daemon, WATCHED);
    assert_deadlines_are_kept(connection, "");

    /* The same after it has taken up all of them again; but for what has started, and is waited for no more. */
    fleet_test_daemon_kill(daemon);
    fleet_test_daemon_start(daemon);
    assert_count(connection, "PendingActions", WAITING);
    assert_count(connection, "RunningActions", RUNNING + 1);
    wait_for_the_last_signals(connection, "last of all", WAITING + RUNNING + 5);
    fleet_test_assert_asleep(daemon, WATCHED);
    assert_deadlines_are_kept(connection, "-again");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("long: scale");

    tcase_add_test(fleet_test_case_with_timeout(suite, "rest", 200), a_full_house_sleeps_and_wakes_in_time);
    return fleet_test_main(suite);
}
