/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Units of a machine that nobody needs any more. Each is stopped, and forgotten once the machine has said so; until
 * then it is asked again on each connection.
 */

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct FleetRemoteLeftovers FleetRemoteLeftovers;

/* rested is called when _is_busy may have another answer. */
FleetRemoteLeftovers *fleet_remote_leftovers_new(
        void (*rested)(gpointer user_data), gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
void fleet_remote_leftovers_free(FleetRemoteLeftovers *leftovers);

/* Adds a unit, and has it stopped if there is a connection (bus may be NULL). */
void fleet_remote_leftovers_add(FleetRemoteLeftovers *leftovers, const char *unit, sd_bus *bus);

/* There is a connection again. */
void fleet_remote_leftovers_send(FleetRemoteLeftovers *leftovers, sd_bus *bus);

/* Has the machine been told something that it has not answered yet? */
gboolean fleet_remote_leftovers_is_busy(const FleetRemoteLeftovers *leftovers);

/* They are where nobody comes any more. The connection is gone. */
void fleet_remote_leftovers_forget(FleetRemoteLeftovers *leftovers);

/* The connection is about to go. */
void fleet_remote_leftovers_let_go(FleetRemoteLeftovers *leftovers);
