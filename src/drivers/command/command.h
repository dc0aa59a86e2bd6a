/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The driver "command": carries out an action by running a program, as fleet-driver-command(7) has it. Where systemd
 * runs the machine, each attempt is a transient service; elsewhere it is a process of its own session with a keeper
 * (keeper.c). Either outlives fleetd, and is found again by the attempt's place on disk (place.h) and by a token in the
 * action's plan.
 */

#include "drivers/command/settings.h"
#include "drivers/driver.h"

extern const FleetDriverClass fleet_command_driver_class;

/* Applies to actions that start from now on. driver must be the one of this class. Takes a reference. Has to come
 * before the first _reattach. */
void fleet_command_driver_configure(FleetDriver *driver, FleetCommandSettings *settings);
