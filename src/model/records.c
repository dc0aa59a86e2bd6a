/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/records.h"

#include <string.h>

FleetAttemptRecord *fleet_attempt_record_new(
        gint64 sequence, guint number, const FleetInstant *started, GRefString *plan)
{
    FleetAttemptRecord *record = g_new0(FleetAttemptRecord, 1);

    g_atomic_ref_count_init(&record->refs);
    record->sequence = sequence;
    record->number = number;
    record->started = *started;
    record->outcome = -1;
    record->plan = g_ref_string_acquire(plan);
    record->message = g_ref_string_new_intern("");
    record->output = g_ref_string_acquire(record->message);
    return record;
}

FleetAttemptRecord *fleet_attempt_record_ref(const FleetAttemptRecord *record)
{
    FleetAttemptRecord *counted = (FleetAttemptRecord *)record; /* the count is not part of the record */

    g_atomic_ref_count_inc(&counted->refs);
    return counted;
}

void fleet_attempt_record_unref(const FleetAttemptRecord *record)
{
    FleetAttemptRecord *counted = (FleetAttemptRecord *)record;

    if (!g_atomic_ref_count_dec(&counted->refs))
        return;
    g_ref_string_release(counted->plan);
    g_ref_string_release(counted->message);
    g_ref_string_release(counted->output);
    g_free(counted);
}

/* Copies a text to the place, which it moves behind it. */
static const char *put(char **place, const char *text, gsize size)
{
    const char *copy = memcpy(*place, text, size);

    *place += size;
    return copy;
}

FleetAuditRecord *fleet_audit_record_new(gint64 at, uid_t uid, const char *executable, const char *sender,
        const char *method, const char *object, const char *outcome)
{
    const gsize executable_size = strlen(executable) + 1, sender_size = strlen(sender) + 1,
                method_size = strlen(method) + 1, object_size = strlen(object) + 1, outcome_size = strlen(outcome) + 1;
    FleetAuditRecord *record =
            g_malloc(sizeof(*record) + executable_size + sender_size + method_size + object_size + outcome_size);
    char *place = record->texts;

    g_atomic_ref_count_init(&record->refs);
    record->at = at;
    record->uid = uid;
    record->executable = put(&place, executable, executable_size);
    record->sender = put(&place, sender, sender_size);
    record->method = put(&place, method, method_size);
    record->object = put(&place, object, object_size);
    record->outcome = put(&place, outcome, outcome_size);
    return record;
}

FleetAuditRecord *fleet_audit_record_ref(const FleetAuditRecord *record)
{
    FleetAuditRecord *counted = (FleetAuditRecord *)record;

    g_atomic_ref_count_inc(&counted->refs);
    return counted;
}

void fleet_audit_record_unref(const FleetAuditRecord *record)
{
    FleetAuditRecord *counted = (FleetAuditRecord *)record;

    if (g_atomic_ref_count_dec(&counted->refs))
        g_free(counted);
}
