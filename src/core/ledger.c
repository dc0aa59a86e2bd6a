/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/ledger.h"

#include "base/log.h"

typedef struct {
    const FleetStepClass *class;
    gpointer owner;
    gpointer slot;
} Step;

struct FleetLedger {
    FleetStore *store;
    const FleetObserverSlot *observer;
    gboolean storage_works;
};

struct FleetTransaction {
    FleetLedger *ledger;
    GArray *changes; /* of FleetChange, whose images the transaction holds; NULL while there are none */
    GArray *steps;   /* of Step, one for each change */
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

static void free_transaction(FleetTransaction *transaction)
{
    for (guint i = 0; i < count(transaction); i++) {
        FleetChange *change = &g_array_index(transaction->changes, FleetChange, i);

        if (is_device(change->kind))
            fleet_device_unref(change->device);
        else
            fleet_action_unref(change->action);
    }
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

void fleet_transaction_stage(FleetTransaction *transaction, const FleetStepClass *class, gpointer owner, gpointer slot,
        FleetChangeKind kind, gconstpointer image)
{
    FleetChange change = {.kind = kind};
    Step step = {.class = class, .owner = owner, .slot = slot};

    if (is_device(kind))
        change.device = image;
    else
        change.action = image;
    if (transaction->changes == NULL) {
        transaction->changes = g_array_sized_new(FALSE, FALSE, sizeof(FleetChange), 4);
        transaction->steps = g_array_sized_new(FALSE, FALSE, sizeof(Step), 4);
    }
    g_array_append_val(transaction->changes, change);
    g_array_append_val(transaction->steps, step);
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
        Step *step = &g_array_index(transaction->steps, Step, i);
        FleetChange *change = &g_array_index(transaction->changes, FleetChange, i);

        step->class->apply(step->owner, step->slot, change->kind,
                is_device(change->kind) ? (gconstpointer)change->device : (gconstpointer)change->action);
    }
    finish(transaction, transaction->refusal);
}

static void roll_back(gpointer data)
{
    FleetTransaction *transaction = data;

    for (guint i = count(transaction); i > 0; i--) {
        Step *step = &g_array_index(transaction->steps, Step, i - 1);
        step->class->roll_back(step->owner, step->slot);
    }
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
    FLEET_OBSERVE(ledger->observer, storage_changed, ledger->storage_works, reason);
}

FleetLedger *fleet_ledger_new(FleetStore *store, const FleetObserverSlot *observer)
{
    static const FleetStoreCallbacks callbacks = {.committed = committed, .roll_back = roll_back, .failed = failed};
    FleetLedger *ledger = g_new0(FleetLedger, 1);

    ledger->store = store;
    ledger->observer = observer;
    ledger->storage_works = TRUE;
    fleet_store_start(store, &callbacks, storage_changed, ledger);
    return ledger;
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
