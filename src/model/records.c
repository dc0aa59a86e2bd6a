/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/records.h"

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

/* Interns nothing: the store makes such records on a thread of its own. */
FleetAuditRecord *fleet_audit_record_new(gint64 at, uid_t uid, const char *executable, const char *sender,
        const char *method, const char *object, const char *outcome)
{
    FleetAuditRecord *record = g_new0(FleetAuditRecord, 1);

    g_atomic_ref_count_init(&record->refs);
    record->at = at;
    record->uid = uid;
    record->executable = g_ref_string_new(executable);
    record->sender = g_ref_string_new(sender);
    record->method = g_ref_string_new(method);
    record->object = g_ref_string_new(object);
    record->outcome = g_ref_string_new(outcome);
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

    if (!g_atomic_ref_count_dec(&counted->refs))
        return;
    g_ref_string_release(counted->executable);
    g_ref_string_release(counted->sender);
    g_ref_string_release(counted->method);
    g_ref_string_release(counted->object);
    g_ref_string_release(counted->outcome);
    g_free(counted);
}
