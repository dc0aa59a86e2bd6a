/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The driver "remote-bus": carries out actions on machines that run systemd, over their system bus, as
 * fleet-driver-remote-bus(7) has it. Other machines are reached by ssh and need no program of ours; the one that fleetd
 * runs on needs no ssh either.
 */

#include "drivers/driver.h"
#include "drivers/remote_bus/settings.h"

extern const FleetDriverClass fleet_remote_bus_driver_class;

/* Applies to actions that start, and connections that are made, from now on. driver must be the one of this class.
 * Takes a reference. */
void fleet_remote_bus_driver_configure(FleetDriver *driver, FleetRemoteSettings *settings);
