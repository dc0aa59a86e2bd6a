/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Messages without anybody to send them to.
 */

#include <systemd/sd-bus.h>

/* A connection whose other end nobody reads. Owned by the caller. */
sd_bus *fleet_test_lonely_bus(void);

/* An empty method call on it, to be filled, sealed and read. Owned by the caller. */
sd_bus_message *fleet_test_message_new(sd_bus *bus);

/* Ends the filling of a message, and goes back to its beginning. */
void fleet_test_message_seal(sd_bus_message *message);
