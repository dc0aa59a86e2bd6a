/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is kept about the past: each attempt at an action, each move of one, each call that changed something. Records
 * that go to the store are immutable once shared and counted by reference, as the images of device.h.
 */

#include "base/clock.h"
#include "model/status.h"

#include <glib.h>
#include <sys/types.h>

/* One attempt. Inserted when it starts, updated when it has ended. */
typedef struct {
    gatomicrefcount refs;
    gint64 sequence; /* the action's */
    guint number;    /* from 1 */
    FleetInstant started;
    gint64 ended_at; /* µs since the epoch; 0 = not yet */
    gint outcome;    /* a FleetOutcome of drivers/driver.h; -1 = not yet, or it ended without the driver */
    GRefString *plan;
    GRefString *message; /* for people */
    GRefString *output;  /* the end of what it printed, valid UTF-8; at most FLEET_OUTPUT_MAX bytes */
} FleetAttemptRecord;

#define FLEET_OUTPUT_MAX 4096

/* An attempt that runs; texts are "". */
FleetAttemptRecord *fleet_attempt_record_new(
        gint64 sequence, guint number, const FleetInstant *started, GRefString *plan) G_GNUC_WARN_UNUSED_RESULT;
FleetAttemptRecord *fleet_attempt_record_ref(const FleetAttemptRecord *record);
void fleet_attempt_record_unref(const FleetAttemptRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetAttemptRecord, fleet_attempt_record_unref)

/* One call that changed something, or was refused it. */
typedef struct {
    gatomicrefcount refs;
    gint64 at; /* µs since the epoch */
    uid_t uid;
    const char *executable; /* of the caller's process, as far as the kernel tells; "" = not known */
    const char *sender;     /* the caller's unique name on its bus */
    const char *method;     /* "RegisterDevice" */
    const char *object;     /* the device's or the action's id; "" = nothing in particular */
    const char *outcome;    /* "ok", or the D-Bus name of the error */
    char texts[];           /* what these point to: there is such a record for each call */
} FleetAuditRecord;

FleetAuditRecord *fleet_audit_record_new(gint64 at, uid_t uid, const char *executable, const char *sender,
        const char *method, const char *object, const char *outcome) G_GNUC_WARN_UNUSED_RESULT;
FleetAuditRecord *fleet_audit_record_ref(const FleetAuditRecord *record);
void fleet_audit_record_unref(const FleetAuditRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetAuditRecord, fleet_audit_record_unref)

/* One move of an action, as it is read back. */
typedef struct {
    gint64 at; /* µs since the epoch */
    FleetActionStatus status;
    char *phase;
    char *message;
} FleetTransition;
