/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The actions, and the only place where one changes state. An action that is accepted reaches exactly one terminal
 * state: each move is staged, committed and then announced, once; what was running when fleetd ended, however it ended,
 * goes on when it starts again. Kept in memory are the actions that are not terminal and the newest finished ones (the
 * retention); the others are found through core/history.
 */

#include "core/ledger.h"
#include "core/observer.h"
#include "core/registry.h"
#include "core/timers.h"
#include "drivers/drivers.h"
#include "model/action.h"
#include "model/action_type.h"

#include <glib.h>

typedef struct FleetEngine FleetEngine;

/* All that it works with outlives the engine. last_sequence: the highest action sequence ever stored. */
FleetEngine *fleet_engine_new(FleetLedger *ledger, FleetRegistry *registry, FleetTimers *timers,
        const FleetObservers *observers, gint64 last_sequence) G_GNUC_WARN_UNUSED_RESULT;

/* Running actions are let go of, not ended: they go on at the next start. */
void fleet_engine_free(FleetEngine *engine);

/* How many finished actions stay in memory and on the bus, and for how long (µs), and which types of action there are
 * (borrowed until the next call). */
void fleet_engine_configure(
        FleetEngine *engine, const FleetActionTypes *types, guint finished_max, gint64 finished_age);

/* The drivers, to configure them. */
FleetDriver *fleet_engine_driver(FleetEngine *engine, const char *name);

/* Takes an action read from the store; tells nobody. Its device must have been loaded. */
void fleet_engine_load(FleetEngine *engine, FleetAction *action);

/* Hands every loaded action that is RUNNING to its driver, on the next turn of the loop. */
void fleet_engine_recover(FleetEngine *engine);

/* From now on no driver is called, so nothing new is staged. */
void fleet_engine_stop(FleetEngine *engine);

/* What is asked for. */
typedef struct {
    const char *device_id;
    const char *type;
    FleetParameters *parameters; /* borrowed */
    uid_t owner_uid;
} FleetActionRequest;

/*
 * Stages an action that starts at once: PENDING, then RUNNING, and its device UPDATING or BUSY. The driver starts once
 * that is on disk. *id is the new action's. INVALID_ARGUMENT, DEVICE_NOT_FOUND, DEVICE_BUSY.
 */
gboolean fleet_engine_stage_initiate(FleetEngine *engine, FleetTransaction *transaction,
        const FleetActionRequest *request, FleetActionId *id, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The action as it is on disk (with its newest progress), or NULL if it is not in memory. Valid until the loop turns.
 */
const FleetAction *fleet_engine_lookup(const FleetEngine *engine, FleetActionId id);

/* Visits all actions in memory, in no order, until the visitor returns FALSE. */
typedef gboolean (*FleetActionVisitor)(const FleetAction *action, gpointer user_data);
void fleet_engine_visit(const FleetEngine *engine, FleetActionVisitor visitor, gpointer user_data);

/* How many actions are in memory, and how many of them are PENDING or RUNNING. */
guint fleet_engine_count(const FleetEngine *engine);
guint fleet_engine_count_status(const FleetEngine *engine, FleetActionStatus status);

/* The names of the action types, NULL-terminated. */
const char *const *fleet_engine_action_types(const FleetEngine *engine);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetEngine, fleet_engine_free)
