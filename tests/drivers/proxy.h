/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A wire to a broker that breaks at a moment of the check's choice. It is in the check's own main loop: it passes
 * nothing on while the check is not in there.
 */

#include "lib/broker.h"

typedef struct Proxy Proxy;

typedef enum {
    PROXY_SWALLOW, /* what makes it break does not arrive */
    PROXY_PASS,    /* that does arrive, and what the broker answers does not */
} ProxyBreak;

/* Listens on a port of 127.0.0.1. The broker outlives it. Owned by the caller. */
Proxy *proxy_new(const FleetTestBroker *broker) G_GNUC_WARN_UNUSED_RESULT;
void proxy_free(Proxy *proxy);

int proxy_port(const Proxy *proxy);

/* Breaks, once, as soon as a client has sent that text: all connections end. */
void proxy_break_at(Proxy *proxy, const char *text, ProxyBreak how);

/* Waits until that has happened. */
void proxy_wait_broken(Proxy *proxy);

/* Whether whoever connects finds the broker, or is hung up on. At first he does. */
void proxy_set_open(Proxy *proxy, gboolean open);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Proxy, proxy_free)
