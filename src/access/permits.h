/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What callers may do, remembered for some seconds: so that one who does the same thing again and again is not asked
 * about each time. Only what is allowed is remembered. Nothing here looks at a clock: moments are µs of any clock that
 * only goes forward.
 */

#include "access/verbs.h"

#include <glib.h>

/* What somebody wants to do. Texts are "" where there is nothing in particular. */
typedef struct {
    FleetVerb verb;
    const char *device;      /* its id */
    const char *device_type; /* "" also if it is not registered */
    const char *action_type;
} FleetQuestion;

typedef struct FleetPermits FleetPermits;

/* span: how long each is remembered. */
FleetPermits *fleet_permits_new(gint64 span) G_GNUC_WARN_UNUSED_RESULT;
void fleet_permits_free(FleetPermits *permits);

/* Remembers that the caller with that serial may do that. What is too old goes, and the oldest if there are too many.
 * O(1), but for those that go. */
void fleet_permits_add(FleetPermits *permits, guint64 serial, const FleetQuestion *question, gint64 now);

/* Whether that is remembered, and not too old. O(1). */
gboolean fleet_permits_have(const FleetPermits *permits, guint64 serial, const FleetQuestion *question, gint64 now);

/* Forgets all of one caller, or of all; the former costs what that caller has. */
void fleet_permits_forget(FleetPermits *permits, guint64 serial);
void fleet_permits_clear(FleetPermits *permits);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetPermits, fleet_permits_free)
