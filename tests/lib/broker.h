/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A real MQTT broker, mosquitto, that the check alone talks to: on a port of 127.0.0.1, or on a Unix socket. It may be
 * taken away and brought back at the same address.
 */

#include "lib/certificates.h"
#include "lib/process.h"

#include <glib.h>

typedef struct FleetTestBroker FleetTestBroker;

/* {0} is one without any of this, to which everybody may connect. */
typedef struct {
    gboolean unix_socket;
    gboolean persistence; /* what is retained or queued is on disk at once, and there again after a restart */
    gboolean tls;
    gboolean client_certificates;    /* with TLS: nobody without one */
    const char *username, *password; /* nobody but this one; NULL = everybody */
    const char *lines;               /* of the configuration, besides: "max_queued_messages 1\n"; NULL = none */
} FleetTestBrokerSettings;

/* Starts one, and waits until it listens. Owned by the caller. */
FleetTestBroker *fleet_test_broker_new(const FleetTestBrokerSettings *settings) G_GNUC_WARN_UNUSED_RESULT;

/* Stops it if it runs, and frees. */
void fleet_test_broker_free(FleetTestBroker *broker);

/* Where it is: "127.0.0.1:PORT" or a path; and the same in parts, the port of a path being 0. Owned by the broker. */
const char *fleet_test_broker_address(const FleetTestBroker *broker);
const char *fleet_test_broker_host(const FleetTestBroker *broker);
int fleet_test_broker_port(const FleetTestBroker *broker);

/* What clients need for it, NULL if they do not: a file with the password (readable by all), and certificates. Owned by
 * the broker. */
const FleetTestBrokerSettings *fleet_test_broker_settings(const FleetTestBroker *broker);
const char *fleet_test_broker_password_file(const FleetTestBroker *broker);
const FleetTestCertificates *fleet_test_broker_certificates(const FleetTestBroker *broker);

/* Takes it away, in good order or as a crash does, and brings it back at the same address. */
void fleet_test_broker_stop(FleetTestBroker *broker);
void fleet_test_broker_kill(FleetTestBroker *broker);
void fleet_test_broker_start(FleetTestBroker *broker);

/* Has it do nothing for a while, as a broker does that the network has swallowed. */
void fleet_test_broker_pause(FleetTestBroker *broker);
void fleet_test_broker_resume(FleetTestBroker *broker);

/* Changes the further lines of the configuration (see above); the next start takes them up. */
void fleet_test_broker_set_lines(FleetTestBroker *broker, const char *lines);

/* The running process, or NULL. Its log is on stderr. Owned by the broker. */
FleetTestProcess *fleet_test_broker_process(const FleetTestBroker *broker);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestBroker, fleet_test_broker_free)
