/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/ledger.h"

#include "base/log.h"

struct FleetLedger {
    FleetStore *store;
    const FleetObservers *observers;
    gboolean storage_works;
};

struct FleetTransaction {
    FleetLedger *ledger;
    GArray *changes; /* of FleetChange, whose images the transaction holds; NULL while there are none */
    GArray *steps;   /* of FleetStep, one for each change */
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
    return kind <= FLEET_CHANGE_DELETE_DEVICE;
}

static guint count(const FleetTransaction *transaction)
{
    return transaction->changes != NULL ? transaction->changes->len : 0;
}

static void unref_image(FleetChangeKind kind, gconstpointer image)
{
    if (image == NULL)
        return;
    if (is_device(kind))
        fleet_device_unref(image);
    else
        fleet_action_unref(image);
}

/* Lets go of all changes and their images. */
static void drop_changes(FleetTransaction *transaction)
{
    for (guint i = 0; i < count(transaction); i++) {
        const FleetStep *step = &g_array_index(transaction->steps, FleetStep, i);

        unref_image(step->kind, step->before);
        unref_image(step->kind, step->image);
    }
    g_clear_pointer(&transaction->changes, g_array_unref);
    g_clear_pointer(&transaction->steps, g_array_unref);
}

static void free_transaction(FleetTransaction *transaction)
{
    drop_changes(transaction);
    g_clear_error(&transaction->refusal);
    g_free(transaction);
}

static void finish(FleetTransaction *transaction, const GError *error)
{
    transaction->done(error, transaction->user_data);
    free_transaction(transaction);
}

void fleet_transaction_stage(FleetTransaction *transaction, const FleetStep *step)
{
    FleetChange change = {.kind = step->kind};

    if (is_device(step->kind))
        change.device = step->image;
    else
        change.action = step->image;
    if (transaction->changes == NULL) {
        transaction->changes = g_array_sized_new(FALSE, FALSE, sizeof(FleetChange), 4);
        transaction->steps = g_array_sized_new(FALSE, FALSE, sizeof(FleetStep), 4);
    }
    g_array_append_val(transaction->changes, change);
    g_array_append_vals(transaction->steps, step, 1);
    if (step->before != NULL && is_device(step->kind))
        fleet_device_ref(step->before);
    else if (step->before != NULL)
        fleet_action_ref(step->before);
}

static void roll_back(gpointer data)
{
    FleetTransaction *transaction = data;

    for (guint i = count(transaction); i > 0; i--) {
        const FleetStep *step = &g_array_index(transaction->steps, FleetStep, i - 1);

        step->class->roll_back(step->owner, step->slot, step->before);
    }
}

void fleet_transaction_unstage(FleetTransaction *transaction)
{
    roll_back(transaction);
    drop_changes(transaction);
}

void fleet_transaction_submit(FleetTransaction *transaction, FleetDoneFunc done, gpointer user_data)
{
    FleetStore *store = transaction->ledger->store;
    guint n = count(transaction);

    transaction->done = done;
    transaction->user_data = user_data;
    if (n == 0 && fleet_store_in_flight(store) == 0)
        finish(transaction, transaction->refusal);
    else
        fleet_store_submit(store, n > 0 ? (const FleetChange *)transaction->changes->data : NULL, n, transaction);
}

void fleet_transaction_refuse(FleetTransaction *transaction, GError *error, FleetDoneFunc done, gpointer user_data)
{
    g_assert(count(transaction) == 0);
    transaction->refusal = error;
    fleet_transaction_submit(transaction, done, user_data);
}

static void committed(gpointer data)
{
    FleetTransaction *transaction = data;

    for (guint i = 0; i < count(transaction); i++) {
        const FleetStep *step = &g_array_index(transaction->steps, FleetStep, i);

        step->class->apply(step->owner, step->slot, step->kind, step->image);
    }
    if (count(transaction) > 0)
        FLEET_OBSERVE(transaction->ledger->observers, committed);
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
        fleet_log_notice("the store works again");
    else
        fleet_log_error("%s; only reading works until a write succeeds", reason);
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
