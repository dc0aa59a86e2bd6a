/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Persistence. One directory holds one database and belongs to one process at a time. Changes go through transactions
 * that one writer thread commits in the order of their submission, as many together as are waiting (group commit);
 * their results come back on the main loop in that same order. Questions about history are answered by a reader thread
 * with a connection of its own, so the main loop never waits for a disk.
 *
 * What a commit promises is written in docs/storage.md.
 */

#include "model/action.h"
#include "model/action_filter.h"
#include "model/device.h"
#include "model/records.h"

#include <glib.h>

typedef struct FleetStore FleetStore;

/* Why a store cannot be opened. The daemon turns each into an exit status of its own. */
#define FLEET_STORE_ERROR (fleet_store_error_quark())
typedef enum {
    FLEET_STORE_ERROR_DIRECTORY, /* the state directory is missing and cannot be made, or cannot be written */
    FLEET_STORE_ERROR_LOCKED,    /* another process holds it; the message names its pid */
    FLEET_STORE_ERROR_DATABASE,  /* not a database of ours, corrupt, of a newer schema, or unreadable */
} FleetStoreError;
GQuark fleet_store_error_quark(void);

typedef enum {
    FLEET_STORAGE_OK,
    FLEET_STORAGE_FAILED, /* the last commit failed: nothing is stored until one succeeds */
} FleetStorageState;

/* One row's change. The image is the row as it shall be; the transaction holds a reference to it. With an action its
 * move is written, unless moved_at, status, phase and message are still those of its last one. */
typedef enum {
    FLEET_CHANGE_INSERT_DEVICE,
    FLEET_CHANGE_UPDATE_DEVICE, /* by key */
    FLEET_CHANGE_DELETE_DEVICE, /* by key */
    FLEET_CHANGE_SEE_DEVICE,    /* by key: only when it was seen last is written */
    FLEET_CHANGE_INSERT_ACTION, /* its id.msec is initiated_at in ms */
    FLEET_CHANGE_UPDATE_ACTION, /* by sequence */
    FLEET_CHANGE_INSERT_ATTEMPT,
    FLEET_CHANGE_UPDATE_ATTEMPT, /* by sequence and number; what is not there is inserted, if its action is */
    FLEET_CHANGE_INSERT_AUDIT,
} FleetChangeKind;

typedef struct {
    FleetChangeKind kind;
    union {
        const FleetDevice *device;
        const FleetAction *action;
        const FleetAttemptRecord *attempt;
        const FleetAuditRecord *audit;
    };
} FleetChange;

/* Take and give up a reference to what a change holds. */
void fleet_change_ref(const FleetChange *change);
void fleet_change_unref(const FleetChange *change);

/*
 * What becomes of a transaction. All are called on the main loop. Either _committed is called, once; or the commit
 * failed, and then _roll_back is called for every transaction in flight, newest first, before _failed is called for
 * each, oldest first. The owner may submit anew only from _committed and _failed. The error is STORAGE_FAILED in
 * FLEET_ERROR.
 */
typedef struct {
    void (*committed)(gpointer transaction);
    void (*roll_back)(gpointer transaction);
    void (*failed)(gpointer transaction, const GError *error);
} FleetStoreCallbacks;

/* The state has changed; reason is one line for the log and for people, "" when it is OK again. Called before the
 * callbacks of the transactions that changed it, _roll_back excepted. */
typedef void (*FleetStorageStateFunc)(FleetStorageState state, const char *reason, gpointer user_data);

/* How opening and loading get on, for those who wait for it. Called on the caller's thread. */
typedef struct {
    void (*migrating)(guint from, guint to, gpointer user_data); /* it begins to bring the schema up to date */
    void (*working)(gpointer user_data); /* it is at it still: many times a second, for as long as it takes */
    gpointer user_data;
} FleetStoreProgress;

/*
 * Locks the directory, opens the database in it (making either where they are missing), and brings its schema up to
 * date. Never deletes or overwrites a database that it cannot read. No thread runs yet. Progress, which may be NULL, is
 * used until the start and must last so long. FLEET_STORE_ERROR_*, each message one line that names the path and the
 * remedy.
 */
FleetStore *fleet_store_open(
        const char *directory, const FleetStoreProgress *progress, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Ends both threads once all that was submitted is through, closes, unlocks. Callbacks and answers that are still to
 * come are no longer called. Not to be called from one of them. */
void fleet_store_free(FleetStore *store);

/*
 * Reads everything that memory holds: each device, in order of id, then each action that is not terminal and the newest
 * finished ones (completed at finished_since, µs since the epoch, or later; finished_max of them at the most), in order
 * of sequence. Each image is handed over. To be called once, before _start. FLEET_STORE_ERROR_DATABASE.
 */
typedef void (*FleetStoreDeviceFunc)(FleetDevice *device, gpointer user_data);
typedef void (*FleetStoreActionFunc)(FleetAction *action, gpointer user_data);
gboolean fleet_store_load(FleetStore *store, gint64 finished_since, guint finished_max, FleetStoreDeviceFunc device,
        FleetStoreActionFunc action, gpointer user_data, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* As the database had them when it was opened: the highest device key that is stored, and the highest action sequence
 * that ever was (deleted rows included); 0 = none. */
gint64 fleet_store_last_device_key(const FleetStore *store);
gint64 fleet_store_last_action_sequence(const FleetStore *store);

/* Starts the threads. Callbacks arrive on the thread-default main context of the caller. */
void fleet_store_start(
        FleetStore *store, const FleetStoreCallbacks *callbacks, FleetStorageStateFunc state, gpointer user_data);

/*
 * Queues a transaction of n changes; n may be 0, to be told once all before it is on disk. The changes are copied,
 * their images referenced. The transaction pointer is the owner's and is only handed back to its callbacks.
 */
void fleet_store_submit(FleetStore *store, const FleetChange *changes, guint n, gpointer transaction);

/* How many transactions are on their way. */
guint fleet_store_in_flight(const FleetStore *store);

/* For how long the writer has been at what it does now (a batch, a piece of pruning, with what they do to the log), µs
 * of CLOCK_MONOTONIC; 0 = it has nothing to do. */
gint64 fleet_store_busy_for(FleetStore *store);

/* Looks an action up in history, by id. Answers with a new image, the receiver's; or with NULL if there is none, and
 * then STORAGE_FAILED if history cannot be read. */
typedef void (*FleetStoreActionFoundFunc)(FleetAction *action, const GError *error, gpointer user_data);
void fleet_store_find_action(FleetStore *store, FleetActionId id, FleetStoreActionFoundFunc found, gpointer user_data);

/* Lists actions, newest first. Answers with an array of FleetAction (owned by the store: reference what you keep), or
 * with NULL and STORAGE_FAILED. The filter is copied. Images from history have no interned texts. */
typedef void (*FleetStoreActionsFoundFunc)(GPtrArray *actions, const GError *error, gpointer user_data);
void fleet_store_query_actions(
        FleetStore *store, const FleetActionFilter *filter, FleetStoreActionsFoundFunc found, gpointer user_data);

/* Looks an action up by the request that it was initiated with; "" finds none. Answers as fleet_store_find_action(). */
void fleet_store_find_request(FleetStore *store, const char *device_id, const char *request_id,
        FleetStoreActionFoundFunc found, gpointer user_data);

/* Every move of an action, oldest first. Answers with an array of FleetTransition (owned by the store; empty if there
 * is no such action), or with NULL and STORAGE_FAILED. */
typedef void (*FleetStoreTransitionsFoundFunc)(GArray *transitions, const GError *error, gpointer user_data);
void fleet_store_find_transitions(
        FleetStore *store, FleetActionId id, FleetStoreTransitionsFoundFunc found, gpointer user_data);

/* The audit, newest first: rows whose number is below before (0 = from the newest), limit of them at the most. Answers
 * with an array of FleetAuditRecord and the number of the last one (owned by the store), or with NULL and
 * STORAGE_FAILED. */
typedef void (*FleetStoreAuditFoundFunc)(GPtrArray *records, gint64 last, const GError *error, gpointer user_data);
void fleet_store_query_audit(
        FleetStore *store, gint64 before, guint limit, FleetStoreAuditFoundFunc found, gpointer user_data);

/* What may stay: finished actions (with their attempts and moves) and audit rows. */
typedef struct {
    gint64 actions_max; /* so many finished actions */
    gint64 actions_age; /* finished so long ago, µs */
    gint64 audit_max;
    gint64 audit_age;
} FleetRetention;

/* Has the writer delete what is too much or too old, between commits, in transactions of a bounded number of rows,
 * until nothing is left to delete. now is in µs since the epoch. Callable at any time after the start. */
void fleet_store_prune(FleetStore *store, const FleetRetention *retention, gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetStore, fleet_store_free)
