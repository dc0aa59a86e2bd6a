/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A GSource that drives the connection of one peer on the private socket. What a peer can cost is bounded: it is read
 * through an intake (bus/intake.h), not at all while something waits to be written to it or it has enough calls under
 * way, and it is closed if it does not end its greeting or a message in time.
 */

#include "bus/room.h"
#include "core/timers.h"

#include <glib.h>
#include <systemd/sd-bus.h>

/* How long something may take, µs. */
typedef struct {
    gint64 greeting;
    gint64 message; /* from its first to its last byte */
} FleetPeerLimits;

/* Those of a daemon: 30 s and 10 s. */
extern const FleetPeerLimits fleet_peer_limits;

typedef struct FleetPeerSource FleetPeerSource;

typedef struct {
    /* The greeting is over and messages will come. Negative errno: the connection is closed. */
    int (*opened)(gpointer user_data);

    /* How many calls of the peer are not answered, and whether that is as many as may be. */
    guint (*unanswered)(gpointer user_data);
    gboolean (*full)(gpointer user_data);

    /* Writes what the owner writes on the connection by itself. FALSE: it is not all written, and sd-bus is not given
     * control until it is. */
    gboolean (*flush)(gpointer user_data);

    /* The connection has ended; called once. r is the negative errno: ECONNRESET and the like if the peer has gone,
     * ETIMEDOUT, EBADMSG and EMSGSIZE (see fleet_intake_feed()) if it was sent away. The source may be freed from here.
     */
    void (*closed)(int r, gpointer user_data);
} FleetPeerCallbacks;

/* Attaches to the thread-default main context. Takes the socket, on failure too; the other end is that user. The
 * server's id is told to the peer; limits and callbacks outlive it. NULL on failure, with *r negative. */
FleetPeerSource *fleet_peer_source_new(int socket, uid_t uid, sd_id128_t server_id, FleetRoom *room,
        FleetTimers *timers, const FleetPeerLimits *limits, const FleetPeerCallbacks *callbacks, gpointer user_data,
        int *r) G_GNUC_WARN_UNUSED_RESULT;

/* Closes the connection. */
void fleet_peer_source_free(FleetPeerSource *source);

/* Owned by the source. */
sd_bus *fleet_peer_source_bus(const FleetPeerSource *source);
