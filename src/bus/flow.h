/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The flow of calls, so that one who calls a lot does not keep the others waiting. Of each sender (a connection to the
 * bus, or a peer) only so many calls are carried out at the same time; what it sends beyond waits here, in its order,
 * and those who wait take turns. A call of somebody who has few under way never waits here. Peers are not read from
 * instead (bus/peer_source.h), so that nothing of theirs waits in memory.
 *
 * How many calls of one user are not answered yet, waiting ones included, is the quota CallsPerUser.
 */

#include "model/usage.h"

#include <glib.h>
#include <sys/types.h>

/* Calls of one sender that are carried out at the same time: as many as fill a commit while it is alone, and few enough
 * that somebody else's call, which comes behind them, is not long in coming, once two senders have called shortly after
 * each other. */
#define FLEET_FLOW_CALLS_MAX 64
#define FLEET_FLOW_CALLS_SHARED 8

typedef struct FleetFlow FleetFlow;
typedef struct FleetFlowSender FleetFlowSender;

/* A call on its way, embedded in what it serves. All zeros but for go and data: it has not begun. */
typedef struct FleetFlowCall FleetFlowCall;
struct FleetFlowCall {
    void (*go)(FleetFlowCall *call); /* carries it out; it may end within */
    gpointer data;                   /* the owner's */
    gboolean parked;                 /* private */
    FleetFlowSender *sender;         /* private; NULL = it has not begun */
    uid_t uid;                       /* private */
    GList link;                      /* private */
};

/* Attaches to the thread-default main context. The quota is the default one. */
FleetFlow *fleet_flow_new(void) G_GNUC_WARN_UNUSED_RESULT;

/* Calls and senders that are left must not be used any more. */
void fleet_flow_free(FleetFlow *flow);

void fleet_flow_configure(FleetFlow *flow, const FleetQuotas *quotas);

/* Whether no call waits for its turn. */
gboolean fleet_flow_is_idle(const FleetFlow *flow);

/* A sender, as a new reference: one that is nobody else's, or the one of that name on the bus, which is known as long
 * as anybody refers to it. */
FleetFlowSender *fleet_flow_sender_new(FleetFlow *flow) G_GNUC_WARN_UNUSED_RESULT;
FleetFlowSender *fleet_flow_sender_named(FleetFlow *flow, const char *name) G_GNUC_WARN_UNUSED_RESULT;
FleetFlowSender *fleet_flow_sender_ref(FleetFlowSender *sender);
void fleet_flow_sender_unref(FleetFlowSender *sender);

/* Calls of the sender that have begun and not ended. */
guint fleet_flow_unanswered(const FleetFlowSender *sender);

/* Whether that is as many as may be carried out now. */
gboolean fleet_flow_is_full(const FleetFlowSender *sender);

/* Begins a call of that user, which goes at once or when it is its turn. FALSE, and QUOTA_EXCEEDED: it is one too many
 * and has not begun. */
gboolean fleet_flow_begin(
        FleetFlowCall *call, FleetFlowSender *sender, uid_t uid, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The call waits for somebody else's word, and keeps nobody waiting meanwhile: it does not count among those that are
 * carried out, only among all that are unanswered. Then it goes on. Does nothing if it has not begun. */
void fleet_flow_park(FleetFlowCall *call);
void fleet_flow_unpark(FleetFlowCall *call);

/* The call is answered. Does nothing if it has not begun. */
void fleet_flow_end(FleetFlowCall *call);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetFlow, fleet_flow_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetFlowSender, fleet_flow_sender_unref)
