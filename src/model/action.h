/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One image of an action, immutable once shared and counted by reference, as device.h has it for devices.
 */

#include "base/clock.h"
#include "model/identifier.h"
#include "model/parameters.h"
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
    GRefString *phase;         /* interned; free detail while it runs, "" otherwise */
    GRefString *message;       /* for people; "" = none */
    GRefString *error_name;    /* D-Bus error name of a failure; "" = none */
    GRefString *error_message; /* for people; "" = none */
    GRefString *plan;          /* what the driver wants to find again after a restart; "" = nothing */
    gint64 initiated_at;       /* µs since the epoch */
    FleetInstant started;      /* of the first attempt; realtime 0 = not yet */
    gint64 completed_at;       /* µs since the epoch; 0 = not yet */
    double progress;           /* 0.0 to 1.0; persisted only with the terminal state */
    gboolean progress_known;
    guint attempt; /* from 1 once it runs; 0 before */
    guint max_attempts;
    uid_t owner_uid;
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

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetAction, fleet_action_unref)
