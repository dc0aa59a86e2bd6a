/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/transaction.h"

#include <string.h>

static gboolean changes_device(const FleetChange *change)
{
    return change->kind <= FLEET_CHANGE_DELETE_DEVICE;
}

FleetTransaction *fleet_transaction_new(const FleetChange *changes, guint n, gpointer owner)
{
    FleetTransaction *transaction = g_malloc(sizeof(FleetTransaction) + n * sizeof(FleetChange));

    transaction->next = NULL;
    transaction->owner = owner;
    transaction->n = n;
    for (guint i = 0; i < n; i++) {
        transaction->changes[i] = changes[i];
        if (changes_device(&changes[i]))
            fleet_device_ref(changes[i].device);
        else
            fleet_action_ref(changes[i].action);
    }
    return transaction;
}

void fleet_transaction_free(FleetTransaction *transaction)
{
    for (guint i = 0; i < transaction->n; i++)
        if (changes_device(&transaction->changes[i]))
            fleet_device_unref(transaction->changes[i].device);
        else
            fleet_action_unref(transaction->changes[i].action);
    g_free(transaction);
}

void fleet_transaction_list_append(FleetTransactionList *list, FleetTransaction *transaction)
{
    if (list->tail != NULL)
        list->tail->next = transaction;
    else
        list->head = transaction;
    list->tail = transaction;
    list->n++;
}

void fleet_transaction_list_splice(FleetTransactionList *list, FleetTransactionList *other)
{
    if (other->head == NULL)
        return;
    if (list->tail != NULL)
        list->tail->next = other->head;
    else
        list->head = other->head;
    list->tail = other->tail;
    list->n += other->n;
    *other = (FleetTransactionList){0};
}

FleetTransaction *fleet_transaction_list_pop(FleetTransactionList *list)
{
    FleetTransaction *transaction = list->head;

    if (transaction == NULL)
        return NULL;
    list->head = transaction->next;
    if (list->head == NULL)
        list->tail = NULL;
    list->n--;
    transaction->next = NULL;
    return transaction;
}

void fleet_transaction_list_clear(FleetTransactionList *list)
{
    FleetTransaction *transaction;

    while ((transaction = fleet_transaction_list_pop(list)) != NULL)
        fleet_transaction_free(transaction);
}
