/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fixture.h"

FleetTestBus *bus;
FleetTestDaemon *fleetd;
GDBusConnection *connection;
FleetTestSignals *signals;

void fleet_test_fixture_setup(void)
{
    bus = fleet_test_bus_new(NULL);
    fleetd = fleet_test_daemon_new();
    connection = fleet_test_connect(fleet_test_bus_address(bus));
    signals = fleet_test_signals_new(connection, NULL, NULL, NULL);
}

void fleet_test_fixture_teardown(void)
{
    g_clear_pointer(&signals, fleet_test_signals_free);
    g_clear_object(&connection);
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&bus, fleet_test_bus_free);
}
