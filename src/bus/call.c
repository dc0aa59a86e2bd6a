/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/call.h"

#include "access/verbs.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/quotable.h"
#include "bus/endpoint.h"
#include "bus/reading.h"
#include "bus/reply.h"

/* Calls refused in one second that are told of one by one. */
#define DENIED_MAX 20

static void free_call(gpointer data)
{
    FleetCall *call = data;

    if (call->free_state != NULL)
        call->free_state(call->state);
    g_free(call->object_id);
    g_free(call->object);
    g_free(call->sender);
    sd_bus_message_unref(call->message);
    g_free(call);
}

static int append_reply(sd_bus_message *reply, gpointer user_data)
{
    FleetCall *call = user_data;

    return call->reply != NULL ? call->reply(call, reply) : 0;
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
    fleet_reply(call->message, error, append_reply, call);
    free_call(call);
}

/* May this caller do what the message asks for? */
static gboolean is_allowed(FleetCall *call, GError **error)
{
    FleetVerb verb;

    return fleet_verb_of(sd_bus_message_get_interface(call->message), sd_bus_message_get_member(call->message), &verb,
                   error) &&
           fleet_verb_check(verb, &call->caller, error);
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

static void refuse(FleetCall *call, GError *error)
{
    note_object(call);
    call->silent = is_one_too_many(call);
    fleet_call_go_on(call, error);
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

static void carry_out(const FleetCaller *caller, const GError *unknown, gpointer user_data)
{
    FleetCall *call = user_data;
    g_autoptr(GError) error = NULL;

    if (unknown != NULL) {
        call->silent = TRUE; /* there is nobody to name; fleet_callers_resolve() has told why */
        answer(unknown, call);
        return;
    }
    call->caller = *caller;
    if (!fleet_reading_allowed(call->api, &error)) {
        answer(error, call);
        return;
    }

    call->transaction = fleet_transaction_new(call->api->ledger);
    fleet_transaction_set_origin(call->transaction, call->caller.uid, call->sender);
    if (!is_allowed(call, &error))
        refuse(call, g_steal_pointer(&error));
    else if (call->start != NULL)
        call->start(call);
    else
        fleet_call_go_on(call, call->func(call, &error) ? NULL : g_steal_pointer(&error));
}

static int begin(FleetEndpoint *endpoint, sd_bus_message *message, const char *object_id, FleetCallFunc func,
        FleetCallStartFunc start)
{
    FleetCall *call = g_new0(FleetCall, 1);

    call->api = fleet_endpoint_api(endpoint);
    call->message = sd_bus_message_ref(message);
    call->object_id = g_strdup(object_id);
    call->object = g_strdup(object_id);
    call->sender = g_strdup(fleet_endpoint_sender(endpoint, message));
    call->func = func;
    call->start = start;
    fleet_endpoint_resolve(endpoint, message, carry_out, free_call, call);
    return 1;
}

int fleet_call_begin(FleetEndpoint *endpoint, sd_bus_message *message, const char *object_id, FleetCallFunc func)
{
    return begin(endpoint, message, object_id, func, NULL);
}

int fleet_call_begin_start(
        FleetEndpoint *endpoint, sd_bus_message *message, const char *object_id, FleetCallStartFunc start)
{
    return begin(endpoint, message, object_id, NULL, start);
}
