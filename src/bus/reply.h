/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The one reply to a call, and sending in general.
 */

#include <glib.h>
#include <systemd/sd-bus.h>

/* Appends the results. Negative errno on failure. */
typedef int (*FleetReplyFunc)(sd_bus_message *reply, gpointer user_data);

/* Answers a call: with the error if there is one (under the D-Bus name that its code stands for), else with what
 * append, which may be NULL, puts into the reply. Sends nothing if the caller does not want to hear. */
void fleet_reply(sd_bus_message *call, const GError *error, FleetReplyFunc append, gpointer user_data);

/* Sends a message and takes it; that the receiver has gone is nobody's failure. */
void fleet_reply_send(sd_bus_message *message);
