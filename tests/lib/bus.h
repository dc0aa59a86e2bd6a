/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A private dbus-daemon with the limits of the system bus. While one is there, DBUS_SYSTEM_BUS_ADDRESS of the check,
 * and so of all that it starts, leads to it. Other users can connect too (setpriv --reuid=65534 --clear-groups busctl
 * ...).
 */

#include <glib.h>

typedef struct FleetTestBus FleetTestBus;

/*
 * Starts one. Everybody may own any name and talk to anybody, except for what policy, a text of <policy> elements, says
 * (NULL = nothing); it comes last, so it has the last word. Owned by the caller.
 */
FleetTestBus *fleet_test_bus_new(const char *policy) G_GNUC_WARN_UNUSED_RESULT;

/* Stops it if it runs, and frees. */
void fleet_test_bus_free(FleetTestBus *bus);

/* Its address, for DBUS_SESSION_BUS_ADDRESS or --address=. Owned by the bus. */
const char *fleet_test_bus_address(const FleetTestBus *bus);

/* Takes the bus away from its clients, in good order or as a crash does, and brings it back at the same address. */
void fleet_test_bus_stop(FleetTestBus *bus);
void fleet_test_bus_kill(FleetTestBus *bus);
void fleet_test_bus_start(FleetTestBus *bus);

/* Has it hang, and go on. */
void fleet_test_bus_freeze(FleetTestBus *bus);
void fleet_test_bus_thaw(FleetTestBus *bus);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestBus, fleet_test_bus_free)
