/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The options with which an action is started.
 */

#include "bus/api.h"

#include <systemd/sd-bus.h>

/*
 * Reads the options that come next in the message into a request whose device, type and parameters are set; its policy
 * begins with the type's. with_request_id: RequestId is among them. Texts belong to the message. INVALID_ARGUMENT.
 */
gboolean fleet_action_options_read(sd_bus_message *message, const FleetApi *api, gboolean with_request_id,
        FleetActionRequest *request, GError **error) G_GNUC_WARN_UNUSED_RESULT;
