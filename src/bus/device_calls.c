/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/device_calls.h"

#include "bus/errors.h"
#include "bus/options.h"
#include "bus/paths.h"

#include <stdlib.h>

/* Reads strings into the pointers that follow; they belong to the message. */
static gboolean read_strings(FleetCall *call, GError **error, const char **first, ...) G_GNUC_NULL_TERMINATED;
static gboolean read_strings(FleetCall *call, GError **error, const char **first, ...)
{
    va_list ap;
    int r = 0;

    va_start(ap, first);
    for (const char **target = first; target != NULL && r >= 0; target = va_arg(ap, const char **))
        r = sd_bus_message_read_basic(call->message, 's', target);
    va_end(ap);
    if (r >= 0)
        return TRUE;
    g_propagate_error(error, fleet_errors_unreadable(r));
    return FALSE;
}

/* The device: from the object's path, or else from the first argument. */
static gboolean read_device_id(FleetCall *call, const char **id, GError **error)
{
    *id = call->device_id;
    return *id != NULL || read_strings(call, error, id, NULL);
}

static void keep_state(FleetCall *call, gpointer state, GDestroyNotify free_state)
{
    call->state = state;
    call->free_state = free_state;
}

static int reply_path(FleetCall *call, sd_bus_message *reply)
{
    return sd_bus_message_append_basic(reply, 'o', call->state);
}

gboolean fleet_calls_register(FleetCall *call, GError **error)
{
    FleetDeviceSpec spec;

    if (!read_strings(call, error, &spec.id, &spec.name, &spec.type, &spec.status, NULL) ||
            !fleet_options_read_none(call->message, error) ||
            !fleet_registry_stage_register(call->api->registry, call->transaction, &spec, error))
        return FALSE;
    keep_state(call, fleet_path_of_device(spec.id), g_free);
    call->reply = reply_path;
    return TRUE;
}

typedef struct {
    FleetDeviceStatus previous, current;
} StatusChange;

static int reply_status(FleetCall *call, sd_bus_message *reply)
{
    const StatusChange *change = call->state;
    int r = sd_bus_message_append_basic(reply, 's', fleet_device_status_to_string(change->previous));

    if (r < 0 || call->device_id != NULL)
        return r;
    return sd_bus_message_append_basic(reply, 's', fleet_device_status_to_string(change->current));
}

gboolean fleet_calls_set_status(FleetCall *call, GError **error)
{
    const char *id, *text;
    StatusChange change;

    if (!read_device_id(call, &id, error) || !read_strings(call, error, &text, NULL) ||
            !fleet_options_read_none(call->message, error) ||
            !fleet_device_status_from_string(text, &change.current, error) ||
            !fleet_registry_stage_status(
                    call->api->registry, call->transaction, id, change.current, &change.previous, error))
        return FALSE;
    keep_state(call, g_memdup2(&change, sizeof(change)), g_free);
    call->reply = reply_status;
    return TRUE;
}

gboolean fleet_calls_update(FleetCall *call, GError **error)
{
    const char *id, *name = NULL, *type = NULL;
    const FleetOption changes[] = {{"Name", "s", &name, NULL}, {"Type", "s", &type, NULL}};

    return read_strings(call, error, &id, NULL) &&
           fleet_options_read(call->message, "change", changes, G_N_ELEMENTS(changes), error) &&
           fleet_options_read_none(call->message, error) &&
           fleet_registry_stage_update(call->api->registry, call->transaction, id, name, type, error);
}

gboolean fleet_calls_unregister(FleetCall *call, GError **error)
{
    const char *id;

    return read_device_id(call, &id, error) && fleet_options_read_none(call->message, error) &&
           fleet_registry_stage_unregister(call->api->registry, call->transaction, id, error);
}

/* Reads the a{ss} that comes next. */
static FleetParameters *read_parameters(sd_bus_message *message, GError **error)
{
    g_autoptr(GPtrArray) pairs = g_ptr_array_new();
    int r = sd_bus_message_enter_container(message, 'a', "{ss}");

    while (r >= 0) {
        const char *key, *value;

        r = sd_bus_message_read(message, "{ss}", &key, &value);
        if (r <= 0)
            break;
        g_ptr_array_add(pairs, (gpointer)key);
        g_ptr_array_add(pairs, (gpointer)value);
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(message);
    if (r >= 0)
        return fleet_parameters_new((const char *const *)pairs->pdata, pairs->len / 2, error);
    g_propagate_error(error, fleet_errors_unreadable(r));
    return NULL;
}

/* The action starts in the transaction that accepts it, so RUNNING is what is on disk when this is sent. */
static int reply_action(FleetCall *call, sd_bus_message *reply)
{
    const FleetActionId *id = call->state;
    char text[FLEET_ACTION_ID_BUFFER], path[FLEET_ACTION_PATH_BUFFER];

    return sd_bus_message_append(reply, "sos", fleet_action_id_format(*id, text), fleet_path_of_action(*id, path),
            fleet_action_status_to_string(FLEET_ACTION_RUNNING));
}

gboolean fleet_calls_initiate(FleetCall *call, GError **error)
{
    FleetActionRequest request = {.owner_uid = call->caller.uid};
    g_autoptr(FleetParameters) parameters = NULL;
    FleetActionId id;

    if (!read_device_id(call, &request.device_id, error) || !read_strings(call, error, &request.type, NULL))
        return FALSE;
    parameters = read_parameters(call->message, error);
    if (parameters == NULL || !fleet_options_read_none(call->message, error))
        return FALSE;
    request.parameters = parameters;
    if (!fleet_engine_stage_initiate(call->api->engine, call->transaction, &request, &id, error))
        return FALSE;
    keep_state(call, g_memdup2(&id, sizeof(id)), g_free);
    call->reply = reply_action;
    return TRUE;
}
