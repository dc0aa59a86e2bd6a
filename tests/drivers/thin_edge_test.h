/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the checks of the driver "thin-edge" start from: a bus, a broker, fleetd between the two, and a client of each.
 * The client of the broker hears all that is said there, and can play any device.
 */

#include "lib/broker.h"
#include "lib/fleet_test.h"
#include "lib/mqtt.h"
#include "lib/simulated_device.h"

#include <string.h>

#define THIN_EDGE_ERROR "org.fleet.Error."

typedef struct {
    FleetTestBus *bus;
    FleetTestBroker *broker;
    FleetTestDaemon *daemon;
    GDBusConnection *connection; /* to the bus */
    FleetTestSignals *signals;
    FleetTestMqtt *mqtt;
} ThinEdgeTest;

/* An action that was asked for. */
typedef struct {
    ThinEdgeTest *test;
    char *id, *path;
    char *status; /* as the call was answered */
    char *topic;  /* of the command of its first attempt */
} ThinEdgeAction;

/* A broker with these settings (NULL = none), and fleetd with these lines in its group [ThinEdge], besides Broker=, and
 * whatever follows them. It runs; whether it has reached the broker is not known. Owned by the caller. */
ThinEdgeTest *thin_edge_test_new(const FleetTestBrokerSettings *settings, const char *lines) G_GNUC_WARN_UNUSED_RESULT;

/* The same without an [ThinEdge] of that kind: the configuration is the whole of it, and fleetd does not run yet. */
ThinEdgeTest *thin_edge_test_new_with_config(
        const FleetTestBrokerSettings *settings, const char *config) G_GNUC_WARN_UNUSED_RESULT;
void thin_edge_test_free(ThinEdgeTest *test);

/* Registers a device with the driver. */
void thin_edge_test_register(ThinEdgeTest *test, const char *id);

/* Plays a device: publishes a capability ("{}") of it, or its health. */
void thin_edge_test_can(ThinEdgeTest *test, const char *id, const char *operation, const char *capability);
void thin_edge_test_is_up(ThinEdgeTest *test, const char *id, gboolean up);

/* Asks for an action, with pairs of parameters up to NULL. Owned by the caller. */
ThinEdgeAction *thin_edge_test_initiate(
        ThinEdgeTest *test, const char *device, const char *type, ...) G_GNUC_NULL_TERMINATED;
void thin_edge_action_free(ThinEdgeAction *action);

/* The same, which must fail with that error and a message that contains that part. */
void thin_edge_test_initiate_fails(ThinEdgeTest *test, const char *device, const char *type, const char *error,
        const char *part, ...) G_GNUC_NULL_TERMINATED;

/* Plays the device: says how the command is ("executing"), or whatever the payload is. */
void thin_edge_action_say(ThinEdgeAction *action, const char *status);
void thin_edge_action_publish(ThinEdgeAction *action, const char *payload);

/* Waits until the command is, or has been, on its topic with that status ("" = cleared). */
void thin_edge_action_wait_topic(ThinEdgeAction *action, const char *status);

/* Waits until a property of the action, or of a device, has that value, as g_variant_print() writes it without types:
 * "'RUNNING'". */
void thin_edge_action_wait(ThinEdgeAction *action, const char *property, const char *value);
void thin_edge_test_wait_device(ThinEdgeTest *test, const char *id, const char *property, const char *value);

/* A property of the action. Owned by the caller. */
char *thin_edge_action_get(ThinEdgeAction *action, const char *property) G_GNUC_WARN_UNUSED_RESULT;

/* Waits until the action has ended, and fails the check unless that was with this result, once. Returns its message,
 * owned by the caller. */
char *thin_edge_action_wait_end(ThinEdgeAction *action, const char *result);

/* The same, whatever the result is, and however often that was announced. How often it was. */
guint thin_edge_action_wait_any_end(ThinEdgeAction *action);

/* Fails the check unless the statuses of its topic, as fleet_test_mqtt_statuses() writes them, are these. */
void thin_edge_action_assert_topic(ThinEdgeAction *action, const char *statuses);

/* How many commands were sent so far: statuses "init" on all topics of commands. */
guint thin_edge_test_sent(ThinEdgeTest *test);

/* Waits until fleetd has logged what matches the pattern since its start. */
void thin_edge_test_wait_log(ThinEdgeTest *test, const char *pattern);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ThinEdgeTest, thin_edge_test_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ThinEdgeAction, thin_edge_action_free)
