/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One call that changes something, from its message to its one reply: who is calling is found out, access is decided,
 * the change is staged, committed, and only then answered. Reading calls need none of this and are answered in their
 * handlers.
 */

#include "access/caller.h"
#include "bus/api.h"

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct FleetCall FleetCall;
typedef struct FleetEndpoint FleetEndpoint;

/* Appends the results to the reply. Negative errno on failure. */
typedef int (*FleetCallReplyFunc)(FleetCall *call, sd_bus_message *reply);

/*
 * Carries a call out, once its caller may. It reads the arguments from call->message, stages into call->transaction and
 * sets what the reply needs. On FALSE nothing was staged and the caller gets the error.
 */
typedef gboolean (*FleetCallFunc)(FleetCall *call, GError **error);

struct FleetCall {
    FleetApi *api;
    sd_bus_message *message; /* owned */
    FleetCaller caller;
    FleetTransaction *transaction; /* to stage into */
    FleetCallFunc func;
    FleetCallReplyFunc reply; /* set by func; NULL: the reply is empty */
    char *device_id;          /* owned; the device of an object path, else NULL */
    gpointer state;           /* func's, for its reply */
    GDestroyNotify free_state;
};

/* Takes a call on its way; device_id is that of the object called, or NULL. Returns 1, for sd-bus: the reply comes
 * later. */
int fleet_call_begin(FleetEndpoint *endpoint, sd_bus_message *message, const char *device_id, FleetCallFunc func);
