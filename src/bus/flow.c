/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/flow.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"

#include <unistd.h>

/* Refused calls are told of so often. */
#define TOLD_USEC (10 * FLEET_USEC_PER_SEC)

/* Two senders are at work together if they have called within that time. */
#define SHARED_USEC (100 * FLEET_USEC_PER_MSEC)

struct FleetFlowSender {
    FleetFlow *flow; /* weak */
    char *name;      /* key in flow->named; NULL = it is not there */
    guint refs;
    guint under_way;
    guint parked;
    GQueue waiting; /* of FleetFlowCall */
    GList link;     /* in flow->ready, if it is there */
    gboolean ready;
};

typedef struct {
    GSource source;
    FleetFlow *flow;
} FlowSource;

struct FleetFlow {
    GSource *source;
    FleetUsage *usage;
    GHashTable *named;   /* name -> FleetFlowSender, borrowed */
    GQueue ready;        /* of FleetFlowSender that have calls waiting which may go; in turns */
    guint waiting;       /* calls of all */
    gconstpointer last;  /* the sender of the last call; never looked at */
    gint64 last_at;      /* µs of g_get_monotonic_time() */
    gint64 shared_until; /* likewise */
    gint64 told_at;      /* µs of CLOCK_BOOTTIME; 0 = no call was refused yet */
    guint untold;        /* refused since then */
};

static gboolean has_ready(GSource *source)
{
    return ((FlowSource *)source)->flow->ready.length > 0;
}

static gboolean prepare(GSource *source, int *timeout)
{
    *timeout = -1;
    return has_ready(source);
}

gboolean fleet_flow_is_full(const FleetFlowSender *sender)
{
    if (sender->under_way + sender->parked >= FLEET_FLOW_CALLS_MAX)
        return TRUE;
    return sender->under_way >= FLEET_FLOW_CALLS_SHARED && g_get_monotonic_time() < sender->flow->shared_until;
}

static void note_sender(FleetFlow *flow, const FleetFlowSender *sender)
{
    gint64 now = g_get_monotonic_time();

    if (sender != flow->last && now - flow->last_at < SHARED_USEC)
        flow->shared_until = now + SHARED_USEC;
    flow->last = sender;
    flow->last_at = now;
}

static void update_ready(FleetFlowSender *sender)
{
    if (sender->ready || sender->waiting.length == 0 || fleet_flow_is_full(sender))
        return;
    sender->ready = TRUE;
    sender->link = (GList){.data = sender};
    g_queue_push_tail_link(&sender->flow->ready, &sender->link);
}

static void go(FleetFlowCall *call)
{
    call->sender->under_way++;
    call->go(call);
}

/* One call of the sender whose turn it is. */
static void go_on(FleetFlow *flow)
{
    GList *link = g_queue_pop_head_link(&flow->ready);
    g_autoptr(FleetFlowSender) sender = fleet_flow_sender_ref(link->data);
    GList *first = g_queue_pop_head_link(&sender->waiting);

    sender->ready = FALSE;
    flow->waiting--;
    go(first->data);
    update_ready(sender);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    FleetFlow *flow = ((FlowSource *)source)->flow;
    FleetSlice slice = fleet_slice_begin();

    do
        go_on(flow);
    while (flow->ready.length > 0 && fleet_slice_goes_on(&slice));
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.prepare = prepare, .check = has_ready, .dispatch = dispatch};

FleetFlow *fleet_flow_new(void)
{
    FleetFlow *flow = g_new0(FleetFlow, 1);

    flow->usage = fleet_usage_new(FLEET_QUOTA_CALLS, geteuid());
    flow->named = g_hash_table_new(g_str_hash, g_str_equal);
    flow->source = g_source_new(&source_funcs, sizeof(FlowSource));
    ((FlowSource *)flow->source)->flow = flow;
    g_source_set_static_name(flow->source, "fleet-flow");
    g_source_attach(flow->source, g_main_context_get_thread_default());
    return flow;
}

void fleet_flow_free(FleetFlow *flow)
{
    g_source_destroy(flow->source);
    g_source_unref(flow->source);
    g_hash_table_unref(flow->named);
    fleet_usage_free(flow->usage);
    g_free(flow);
}

void fleet_flow_configure(FleetFlow *flow, const FleetQuotas *quotas)
{
    fleet_usage_configure(flow->usage, quotas);
}

gboolean fleet_flow_is_idle(const FleetFlow *flow)
{
    return flow->waiting == 0;
}

FleetFlowSender *fleet_flow_sender_new(FleetFlow *flow)
{
    FleetFlowSender *sender = g_new0(FleetFlowSender, 1);

    sender->flow = flow;
    sender->refs = 1;
    return sender;
}

FleetFlowSender *fleet_flow_sender_named(FleetFlow *flow, const char *name)
{
    FleetFlowSender *sender = g_hash_table_lookup(flow->named, name);

    if (sender != NULL)
        return fleet_flow_sender_ref(sender);
    sender = fleet_flow_sender_new(flow);
    sender->name = g_strdup(name);
    g_hash_table_insert(flow->named, sender->name, sender);
    return sender;
}

FleetFlowSender *fleet_flow_sender_ref(FleetFlowSender *sender)
{
    sender->refs++;
    return sender;
}

void fleet_flow_sender_unref(FleetFlowSender *sender)
{
    if (--sender->refs > 0)
        return;
    if (sender->name != NULL)
        g_hash_table_remove(sender->flow->named, sender->name);
    g_free(sender->name);
    g_free(sender);
}

guint fleet_flow_unanswered(const FleetFlowSender *sender)
{
    return sender->under_way + sender->parked + sender->waiting.length;
}

/* Whoever is refused asks again, and again. */
static void tell(FleetFlow *flow, const GError *refusal)
{
    gint64 now = fleet_clock_boottime();

    if (flow->told_at != 0 && now - flow->told_at < TOLD_USEC) {
        flow->untold++;
        return;
    }
    fleet_log_warning("a call is refused, and %u were before: %s", flow->untold, refusal->message);
    flow->told_at = now;
    flow->untold = 0;
}

gboolean fleet_flow_begin(FleetFlowCall *call, FleetFlowSender *sender, uid_t uid, GError **error)
{
    FleetFlow *flow = sender->flow;

    g_autoptr(GError) refusal = NULL;

    if (!fleet_usage_check(flow->usage, uid, &refusal)) {
        tell(flow, refusal);
        g_propagate_error(error, g_steal_pointer(&refusal));
        return FALSE;
    }
    fleet_usage_add(flow->usage, uid);
    call->sender = fleet_flow_sender_ref(sender);
    call->uid = uid;
    note_sender(flow, sender);
    if (sender->waiting.length == 0 && !fleet_flow_is_full(sender)) {
        go(call);
        return TRUE;
    }
    call->link = (GList){.data = call};
    g_queue_push_tail_link(&sender->waiting, &call->link);
    flow->waiting++;
    update_ready(sender);
    return TRUE;
}

void fleet_flow_park(FleetFlowCall *call)
{
    FleetFlowSender *sender = call->sender;

    if (sender == NULL || call->parked)
        return;
    call->parked = TRUE;
    sender->under_way--;
    sender->parked++;
    update_ready(sender);
}

void fleet_flow_unpark(FleetFlowCall *call)
{
    if (!call->parked)
        return;
    call->parked = FALSE;
    call->sender->parked--;
    call->sender->under_way++;
}

void fleet_flow_end(FleetFlowCall *call)
{
    g_autoptr(FleetFlowSender) sender = g_steal_pointer(&call->sender);

    if (sender == NULL)
        return;
    if (call->parked)
        sender->parked--;
    else
        sender->under_way--;
    call->parked = FALSE;
    fleet_usage_remove(sender->flow->usage, call->uid);
    update_ready(sender);
}
