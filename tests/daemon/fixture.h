/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a check starts from that restarts fleetd: a bus, fleetd that does not run yet, a client on the bus, and all
 * signals that it gets. A checked fixture, so each check has its own.
 */

#include "lib/fleet_test.h"

extern FleetTestBus *bus;
extern FleetTestDaemon *fleetd;
extern GDBusConnection *connection;
extern FleetTestSignals *signals;

void fleet_test_fixture_setup(void);
void fleet_test_fixture_teardown(void);
