/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The methods of org.fleet.Manager that list. Handlers for a vtable whose user data is the endpoint.
 */

#include <glib.h>
#include <systemd/sd-bus.h>

int fleet_lists_all_devices(sd_bus_message *message, void *user_data, sd_bus_error *error);
int fleet_lists_devices(sd_bus_message *message, void *user_data, sd_bus_error *error);
int fleet_lists_actions(sd_bus_message *message, void *user_data, sd_bus_error *error);
