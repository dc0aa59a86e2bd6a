/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One MQTT connection. It keeps nothing over a loss: each time that it is opened it is a new one for the library, so
 * that a message which was under way is not sent behind the back of who knows better by then what there is to say.
 */

#include "broker.h"
#include "loop.h"

#include <glib.h>

typedef struct SimConnection SimConnection;

/* What it tells. All may publish, subscribe, close and drop from in there. */
typedef struct {
    /* The broker has taken it. */
    void (*up)(gpointer data);

    /* It is closed, or dropped, or could not be opened, or was lost; why, for people. */
    void (*down)(const char *reason, gpointer data);

    /* A message; retained if it was there before the subscription. The payload is followed by a 0. */
    void (*message)(const char *topic, const char *payload, gsize length, gboolean retained, gpointer data);

    /* The broker has what was published under that number. */
    void (*acknowledged)(int number, gpointer data);
} SimConnectionEvents;

/* Not open yet. The events' table is static; loop and broker outlive the connection. Owned by the caller. */
SimConnection *sim_connection_new(SimLoop *loop, const SimBroker *broker, const char *client_id,
        const SimConnectionEvents *events, gpointer data) G_GNUC_WARN_UNUSED_RESULT;
void sim_connection_free(SimConnection *connection);

/* What the broker publishes, retained, if the connection ends without being closed; from the next opening on. */
void sim_connection_set_will(SimConnection *connection, const char *topic, const char *payload);

/* Opens it; it must be down. FALSE, with why (owned by the caller), if that is impossible at once: then down() is not
 * called. */
gboolean sim_connection_open(SimConnection *connection, char **reason) G_GNUC_WARN_UNUSED_RESULT;

/* Whether the broker has taken it, and it is not about to end; whether there is none, so that it can be opened. */
gboolean sim_connection_is_up(const SimConnection *connection);
gboolean sim_connection_is_down(const SimConnection *connection);

/* Publishes with QoS 1. The number under which it will be acknowledged; 0 if the connection is not up. */
int sim_connection_publish(SimConnection *connection, const char *topic, const char *payload, gboolean retained);

/* Subscribes to two filters at once, or ends that. Nothing happens if the connection is not up. */
void sim_connection_subscribe(SimConnection *connection, const char *first, const char *second);
void sim_connection_unsubscribe(SimConnection *connection, const char *first, const char *second);

/* Ends it in good order once all has been sent, or at once without a word to the broker, as when a cable is cut. down()
 * follows, later for the one and before the return, or soon after it, for the other. */
void sim_connection_close(SimConnection *connection);
void sim_connection_drop(SimConnection *connection);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimConnection, sim_connection_free)
