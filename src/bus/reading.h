/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the reading methods share.
 */

#include "bus/api.h"

#include <systemd/sd-bus.h>

/* SHUTTING_DOWN while fleetd ends. */
gboolean fleet_reading_allowed(const FleetApi *api, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reads one string, which belongs to the message. INVALID_ARGUMENT. */
gboolean fleet_reading_string(sd_bus_message *message, const char **string, GError **error) G_GNUC_WARN_UNUSED_RESULT;
