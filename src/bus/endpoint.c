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
#include "bus/reply.h"

#include <errno.h>

/* A peer that does not read is closed: when so many messages have been waiting for it for so long (one call can
 * announce FLEET_BATCH_MAX devices in one turn, which its reader must be given the time to read), or when far too many
 * are. */
#define PEER_QUEUE_MAX 8192
#define PEER_QUEUE_USEC (5 * FLEET_USEC_PER_SEC)
#define PEER_QUEUE_LIMIT 262144

struct FleetEndpoint {
    FleetApi *api;
    sd_bus *bus;
    FleetBusSource *source;
    FleetCallers *callers; /* on a bus; NULL for a peer */
    FleetCaller peer;
    char *unique_name;
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

static FleetEndpoint *new_endpoint(
        FleetApi *api, sd_bus *bus, FleetEndpointClosedFunc closed, gpointer user_data, int *r)
{
    FleetEndpoint *endpoint = g_new0(FleetEndpoint, 1);

    endpoint->api = api;
    endpoint->bus = sd_bus_ref(bus);
    endpoint->closed = closed;
    endpoint->user_data = user_data;
    endpoint->source = fleet_bus_source_new(bus, connection_closed, endpoint);
    *r = publish(endpoint);
    return endpoint;
}

static void caller_gone(const FleetCaller *caller, gpointer user_data)
{
    fleet_authority_forget(((FleetEndpoint *)user_data)->api->authority, caller);
}

FleetEndpoint *fleet_endpoint_new_bus(
        FleetApi *api, sd_bus *bus, gboolean is_system, FleetEndpointClosedFunc closed, gpointer user_data, int *r)
{
    g_autoptr(FleetEndpoint) endpoint = new_endpoint(api, bus, closed, user_data, r);

    if (*r >= 0)
        *r = fleet_log_control_publish(endpoint);
    if (*r < 0)
        return NULL;
    endpoint->callers = fleet_callers_new(bus, is_system, caller_gone, endpoint);
    return g_steal_pointer(&endpoint);
}

FleetEndpoint *fleet_endpoint_new_peer(FleetApi *api, sd_bus *bus, const FleetCaller *peer, const char *unique_name,
        FleetEndpointClosedFunc closed, gpointer user_data, int *r)
{
    g_autoptr(FleetEndpoint) endpoint = new_endpoint(api, bus, closed, user_data, r);

    if (*r >= 0)
        *r = fleet_peer_publish(endpoint);
    if (*r < 0)
        return NULL;
    fleet_bus_source_limit(endpoint->source);
    endpoint->peer = *peer;
    endpoint->unique_name = g_strdup(unique_name);
    return g_steal_pointer(&endpoint);
}

void fleet_endpoint_free(FleetEndpoint *endpoint)
{
    if (endpoint->unique_name != NULL)
        caller_gone(&endpoint->peer, endpoint);
    g_clear_pointer(&endpoint->callers, fleet_callers_free);
    fleet_bus_source_free(endpoint->source);
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
    guint64 queued;

    if (endpoint->callers != NULL || sd_bus_get_n_queued_write(endpoint->bus, &queued) < 0)
        return FALSE;
    if (queued <= PEER_QUEUE_MAX) {
        endpoint->behind_since = 0;
        return FALSE;
    }

    gint64 now = fleet_clock_boottime();
    if (endpoint->behind_since == 0)
        endpoint->behind_since = now;
    return queued > PEER_QUEUE_LIMIT || now - endpoint->behind_since > PEER_QUEUE_USEC;
}

void fleet_endpoint_send(FleetEndpoint *endpoint, sd_bus_message *message)
{
    if (endpoint->unique_name != NULL)
        (void)sd_bus_message_set_sender(message, FLEET_PEER_OWN_NAME);
    fleet_reply_send(message);
    if (is_stuck(endpoint)) {
        fleet_log_about(LOG_WARNING,
                FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_PEER_DROPPED, .sender = endpoint->unique_name,
                        .sender_uid = &endpoint->peer.uid),
                "peer %s of user %u does not read; its connection is closed", endpoint->unique_name,
                (guint)endpoint->peer.uid);
        /* The source notices, and the owner drops the endpoint from there. */
        sd_bus_close(endpoint->bus);
    }
}

gboolean fleet_endpoint_is_flushed(const FleetEndpoint *endpoint)
{
    guint64 queued;

    return sd_bus_get_n_queued_write(endpoint->bus, &queued) < 0 || queued == 0;
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
