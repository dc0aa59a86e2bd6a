/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A GSource that drives one sd-bus connection to a bus. A turn of the loop takes a slice of messages (base/slice.h), so
 * that one busy connection leaves room for the others; what is left, in the socket or in sd-bus's own buffer, is taken
 * at the next turn without waiting for the socket.
 */

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct FleetBusSource FleetBusSource;

/* Called once when the connection has ended (r is the negative errno); the source is then idle and waits to be freed.
 */
typedef void (*FleetBusClosedFunc)(int r, gpointer user_data);

/* Attaches to the thread-default main context and holds a reference to the connection. */
FleetBusSource *fleet_bus_source_new(
        sd_bus *bus, FleetBusClosedFunc closed, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;

/* Writes what the owner writes on the connection by itself. FALSE: it is not all written, and sd-bus is not given
 * control until it is. */
typedef gboolean (*FleetBusFlushFunc)(gpointer user_data);

/* From now on the owner writes, too; the user data is the one of _new(). */
void fleet_bus_source_set_flush(FleetBusSource *source, FleetBusFlushFunc flush);

void fleet_bus_source_free(FleetBusSource *source);
