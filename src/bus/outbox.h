/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What goes out on one connection: replies and signals, made straight into the bytes to be written, and written
 * together once a turn of the main loop.
 *
 * sd-bus writes on the same connection what it answers by itself (Ping, Properties, Introspect, errors of calls that
 * reach no method of ours). So that all goes out in the order in which it was made, and no message into the middle of
 * another, sd-bus must not be given control (sd_bus_process(), sd_bus_send(), ...) before fleet_outbox_flush() has
 * returned TRUE.
 */

#include "bus/body.h"

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct FleetOutbox FleetOutbox;

/* For a connection, on whose fd (borrowed) it writes. sender, which is static: the name that our messages carry; NULL
 * on a bus, which says it. reply_max: how large the body of a reply may become there, bytes. */
FleetOutbox *fleet_outbox_new(sd_bus *bus, int fd, const char *sender, gsize reply_max) G_GNUC_WARN_UNUSED_RESULT;

FleetOutbox *fleet_outbox_ref(FleetOutbox *outbox);
void fleet_outbox_unref(FleetOutbox *outbox);

/* The connection has ended: what waits is dropped, and so is all that comes. */
void fleet_outbox_close(FleetOutbox *outbox);

/* Answers a call with results: what is appended to what is returned, until _end_return(), whose signature is that ("" =
 * none). NULL if nobody will see them; then there is no end. Nothing else may be done with the outbox meanwhile.
 * Results that have become too large are not sent, but LIMIT_EXCEEDED. */
FleetBody *fleet_outbox_begin_return(FleetOutbox *outbox, sd_bus_message *call, const char *signature);
void fleet_outbox_end_return(FleetOutbox *outbox, sd_bus_message *call);

/* How many bytes the results that are begun may still grow by; 0 if there is no room left, or they are too large. For
 * those who rather append less, or answer something else. */
gsize fleet_outbox_room(const FleetOutbox *outbox);

/* Takes back what was begun, so that something else can be answered. */
void fleet_outbox_cancel_return(FleetOutbox *outbox);

/* Answers a call with an error, under the D-Bus name that its code stands for. The message, which may quote anything,
 * is made valid UTF-8. */
void fleet_outbox_error(FleetOutbox *outbox, sd_bus_message *call, const GError *error);

void fleet_outbox_signal(FleetOutbox *outbox, const char *path, const char *interface, const char *member,
        const char *signature, const FleetBody *body);

/* Writes what the other end takes now. TRUE: nothing is left. FALSE: wait for POLLOUT. What sd-bus has not written yet
 * goes first; that is for sd_bus_process() to do. An error of the connection is left for sd-bus to find. */
gboolean fleet_outbox_flush(FleetOutbox *outbox) G_GNUC_WARN_UNUSED_RESULT;

/* How many bytes wait to be written. */
gsize fleet_outbox_waiting(const FleetOutbox *outbox);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetOutbox, fleet_outbox_unref)
