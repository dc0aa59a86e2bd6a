/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* While nothing happens, no thread of the daemon wakes up. */

#include "lib/fleet_test.h"

#include <stdlib.h>
#include <string.h>

#define SETTLING 0.5 /* seconds that the end of the last call's work may take */
#define WATCHED 2.0  /* seconds */

/* How often the threads of a process have gone to sleep or were put aside so far (proc(5)). */
static guint64 count_switches(GPid pid)
{
    g_autofree char *tasks = g_strdup_printf("/proc/%d/task", pid);
    g_autoptr(GDir) directory = g_dir_open(tasks, 0, NULL);
    const char *task;
    guint64 sum = 0;

    ck_assert_ptr_nonnull(directory);
    while ((task = g_dir_read_name(directory)) != NULL) {
        g_autofree char *path = g_build_filename(tasks, task, "status", NULL);
        g_autofree char *status = fleet_test_read(path);

        for (const char *line = strstr(status, "voluntary_ctxt_switches:"); line != NULL;
                line = strstr(line + 1, "voluntary_ctxt_switches:"))
            sum += strtoull(strchr(line, ':') + 1, NULL, 10);
    }
    return sum;
}

static void stays_asleep(FleetTestDaemon *daemon)
{
    FleetTestProcess *process = fleet_test_daemon_process(daemon);

    ck_assert_int_eq(fleet_test_process_wait(process, SETTLING), -1);
    guint64 before = count_switches(fleet_test_process_pid(process));
    ck_assert_int_eq(fleet_test_process_wait(process, WATCHED / fleet_test_slowness()), -1);
    guint64 after = count_switches(fleet_test_process_pid(process));
    ck_assert_msg(after == before, "%" G_GUINT64_FORMAT " wakeups", after - before);
}

/* The coalesced signals of the last call are sent within a second of it; then nothing is left to do. */
static void wait_for_the_last_signals(GDBusConnection *connection)
{
    g_autoptr(FleetTestSignals) signals =
            fleet_test_signals_new(connection, FLEET_TEST_PROPERTIES, "PropertiesChanged", FLEET_TEST_ROOT);

    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssss@a{sv})", "b", "", "", "", g_variant_new("a{sv}", NULL)));
    fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "DeviceCount", "2");
}

START_TEST(a_daemon_that_nobody_calls_does_not_wake_up)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();

    fleet_test_daemon_start(daemon);
    fleet_test_round_trip(fleet_test_connect(fleet_test_bus_address(bus)));
    stays_asleep(daemon);
}
END_TEST

/* A simulated action of ten hours has a step each half hour. */
START_TEST(running_actions_and_silent_clients_do_not_wake_it)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();

    fleet_test_daemon_set_config(daemon, "[Simulation]\nMinDuration=10h\nMaxDuration=10h\n");
    fleet_test_daemon_start(daemon);
    g_autofree char *address = g_strconcat("unix:path=", fleet_test_daemon_socket(daemon), NULL);
    GDBusConnection *peer = fleet_test_connect(address);
    GDBusConnection *client = fleet_test_connect(fleet_test_bus_address(bus));

    fleet_test_call_void(peer, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssss@a{sv})", "a", "", "", "", g_variant_new("a{sv}", NULL)));
    fleet_test_call_void(peer, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ss@a{ss}@a{sv})", "a", "SYSTEM_REBOOT", g_variant_new("a{ss}", NULL),
                    g_variant_new("a{sv}", NULL)));
    wait_for_the_last_signals(client);
    fleet_test_round_trip(peer);
    stays_asleep(daemon);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("idle");
    TCase *tests = fleet_test_case(suite, "idle");

    tcase_add_test(tests, a_daemon_that_nobody_calls_does_not_wake_up);
    tcase_add_test(tests, running_actions_and_silent_clients_do_not_wake_it);
    return fleet_test_main(suite);
}
