/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the checks of fleet-simulated-device start from: a broker, a client that hears all that belongs to devices, and
 * a directory. A checked fixture, so each check has its own.
 */

#include "lib/broker.h"
#include "lib/main.h"
#include "lib/mqtt.h"
#include "lib/process.h"
#include "lib/simulated_device.h"

#include <string.h>

extern FleetTestBroker *broker;
extern FleetTestMqtt *mqtt;

void device_test_setup(void);
void device_test_teardown(void);

/* Fails the check unless the topic has had these statuses so far, as fleet_test_mqtt_statuses() writes them. */
#define device_test_assert_statuses(topic, statuses)                                                                   \
    device_test_assert_statuses_at(__FILE__, __LINE__, (topic), (statuses))
void device_test_assert_statuses_at(const char *file, int line, const char *topic, const char *statuses);

/* Publishes it, retained, as a requester does. */
void device_test_request(const char *topic, const char *payload);

/* A JSON text of which each ' is a ". Owned by the caller. */
char *device_test_json(const char *text) G_GNUC_WARN_UNUSED_RESULT;

/* Fails the check unless the message's payload, taken as JSON, is that one (in which each ' is a "). */
#define device_test_assert_json(message, text) device_test_assert_json_at(__FILE__, __LINE__, (message), (text))
void device_test_assert_json_at(const char *file, int line, const FleetTestMessage *message, const char *text);

/* An option with a file of the check's directory: "--state=/.../NAME"; and that file. Owned by the caller. */
char *device_test_option(const char *option, const char *name) G_GNUC_WARN_UNUSED_RESULT;
char *device_test_path(const char *name) G_GNUC_WARN_UNUSED_RESULT;

/* Fails the check unless the record, in that file, has exactly these lines. */
#define device_test_assert_record(name, lines) device_test_assert_record_at(__FILE__, __LINE__, (name), (lines))
void device_test_assert_record_at(const char *file, int line, const char *name, const char *lines);

/* How often a client whose name matches the pattern has connected to the broker, since that was started. */
guint device_test_connections(const char *pattern);
