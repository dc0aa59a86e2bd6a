/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * org.fleet.Device, on /org/fleet/Manager/device/ID.
 */

#include "bus/call.h"
#include "bus/endpoint.h"
#include "bus/interface.h"

/* Its properties; the object is a FleetDevice. */
extern const FleetInterface fleet_device_interface;

/* Adds the interface to all devices' paths. Negative errno on failure. */
int fleet_device_interface_publish(FleetEndpoint *endpoint);
