/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a call is about, as far as access cares: its entries, of which a call about many things has many and any other
 * has one, and what has to be allowed for each.
 */

#include "access/authority.h"
#include "core/registry.h"

#include <glib.h>

typedef struct FleetTargets FleetTargets;

/* Without entries. */
FleetTargets *fleet_targets_new(void) G_GNUC_WARN_UNUSED_RESULT;
void fleet_targets_free(FleetTargets *targets);

/* Begins the next entry. */
void fleet_targets_next(FleetTargets *targets);

/* One more thing that has to be allowed for the entry begun last. Texts are copied; one that is none of a device or a
 * type, for it is too long or not fit to be shown, is made fit: the call will fail anyway. */
void fleet_targets_add(FleetTargets *targets, const FleetQuestion *question);

/* The same about a device, whose type is what the next change will find. action_type: "" = none. */
void fleet_targets_add_device(FleetTargets *targets, const FleetRegistry *registry, FleetVerb verb, const char *device,
        const char *action_type);

/* All that has to be allowed, and how much that is. Owned by the targets. */
const FleetQuestion *fleet_targets_questions(const FleetTargets *targets, guint *n);

/* The number of entries. */
guint fleet_targets_count(const FleetTargets *targets);

/* Why an entry is refused, by the answers to all questions; NULL if it is not. */
const GError *fleet_targets_refusal(const FleetTargets *targets, GError *const *refusals, guint entry);

/* Whether both have the same entries, and need the same to be allowed. */
gboolean fleet_targets_equal(const FleetTargets *a, const FleetTargets *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTargets, fleet_targets_free)
