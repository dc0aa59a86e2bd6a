/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/action_interface.h"

#include "bus/action_calls.h"
#include "bus/object_manager.h"
#include "bus/paths.h"

static void append_id(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;
    char id[FLEET_ACTION_ID_BUFFER];

    fleet_body_append_string(body, fleet_action_id_format(action->id, id));
}

static void append_device_id(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_string(body, action->device_id);
}

static void append_device(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;
    g_autofree char *path = fleet_path_of_device(action->device_id);

    fleet_body_append_string(body, path);
}

static void append_type(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_string(body, action->type);
}

static void append_status(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_string(body, fleet_action_status_to_string(action->status));
}

static gboolean status_differs(gconstpointer before, gconstpointer after)
{
    const FleetAction *a = before, *b = after;

    return a->status != b->status;
}

static void append_result(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_string(body, fleet_result_to_string(action->result));
}

static gboolean result_differs(gconstpointer before, gconstpointer after)
{
    const FleetAction *a = before, *b = after;

    return a->result != b->result;
}

static void append_phase(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_string(body, action->phase);
}

static gboolean phase_differs(gconstpointer before, gconstpointer after)
{
    const FleetAction *a = before, *b = after;

    return !g_str_equal(a->phase, b->phase);
}

static void append_message(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_string(body, action->message);
}

static gboolean message_differs(gconstpointer before, gconstpointer after)
{
    const FleetAction *a = before, *b = after;

    return !g_str_equal(a->message, b->message);
}

static void append_parameters(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;
    gsize array = fleet_body_open_array(body, 8);

    for (guint i = 0; i < fleet_parameters_count(action->parameters); i++) {
        fleet_body_align(body, 8);
        fleet_body_append_string(body, fleet_parameters_key(action->parameters, i));
        fleet_body_append_string(body, fleet_parameters_value(action->parameters, i));
    }
    fleet_body_close_array(body, array, 8);
}

static void append_progress(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_double(body, action->progress);
}

static gboolean progress_differs(gconstpointer before, gconstpointer after)
{
    const FleetAction *a = before, *b = after;

    return a->progress != b->progress;
}

static void append_progress_known(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_boolean(body, action->progress_known);
}

static gboolean progress_known_differs(gconstpointer before, gconstpointer after)
{
    const FleetAction *a = before, *b = after;

    return a->progress_known != b->progress_known;
}

static void append_initiated_at(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_uint64(body, (guint64)action->initiated_at);
}

static void append_started_at(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_uint64(body, (guint64)action->started.realtime);
}

static gboolean started_at_differs(gconstpointer before, gconstpointer after)
{
    const FleetAction *a = before, *b = after;

    return a->started.realtime != b->started.realtime;
}

static void append_completed_at(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_uint64(body, (guint64)action->completed_at);
}

static gboolean completed_at_differs(gconstpointer before, gconstpointer after)
{
    const FleetAction *a = before, *b = after;

    return a->completed_at != b->completed_at;
}

static void append_attempt(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;
    const guint32 value = action->attempt;

    fleet_body_append_uint32(body, value);
}

static gboolean attempt_differs(gconstpointer before, gconstpointer after)
{
    const FleetAction *a = before, *b = after;

    return a->attempt != b->attempt;
}

static void append_max_attempts(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;
    const guint32 value = action->policy.max_attempts;

    fleet_body_append_uint32(body, value);
}

static void append_cancelable(FleetBody *body, gconstpointer object)
{
    const int cancelable = fleet_action_is_cancelable(object);

    fleet_body_append_boolean(body, cancelable);
}

static gboolean cancelable_differs(gconstpointer before, gconstpointer after)
{
    return fleet_action_is_cancelable(before) != fleet_action_is_cancelable(after);
}

static void append_owner_uid(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;
    const guint32 value = action->owner_uid;

    fleet_body_append_uint32(body, value);
}

static void append_error_name(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_string(body, action->error_name);
}

static gboolean error_name_differs(gconstpointer before, gconstpointer after)
{
    const FleetAction *a = before, *b = after;

    return !g_str_equal(a->error_name, b->error_name);
}

static void append_error_message(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_string(body, action->error_message);
}

static gboolean error_message_differs(gconstpointer before, gconstpointer after)
{
    const FleetAction *a = before, *b = after;

    return !g_str_equal(a->error_message, b->error_message);
}

static void append_request_id(FleetBody *body, gconstpointer object)
{
    const FleetAction *action = object;

    fleet_body_append_string(body, action->request_id);
}

static const FleetProperty properties[] = {
        {"Id", "s", append_id, NULL},
        {"DeviceId", "s", append_device_id, NULL},
        {"Device", "o", append_device, NULL},
        {"Type", "s", append_type, NULL},
        {"Status", "s", append_status, status_differs},
        {"Result", "s", append_result, result_differs},
        {"Phase", "s", append_phase, phase_differs},
        {"Message", "s", append_message, message_differs},
        {"Parameters", "a{ss}", append_parameters, NULL},
        {"Progress", "d", append_progress, progress_differs},
        {"ProgressKnown", "b", append_progress_known, progress_known_differs},
        {"InitiatedAt", "t", append_initiated_at, NULL},
        {"StartedAt", "t", append_started_at, started_at_differs},
        {"CompletedAt", "t", append_completed_at, completed_at_differs},
        {"Attempt", "u", append_attempt, attempt_differs},
        {"MaxAttempts", "u", append_max_attempts, NULL},
        {"Cancelable", "b", append_cancelable, cancelable_differs},
        {"OwnerUid", "u", append_owner_uid, NULL},
        {"ErrorName", "s", append_error_name, error_name_differs},
        {"ErrorMessage", "s", append_error_message, error_message_differs},
        {"RequestId", "s", append_request_id, NULL},
};

static FleetInterfaceHeads heads;

const FleetInterface fleet_action_interface = {
        .name = "org.fleet.Action", .properties = properties, .n = G_N_ELEMENTS(properties), .heads = &heads};

static int get(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
        void *user_data, sd_bus_error *error)
{
    return fleet_interface_get(&fleet_action_interface, property, reply, user_data);
}

static int find(
        sd_bus *bus, const char *path, const char *interface, void *user_data, void **found, sd_bus_error *error)
{
    FleetEndpoint *endpoint = user_data;
    FleetActionId id;

    if (!fleet_path_to_action(path, &id))
        return 0;
    *found = (void *)fleet_engine_lookup(fleet_endpoint_api(endpoint)->engine, id);
    return *found != NULL;
}

static int cancel(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    const FleetAction *action = user_data;
    char id[FLEET_ACTION_ID_BUFFER];

    return fleet_call_begin(
            fleet_endpoint_current(message), message, fleet_action_id_format(action->id, id), &fleet_calls_cancel);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Id", "s", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("DeviceId", "s", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Device", "o", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Type", "s", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Status", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Result", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Phase", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Message", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Parameters", "a{ss}", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Progress", "d", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("ProgressKnown", "b", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("InitiatedAt", "t", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("StartedAt", "t", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("CompletedAt", "t", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Attempt", "u", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("MaxAttempts", "u", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Cancelable", "b", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("OwnerUid", "u", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ErrorName", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("ErrorMessage", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("RequestId", "s", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", status), cancel,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int fleet_action_interface_publish(FleetEndpoint *endpoint)
{
    int r = sd_bus_add_fallback_vtable(fleet_endpoint_bus(endpoint), NULL, FLEET_PATH_ACTIONS,
            fleet_action_interface.name, vtable, find, endpoint);

    return r < 0 ? r
                 : sd_bus_add_node_enumerator(fleet_endpoint_bus(endpoint), NULL, FLEET_PATH_ACTIONS,
                           fleet_object_manager_list_actions, endpoint);
}
