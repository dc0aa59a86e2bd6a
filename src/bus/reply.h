/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The one reply to a call.
 */

#include "bus/outbox.h"

#include <glib.h>
#include <systemd/sd-bus.h>

/* Appends the results. */
typedef void (*FleetReplyFunc)(FleetBody *body, gconstpointer user_data);

/* Answers a call: with the error if there is one (under the D-Bus name that its code stands for), else with what append
 * puts into the body, of that signature (NULL and "": nothing). Sends nothing if the caller does not want to hear. */
void fleet_reply(FleetOutbox *outbox, sd_bus_message *call, const GError *error, const char *signature,
        FleetReplyFunc append, gconstpointer user_data);
