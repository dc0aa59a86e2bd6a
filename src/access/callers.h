/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The callers on a message bus, by unique name. The bus daemon is asked once for each, without waiting for the answer,
 * and what it said is kept until the name goes away.
 */

#include "access/caller.h"

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct FleetCallers FleetCallers;

/* Is told of each caller that was known and has gone, or is forgotten because the callers are freed. */
typedef void (*FleetCallerGoneFunc)(const FleetCaller *caller, gpointer user_data);

/* Callers of a connection to a bus daemon, which outlives them. is_system: it is the system bus, on which polkit finds
 * them by their names. */
FleetCallers *fleet_callers_new(
        sd_bus *bus, gboolean is_system, FleetCallerGoneFunc gone, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;

/* Waiting questions are dropped: their functions are not called. */
void fleet_callers_free(FleetCallers *callers);

/* Finds out who a sender is, and calls back: at once if it is known, else when the bus daemon has answered. Questions
 * about one sender are answered in their order. The error is ACCESS_DENIED: nobody can be trusted whom the bus does not
 * know. */
typedef void (*FleetCallerFunc)(const FleetCaller *caller, const GError *error, gpointer user_data);
void fleet_callers_resolve(FleetCallers *callers, const char *sender, FleetCallerFunc resolved, GDestroyNotify dropped,
        gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetCallers, fleet_callers_free)
