/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/endpoint.h"

#include "base/bus_source.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "bus/action_interface.h"
#include "bus/device_interface.h"
#include "bus/log_control.h"
#include "bus/manager_interface.h"
#include "bus/object_manager.h"
#include "bus/peer.h"
#include "bus/peer_source.h"

#include <errno.h>

/* A peer that does not read is closed: when so many bytes have been waiting for it for so long (one call can announce
 * FLEET_BATCH_MAX devices in one turn, which its reader must be given the time to read), or when far too many wait for
 * all peers together. So is the connection to a bus that hangs, for which as many may wait; it is tried again. */
#define PEER_QUEUE_MAX ((gsize)4 * 1024 * 1024)
#define PEER_QUEUE_USEC (5 * FLEET_USEC_PER_SEC)
#define QUEUES_LIMIT ((gsize)128 * 1024 * 1024)

/* The system bus disconnects a service that sends 32 MiB (dbus-daemon(1), max_message_size); half of that leaves room
 * for its configuration and for the header. A peer would take 128 MiB, which is more than all peers together may leave
 * unread. */
#define REPLY_MAX_ON_BUS ((gsize)16 * 1024 * 1024)
#define REPLY_MAX_TO_PEER ((gsize)32 * 1024 * 1024)

struct FleetEndpoint {
    FleetApi *api;
    sd_bus *bus;
    FleetOutbox *outbox;

    /* On a bus; else NULL. */
    FleetBusSource *source;
    FleetCallers *callers;

    /* For a peer; else NULL. */
    FleetPeerSource *peer_source;
    FleetFlowSender *sender;
    char *unique_name;

    FleetCaller peer;
    gsize unread; /* bytes that wait to be written to this peer, as counted in api->unread */
    guint matches;
    gint64 behind_since; /* µs of CLOCK_BOOTTIME: since when too much waits for this peer; 0 = it does not */
    FleetEndpointClosedFunc closed;
    gpointer user_data;
};

static void connection_closed(int r, gpointer user_data)
{
    FleetEndpoint *endpoint = user_data;

    endpoint->closed(endpoint, r, endpoint->user_data);
}

static int publish(FleetEndpoint *endpoint)
{
    int r = fleet_object_manager_publish(endpoint);

    if (r >= 0)
        r = fleet_manager_interface_publish(endpoint);
    if (r >= 0)
        r = fleet_device_interface_publish(endpoint);
    if (r >= 0)
        r = fleet_action_interface_publish(endpoint);
    return r;
}

static FleetEndpoint *new_endpoint(FleetApi *api, FleetEndpointClosedFunc closed, gpointer user_data)
{
    FleetEndpoint *endpoint = g_new0(FleetEndpoint, 1);

    endpoint->api = api;
    endpoint->closed = closed;
    endpoint->user_data = user_data;
    return endpoint;
}

static gboolean flush(gpointer user_data)
{
    return fleet_outbox_flush(((FleetEndpoint *)user_data)->outbox);
}

static void caller_gone(const FleetCaller *caller, gpointer user_data)
{
    fleet_authority_forget(((FleetEndpoint *)user_data)->api->authority, caller);
}

FleetEndpoint *fleet_endpoint_new_bus(
        FleetApi *api, sd_bus *bus, gboolean is_system, FleetEndpointClosedFunc closed, gpointer user_data, int *r)
{
    g_autoptr(FleetEndpoint) endpoint = new_endpoint(api, closed, user_data);

    endpoint->bus = sd_bus_ref(bus);
    endpoint->outbox = fleet_outbox_new(bus, sd_bus_get_fd(bus), NULL, REPLY_MAX_ON_BUS);
    endpoint->source = fleet_bus_source_new(bus, connection_closed, endpoint);
    fleet_bus_source_set_flush(endpoint->source, flush);
    *r = publish(endpoint);
    if (*r >= 0)
        *r = fleet_log_control_publish(endpoint);
    if (*r < 0)
        return NULL;
    endpoint->callers = fleet_callers_new(bus, is_system, caller_gone, endpoint);
    return g_steal_pointer(&endpoint);
}

/* Not before it has shown who it is: until then it costs little. */
static int peer_opened(gpointer user_data)
{
    FleetEndpoint *endpoint = user_data;
    int r = publish(endpoint);

    return r < 0 ? r : fleet_peer_publish(endpoint);
}

static guint peer_unanswered(gpointer user_data)
{
    return fleet_flow_unanswered(((FleetEndpoint *)user_data)->sender);
}

static gboolean peer_full(gpointer user_data)
{
    return fleet_flow_is_full(((FleetEndpoint *)user_data)->sender);
}

/* Of a peer. */
static void count_unread(FleetEndpoint *endpoint)
{
    gsize waiting = fleet_outbox_waiting(endpoint->outbox);

    endpoint->api->unread += waiting - endpoint->unread;
    endpoint->unread = waiting;
}

static gboolean peer_flush(gpointer user_data)
{
    gboolean is_flushed = flush(user_data);

    count_unread(user_data);
    return is_flushed;
}

static const FleetPeerCallbacks peer_callbacks = {.opened = peer_opened,
        .unanswered = peer_unanswered,
        .full = peer_full,
        .flush = peer_flush,
        .closed = connection_closed};

FleetEndpoint *fleet_endpoint_new_peer(FleetApi *api, int socket, const FleetPeerIdentity *identity, FleetRoom *room,
        FleetEndpointClosedFunc closed, gpointer user_data, int *r)
{
    g_autoptr(FleetEndpoint) endpoint = new_endpoint(api, closed, user_data);

    endpoint->peer = identity->caller;
    endpoint->unique_name = g_strdup(identity->unique_name);
    endpoint->sender = fleet_flow_sender_new(api->flow);
    endpoint->peer_source = fleet_peer_source_new(socket, identity->caller.uid, identity->server_id, room, api->timers,
            &fleet_peer_limits, &peer_callbacks, endpoint, r);
    if (*r < 0)
        return NULL;
    endpoint->bus = sd_bus_ref(fleet_peer_source_bus(endpoint->peer_source));
    endpoint->outbox = fleet_outbox_new(endpoint->bus, socket, FLEET_PEER_OWN_NAME, REPLY_MAX_TO_PEER);
    return g_steal_pointer(&endpoint);
}

void fleet_endpoint_free(FleetEndpoint *endpoint)
{
    if (endpoint->unique_name != NULL)
        caller_gone(&endpoint->peer, endpoint);
    g_clear_pointer(&endpoint->callers, fleet_callers_free);
    g_clear_pointer(&endpoint->source, fleet_bus_source_free);
    g_clear_pointer(&endpoint->peer_source, fleet_peer_source_free);
    endpoint->api->unread -= endpoint->unread;
    g_clear_pointer(&endpoint->sender, fleet_flow_sender_unref);
    if (endpoint->outbox != NULL)
        fleet_outbox_close(endpoint->outbox);
    g_clear_pointer(&endpoint->outbox, fleet_outbox_unref);
    if (endpoint->bus != NULL)
        sd_bus_close(endpoint->bus);
    sd_bus_unref(endpoint->bus);
    g_free(endpoint->unique_name);
    g_free(endpoint);
}

FleetApi *fleet_endpoint_api(const FleetEndpoint *endpoint)
{
    return endpoint->api;
}

sd_bus *fleet_endpoint_bus(const FleetEndpoint *endpoint)
{
    return endpoint->bus;
}

const char *fleet_endpoint_unique_name(const FleetEndpoint *endpoint)
{
    return endpoint->unique_name;
}

const FleetCaller *fleet_endpoint_peer(const FleetEndpoint *endpoint)
{
    return &endpoint->peer;
}

FleetFlowSender *fleet_endpoint_flow(const FleetEndpoint *endpoint, sd_bus_message *message)
{
    if (endpoint->sender != NULL)
        return fleet_flow_sender_ref(endpoint->sender);
    return fleet_flow_sender_named(endpoint->api->flow, fleet_endpoint_sender(endpoint, message));
}

const char *fleet_endpoint_sender(const FleetEndpoint *endpoint, sd_bus_message *message)
{
    const char *sender = endpoint->unique_name != NULL ? endpoint->unique_name : sd_bus_message_get_sender(message);

    return sender != NULL ? sender : "";
}

gboolean fleet_endpoint_count_match(FleetEndpoint *endpoint, int change)
{
    if (change < 0 && endpoint->matches == 0)
        return FALSE;
    endpoint->matches += (guint)change;
    return TRUE;
}

gboolean fleet_endpoint_wants_signals(const FleetEndpoint *endpoint)
{
    return endpoint->callers != NULL || endpoint->matches > 0;
}

static gboolean is_stuck(FleetEndpoint *endpoint)
{
    if (endpoint->peer_source == NULL)
        return fleet_outbox_waiting(endpoint->outbox) > QUEUES_LIMIT;
    count_unread(endpoint);
    if (endpoint->unread <= PEER_QUEUE_MAX) {
        endpoint->behind_since = 0;
        return FALSE;
    }

    gint64 now = fleet_clock_boottime();
    if (endpoint->behind_since == 0)
        endpoint->behind_since = now;
    return endpoint->api->unread > QUEUES_LIMIT || now - endpoint->behind_since > PEER_QUEUE_USEC;
}

static void tell_stuck(const FleetEndpoint *endpoint)
{
    if (endpoint->peer_source != NULL)
        fleet_log_about(LOG_WARNING,
                FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_PEER_DROPPED, .sender = endpoint->unique_name,
                        .sender_uid = &endpoint->peer.uid),
                "peer %s of user %u does not read; its connection is closed", endpoint->unique_name,
                (guint)endpoint->peer.uid);
    else
        fleet_log_warning("the bus does not read; the connection to it is closed");
}

FleetOutbox *fleet_endpoint_outbox(const FleetEndpoint *endpoint)
{
    return endpoint->outbox;
}

void fleet_endpoint_send_signal(FleetEndpoint *endpoint, const char *path, const char *interface, const char *member,
        const char *signature, const FleetBody *body)
{
    fleet_outbox_signal(endpoint->outbox, path, interface, member, signature, body);
    if (!is_stuck(endpoint))
        return;
    tell_stuck(endpoint);
    /* The source notices, and the owner drops the endpoint from there. */
    fleet_outbox_close(endpoint->outbox);
    sd_bus_close(endpoint->bus);
    if (endpoint->peer_source != NULL)
        count_unread(endpoint);
}

gboolean fleet_endpoint_flush(const FleetEndpoint *endpoint)
{
    guint64 queued;

    return fleet_outbox_flush(endpoint->outbox) &&
           (sd_bus_get_n_queued_write(endpoint->bus, &queued) < 0 || queued == 0);
}

void fleet_endpoint_resolve(FleetEndpoint *endpoint, sd_bus_message *message, FleetCallerFunc resolved,
        GDestroyNotify dropped, gpointer user_data)
{
    const char *sender = sd_bus_message_get_sender(message);

    if (endpoint->callers == NULL)
        resolved(&endpoint->peer, NULL, user_data);
    else if (sender != NULL)
        fleet_callers_resolve(endpoint->callers, sender, resolved, dropped, user_data);
    else {
        g_autoptr(GError) error =
                g_error_new_literal(FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED, "the message does not say who sent it");
        resolved(NULL, error, user_data);
    }
}

FleetEndpoint *fleet_endpoint_current(sd_bus_message *message)
{
    return sd_bus_slot_get_userdata(sd_bus_get_current_slot(sd_bus_message_get_bus(message)));
}
