/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An MQTT client in the check itself, on its main loop: it publishes, and collects what comes in, in the order in which
 * it comes. Not the code that is tested.
 */

#include "lib/broker.h"

#include <glib.h>

typedef struct {
    char *topic;
    char *payload; /* followed by a 0 */
    gsize length;
    gboolean retained; /* it was there before the subscription */
} FleetTestMessage;

typedef struct FleetTestMqtt FleetTestMqtt;

/* Connects, and subscribes with QoS 1 (NULL = to nothing); from the return on, nothing is missed. The broker outlives
 * it. Owned by the caller. */
FleetTestMqtt *fleet_test_mqtt_new(const FleetTestBroker *broker, const char *filter) G_GNUC_WARN_UNUSED_RESULT;
void fleet_test_mqtt_free(FleetTestMqtt *mqtt);

/* Connects and subscribes anew, after the broker was away. What has come so far stays. */
void fleet_test_mqtt_reconnect(FleetTestMqtt *mqtt);

/* Publishes with QoS 1, and waits until the broker has it. An empty payload, retained, clears the topic. */
void fleet_test_mqtt_publish(FleetTestMqtt *mqtt, const char *topic, const char *payload, gboolean retained);
void fleet_test_mqtt_publish_bytes(
        FleetTestMqtt *mqtt, const char *topic, const void *payload, gsize length, gboolean retained);

/* Hands it to the library, and does not wait: for very many, before one fleet_test_mqtt_flush(). */
void fleet_test_mqtt_queue(FleetTestMqtt *mqtt, const char *topic, const char *payload, gboolean retained);
void fleet_test_mqtt_flush(FleetTestMqtt *mqtt);

/* What came so far. The message is owned by the client, until it is freed. */
guint fleet_test_mqtt_count(const FleetTestMqtt *mqtt);
const FleetTestMessage *fleet_test_mqtt_get(const FleetTestMqtt *mqtt, guint i);

/* Takes in all that the broker had sent, or had to send, before now. */
void fleet_test_mqtt_settle(FleetTestMqtt *mqtt);

/* Is this the one that is waited for? */
typedef gboolean (*FleetTestMessageFunc)(const FleetTestMessage *message, gpointer user_data);

/*
 * Waits, for FLEET_TEST_PATIENCE, until a message satisfies the function, looking from the one with that index on. Its
 * index; the check fails, with what came last, if there is none.
 */
#define fleet_test_mqtt_wait(mqtt, from, wanted, user_data)                                                            \
    fleet_test_mqtt_wait_at(__FILE__, __LINE__, (mqtt), (from), (wanted), (user_data))
guint fleet_test_mqtt_wait_at(
        const char *file, int line, FleetTestMqtt *mqtt, guint from, FleetTestMessageFunc wanted, gpointer user_data);

/* The same for a message on that topic, whose payload, an object, has that string as its "status" (NULL = any payload,
 * "" = an empty one). */
#define fleet_test_mqtt_wait_status(mqtt, from, topic, status)                                                         \
    fleet_test_mqtt_wait_status_at(__FILE__, __LINE__, (mqtt), (from), (topic), (status))
guint fleet_test_mqtt_wait_status_at(
        const char *file, int line, FleetTestMqtt *mqtt, guint from, const char *topic, const char *status);

/* The statuses that a topic has had so far, separated by blanks; "-" where the payload was no object with one, "."
 * where it was empty. Owned by the caller. */
char *fleet_test_mqtt_statuses(const FleetTestMqtt *mqtt, const char *topic) G_GNUC_WARN_UNUSED_RESULT;

/* A string member of a payload; NULL if there is none. Owned by the caller. */
char *fleet_test_message_string(const FleetTestMessage *message, const char *member) G_GNUC_WARN_UNUSED_RESULT;

/* What came last, one a line, for a message. Owned by the caller. */
char *fleet_test_mqtt_print(const FleetTestMqtt *mqtt);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestMqtt, fleet_test_mqtt_free)
