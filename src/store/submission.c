/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/submission.h"

#include <string.h>

static void ref_image(const FleetChange *change)
{
    switch (change->kind) {
    case FLEET_CHANGE_INSERT_DEVICE:
    case FLEET_CHANGE_UPDATE_DEVICE:
    case FLEET_CHANGE_DELETE_DEVICE:
        fleet_device_ref(change->device);
        break;
    case FLEET_CHANGE_INSERT_ACTION:
    case FLEET_CHANGE_UPDATE_ACTION:
        fleet_action_ref(change->action);
        break;
    case FLEET_CHANGE_INSERT_ATTEMPT:
    case FLEET_CHANGE_UPDATE_ATTEMPT:
        fleet_attempt_record_ref(change->attempt);
        break;
    case FLEET_CHANGE_INSERT_AUDIT:
        fleet_audit_record_ref(change->audit);
        break;
    default:
        g_assert_not_reached();
    }
}

static void unref_image(const FleetChange *change)
{
    switch (change->kind) {
    case FLEET_CHANGE_INSERT_DEVICE:
    case FLEET_CHANGE_UPDATE_DEVICE:
    case FLEET_CHANGE_DELETE_DEVICE:
        fleet_device_unref(change->device);
        break;
    case FLEET_CHANGE_INSERT_ACTION:
    case FLEET_CHANGE_UPDATE_ACTION:
        fleet_action_unref(change->action);
        break;
    case FLEET_CHANGE_INSERT_ATTEMPT:
    case FLEET_CHANGE_UPDATE_ATTEMPT:
        fleet_attempt_record_unref(change->attempt);
        break;
    case FLEET_CHANGE_INSERT_AUDIT:
        fleet_audit_record_unref(change->audit);
        break;
    default:
        g_assert_not_reached();
    }
}

FleetSubmission *fleet_submission_new(const FleetChange *changes, guint n, gpointer owner)
{
    FleetSubmission *submission = g_malloc(sizeof(FleetSubmission) + n * sizeof(FleetChange));

    submission->next = NULL;
    submission->owner = owner;
    submission->n = n;
    for (guint i = 0; i < n; i++) {
        submission->changes[i] = changes[i];
        ref_image(&changes[i]);
    }
    return submission;
}

void fleet_submission_free(FleetSubmission *submission)
{
    for (guint i = 0; i < submission->n; i++)
        unref_image(&submission->changes[i]);
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
