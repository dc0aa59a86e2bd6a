/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/device_calls.h"

#include "base/error.h"
#include "base/quotable.h"
#include "bus/arguments.h"
#include "bus/options.h"
#include "bus/paths.h"

static void reply_path(const FleetCall *call, FleetBody *body)
{
    fleet_body_append_string(body, call->state);
}

gboolean fleet_calls_check_driver(FleetCall *call, const char *driver, GError **error)
{
    if (*driver == '\0' || fleet_engine_driver(call->api->engine, driver) != NULL)
        return TRUE;
    g_autofree char *shown = fleet_quotable(driver);
    g_autofree char *all = g_strjoinv(", ", (char **)fleet_engine_driver_names(call->api->engine));
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "driver '%s' is unknown; use one of %s", shown, all);
    return FALSE;
}

/* A device is of the type that it is to be of. */
static gboolean find_new(FleetCall *call, FleetTargets *targets, GError **error)
{
    FleetQuestion question = {.verb = call->verb, .action_type = ""};

    if (!fleet_arguments_object(call, &question.device, error) ||
            !fleet_arguments_strings(call, error, &question.device_type, &question.device_type, NULL))
        return FALSE;
    fleet_targets_next(targets);
    fleet_targets_add(targets, &question);
    return TRUE;
}

gboolean fleet_calls_find_device(FleetCall *call, FleetTargets *targets, GError **error)
{
    const char *id;

    if (!fleet_arguments_object(call, &id, error))
        return FALSE;
    fleet_targets_next(targets);
    fleet_targets_add_device(targets, call->api->registry, call->verb, id, "");
    return TRUE;
}

static gboolean register_one(FleetCall *call, GError **error)
{
    FleetDeviceSpec spec = {.driver = "", .address = "", .owner_uid = call->caller.uid};
    const FleetOption options[] = {{"Driver", "s", &spec.driver, NULL}, {"Address", "s", &spec.address, NULL}};

    if (!fleet_arguments_object(call, &spec.id, error) ||
            !fleet_arguments_strings(call, error, &spec.name, &spec.type, &spec.status, NULL) ||
            !fleet_options_read(call->message, "option", options, G_N_ELEMENTS(options), error) ||
            !fleet_calls_check_driver(call, spec.driver, error) ||
            !fleet_registry_stage_register(call->api->registry, call->transaction, &spec, error))
        return FALSE;
    fleet_call_keep(call, fleet_path_of_device(spec.id), g_free);
    fleet_call_set_reply(call, "o", reply_path);
    return TRUE;
}

const FleetCallKind fleet_calls_register = {.func = register_one, .targets = find_new};

static void reply_status(const FleetCall *call, FleetBody *body)
{
    const FleetStatusChange *change = call->state;

    fleet_body_append_string(body, fleet_device_status_to_string(change->previous));
    if (call->object_id == NULL)
        fleet_body_append_string(body, fleet_device_status_to_string(change->current));
}

static gboolean set_status(FleetCall *call, GError **error)
{
    const char *id, *text;
    FleetDeviceStatus status;
    FleetStatusChange change;

    if (!fleet_arguments_object(call, &id, error) || !fleet_arguments_strings(call, error, &text, NULL) ||
            !fleet_options_read_none(call->message, error) || !fleet_device_status_from_string(text, &status, error) ||
            !fleet_registry_stage_status(call->api->registry, call->transaction, id, status, &change, error))
        return FALSE;
    fleet_call_keep(call, g_memdup2(&change, sizeof(change)), g_free);
    fleet_call_set_reply(call, call->object_id == NULL ? "ss" : "s", reply_status);
    return TRUE;
}

const FleetCallKind fleet_calls_set_status = {.func = set_status, .targets = fleet_calls_find_device};

static gboolean read_changes(FleetCall *call, const char **id, FleetDeviceUpdate *update, GError **error)
{
    const FleetOption changes[] = {{"Name", "s", &update->name, NULL}, {"Type", "s", &update->type, NULL},
            {"Address", "s", &update->address, NULL}};

    *update = (FleetDeviceUpdate){0};
    return fleet_arguments_object(call, id, error) &&
           fleet_options_read(call->message, "change", changes, G_N_ELEMENTS(changes), error) &&
           fleet_options_read_none(call->message, error);
}

/* Who may manage the devices of some types could get at others by changing their type, so both types count. */
static gboolean find_both_types(FleetCall *call, FleetTargets *targets, GError **error)
{
    FleetDeviceUpdate update;
    const char *id;

    if (!read_changes(call, &id, &update, error))
        return FALSE;
    fleet_targets_next(targets);
    fleet_targets_add_device(targets, call->api->registry, call->verb, id, "");
    if (update.type != NULL) {
        const FleetQuestion question = {
                .verb = call->verb, .device = id, .device_type = update.type, .action_type = ""};
        fleet_targets_add(targets, &question);
    }
    return TRUE;
}

static gboolean update(FleetCall *call, GError **error)
{
    FleetDeviceUpdate update;
    const char *id;

    return read_changes(call, &id, &update, error) &&
           fleet_registry_stage_update(call->api->registry, call->transaction, id, &update, error);
}

const FleetCallKind fleet_calls_update = {.func = update, .targets = find_both_types};

static gboolean unregister(FleetCall *call, GError **error)
{
    const char *id;

    return fleet_arguments_object(call, &id, error) && fleet_options_read_none(call->message, error) &&
           fleet_registry_stage_unregister(call->api->registry, call->transaction, id, error);
}

const FleetCallKind fleet_calls_unregister = {.func = unregister, .targets = fleet_calls_find_device};
