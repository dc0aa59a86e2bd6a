/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One call that changes something, from its message to its one reply: who is calling is found out, access is decided,
 * the change is staged, committed, and only then answered. Reading calls need none of this and are answered in their
 * handlers.
 */

#include "access/caller.h"
#include "access/verbs.h"
#include "bus/api.h"
#include "bus/outbox.h"
#include "bus/targets.h"

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct FleetCall FleetCall;
typedef struct FleetEndpoint FleetEndpoint;

/* Appends the results. */
typedef void (*FleetCallReplyFunc)(const FleetCall *call, FleetBody *body);

/*
 * Carries a call out, once its caller may. It reads the arguments from call->message, stages into call->transaction and
 * sets what the reply needs. On FALSE nothing was staged and the caller gets the error.
 */
typedef gboolean (*FleetCallFunc)(FleetCall *call, GError **error);

/*
 * The same for a call that has to ask somebody first: it sees to it that fleet_call_go_on() is called, once, at once or
 * later.
 */
typedef void (*FleetCallStartFunc)(FleetCall *call);

/* Finds out what a call is about, for a caller of whom access has to ask: reads the arguments from call->message,
 * which is rewound for func, and adds an entry for each thing. On FALSE the caller gets the error. */
typedef gboolean (*FleetCallTargetsFunc)(FleetCall *call, FleetTargets *targets, GError **error);

/* One kind of call. */
typedef struct {
    FleetCallFunc func; /* this one or the next */
    FleetCallStartFunc start;
    FleetCallTargetsFunc targets; /* NULL: it is about nothing in particular */
    FleetCallStartFunc prepare;   /* what comes before targets; sees to it that fleet_call_prepared() is called, once,
                                   * at once or later; NULL: nothing */
} FleetCallKind;

struct FleetCall {
    FleetApi *api;
    sd_bus_message *message; /* owned */
    FleetFlowCall flow;
    FleetFlowSender *flow_sender; /* owned */
    FleetCaller caller;
    FleetTransaction *transaction; /* to stage into */
    const FleetCallKind *kind;
    FleetVerb verb;
    FleetTargets *targets;    /* owned; what access was asked about; NULL: it was not */
    GError *const *refusals;  /* its answers, while func runs; see fleet_call_is_refused() */
    guint rounds;             /* so often it was asked */
    char *object;             /* owned; what the call is about, for the audit; NULL = nothing in particular */
    char *sender;             /* owned; the caller's unique name on its connection */
    FleetOutbox *outbox;      /* a reference; where the reply goes */
    FleetCallReplyFunc reply; /* see fleet_call_set_reply() */
    const char *signature;    /* of the reply; static */
    gboolean
            silent; /* it leaves no row in the audit and no line in the journal: it only reads, or is one of too many */
    char *object_id; /* owned; the device or action of an object path, else NULL */
    gpointer state;  /* func's, for its reply */
    GDestroyNotify free_state;
};

/* Takes a call on its way; object_id is that of the object called, or NULL. Returns 1, for sd-bus: the reply comes
 * later. */
int fleet_call_begin(
        FleetEndpoint *endpoint, sd_bus_message *message, const char *object_id, const FleetCallKind *kind);

/* Goes on with a call that was prepared, or could not be (the error is taken). It may be gone afterwards. */
void fleet_call_prepared(FleetCall *call, GError *error);

/*
 * Whether what the call is about is what access was asked about. What was allowed is allowed for that only: if it is
 * another thing by now (a device has got another type, or a new action), it is asked about anew, start comes again or
 * not at all, and FALSE is returned: the call may be gone. A start that has waited asks before it stages anything.
 */
gboolean fleet_call_is_settled(FleetCall *call) G_GNUC_WARN_UNUSED_RESULT;

/* For func, in a call about many things: whether the caller may not do this one. Those of whom nobody had to be asked
 * may do all; who may do none does not come here. The error is ACCESS_DENIED. */
gboolean fleet_call_is_refused(const FleetCall *call, guint entry, GError **error);

/* What the reply will be, unless the call fails: a body of that signature, which is static. Until then it is empty. */
void fleet_call_set_reply(FleetCall *call, const char *signature, FleetCallReplyFunc reply);

/* Goes on with a call that waited: staged, or refused with an error (taken). It may be gone afterwards. */
void fleet_call_go_on(FleetCall *call, GError *error);
