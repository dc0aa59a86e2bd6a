/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * org.freedesktop.DBus.ObjectManager on /org/fleet/Manager, and the lists of children for introspection. sd-bus's own
 * GetManagedObjects asks every getter by itself and knows no limit; ours is built from the records and ends with
 * LimitExceeded where sd-bus would make a message that gets the daemon disconnected.
 */

#include "bus/endpoint.h"

/* Publishes the interface. Must come before the others, so that its handler sees calls first. Negative errno on
 * failure. */
int fleet_object_manager_publish(FleetEndpoint *endpoint);

/* Node enumerators: the children of FLEET_PATH_DEVICES and of FLEET_PATH_ACTIONS, up to a bound. */
int fleet_object_manager_list_devices(
        sd_bus *bus, const char *prefix, void *user_data, char ***nodes, sd_bus_error *error);
int fleet_object_manager_list_actions(
        sd_bus *bus, const char *prefix, void *user_data, char ***nodes, sd_bus_error *error);
