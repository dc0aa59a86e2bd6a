/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/action_type.h"

#include "base/error.h"
#include "model/identifier.h"
#include "model/limits.h"

#include <string.h>

struct FleetActionTypes {
    GArray *types;    /* of FleetActionType; a handful, so searched in order */
    GPtrArray *names; /* of char *, owned by types; ends with NULL */
};

static void clear_type(gpointer data)
{
    FleetActionType *type = data;

    g_ref_string_release(type->name);
}

static void append(FleetActionTypes *types, const char *name, FleetDeviceStatus device_status)
{
    FleetActionType type = {.name = g_ref_string_new_intern(name),
            .device_status = device_status,
            .policy = fleet_policy_default,
            .running_max = FLEET_RUNNING_UNLIMITED};

    g_array_append_val(types->types, type);
    g_ptr_array_insert(types->names, (int)types->names->len - 1, type.name);
}

FleetActionTypes *fleet_action_types_new(void)
{
    FleetActionTypes *types = g_new0(FleetActionTypes, 1);

    types->types = g_array_new(FALSE, FALSE, sizeof(FleetActionType));
    g_array_set_clear_func(types->types, clear_type);
    types->names = g_ptr_array_new();
    g_ptr_array_add(types->names, NULL);
    append(types, "SOFTWARE_UPDATE", FLEET_DEVICE_UPDATING);
    append(types, "FIRMWARE_UPDATE", FLEET_DEVICE_UPDATING);
    append(types, "SYSTEM_REBOOT", FLEET_DEVICE_BUSY);
    append(types, "CONFIGURATION_CHANGE", FLEET_DEVICE_BUSY);
    return types;
}

void fleet_action_types_free(FleetActionTypes *types)
{
    g_ptr_array_unref(types->names);
    g_array_unref(types->types);
    g_free(types);
}

static gboolean name_is_valid(const char *name)
{
    if (!g_ascii_isupper(name[0]) || strlen(name) > FLEET_ACTION_TYPE_MAX)
        return FALSE;
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(name);
}

static FleetActionType *find(const FleetActionTypes *types, const char *name)
{
    for (guint i = 0; i < types->types->len; i++) {
        FleetActionType *type = &g_array_index(types->types, FleetActionType, i);

        if (g_str_equal(type->name, name))
            return type;
    }
    return NULL;
}

gboolean fleet_action_types_add(
        FleetActionTypes *types, const char *name, FleetDeviceStatus device_status, GError **error)
{
    if (!name_is_valid(name)) {
        g_autofree char *shown = fleet_quotable(name);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "'%s' cannot name an action type; use an upper-case letter, then letters, digits and '_', at most %d",
                shown, FLEET_ACTION_TYPE_MAX);
        return FALSE;
    }
    if (device_status != FLEET_DEVICE_UPDATING && device_status != FLEET_DEVICE_BUSY) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "a device cannot be %s while an action of type '%s' runs; use UPDATING or BUSY",
                fleet_device_status_to_string(device_status), name);
        return FALSE;
    }

    FleetActionType *type = find(types, name);
    if (type != NULL)
        type->device_status = device_status;
    else
        append(types, name, device_status);
    return TRUE;
}

const FleetActionType *fleet_action_types_lookup(const FleetActionTypes *types, const char *name, GError **error)
{
    const FleetActionType *type = find(types, name);

    if (type == NULL) {
        g_autofree char *shown = fleet_quotable(name);
        g_autofree char *all = g_strjoinv(", ", (char **)types->names->pdata);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "action type '%s' is unknown; use one of %s",
                shown, all);
    }
    return type;
}

FleetActionType *fleet_action_types_find(FleetActionTypes *types, const char *name)
{
    return find(types, name);
}

const char *const *fleet_action_types_names(const FleetActionTypes *types)
{
    return (const char *const *)types->names->pdata;
}
