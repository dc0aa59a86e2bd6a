/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The addresses of a host. The C library asks for them in the thread that wants to know, which may take minutes where
 * nobody answers; so a process of its own does, getent(1).
 */

#include <glib.h>

typedef struct FleetThinEdgeResolver FleetThinEdgeResolver;

/* Addresses (NULL-terminated, at least one; the caller of the callback's), or NULL with a message. The resolver is over
 * then, and is freed afterwards. */
typedef void (*FleetThinEdgeResolved)(const char *const *addresses, const char *message, gpointer user_data);

/* Begins to ask; resolved is called later. Owned by the caller until then. */
FleetThinEdgeResolver *fleet_thin_edge_resolver_start(
        const char *host, FleetThinEdgeResolved resolved, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;

/* Gives up: nobody is called any more. */
void fleet_thin_edge_resolver_cancel(FleetThinEdgeResolver *resolver);
