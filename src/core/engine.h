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
#include "core/presence.h"
#include "core/registry.h"
#include "core/timers.h"
#include "drivers/drivers.h"
#include "model/action.h"
#include "model/action_type.h"
#include "model/quotas.h"

#include <glib.h>

typedef struct FleetEngine FleetEngine;

/* All that it works with outlives the engine. last_sequence: the highest action sequence ever stored. */
FleetEngine *fleet_engine_new(FleetLedger *ledger, FleetRegistry *registry, FleetTimers *timers,
        FleetPresenceWatch *presence, const FleetObservers *observers, gint64 last_sequence) G_GNUC_WARN_UNUSED_RESULT;

/* Running actions are let go of, not ended: they go on at the next start. */
void fleet_engine_free(FleetEngine *engine);

/* What the configuration says. */
typedef struct {
    const FleetActionTypes *types; /* borrowed until the next configuration */
    guint finished_max;            /* finished actions that stay in memory and on the bus */
    gint64 finished_age;           /* and for how long, µs */
    guint running_max;             /* actions that run at the same time */
    gint64 cancel_timeout;         /* how long a driver may take to stop, µs */
    gint64 recovery_timeout;       /* how long a driver may look for an attempt after a restart, µs */
    FleetQuotas quotas;            /* how many PENDING actions each user may have, those in flight included */
} FleetEngineSettings;

void fleet_engine_configure(FleetEngine *engine, const FleetEngineSettings *settings);

/* The drivers, to configure them. */
FleetDriver *fleet_engine_driver(FleetEngine *engine, const char *name);

/* The names of all drivers, NULL-terminated, static. */
const char *const *fleet_engine_driver_names(const FleetEngine *engine);

/* Takes an action read from the store; tells nobody. Its device must have been loaded. */
void fleet_engine_load(FleetEngine *engine, FleetAction *action);

/* Tells the drivers of their devices, and hands every loaded action that is RUNNING to its driver, on the next turn of
 * the loop. */
void fleet_engine_recover(FleetEngine *engine);

/* The wall clock was set: deadlines that are on it are reckoned anew. */
void fleet_engine_clock_was_set(FleetEngine *engine);

/* From now on no driver is called. What one reports all the same is still stored. */
void fleet_engine_stop(FleetEngine *engine);

/* What to do if the device is not free. */
typedef enum {
    FLEET_IF_BUSY_FAIL,    /* DEVICE_BUSY */
    FLEET_IF_BUSY_QUEUE,   /* wait for it */
    FLEET_IF_BUSY_REPLACE, /* stop what runs, and start in its place */
} FleetIfBusy;

extern const FleetEnumTable fleet_if_busy_table; /* "fail", "queue", "replace" */

/* What is asked for. */
typedef struct {
    const char *device_id;
    const char *type;
    FleetParameters *parameters; /* borrowed */
    uid_t owner_uid;
    FleetIfBusy if_busy;
    gint priority;
    gint64 not_before;      /* µs since the epoch; 0 = at once */
    gint64 start_deadline;  /* µs since the epoch; 0 = none */
    FleetPolicy policy;     /* begin with the type's: fleet_action_types_lookup() */
    const char *request_id; /* "" = none */
    guint64 request_digest; /* of all the above */
} FleetActionRequest;

/* What an initiated action is called, and how it is once the transaction is through. */
typedef struct {
    FleetActionId id;
    FleetActionStatus status;
} FleetInitiated;

/*
 * Stages an action. If its device is free, its time has come and the limits leave room, it starts in the same
 * transaction: PENDING, then RUNNING, and the device UPDATING or BUSY. Else it is queued, where if_busy allows that.
 * The driver starts once all is on disk. INVALID_ARGUMENT, DEVICE_NOT_FOUND, DEVICE_BUSY, UNSUPPORTED; NOT_CANCELABLE
 * for what cannot be replaced; QUOTA_EXCEEDED if it would have to wait and its owner has too many that do.
 */
gboolean fleet_engine_stage_initiate(FleetEngine *engine, FleetTransaction *transaction,
        const FleetActionRequest *request, FleetInitiated *initiated, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Has a request with this id been made before, by what is in memory? Then TRUE with what came of it. REQUEST_ID_REUSED
 * if it was another request. */
gboolean fleet_engine_find_request(
        FleetEngine *engine, const FleetActionRequest *request, FleetInitiated *initiated, GError **error);

/* The same for an action that the store has found under the request's id. */
gboolean fleet_engine_check_request(
        const FleetAction *action, const FleetActionRequest *request, FleetInitiated *initiated, GError **error);

/* While the store is asked about a request, what finishes stays in memory, so that it is found in one place or in the
 * other. Each _hold needs a _release. */
void fleet_engine_hold_finished(FleetEngine *engine);
void fleet_engine_release_finished(FleetEngine *engine);

/*
 * Stages a cancel. What is PENDING, or waits for a retry, is CANCELLED in this transaction. What runs is asked to stop
 * after it. By force, the action is closed at once and its device becomes ERROR, whatever the driver does. *status is
 * the status then. ALREADY_FINISHED; NOT_CANCELABLE past the point of no return. The action must be in memory.
 */
gboolean fleet_engine_stage_cancel(FleetEngine *engine, FleetTransaction *transaction, FleetActionId id, gboolean force,
        FleetActionStatus *status, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The action as it is on disk (with its newest progress), or NULL if it is not in memory. Valid until the loop turns.
 */
const FleetAction *fleet_engine_lookup(const FleetEngine *engine, FleetActionId id);

/* Visits all actions in memory, in no order, until the visitor returns FALSE. */
typedef gboolean (*FleetActionVisitor)(const FleetAction *action, gpointer user_data);
void fleet_engine_visit(const FleetEngine *engine, FleetActionVisitor visitor, gpointer user_data);

/* How many actions are in memory, and how many of them are PENDING or RUNNING. */
guint fleet_engine_count(const FleetEngine *engine);
guint fleet_engine_count_status(const FleetEngine *engine, FleetActionStatus status);

/* The action types as they are configured. */
const FleetActionTypes *fleet_engine_action_types(const FleetEngine *engine);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetEngine, fleet_engine_free)
