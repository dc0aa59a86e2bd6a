/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The private socket: D-Bus without a bus daemon, for those who want half the latency. Each connection is an endpoint
 * of its own, with the same objects and the same checks; who is on the other end is the kernel's word (SO_PEERCRED).
 */

#include "bus/api.h"
#include "bus/changes.h"
#include "model/quotas.h"

typedef struct FleetListener FleetListener;

/* Listens at path, in the place of a socket that nobody listens on any more; everyone may connect (access is decided
 * per call). Signals go through changes, which outlives it. FLEET_ERROR with a one-line message on failure. */
FleetListener *fleet_listener_new(
        FleetApi *api, FleetChanges *changes, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same on a socket that listens already, passed by the service manager: a Unix stream socket, which is taken over,
 * on failure too. It is never removed, and whoever holds it as well keeps what waits in its backlog. */
FleetListener *fleet_listener_new_from_fd(
        FleetApi *api, FleetChanges *changes, int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* How many connections a user may have (ConnectionsPerUser); those beyond it that are there stay. Until then it is the
 * default. */
void fleet_listener_configure(FleetListener *listener, const FleetQuotas *quotas);

/* Closes all connections, and removes the socket if it was made here. */
void fleet_listener_free(FleetListener *listener);

/* Whether nothing is left to be written to any peer. */
gboolean fleet_listener_is_flushed(const FleetListener *listener);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetListener, fleet_listener_free)
