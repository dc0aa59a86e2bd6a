/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/object_manager.h"

#include "base/error.h"
#include "bus/action_interface.h"
#include "bus/device_interface.h"
#include "bus/lists.h"
#include "bus/manager_interface.h"
#include "bus/paths.h"
#include "bus/reading.h"
#include "bus/reply.h"

#include <string.h>

/* Children that an introspection lists. `busctl tree` of a large fleet shows the first of them; clients use
 * ObjectManager. */
#define CHILDREN_MAX 10000

/* The bytes that one object takes beyond its texts: names of properties, signatures, paddings, numbers. */
#define DEVICE_OVERHEAD 768
#define ACTION_OVERHEAD 1536

/* One entry of a{sa{sv}}. */
static int append_interface(const FleetInterface *interface, sd_bus_message *message, gconstpointer object)
{
    int r = sd_bus_message_open_container(message, 'e', "sa{sv}");

    if (r >= 0)
        r = sd_bus_message_append_basic(message, 's', interface->name);
    if (r >= 0)
        r = fleet_interface_append_all(interface, message, object);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

/* A path and its a{sa{sv}}, with the one interface that an object of ours has. */
static int append_object(
        const FleetInterface *interface, sd_bus_message *message, const char *path, gconstpointer object)
{
    int r = sd_bus_message_append_basic(message, 'o', path);

    if (r >= 0)
        r = sd_bus_message_open_container(message, 'a', "{sa{sv}}");
    if (r >= 0)
        r = append_interface(interface, message, object);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

int fleet_object_manager_new_added(
        const FleetInterface *interface, sd_bus *bus, const char *path, gconstpointer object, sd_bus_message **signal)
{
    __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = NULL;
    int r = sd_bus_message_new_signal(
            bus, &message, FLEET_PATH_MANAGER, "org.freedesktop.DBus.ObjectManager", "InterfacesAdded");

    if (r >= 0)
        r = append_object(interface, message, path, object);
    if (r >= 0)
        *signal = g_steal_pointer(&message);
    return r;
}

int fleet_object_manager_new_removed(
        const FleetInterface *interface, sd_bus *bus, const char *path, sd_bus_message **signal)
{
    __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = NULL;
    int r = sd_bus_message_new_signal(
            bus, &message, FLEET_PATH_MANAGER, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved");

    if (r >= 0)
        r = sd_bus_message_append(message, "oas", path, 1, interface->name);
    if (r >= 0)
        *signal = g_steal_pointer(&message);
    return r;
}

/* GetManagedObjects as it is filled. */
typedef struct {
    sd_bus_message *reply;
    gsize size; /* bytes, reckoned */
    int r;
} Filling;

static gboolean append_entry(
        Filling *filling, const FleetInterface *interface, const char *path, gconstpointer object, gsize size)
{
    filling->size += size;
    if (filling->size > FLEET_REPLY_MAX)
        return FALSE;
    filling->r = sd_bus_message_open_container(filling->reply, 'e', "oa{sa{sv}}");
    if (filling->r >= 0)
        filling->r = append_object(interface, filling->reply, path, object);
    if (filling->r >= 0)
        filling->r = sd_bus_message_close_container(filling->reply);
    return filling->r >= 0;
}

static gboolean add_device(const FleetDevice *device, gpointer user_data)
{
    g_autofree char *path = fleet_path_of_device(device->id);

    return append_entry(user_data, &fleet_device_interface, path, device,
            DEVICE_OVERHEAD + strlen(path) + strlen(device->id) + strlen(device->name) + strlen(device->type));
}

static gboolean add_action(const FleetAction *action, gpointer user_data)
{
    char path[FLEET_ACTION_PATH_BUFFER];
    gsize size =
            ACTION_OVERHEAD + 4 * strlen(action->device_id) + strlen(action->message) + strlen(action->error_message);

    for (guint i = 0; i < fleet_parameters_count(action->parameters); i++)
        size += strlen(fleet_parameters_key(action->parameters, i)) +
                strlen(fleet_parameters_value(action->parameters, i)) + 24;
    return append_entry(user_data, &fleet_action_interface, fleet_path_of_action(action->id, path), action, size);
}

static int append_managed_objects(sd_bus_message *reply, const FleetApi *api, GError **error)
{
    Filling filling = {.reply = reply, .r = sd_bus_message_open_container(reply, 'a', "{oa{sa{sv}}}")};

    if (filling.r >= 0)
        fleet_registry_visit(api->registry, "", FALSE, add_device, &filling);
    if (filling.r >= 0 && filling.size <= FLEET_REPLY_MAX)
        fleet_engine_visit(api->engine, add_action, &filling);
    if (filling.size > FLEET_REPLY_MAX)
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_LIMIT_EXCEEDED,
                "%u devices and %u actions do not fit into one message; use QueryDevices and QueryActions, which list "
                "them in pages",
                fleet_registry_count(api->registry), fleet_engine_count(api->engine));
    return filling.r < 0 ? filling.r : sd_bus_message_close_container(reply);
}

/* Sees every call on the root object first. */
static int intercept(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *reply = NULL;
    const FleetApi *api = fleet_endpoint_api(user_data);
    g_autoptr(GError) error = NULL;
    int r = 0;

    if (!sd_bus_message_is_method_call(message, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects") ||
            !sd_bus_message_has_signature(message, ""))
        return 0;
    if (fleet_reading_allowed(api, &error)) {
        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
            r = append_managed_objects(reply, api, &error);
    }
    if (error != NULL)
        fleet_reply(message, error, NULL, NULL);
    else if (r >= 0)
        fleet_reply_send(g_steal_pointer(&reply));
    return r < 0 ? r : 1;
}

static gboolean add_device_path(const FleetDevice *device, gpointer user_data)
{
    GPtrArray *paths = user_data;

    g_ptr_array_add(paths, fleet_path_of_device(device->id));
    return paths->len < CHILDREN_MAX;
}

static gboolean add_action_path(const FleetAction *action, gpointer user_data)
{
    GPtrArray *paths = user_data;
    char path[FLEET_ACTION_PATH_BUFFER];

    g_ptr_array_add(paths, g_strdup(fleet_path_of_action(action->id, path)));
    return paths->len < CHILDREN_MAX;
}

static int end_children(GPtrArray *paths, char ***nodes)
{
    g_ptr_array_add(paths, NULL);
    *nodes = (char **)g_ptr_array_free(paths, FALSE);
    return 0;
}

/* sd-bus asks for children whenever anything at or below the prefix is introspected, and `gdbus call` introspects
 * before each call; only who looks at the parent itself is interested. */
int fleet_object_manager_list_devices(
        sd_bus *bus, const char *prefix, void *user_data, char ***nodes, sd_bus_error *error)
{
    GPtrArray *paths = g_ptr_array_new();

    if (g_str_equal(prefix, FLEET_PATH_DEVICES))
        fleet_registry_visit(fleet_endpoint_api(user_data)->registry, "", FALSE, add_device_path, paths);
    return end_children(paths, nodes);
}

int fleet_object_manager_list_actions(
        sd_bus *bus, const char *prefix, void *user_data, char ***nodes, sd_bus_error *error)
{
    GPtrArray *paths = g_ptr_array_new();

    if (g_str_equal(prefix, FLEET_PATH_ACTIONS))
        fleet_engine_visit(fleet_endpoint_api(user_data)->engine, add_action_path, paths);
    return end_children(paths, nodes);
}

int fleet_object_manager_publish(FleetEndpoint *endpoint)
{
    sd_bus *bus = fleet_endpoint_bus(endpoint);
    int r = sd_bus_add_object(bus, NULL, FLEET_PATH_MANAGER, intercept, endpoint);

    return r < 0 ? r : sd_bus_add_object_manager(bus, NULL, FLEET_PATH_MANAGER);
}
