/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/call.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/quotable.h"
#include "bus/endpoint.h"
#include "bus/reading.h"
#include "bus/reply.h"

/* Calls refused in one second that are told of one by one. */
#define DENIED_MAX 20

/* How often access is asked about one call, because what that is about has changed since. */
#define ROUNDS_MAX 3

static void free_call(gpointer data)
{
    FleetCall *call = data;

    if (call->free_state != NULL)
        call->free_state(call->state);
    g_clear_pointer(&call->targets, fleet_targets_free);
    g_free(call->object_id);
    g_free(call->object);
    g_free(call->sender);
    fleet_flow_sender_unref(call->flow_sender);
    sd_bus_message_unref(call->message);
    fleet_outbox_unref(call->outbox);
    g_free(call);
}

static void append_reply(FleetBody *body, gconstpointer user_data)
{
    const FleetCall *call = user_data;

    if (call->reply != NULL)
        call->reply(call, body);
}

static const char *outcome_of(const GError *error)
{
    if (error == NULL)
        return "ok";
    return error->domain == FLEET_ERROR ? fleet_error_name((FleetError)error->code) : SD_BUS_ERROR_FAILED;
}

/* Success is for debugging only: what has changed is told by itself (daemon/journal), and the audit has every call. */
static void log_call(const FleetCall *call, const GError *error)
{
    const char *method = sd_bus_message_get_member(call->message), *object = call->object;
    gboolean is_refused = g_error_matches(error, FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED);
    gboolean is_too_much = g_error_matches(error, FLEET_ERROR, FLEET_ERROR_QUOTA_EXCEEDED);
    gboolean is_action = g_str_equal(method, "CancelDeviceAction") || g_str_equal(method, "Cancel");
    gboolean is_one = object != NULL && object[0] != '('; /* else a number of entries */

    fleet_log_routine(error == NULL               ? LOG_DEBUG
                      : is_refused || is_too_much ? LOG_NOTICE
                                                  : LOG_INFO,
            FLEET_LOG_SUBJECT(.message = error == NULL ? FLEET_MESSAGE_NONE
                                         : is_refused  ? FLEET_MESSAGE_CALL_REFUSED
                                         : is_too_much ? FLEET_MESSAGE_QUOTA_EXCEEDED
                                                       : FLEET_MESSAGE_CALL_FAILED,
                    .method = method, .device = is_one && !is_action ? object : NULL,
                    .action = is_one && is_action ? object : NULL, .sender = call->sender,
                    .sender_uid = &call->caller.uid, .error = error != NULL ? outcome_of(error) : NULL),
            "%s '%s' by user %u (%s): %s", method, object != NULL ? object : "", (guint)call->caller.uid,
            call->caller.executable, error != NULL ? error->message : "ok");
}

/* The one reply. Ends the call. */
static void answer(const GError *error, gpointer user_data)
{
    FleetCall *call = user_data;

    if (!call->silent)
        log_call(call, error);
    fleet_reply(call->outbox, call->message, error, call->signature, append_reply, call);
    fleet_flow_end(&call->flow);
    free_call(call);
}

/* A call leaves its row whether it was carried out or refused: in the transaction of its changes, so that the row is
 * there if and only if they are. */
static void add_audit(FleetCall *call, const GError *error)
{
    fleet_transaction_add_audit(
            call->transaction, fleet_audit_record_new(fleet_clock_realtime(), call->caller.uid, call->caller.executable,
                                       call->sender, sd_bus_message_get_member(call->message),
                                       call->object != NULL ? call->object : "", outcome_of(error)));
}

/* Who may change nothing could fill the disk with refusals: only so many a second leave a row and a line in the
 * journal. */
static gboolean is_one_too_many(FleetCall *call)
{
    FleetApi *api = call->api;
    gint64 now = fleet_clock_boottime();

    if (now - api->denied_since >= FLEET_USEC_PER_SEC) {
        if (api->denied > DENIED_MAX)
            fleet_log_warning("%u more calls were refused for lack of a right", api->denied - DENIED_MAX);
        api->denied_since = now;
        api->denied = 0;
    }
    return ++api->denied > DENIED_MAX;
}

/* What a call is about, before its arguments are read: its first string. */
static void note_object(FleetCall *call)
{
    const char *first;

    if (call->object == NULL && sd_bus_message_read_basic(call->message, 's', &first) >= 0)
        call->object = fleet_quotable(first);
    sd_bus_message_rewind(call->message, TRUE);
}

static void begin_transaction(FleetCall *call)
{
    call->transaction = fleet_transaction_new(call->api->ledger);
    fleet_transaction_set_origin(call->transaction, call->caller.uid, call->sender);
}

/* For a call that is not carried out: its caller may not, or has not come so far. */
static void refuse(FleetCall *call, GError *error)
{
    sd_bus_message_rewind(call->message, TRUE);
    note_object(call);
    call->silent = is_one_too_many(call);
    begin_transaction(call);
    fleet_call_go_on(call, error);
}

void fleet_call_set_reply(FleetCall *call, const char *signature, FleetCallReplyFunc reply)
{
    call->signature = signature;
    call->reply = reply;
}

void fleet_call_go_on(FleetCall *call, GError *error)
{
    if (!call->silent)
        add_audit(call, error);
    if (error == NULL)
        fleet_transaction_submit(call->transaction, answer, call);
    else
        fleet_transaction_refuse(call->transaction, error, answer, call);
}

/* What the call is about may have changed while polkit was asked, so this works on what is now. */
static void carry_out(FleetCall *call)
{
    GError *error = NULL;

    begin_transaction(call);
    if (call->kind->start != NULL)
        call->kind->start(call);
    else
        fleet_call_go_on(call, call->kind->func(call, &error) ? NULL : error);
}

static FleetTargets *find_targets(FleetCall *call, GError **error)
{
    g_autoptr(FleetTargets) targets = fleet_targets_new();
    const FleetQuestion nothing = {.verb = call->verb, .device = "", .device_type = "", .action_type = ""};

    sd_bus_message_rewind(call->message, TRUE);
    if (call->kind->targets != NULL && !call->kind->targets(call, targets, error))
        return NULL;
    sd_bus_message_rewind(call->message, TRUE);
    if (fleet_targets_count(targets) == 0) {
        fleet_targets_next(targets);
        fleet_targets_add(targets, &nothing);
    }
    return g_steal_pointer(&targets);
}

/* Why no entry may be carried out; NULL if one may. */
static const GError *find_refusal(const FleetCall *call)
{
    const GError *first = fleet_targets_refusal(call->targets, call->refusals, 0), *refusal = first;

    for (guint i = 1; i < fleet_targets_count(call->targets) && refusal != NULL; i++)
        refusal = fleet_targets_refusal(call->targets, call->refusals, i);
    return refusal != NULL ? first : NULL;
}

static void decided(GError *const *refusals, guint n, gpointer user_data);

/* Takes the targets. */
static void ask(FleetCall *call, FleetTargets *targets)
{
    g_autoptr(GError) error = NULL;
    guint n;

    if (!fleet_reading_allowed(call->api, &error)) {
        fleet_targets_free(targets);
        answer(error, call);
        return;
    }
    const FleetQuestion *questions = fleet_targets_questions(targets, &n);

    g_clear_pointer(&call->targets, fleet_targets_free);
    call->targets = targets;
    call->refusals = NULL;
    call->rounds++;
    fleet_flow_park(&call->flow);
    fleet_authority_ask(call->api->authority, &call->caller, questions, n,
            sd_bus_message_get_allow_interactive_authorization(call->message) > 0, decided, call);
}

gboolean fleet_call_is_settled(FleetCall *call)
{
    GError *error = NULL;

    if (call->targets == NULL)
        return TRUE;
    FleetTargets *targets = find_targets(call, &error);
    if (targets != NULL && fleet_targets_equal(targets, call->targets)) {
        fleet_targets_free(targets);
        return TRUE;
    }
    g_clear_pointer(&call->transaction, fleet_transaction_abandon);
    if (targets == NULL)
        refuse(call, error);
    else if (call->rounds < ROUNDS_MAX)
        ask(call, targets);
    else {
        fleet_targets_free(targets);
        refuse(call, g_error_new_literal(FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED,
                             "what the call is about goes on changing while polkit is asked; call again"));
    }
    return FALSE;
}

static void decided(GError *const *refusals, guint n, gpointer user_data)
{
    FleetCall *call = user_data;
    g_autoptr(GError) error = NULL;

    fleet_flow_unpark(&call->flow);
    if (!fleet_reading_allowed(call->api, &error)) {
        answer(error, call);
        return;
    }
    call->refusals = refusals;
    const GError *refusal = find_refusal(call);
    if (refusal != NULL) {
        refuse(call, g_error_copy(refusal));
        return;
    }
    if (fleet_call_is_settled(call))
        carry_out(call);
}

void fleet_call_prepared(FleetCall *call, GError *error)
{
    FleetTargets *targets = error == NULL ? find_targets(call, &error) : NULL;

    if (targets == NULL)
        refuse(call, error);
    else
        ask(call, targets);
}

gboolean fleet_call_is_refused(const FleetCall *call, guint entry, GError **error)
{
    const GError *refusal = call->refusals != NULL ? fleet_targets_refusal(call->targets, call->refusals, entry) : NULL;

    if (refusal != NULL)
        g_propagate_error(error, g_error_copy(refusal));
    return refusal != NULL;
}

/* It is the call's turn. */
static void decide(FleetFlowCall *flow)
{
    FleetCall *call = flow->data;
    g_autoptr(GError) error = NULL;

    if (!fleet_reading_allowed(call->api, &error)) {
        answer(error, call);
        return;
    }

    if (!fleet_verb_of(sd_bus_message_get_interface(call->message), sd_bus_message_get_member(call->message),
                &call->verb, &error))
        refuse(call, g_steal_pointer(&error));
    else if (fleet_verb_is_free(call->verb, &call->caller))
        carry_out(call);
    else if (call->kind->prepare != NULL)
        call->kind->prepare(call);
    else
        fleet_call_prepared(call, NULL);
}

static void resolved(const FleetCaller *caller, const GError *unknown, gpointer user_data)
{
    FleetCall *call = user_data;
    g_autoptr(GError) error = NULL;

    if (unknown != NULL) {
        call->silent = TRUE; /* there is nobody to name; fleet_callers_resolve() has told why */
        answer(unknown, call);
        return;
    }
    call->caller = *caller;
    if (!fleet_flow_begin(&call->flow, call->flow_sender, caller->uid, &error)) {
        call->silent = TRUE; /* a row for each would be what the quota is to prevent; the flow tells of them */
        answer(error, call);
    }
}

int fleet_call_begin(FleetEndpoint *endpoint, sd_bus_message *message, const char *object_id, const FleetCallKind *kind)
{
    FleetCall *call = g_new0(FleetCall, 1);

    call->api = fleet_endpoint_api(endpoint);
    call->outbox = fleet_outbox_ref(fleet_endpoint_outbox(endpoint));
    call->signature = "";
    call->message = sd_bus_message_ref(message);
    call->object_id = g_strdup(object_id);
    call->object = g_strdup(object_id);
    call->sender = g_strdup(fleet_endpoint_sender(endpoint, message));
    call->kind = kind;
    call->flow = (FleetFlowCall){.go = decide, .data = call};
    call->flow_sender = fleet_endpoint_flow(endpoint, message);
    fleet_endpoint_resolve(endpoint, message, resolved, free_call, call);
    return 1;
}
