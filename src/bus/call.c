/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/call.h"

#include "access/verbs.h"
#include "base/log.h"
#include "bus/endpoint.h"
#include "bus/reading.h"
#include "bus/reply.h"

static void free_call(gpointer data)
{
    FleetCall *call = data;

    if (call->free_state != NULL)
        call->free_state(call->state);
    g_free(call->device_id);
    sd_bus_message_unref(call->message);
    g_free(call);
}

static int append_reply(sd_bus_message *reply, gpointer user_data)
{
    FleetCall *call = user_data;

    return call->reply != NULL ? call->reply(call, reply) : 0;
}

/* The one reply. Ends the call. */
static void answer(const GError *error, gpointer user_data)
{
    FleetCall *call = user_data;

    if (error != NULL)
        fleet_log_debug(
                "%s by user %u: %s", sd_bus_message_get_member(call->message), (guint)call->caller.uid, error->message);
    fleet_reply(call->message, error, append_reply, call);
    free_call(call);
}

/* May this caller do what the message asks for? */
static gboolean is_allowed(FleetCall *call, GError **error)
{
    FleetVerb verb;

    return fleet_reading_allowed(call->api, error) &&
           fleet_verb_of(sd_bus_message_get_interface(call->message), sd_bus_message_get_member(call->message), &verb,
                   error) &&
           fleet_verb_check(verb, &call->caller, error);
}

static void carry_out(const FleetCaller *caller, const GError *unknown, gpointer user_data)
{
    FleetCall *call = user_data;
    g_autoptr(GError) error = NULL;

    if (unknown != NULL) {
        answer(unknown, call);
        return;
    }
    call->caller = *caller;
    if (!is_allowed(call, &error)) {
        answer(error, call);
        return;
    }

    call->transaction = fleet_transaction_new(call->api->ledger);
    if (call->func(call, &error))
        fleet_transaction_submit(call->transaction, answer, call);
    else
        fleet_transaction_refuse(call->transaction, g_steal_pointer(&error), answer, call);
}

int fleet_call_begin(FleetEndpoint *endpoint, sd_bus_message *message, const char *device_id, FleetCallFunc func)
{
    FleetCall *call = g_new0(FleetCall, 1);

    call->api = fleet_endpoint_api(endpoint);
    call->message = sd_bus_message_ref(message);
    call->device_id = g_strdup(device_id);
    call->func = func;
    fleet_endpoint_resolve(endpoint, message, carry_out, free_call, call);
    return 1;
}
