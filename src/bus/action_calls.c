/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/action_calls.h"

#include "access/verbs.h"
#include "base/error.h"
#include "bus/action_options.h"
#include "bus/arguments.h"
#include "bus/batch.h"
#include "bus/errors.h"
#include "bus/options.h"
#include "bus/paths.h"
#include "model/limits.h"

/* Starting one. */

typedef struct {
    FleetActionRequest request; /* its texts belong to the message */
    FleetInitiated initiated;
} Initiation;

static void free_initiation(gpointer data)
{
    Initiation *initiation = data;

    g_clear_pointer(&initiation->request.parameters, fleet_parameters_unref);
    g_free(initiation);
}

static int reply_initiated(FleetCall *call, sd_bus_message *reply)
{
    const FleetInitiated *initiated = &((const Initiation *)call->state)->initiated;
    char text[FLEET_ACTION_ID_BUFFER], path[FLEET_ACTION_PATH_BUFFER];

    return sd_bus_message_append(reply, "sos", fleet_action_id_format(initiated->id, text),
            fleet_path_of_action(initiated->id, path), fleet_action_status_to_string(initiated->status));
}

static gboolean read_initiation(FleetCall *call, Initiation *initiation, GError **error)
{
    FleetActionRequest *request = &initiation->request;

    request->owner_uid = call->caller.uid;
    if (!fleet_arguments_object(call, &request->device_id, error) ||
            !fleet_arguments_strings(call, error, &request->type, NULL))
        return FALSE;
    request->parameters = fleet_arguments_parameters(call->message, error);
    return request->parameters != NULL && fleet_action_options_read(call->message, call->api, TRUE, request, error);
}

static void stage_initiation(FleetCall *call)
{
    Initiation *initiation = call->state;
    GError *error = NULL;

    if (!fleet_engine_stage_initiate(
                call->api->engine, call->transaction, &initiation->request, &initiation->initiated, &error))
        g_assert(error != NULL);
    fleet_call_go_on(call, error);
}

static void request_found(const FleetInitiated *initiated, const GError *error, gpointer user_data)
{
    FleetCall *call = user_data;

    if (error != NULL)
        fleet_call_go_on(call, g_error_copy(error));
    else if (initiated != NULL) {
        ((Initiation *)call->state)->initiated = *initiated;
        fleet_call_go_on(call, NULL);
    } else
        stage_initiation(call);
}

void fleet_calls_initiate(FleetCall *call)
{
    Initiation *initiation = g_new0(Initiation, 1);
    GError *error = NULL;

    fleet_call_keep(call, initiation, free_initiation);
    call->reply = reply_initiated;
    if (!read_initiation(call, initiation, &error))
        fleet_call_go_on(call, error);
    else if (*initiation->request.request_id != '\0')
        fleet_history_find_request(call->api->history, &initiation->request, request_found, call);
    else
        stage_initiation(call);
}

/* Starting many. */

static int append_started(sd_bus_message *reply, guint index, gconstpointer result)
{
    const FleetInitiated *initiated = result;
    char text[FLEET_ACTION_ID_BUFFER], path[FLEET_ACTION_PATH_BUFFER];

    return sd_bus_message_append(reply, "(uso)", index, fleet_action_id_format(initiated->id, text),
            fleet_path_of_action(initiated->id, path));
}

gboolean fleet_calls_initiate_many(FleetCall *call, GError **error)
{
    g_autoptr(FleetParameters) parameters = NULL;
    FleetActionRequest request = {.owner_uid = call->caller.uid};
    g_autoptr(FleetBatch) batch = fleet_batch_new("(uso)", append_started);
    g_auto(GStrv) ids = NULL;
    int r = sd_bus_message_read_strv(call->message, &ids);

    if (r < 0) {
        g_propagate_error(error, fleet_errors_unreadable(r));
        return FALSE;
    }
    guint n = ids != NULL ? g_strv_length(ids) : 0;
    if (!fleet_arguments_strings(call, error, &request.type, NULL))
        return FALSE;
    request.parameters = parameters = fleet_arguments_parameters(call->message, error);
    if (parameters == NULL || !fleet_action_options_read(call->message, call->api, FALSE, &request, error) ||
            !fleet_batch_check_size(n, error))
        return FALSE;
    for (guint i = 0; i < n; i++) {
        FleetInitiated initiated;
        g_autoptr(GError) failure = NULL;

        request.device_id = ids[i];
        if (fleet_engine_stage_initiate(call->api->engine, call->transaction, &request, &initiated, &failure))
            fleet_batch_add_result(batch, i, g_memdup2(&initiated, sizeof(initiated)));
        else
            fleet_batch_add_failure(batch, i, g_steal_pointer(&failure));
    }
    fleet_batch_keep(g_steal_pointer(&batch), call);
    return TRUE;
}

/* Cancelling. */

typedef struct {
    const char *id; /* the message's or the call's */
    gboolean force;
    FleetActionStatus status;
} Cancel;

static int reply_status(FleetCall *call, sd_bus_message *reply)
{
    return sd_bus_message_append_basic(
            reply, 's', fleet_action_status_to_string(((const Cancel *)call->state)->status));
}

static gboolean read_cancel(FleetCall *call, Cancel *cancel, GError **error)
{
    const FleetOption options[] = {{"Force", "b", &cancel->force, NULL}};

    return fleet_arguments_object(call, &cancel->id, error) &&
           fleet_options_read(call->message, "option", options, G_N_ELEMENTS(options), error);
}

static gboolean stage_cancel(FleetCall *call, const FleetAction *action, GError **error)
{
    Cancel *cancel = call->state;

    if (action->owner_uid != call->caller.uid && !fleet_verb_check(FLEET_VERB_CANCEL_ANY, &call->caller, error))
        return FALSE;
    return fleet_engine_stage_cancel(
            call->api->engine, call->transaction, action->id, cancel->force, &cancel->status, error);
}

/* What is not in memory has ended; the history knows how. */
static void action_found(const FleetAction *action, const GError *error, gpointer user_data)
{
    FleetCall *call = user_data;
    GError *reason = NULL;

    if (error != NULL)
        reason = g_error_copy(error);
    else if (fleet_engine_lookup(call->api->engine, action->id) != NULL) {
        if (!stage_cancel(call, action, &reason))
            g_assert(reason != NULL);
    } else
        reason = g_error_new(FLEET_ERROR, FLEET_ERROR_ALREADY_FINISHED, "action '%s' has ended already: %s (%s)",
                ((const Cancel *)call->state)->id, fleet_action_status_to_string(action->status),
                fleet_result_to_string(action->result));
    fleet_call_go_on(call, reason);
}

void fleet_calls_cancel(FleetCall *call)
{
    Cancel *cancel = g_new0(Cancel, 1);
    GError *error = NULL;

    fleet_call_keep(call, cancel, g_free);
    call->reply = reply_status;
    if (read_cancel(call, cancel, &error))
        fleet_history_find(call->api->history, cancel->id, action_found, call);
    else
        fleet_call_go_on(call, error);
}
