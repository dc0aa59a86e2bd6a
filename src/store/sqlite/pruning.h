/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Deletes what retention no longer wants, a bounded piece at a time, so that commits need not wait for more than one
 * piece. Every piece finds its rows through an index; none is the slower for how much history there is.
 *
 * For its age alone no more goes in one run than FLEET_PRUNING_SPAN of the oldest history: a clock that is wrongly
 * ahead would have all of it deleted, and cannot be told from one that is right after a long rest.
 */

#include "base/clock.h"
#include "store/sqlite/database.h"
#include "store/store.h"

typedef enum {
    FLEET_PRUNING_DONE,
    FLEET_PRUNING_COUNT,   /* finds the oldest finished action that may stay by number */
    FLEET_PRUNING_ACTIONS, /* deletes the oldest finished actions */
    FLEET_PRUNING_AUDIT,   /* deletes the oldest audit rows */
} FleetPruningStage;

#define FLEET_PRUNING_SPAN (24 * 3600 * FLEET_USEC_PER_SEC)

/* How far it is. All zeros is done. */
typedef struct {
    FleetRetention retention;
    gint64 now; /* µs since the epoch */
    FleetPruningStage stage;
    gint64 uncounted; /* so many more finished actions may stay, older than the one below */
    gint64 completed_at, sequence;
    gboolean bounded; /* the next is reckoned, for this stage */
    gint64 before;    /* what is older than that is too old */
} FleetPruning;

/* Starts anew. */
void fleet_pruning_begin(FleetPruning *pruning, const FleetRetention *retention, gint64 now);

/* Does the next piece, in a transaction of its own if it deletes anything. An error ends it. */
gboolean fleet_pruning_step(FleetPruning *pruning, FleetDatabase *database, GError **error) G_GNUC_WARN_UNUSED_RESULT;
