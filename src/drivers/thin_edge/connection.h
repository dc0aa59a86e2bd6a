/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The way to the broker: one client after the other (client.h), at growing intervals while there is no broker. What
 * becomes of it is told to the journal.
 */

#include "drivers/thin_edge/client.h"

typedef struct FleetThinEdgeConnection FleetThinEdgeConnection;

typedef struct {
    /* There is a broker, which knows of nothing that was subscribed to before; use _client from now on. */
    void (*up)(gpointer user_data);

    /* There is none any more. What it has not confirmed may have arrived or not. */
    void (*down)(gpointer user_data);

    /* As in client.h. */
    void (*message)(const char *topic, const char *payload, gsize length, gpointer user_data);
    void (*subscribed)(guint id, const char *const *refusals, guint n, gpointer user_data);
    void (*published)(guint64 id, const char *refusal, gpointer user_data);
} FleetThinEdgeConnectionFuncs;

/* One that does nothing. */
FleetThinEdgeConnection *fleet_thin_edge_connection_new(
        const FleetThinEdgeConnectionFuncs *funcs, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
void fleet_thin_edge_connection_free(FleetThinEdgeConnection *connection);

/* Begins anew with these settings; _down is called first if it is up. Without a broker it does nothing from now on. Not
 * to be called from what it calls. Holds the settings. */
void fleet_thin_edge_connection_start(FleetThinEdgeConnection *connection, FleetThinEdgeSettings *settings);

/* What to use while it is up; NULL while it is not. Owned by the connection. */
FleetThinEdgeClient *fleet_thin_edge_connection_client(const FleetThinEdgeConnection *connection);
