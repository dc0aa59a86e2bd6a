/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The methods of org.fleet.Manager that tell about one thing. Handlers for a vtable whose user data is the endpoint.
 */

#include <systemd/sd-bus.h>

int fleet_lookups_device(sd_bus_message *message, void *user_data, sd_bus_error *error);
int fleet_lookups_action(sd_bus_message *message, void *user_data, sd_bus_error *error);
int fleet_lookups_history(sd_bus_message *message, void *user_data, sd_bus_error *error);
