/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The methods of org.fleet.Manager that list. Handlers for a vtable whose user data is the endpoint.
 */

#include <glib.h>
#include <systemd/sd-bus.h>

/*
 * How large the body of a reply may become, in bytes, by a reckoning that is on the safe side. The system bus
 * disconnects a service that sends 32 MiB (dbus-daemon(1), max_message_size); half of that leaves room for its
 * configuration and for the header.
 */
#define FLEET_REPLY_MAX (16 * 1024 * 1024)

int fleet_lists_all_devices(sd_bus_message *message, void *user_data, sd_bus_error *error);
int fleet_lists_devices(sd_bus_message *message, void *user_data, sd_bus_error *error);
int fleet_lists_actions(sd_bus_message *message, void *user_data, sd_bus_error *error);
