/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/action_calls.h"

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

static void reply_initiated(const FleetCall *call, FleetBody *body)
{
    const FleetInitiated *initiated = &((const Initiation *)call->state)->initiated;
    char text[FLEET_ACTION_ID_BUFFER], path[FLEET_ACTION_PATH_BUFFER];

    fleet_body_append_string(body, fleet_action_id_format(initiated->id, text));
    fleet_body_append_string(body, fleet_path_of_action(initiated->id, path));
    fleet_body_append_string(body, fleet_action_status_to_string(initiated->status));
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
    } else if (fleet_call_is_settled(call)) /* the store was asked, and what it is about may have changed */
        stage_initiation(call);
}

/* Whose action is stopped, so that another can take its place: that takes the right to cancel it. One that is so new
 * that it is not on disk yet is nobody's own. */
static void add_replaced(FleetCall *call, FleetTargets *targets, const char *id)
{
    const FleetDevice *device = fleet_registry_lookup_staged(call->api->registry, id, NULL);

    if (device == NULL || device->action.sequence == 0)
        return;
    const FleetAction *action = fleet_engine_lookup(call->api->engine, device->action);
    gboolean is_own = action != NULL && action->owner_uid == call->caller.uid;
    const FleetQuestion question = {.verb = is_own ? FLEET_VERB_CANCEL_ACTIONS : FLEET_VERB_CANCEL_ANY,
            .device = id,
            .device_type = device->type,
            .action_type = action != NULL ? action->type : ""};
    fleet_targets_add(targets, &question);
}

static void add_initiation(FleetCall *call, FleetTargets *targets, const FleetActionRequest *request)
{
    fleet_targets_next(targets);
    fleet_targets_add_device(targets, call->api->registry, call->verb, request->device_id, request->type);
    if (request->if_busy == FLEET_IF_BUSY_REPLACE)
        add_replaced(call, targets, request->device_id);
}

static gboolean find_initiation(FleetCall *call, FleetTargets *targets, GError **error)
{
    Initiation initiation = {0};

    if (read_initiation(call, &initiation, error))
        add_initiation(call, targets, &initiation.request);
    g_clear_pointer(&initiation.request.parameters, fleet_parameters_unref);
    return fleet_targets_count(targets) > 0;
}

static void initiate(FleetCall *call)
{
    Initiation *initiation = g_new0(Initiation, 1);
    GError *error = NULL;

    if (call->state != NULL) /* it was here before: see fleet_call_is_settled() */
        free_initiation(g_steal_pointer(&call->state));
    fleet_call_keep(call, initiation, free_initiation);
    fleet_call_set_reply(call, "sos", reply_initiated);
    if (!read_initiation(call, initiation, &error))
        fleet_call_go_on(call, error);
    else if (*initiation->request.request_id != '\0')
        fleet_history_find_request(call->api->history, &initiation->request, request_found, call);
    else
        stage_initiation(call);
}

const FleetCallKind fleet_calls_initiate = {.start = initiate, .targets = find_initiation};

/* Starting many. */

static void append_started(FleetBody *body, guint index, gconstpointer result)
{
    const FleetInitiated *initiated = result;
    char text[FLEET_ACTION_ID_BUFFER], path[FLEET_ACTION_PATH_BUFFER];

    fleet_body_append_uint32(body, index);
    fleet_body_append_string(body, fleet_action_id_format(initiated->id, text));
    fleet_body_append_string(body, fleet_path_of_action(initiated->id, path));
}

/* What all have in common; the parameters are the caller's, and those of the devices. */
static char **read_initiations(FleetCall *call, FleetActionRequest *request, GError **error)
{
    g_auto(GStrv) ids = fleet_arguments_ids(call->message, error);

    *request = (FleetActionRequest){.owner_uid = call->caller.uid};
    if (ids == NULL || !fleet_arguments_strings(call, error, &request->type, NULL))
        return NULL;
    request->parameters = fleet_arguments_parameters(call->message, error);
    if (request->parameters == NULL || !fleet_action_options_read(call->message, call->api, FALSE, request, error))
        return NULL;
    return g_steal_pointer(&ids);
}

static gboolean find_initiations(FleetCall *call, FleetTargets *targets, GError **error)
{
    FleetActionRequest request;
    g_auto(GStrv) ids = read_initiations(call, &request, error);

    for (guint i = 0; ids != NULL && ids[i] != NULL; i++) {
        request.device_id = ids[i];
        add_initiation(call, targets, &request);
    }
    g_clear_pointer(&request.parameters, fleet_parameters_unref);
    return ids != NULL;
}

static void stage_initiations(FleetCall *call, char **ids, FleetActionRequest *request, FleetBatch *batch)
{
    for (guint i = 0; ids[i] != NULL; i++) {
        FleetInitiated initiated;
        g_autoptr(GError) failure = NULL;

        request->device_id = ids[i];
        if (!fleet_call_is_refused(call, i, &failure) &&
                fleet_engine_stage_initiate(call->api->engine, call->transaction, request, &initiated, &failure))
            fleet_batch_add_result(batch, i, g_memdup2(&initiated, sizeof(initiated)));
        else
            fleet_batch_add_failure(batch, i, g_steal_pointer(&failure));
    }
}

static gboolean initiate_many(FleetCall *call, GError **error)
{
    FleetActionRequest request;
    g_auto(GStrv) ids = read_initiations(call, &request, error);

    if (ids != NULL) {
        FleetBatch *batch = fleet_batch_new("a(uso)a(uss)", append_started);
        stage_initiations(call, ids, &request, batch);
        fleet_batch_keep(batch, call);
    }
    g_clear_pointer(&request.parameters, fleet_parameters_unref);
    return ids != NULL;
}

const FleetCallKind fleet_calls_initiate_many = {.func = initiate_many, .targets = find_initiations};

/* Cancelling. */

typedef struct {
    const char *id; /* the message's or the call's */
    gboolean force;
    FleetActionStatus status;
    FleetAction *action; /* that access is asked about */
} Cancel;

static void free_cancel(gpointer data)
{
    Cancel *cancel = data;

    g_clear_pointer(&cancel->action, fleet_action_unref);
    g_free(cancel);
}

static void reply_status(const FleetCall *call, FleetBody *body)
{
    fleet_body_append_string(body, fleet_action_status_to_string(((const Cancel *)call->state)->status));
}

static gboolean read_cancel(FleetCall *call, Cancel *cancel, GError **error)
{
    const FleetOption options[] = {{"Force", "b", &cancel->force, NULL}};

    return fleet_arguments_object(call, &cancel->id, error) &&
           fleet_options_read(call->message, "option", options, G_N_ELEMENTS(options), error);
}

/* What is not in memory has ended; the history knows how. */
static void action_found(const FleetAction *action, const GError *error, gpointer user_data)
{
    FleetCall *call = user_data;
    Cancel *cancel = call->state;
    GError *reason = NULL;

    if (error != NULL)
        reason = g_error_copy(error);
    else if (fleet_engine_lookup(call->api->engine, action->id) != NULL) {
        if (!fleet_engine_stage_cancel(
                    call->api->engine, call->transaction, action->id, cancel->force, &cancel->status, &reason))
            g_assert(reason != NULL);
    } else
        reason = g_error_new(FLEET_ERROR, FLEET_ERROR_ALREADY_FINISHED, "action '%s' has ended already: %s (%s)",
                cancel->id, fleet_action_status_to_string(action->status), fleet_result_to_string(action->result));
    fleet_call_go_on(call, reason);
}

/* The same for both passes. */
static Cancel *ensure_cancel(FleetCall *call)
{
    if (call->state == NULL)
        fleet_call_keep(call, g_new0(Cancel, 1), free_cancel);
    return call->state;
}

static void cancel_action(FleetCall *call)
{
    Cancel *cancel = ensure_cancel(call);
    GError *error = NULL;

    fleet_call_set_reply(call, "s", reply_status);
    if (read_cancel(call, cancel, &error))
        fleet_history_find(call->api->history, cancel->id, action_found, call);
    else
        fleet_call_go_on(call, error);
}

/* Whose action it is, and of which device. Neither ever changes. */

static void action_to_ask_about(const FleetAction *action, const GError *error, gpointer user_data)
{
    FleetCall *call = user_data;

    if (action != NULL)
        ((Cancel *)call->state)->action = fleet_action_ref(action);
    fleet_call_prepared(call, error != NULL ? g_error_copy(error) : NULL);
}

static void prepare_cancel(FleetCall *call)
{
    Cancel *cancel = ensure_cancel(call);
    GError *error = NULL;

    if (read_cancel(call, cancel, &error))
        fleet_history_find(call->api->history, cancel->id, action_to_ask_about, call);
    else
        fleet_call_prepared(call, error);
}

static gboolean find_action(FleetCall *call, FleetTargets *targets, GError **error)
{
    const FleetAction *action = ((const Cancel *)call->state)->action;

    if (action->owner_uid != call->caller.uid)
        call->verb = FLEET_VERB_CANCEL_ANY;
    fleet_targets_next(targets);
    fleet_targets_add_device(targets, call->api->registry, call->verb, action->device_id, action->type);
    return TRUE;
}

const FleetCallKind fleet_calls_cancel = {.start = cancel_action, .targets = find_action, .prepare = prepare_cancel};
