/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/ledger.h"

#include "base/log.h"

struct FleetLedger {
    FleetStore *store;
    const FleetObservers *observers;
    gboolean storage_works;
    const FleetOrigin *origin; /* of the transaction that is applied now; NULL: none is, or it has none */
};

struct FleetTransaction {
    FleetLedger *ledger;
    GArray *changes; /* of FleetChange, what is to be written; it holds their images */
    GArray *steps;   /* of FleetStep, what changes in memory; it holds their images too */
    FleetOrigin origin;
    gboolean has_origin;
    GError *refusal;
    FleetDoneFunc done;
    gpointer user_data;
};

FleetTransaction *fleet_transaction_new(FleetLedger *ledger)
{
    FleetTransaction *transaction = g_new0(FleetTransaction, 1);

    transaction->ledger = ledger;
    return transaction;
}

static gboolean is_device(FleetChangeKind kind)
{
    return kind <= FLEET_CHANGE_SEE_DEVICE;
}

static guint length(const GArray *array)
{
    return array != NULL ? array->len : 0;
}

/* As a change, so that its image can be counted. */
static FleetChange change_of(FleetChangeKind kind, gconstpointer image)
{
    FleetChange change = {.kind = kind};

    if (is_device(kind))
        change.device = image;
    else
        change.action = image;
    return change;
}

static void ref_image(FleetChangeKind kind, gconstpointer image)
{
    const FleetChange change = change_of(kind, image);

    if (image != NULL)
        fleet_change_ref(&change);
}

static void unref_image(FleetChangeKind kind, gconstpointer image)
{
    const FleetChange change = change_of(kind, image);

    if (image != NULL)
        fleet_change_unref(&change);
}

static void shorten(GArray *array, guint n)
{
    if (length(array) > n)
        g_array_set_size(array, n);
}

/* Lets go of all steps and changes since the mark, and of their images. */
static void drop_since(FleetTransaction *transaction, FleetMark mark)
{
    for (guint i = mark.steps; i < length(transaction->steps); i++) {
        const FleetStep *step = &g_array_index(transaction->steps, FleetStep, i);

        unref_image(step->kind, step->before);
        unref_image(step->kind, step->image);
    }
    for (guint i = mark.changes; i < length(transaction->changes); i++)
        fleet_change_unref(&g_array_index(transaction->changes, FleetChange, i));
    shorten(transaction->steps, mark.steps);
    shorten(transaction->changes, mark.changes);
}

static void free_transaction(FleetTransaction *transaction)
{
    drop_since(transaction, FLEET_MARK_BEGIN);
    g_clear_pointer(&transaction->changes, g_array_unref);
    g_clear_pointer(&transaction->steps, g_array_unref);
    g_clear_error(&transaction->refusal);
    g_free(transaction);
}

static void finish(FleetTransaction *transaction, const GError *error)
{
    transaction->done(error, transaction->user_data);
    free_transaction(transaction);
}

static void add_change(FleetTransaction *transaction, const FleetChange *change)
{
    if (transaction->changes == NULL)
        transaction->changes = g_array_sized_new(FALSE, FALSE, sizeof(FleetChange), 4);
    g_array_append_vals(transaction->changes, change, 1);
}

void fleet_transaction_stage(FleetTransaction *transaction, const FleetStep *step)
{
    const FleetChange change = change_of(step->kind, step->image);

    if (transaction->steps == NULL)
        transaction->steps = g_array_sized_new(FALSE, FALSE, sizeof(FleetStep), 4);
    g_array_append_vals(transaction->steps, step, 1);
    ref_image(step->kind, step->before);
    if (!step->persist)
        return;
    fleet_change_ref(&change);
    add_change(transaction, &change);
}

void fleet_transaction_add_attempt(
        FleetTransaction *transaction, FleetChangeKind kind, const FleetAttemptRecord *record)
{
    const FleetChange change = {.kind = kind, .attempt = record};

    add_change(transaction, &change);
}

void fleet_transaction_add_sight(FleetTransaction *transaction, const FleetDevice *device)
{
    const FleetChange change = {.kind = FLEET_CHANGE_SEE_DEVICE, .device = fleet_device_ref(device)};

    add_change(transaction, &change);
}

void fleet_transaction_add_audit(FleetTransaction *transaction, const FleetAuditRecord *record)
{
    const FleetChange change = {.kind = FLEET_CHANGE_INSERT_AUDIT, .audit = record};

    add_change(transaction, &change);
}

void fleet_transaction_set_origin(FleetTransaction *transaction, uid_t uid, const char *sender)
{
    transaction->origin = (FleetOrigin){.uid = uid, .sender = sender};
    transaction->has_origin = TRUE;
}

const FleetOrigin *fleet_ledger_origin(const FleetLedger *ledger)
{
    return ledger->origin;
}

static void roll_back_to(FleetTransaction *transaction, guint mark)
{
    for (guint i = length(transaction->steps); i > mark; i--) {
        const FleetStep *step = &g_array_index(transaction->steps, FleetStep, i - 1);

        step->class->roll_back(step->owner, step->slot, step->before);
    }
}

static void roll_back(gpointer data)
{
    roll_back_to(data, 0);
}

FleetMark fleet_transaction_mark(const FleetTransaction *transaction)
{
    return (FleetMark){.steps = length(transaction->steps), .changes = length(transaction->changes)};
}

void fleet_transaction_unstage(FleetTransaction *transaction, FleetMark mark)
{
    roll_back_to(transaction, mark.steps);
    drop_since(transaction, mark);
}

void fleet_transaction_abandon(FleetTransaction *transaction)
{
    g_assert(length(transaction->steps) == 0);
    free_transaction(transaction);
}

void fleet_transaction_submit(FleetTransaction *transaction, FleetDoneFunc done, gpointer user_data)
{
    FleetStore *store = transaction->ledger->store;
    guint n = length(transaction->changes);

    transaction->done = done;
    transaction->user_data = user_data;
    if (n == 0 && length(transaction->steps) == 0 && fleet_store_in_flight(store) == 0)
        finish(transaction, transaction->refusal);
    else
        fleet_store_submit(store, n > 0 ? (const FleetChange *)transaction->changes->data : NULL, n, transaction);
}

void fleet_transaction_refuse(FleetTransaction *transaction, GError *error, FleetDoneFunc done, gpointer user_data)
{
    g_assert(length(transaction->steps) == 0);
    transaction->refusal = error;
    fleet_transaction_submit(transaction, done, user_data);
}

static void committed(gpointer data)
{
    FleetTransaction *transaction = data;
    FleetLedger *ledger = transaction->ledger;

    ledger->origin = transaction->has_origin ? &transaction->origin : NULL;
    for (guint i = 0; i < length(transaction->steps); i++) {
        const FleetStep *step = &g_array_index(transaction->steps, FleetStep, i);

        step->class->apply(step->owner, step->slot, step->kind, step->image);
    }
    if (length(transaction->steps) > 0)
        FLEET_OBSERVE(ledger->observers, committed);
    ledger->origin = NULL;
    finish(transaction, transaction->refusal);
}

static void failed(gpointer data, const GError *error)
{
    finish(data, error);
}

static void storage_changed(FleetStorageState state, const char *reason, gpointer user_data)
{
    FleetLedger *ledger = user_data;

    ledger->storage_works = state == FLEET_STORAGE_OK;
    if (ledger->storage_works)
        fleet_log_about(LOG_NOTICE, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_STORAGE_WORKS), "the store works again");
    else
        fleet_log_about(LOG_ERR, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_STORAGE_FAILED),
                "%s; only reading works until a write succeeds", reason);
    FLEET_OBSERVE(ledger->observers, storage_changed, ledger->storage_works, reason);
}

FleetLedger *fleet_ledger_new(FleetStore *store, const FleetObservers *observers)
{
    FleetLedger *ledger = g_new0(FleetLedger, 1);

    ledger->store = store;
    ledger->observers = observers;
    ledger->storage_works = TRUE;
    return ledger;
}

void fleet_ledger_start(FleetLedger *ledger)
{
    static const FleetStoreCallbacks callbacks = {.committed = committed, .roll_back = roll_back, .failed = failed};

    fleet_store_start(ledger->store, &callbacks, storage_changed, ledger);
}

void fleet_ledger_free(FleetLedger *ledger)
{
    g_free(ledger);
}

gboolean fleet_ledger_is_busy(const FleetLedger *ledger)
{
    return fleet_store_in_flight(ledger->store) > 0;
}

gboolean fleet_ledger_storage_works(const FleetLedger *ledger)
{
    return ledger->storage_works;
}
