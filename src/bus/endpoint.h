/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One connection with everything published on it: the bus, or one peer on the private socket.
 */

#include "access/callers.h"
#include "bus/api.h"
#include "bus/outbox.h"
#include "bus/room.h"

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct FleetEndpoint FleetEndpoint;

/* The connection has ended; r is the negative errno. The endpoint may be freed from here. */
typedef void (*FleetEndpointClosedFunc)(FleetEndpoint *endpoint, int r, gpointer user_data);

/* Publishes all objects on a connection to a bus daemon; is_system: it is the system bus. The name is not taken yet.
 * NULL on failure, with *r negative. */
FleetEndpoint *fleet_endpoint_new_bus(FleetApi *api, sd_bus *bus, gboolean is_system, FleetEndpointClosedFunc closed,
        gpointer user_data, int *r) G_GNUC_WARN_UNUSED_RESULT;

/* Who a peer is, and what it is told. */
typedef struct {
    FleetCaller caller;      /* as the kernel knows it */
    const char *unique_name; /* what it is called (":1.5") */
    sd_id128_t server_id;
} FleetPeerIdentity;

/* Publishes all objects to one peer, once it has greeted. Takes its socket, on failure too; the identity is copied. The
 * room, for its large messages, outlives it. NULL on failure, with *r negative. */
FleetEndpoint *fleet_endpoint_new_peer(FleetApi *api, int socket, const FleetPeerIdentity *identity, FleetRoom *room,
        FleetEndpointClosedFunc closed, gpointer user_data, int *r) G_GNUC_WARN_UNUSED_RESULT;

void fleet_endpoint_free(FleetEndpoint *endpoint);

FleetApi *fleet_endpoint_api(const FleetEndpoint *endpoint);
sd_bus *fleet_endpoint_bus(const FleetEndpoint *endpoint);

/* The name of a peer; NULL on the bus. */
const char *fleet_endpoint_unique_name(const FleetEndpoint *endpoint);

/* Who a peer is; not for the bus. */
const FleetCaller *fleet_endpoint_peer(const FleetEndpoint *endpoint);

/* In whose flow a message goes, as a new reference. */
FleetFlowSender *fleet_endpoint_flow(const FleetEndpoint *endpoint, sd_bus_message *message) G_GNUC_WARN_UNUSED_RESULT;

/* The unique name of who sent a message; "" if a bus does not say. A peer's own word is not asked. */
const char *fleet_endpoint_sender(const FleetEndpoint *endpoint, sd_bus_message *message);

/* Peers get signals once they have added a match; this counts theirs, up or down. Returns FALSE if there is none to
 * remove. */
gboolean fleet_endpoint_count_match(FleetEndpoint *endpoint, int change);

/* Whether signals are to be sent here. */
gboolean fleet_endpoint_wants_signals(const FleetEndpoint *endpoint);

/* Where replies to calls from here go. Owned by the endpoint; who answers later takes a reference. */
FleetOutbox *fleet_endpoint_outbox(const FleetEndpoint *endpoint);

/* Sends a signal. A connection whose other end does not read is closed once too much is waiting for it. */
void fleet_endpoint_send_signal(FleetEndpoint *endpoint, const char *path, const char *interface, const char *member,
        const char *signature, const FleetBody *body);

/* Writes what can be written now, and tells whether nothing is left. */
gboolean fleet_endpoint_flush(const FleetEndpoint *endpoint);

/* Finds out who sent a message; see fleet_callers_resolve(). */
void fleet_endpoint_resolve(FleetEndpoint *endpoint, sd_bus_message *message, FleetCallerFunc resolved,
        GDestroyNotify dropped, gpointer user_data);

/* The endpoint that the message now handled came through. For handlers of fallback vtables, whose user data is the
 * object. */
FleetEndpoint *fleet_endpoint_current(sd_bus_message *message);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetEndpoint, fleet_endpoint_free)
