/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * org.fleet.Action, on /org/fleet/Manager/action/ID.
 */

#include "bus/endpoint.h"
#include "bus/interface.h"

/* Its properties; the object is a FleetAction. */
extern const FleetInterface fleet_action_interface;

/* Adds the interface to all actions' paths. Negative errno on failure. */
int fleet_action_interface_publish(FleetEndpoint *endpoint);
