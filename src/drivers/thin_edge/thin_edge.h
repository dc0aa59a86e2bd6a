/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The driver "thin-edge": carries out actions on devices that speak thin-edge.io's MQTT API, as
 * fleet-driver-thin-edge(7) has it. An attempt is a retained message, the command, on a topic of its own; the device
 * says in the same place how it gets on, and fleetd takes it away once the end is on disk. So what is retained is what
 * an attempt is found again by, after a restart of fleetd and after a loss of the broker.
 */

#include "drivers/driver.h"
#include "drivers/thin_edge/settings.h"

extern const FleetDriverClass fleet_thin_edge_driver_class;

/* Applies from now on, and connects anew if it has to. driver must be the one of this class, and the settings complete
 * and identified. Takes a reference. Has to come before the first _adopt. */
void fleet_thin_edge_driver_configure(FleetDriver *driver, FleetThinEdgeSettings *settings);
