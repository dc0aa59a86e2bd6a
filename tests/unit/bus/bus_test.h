/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Messages without anybody to send them to.
 */

#include "bus/frame.h"

#include <gio/gio.h>
#include <systemd/sd-bus.h>

/* A connection whose other end nobody reads. Owned by the caller. */
sd_bus *fleet_test_lonely_bus(void);

/* An empty method call on it, to be filled, sealed and read. Owned by the caller. */
sd_bus_message *fleet_test_message_new(sd_bus *bus);

/* Ends the filling of a message, and goes back to its beginning. */
void fleet_test_message_seal(sd_bus_message *message);

/* The values of a sealed message, as a tuple. Owned by the caller. */
GVariant *fleet_test_message_read(sd_bus_message *message);

/* Reads the message that begins at *offset of an output, and moves that behind it. It is read by GDBus, which had no
 * part in its making, and must be well-formed. Owned by the caller. */
GDBusMessage *fleet_test_frame_read(const FleetBody *output, gsize *offset);

/* The values of a body, which must be of that signature, as a tuple. Owned by the caller. */
GVariant *fleet_test_body_read(const FleetBody *body, const char *signature);
