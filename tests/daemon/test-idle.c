/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* While nothing happens, no thread of the daemon wakes up. */

#include "wakeups.h"

#define WATCHED 2.0 /* seconds */

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
    fleet_test_assert_asleep(daemon, WATCHED);
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
    fleet_test_assert_asleep(daemon, WATCHED);
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
