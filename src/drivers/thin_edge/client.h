/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One connection to a broker, from its first packet to its loss: libmosquitto on the main loop, without a thread, and
 * without a timer but for the keep-alive. It speaks MQTT 5 and begins without a session; all is published, and
 * subscribed to, with QoS 1. Who has lost it makes another one, so nothing of it is ever sent again behind our back.
 */

#include "drivers/thin_edge/settings.h"

#include <glib.h>

typedef struct FleetThinEdgeClient FleetThinEdgeClient;

typedef struct {
    /* The broker lets us in. */
    void (*up)(gpointer user_data);

    /* It is over, with the reason, or has never begun. To be freed now or later; nothing else is called. */
    void (*lost)(const char *reason, gpointer user_data);

    /* The payload is not followed by a 0, and may be empty. */
    void (*message)(const char *topic, const char *payload, gsize length, gpointer user_data);

    /* The broker's answer to a subscription: for each filter, in their order, NULL or why it was refused. */
    void (*subscribed)(guint id, const char *const *refusals, guint n, gpointer user_data);

    /* The broker has a message, or (refusal is not NULL) wants none of it. */
    void (*published)(guint64 id, const char *refusal, gpointer user_data);
} FleetThinEdgeClientFuncs;

/* Begins to connect to settings->port of a host, which is settings->host or one of its addresses. family: AF_INET or
 * AF_INET6 if host is a name of which only addresses of that family are wanted, else 0. Holds the settings. */
FleetThinEdgeClient *fleet_thin_edge_client_new(FleetThinEdgeSettings *settings, const char *host, int family,
        const FleetThinEdgeClientFuncs *funcs, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;

/* Says goodbye if it is up. */
void fleet_thin_edge_client_free(FleetThinEdgeClient *client);

/* Once it is up, from whatever is called: */

/* What is retained there comes in any case, also if it was subscribed to before. The id that _subscribed will name. */
guint fleet_thin_edge_client_subscribe(FleetThinEdgeClient *client, const char *const *filters, guint n);
void fleet_thin_edge_client_unsubscribe(FleetThinEdgeClient *client, const char *const *filters, guint n);

/* Messages arrive in their order. An empty payload clears what is retained. The id that _published will name. */
guint64 fleet_thin_edge_client_publish(
        FleetThinEdgeClient *client, const char *topic, const char *payload, gboolean retained);

/* Whether anything is read. At first it is. */
void fleet_thin_edge_client_set_reading(FleetThinEdgeClient *client, gboolean reading);

/* Gives it up: _lost is called later, with that reason. */
void fleet_thin_edge_client_fail(FleetThinEdgeClient *client, const char *reason);
