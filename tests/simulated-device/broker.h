/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where the broker is, and how one proves to it who one is.
 */

#include <glib.h>

typedef struct {
    char *host; /* a path if it is a Unix socket; then the port is 0 */
    int port;
    char *username, *password; /* NULL = none */
    char *cafile;              /* NULL = no TLS */
    char *cert, *key;          /* NULL = no certificate of one's own */
} SimBroker;

#define SIM_BROKER_PORT 1883
#define SIM_BROKER_TLS_PORT 8883

/* Reads HOST, HOST:PORT, [ADDRESS]:PORT or /PATH into the host and the port, which is 0 where none is given. The error
 * is of G_OPTION_ERROR. */
gboolean sim_broker_parse(SimBroker *broker, const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees what it holds. */
void sim_broker_clear(SimBroker *broker);
