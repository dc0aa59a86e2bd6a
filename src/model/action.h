/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One image of an action, immutable once shared and counted by reference, as device.h has it for devices.
 */

#include "base/clock.h"
#include "model/identifier.h"
#include "model/parameters.h"
#include "model/policy.h"
#include "model/status.h"

#include <glib.h>
#include <sys/types.h>

typedef struct {
    gatomicrefcount refs;
    FleetActionStatus status;
    FleetResult result; /* NONE until terminal */
    FleetActionId id;
    GRefString *device_id;
    GRefString *type;   /* interned */
    GRefString *driver; /* interned; which driver carries it out */
    FleetParameters *parameters;

    /* What was asked for. */
    uid_t owner_uid;
    gint priority;         /* higher first */
    gint64 initiated_at;   /* times that people see are µs since the epoch, 0 = none */
    gint64 not_before;     /* it starts no earlier */
    gint64 start_deadline; /* it fails if it has not started by then */
    FleetPolicy policy;
    GRefString *request_id; /* "" = none */
    guint64 request_digest; /* of all that was asked for; of use with a request_id only */

    /* How it is. */
    gint64 moved_at;               /* when status or phase changed last */
    FleetInstant started;          /* of the first attempt; realtime 0 = not yet */
    FleetInstant attempt_started;  /* of the newest attempt */
    FleetInstant retry_at;         /* when the next attempt is due while one is waited for; else realtime 0 */
    FleetInstant cancel_requested; /* since when the driver is to stop; realtime 0 = it is not */
    FleetResult cancel_result;     /* what it ends with once it has stopped; NONE = it is not to stop */
    gint64 completed_at;
    guint attempt;        /* from 1 once it runs; 0 before */
    gboolean past_return; /* the driver is past the point where it can stop */
    double progress;      /* 0.0 to 1.0; persisted only together with other changes */
    gboolean progress_known;
    GRefString *phase;         /* interned; free detail while it runs, "" otherwise */
    GRefString *message;       /* for people; "" = none */
    GRefString *error_name;    /* D-Bus error name of a failure; "" = none */
    GRefString *error_message; /* for people; "" = none */
    GRefString *plan;          /* what the driver wants to find again after a restart; "" = nothing */
} FleetAction;

/* A PENDING action; phase and all optional texts are "". Takes no references of its caller's, adds its own. */
FleetAction *fleet_action_new(FleetActionId id, GRefString *device_id, GRefString *type, GRefString *driver,
        FleetParameters *parameters) G_GNUC_WARN_UNUSED_RESULT;

/* A copy to alter before it is shared. */
FleetAction *fleet_action_copy(const FleetAction *action) G_GNUC_WARN_UNUSED_RESULT;

FleetAction *fleet_action_ref(const FleetAction *action);
void fleet_action_unref(const FleetAction *action);

/* Replaces a text (&action->message, &action->phase, ...) of a copy that is not shared yet. */
void fleet_action_set_text(GRefString **text, const char *value);

/* COMPLETED, FAILED or CANCELLED. */
static inline gboolean fleet_action_is_terminal(const FleetAction *action)
{
    return action->status >= FLEET_ACTION_COMPLETED;
}

/* Could a cancel be asked for now, with hope? It has not ended, and its driver is not past the point of no return. */
static inline gboolean fleet_action_is_cancelable(const FleetAction *action)
{
    return !fleet_action_is_terminal(action) && !action->past_return;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetAction, fleet_action_unref)
