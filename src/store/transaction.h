/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A transaction on its way, in one allocation, and lists of them. It belongs to one thread at a time: it is made and
 * freed on the main loop alone, because the last reference to an interned text must not be dropped on one thread while
 * another interns the same text (GLib does not guard against that).
 */

#include "store/store.h"

typedef struct FleetTransaction FleetTransaction;
struct FleetTransaction {
    FleetTransaction *next; /* in its list */
    gpointer owner;         /* handed back to the owner's callbacks, never looked at */
    guint n;
    FleetChange changes[]; /* with references to their images */
};

/* In order of submission. All zeros is an empty list. */
typedef struct {
    FleetTransaction *head, *tail;
    guint n;
} FleetTransactionList;

FleetTransaction *fleet_transaction_new(const FleetChange *changes, guint n, gpointer owner) G_GNUC_WARN_UNUSED_RESULT;
void fleet_transaction_free(FleetTransaction *transaction);

void fleet_transaction_list_append(FleetTransactionList *list, FleetTransaction *transaction);

/* Moves all of the other list behind this one. */
void fleet_transaction_list_splice(FleetTransactionList *list, FleetTransactionList *other);

/* Takes the first one out; NULL if there is none. */
FleetTransaction *fleet_transaction_list_pop(FleetTransactionList *list);

/* Frees all that is in the list and empties it. */
void fleet_transaction_list_clear(FleetTransactionList *list);
