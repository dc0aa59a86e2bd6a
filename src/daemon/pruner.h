/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Keeps the history and the audit within what the configuration lets stay: it has the store look through them at the
 * start and once an hour. What is too much goes at once. What is too old goes from the first hour on: until the wall
 * clock is set after a boot it may be years ahead, and everything would be too old.
 */

#include "core/timers.h"
#include "daemon/config.h"
#include "store/store.h"

typedef struct FleetPruner FleetPruner;

/* Begins at once, by that configuration. The others outlive it. */
FleetPruner *fleet_pruner_new(
        FleetTimers *timers, FleetStore *store, const FleetConfig *config) G_GNUC_WARN_UNUSED_RESULT;
void fleet_pruner_free(FleetPruner *pruner);

/* Goes by another one from the next hour on; it is copied. */
void fleet_pruner_configure(FleetPruner *pruner, const FleetConfig *config);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetPruner, fleet_pruner_free)
