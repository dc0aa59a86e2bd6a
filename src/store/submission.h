/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A transaction on its way, in one allocation, and lists of them. It belongs to one thread at a time: it is made and
 * freed on the main loop alone, because the last reference to an interned text must not be dropped on one thread while
 * another interns the same text (GLib does not guard against that).
 */

#include "store/store.h"

typedef struct FleetSubmission FleetSubmission;
struct FleetSubmission {
    FleetSubmission *next; /* in its list */
    gpointer owner;        /* handed back to the owner's callbacks, never looked at */
    guint n;
    FleetChange changes[]; /* with references to their images */
};

/* In order of submission. All zeros is an empty list. */
typedef struct {
    FleetSubmission *head, *tail;
    guint n;
} FleetSubmissionList;

FleetSubmission *fleet_submission_new(const FleetChange *changes, guint n, gpointer owner) G_GNUC_WARN_UNUSED_RESULT;
void fleet_submission_free(FleetSubmission *submission);

void fleet_submission_list_append(FleetSubmissionList *list, FleetSubmission *submission);

/* Moves all of the other list behind this one. */
void fleet_submission_list_splice(FleetSubmissionList *list, FleetSubmissionList *other);

/* Takes the first one out; NULL if there is none. */
FleetSubmission *fleet_submission_list_pop(FleetSubmissionList *list);

/* Frees all that is in the list and empties it. */
void fleet_submission_list_clear(FleetSubmissionList *list);
