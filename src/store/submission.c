/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/submission.h"

FleetSubmission *fleet_submission_new(const FleetChange *changes, guint n, gpointer owner)
{
    FleetSubmission *submission = g_malloc(sizeof(FleetSubmission) + n * sizeof(FleetChange));

    submission->next = NULL;
    submission->owner = owner;
    submission->n = n;
    for (guint i = 0; i < n; i++) {
        submission->changes[i] = changes[i];
        fleet_change_ref(&changes[i]);
    }
    return submission;
}

void fleet_submission_free(FleetSubmission *submission)
{
    for (guint i = 0; i < submission->n; i++)
        fleet_change_unref(&submission->changes[i]);
    g_free(submission);
}

void fleet_submission_list_append(FleetSubmissionList *list, FleetSubmission *submission)
{
    if (list->tail != NULL)
        list->tail->next = submission;
    else
        list->head = submission;
    list->tail = submission;
    list->n++;
}

void fleet_submission_list_splice(FleetSubmissionList *list, FleetSubmissionList *other)
{
    if (other->head == NULL)
        return;
    if (list->tail != NULL)
        list->tail->next = other->head;
    else
        list->head = other->head;
    list->tail = other->tail;
    list->n += other->n;
    *other = (FleetSubmissionList){0};
}

FleetSubmission *fleet_submission_list_pop(FleetSubmissionList *list)
{
    FleetSubmission *submission = list->head;

    if (submission == NULL)
        return NULL;
    list->head = submission->next;
    if (list->head == NULL)
        list->tail = NULL;
    list->n--;
    submission->next = NULL;
    return submission;
}

void fleet_submission_list_clear(FleetSubmissionList *list)
{
    FleetSubmission *submission;

    while ((submission = fleet_submission_list_pop(list)) != NULL)
        fleet_submission_free(submission);
}
