/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The ledger stands between the logic and the store. A transaction gathers staged changes; it is applied to memory,
 * step by step, once it is on disk, or rolled back.
 *
 * Each record lives in a slot that has two images: the committed one, which is what everybody reads, and the staged
 * one, which is what the next change builds on. So two changes in flight see each other, while no reader ever sees what
 * might still be lost.
 */

#include "core/observer.h"
#include "store/store.h"

#include <glib.h>
#include <sys/types.h>

typedef struct FleetLedger FleetLedger;
typedef struct FleetTransaction FleetTransaction;

/* Called once a transaction is through: error is NULL if it is on disk, else why nothing of it happened. */
typedef void (*FleetDoneFunc)(const GError *error, gpointer user_data);

/* What a staged step does to its slot; one table for each kind of slot. */
typedef struct {
    void (*apply)(gpointer owner, gpointer slot, FleetChangeKind kind, gconstpointer image);
    void (*roll_back)(gpointer owner, gpointer slot, gconstpointer before);
} FleetStepClass;

/* A ledger over an opened store. Store and observers outlive it. */
FleetLedger *fleet_ledger_new(FleetStore *store, const FleetObservers *observers) G_GNUC_WARN_UNUSED_RESULT;
void fleet_ledger_free(FleetLedger *ledger);

/* Starts the store's threads, once everything is loaded. */
void fleet_ledger_start(FleetLedger *ledger);

/* Whether anything is on its way to the disk. */
gboolean fleet_ledger_is_busy(const FleetLedger *ledger);

/* Whether the last commit worked. */
gboolean fleet_ledger_storage_works(const FleetLedger *ledger);

/* Who asked for a transaction. */
typedef struct {
    uid_t uid;
    const char *sender; /* the caller's unique name */
} FleetOrigin;

/* An empty transaction. It must be given to _submit(), _refuse() or _abandon(). */
FleetTransaction *fleet_transaction_new(FleetLedger *ledger) G_GNUC_WARN_UNUSED_RESULT;

/* One step: what a slot's staged image was (NULL: none), and what it is now, or, for a deletion, the image that goes.
 * Images are FleetDevice or FleetAction, by kind; before is referenced, image is handed over. The slot must live until
 * the step was applied or rolled back. */
typedef struct {
    const FleetStepClass *class;
    gpointer owner;
    gpointer slot;
    FleetChangeKind kind;
    gconstpointer before;
    gconstpointer image;
    gboolean persist; /* FALSE: only what lives in memory changes, so nothing is written */
} FleetStep;

void fleet_transaction_stage(FleetTransaction *transaction, const FleetStep *step);

/* Adds a record to be written with the rest; it is in no slot. Takes the reference. */
void fleet_transaction_add_attempt(
        FleetTransaction *transaction, FleetChangeKind kind, const FleetAttemptRecord *record);
void fleet_transaction_add_audit(FleetTransaction *transaction, const FleetAuditRecord *record);

/* Has it written when a device was seen last, which is in no slot either. It must be there as the next change will find
 * it. */
void fleet_transaction_add_sight(FleetTransaction *transaction, const FleetDevice *device);

/* Says who asked for it, for what is told of it; a transaction that nobody asked for has no origin. The string must
 * be there until it is done. */
void fleet_transaction_set_origin(FleetTransaction *transaction, uid_t uid, const char *sender);

/* For observers: the origin of the transaction whose changes they are told; NULL if it has none. */
const FleetOrigin *fleet_ledger_origin(const FleetLedger *ledger);

/* A point in a transaction to which it can be taken back. */
typedef struct {
    guint steps, changes;
} FleetMark;

#define FLEET_MARK_BEGIN ((FleetMark){0})

FleetMark fleet_transaction_mark(const FleetTransaction *transaction);

/* Takes back, newest first, all that was staged since the mark; nothing may have been staged in another transaction
 * since. */
void fleet_transaction_unstage(FleetTransaction *transaction, FleetMark mark);

/* Drops a transaction in which nothing is staged. */
void fleet_transaction_abandon(FleetTransaction *transaction);

/* Sends it on its way, and takes it. With no steps it is done when all that was submitted before it is, at once if
 * there is nothing. */
void fleet_transaction_submit(FleetTransaction *transaction, FleetDoneFunc done, gpointer user_data);

/*
 * Drops an empty transaction for a call that cannot be carried out. What made it impossible may itself be only staged
 * (the device that "exists already" may be on its way to the disk), so the refusal is told in its turn, like a commit,
 * and if what it rests on failed, that is told instead. Takes the transaction and the error.
 */
void fleet_transaction_refuse(FleetTransaction *transaction, GError *error, FleetDoneFunc done, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetLedger, fleet_ledger_free)
