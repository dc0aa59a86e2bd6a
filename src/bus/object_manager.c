/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/object_manager.h"

#include "base/error.h"
#include "bus/action_interface.h"
#include "bus/device_interface.h"
#include "bus/manager_interface.h"
#include "bus/paths.h"
#include "bus/reading.h"
#include "bus/reply.h"

/* Children that an introspection lists. `busctl tree` of a large fleet shows the first of them; clients use
 * ObjectManager. */
#define CHILDREN_MAX 10000

/* GetManagedObjects as it is filled. */
typedef struct {
    FleetOutbox *outbox;
    FleetBody *body;
} Filling;

static gboolean add_object(Filling *filling, const FleetInterface *interface, const char *path, gconstpointer object)
{
    fleet_body_align(filling->body, 8);
    fleet_interface_append_object(interface, filling->body, path, object);
    return fleet_outbox_room(filling->outbox) > 0;
}

static gboolean add_device(const FleetDevice *device, gpointer user_data)
{
    g_autofree char *path = fleet_path_of_device(device->id);

    return add_object(user_data, &fleet_device_interface, path, device);
}

static gboolean add_action(const FleetAction *action, gpointer user_data)
{
    char path[FLEET_ACTION_PATH_BUFFER];

    return add_object(user_data, &fleet_action_interface, fleet_path_of_action(action->id, path), action);
}

/* FALSE: not all of them fit. */
static gboolean fill(Filling *filling, const FleetApi *api)
{
    gsize array = fleet_body_open_array(filling->body, 8);

    fleet_registry_visit(api->registry, "", FALSE, add_device, filling);
    if (fleet_outbox_room(filling->outbox) > 0)
        fleet_engine_visit(api->engine, add_action, filling);
    fleet_body_close_array(filling->body, array, 8);
    return fleet_outbox_room(filling->outbox) > 0;
}

static void answer(FleetOutbox *outbox, sd_bus_message *message, const FleetApi *api)
{
    Filling filling = {.outbox = outbox, .body = fleet_outbox_begin_return(outbox, message, "a{oa{sa{sv}}}")};
    g_autoptr(GError) error = NULL;

    if (filling.body == NULL)
        return;
    if (fill(&filling, api)) {
        fleet_outbox_end_return(outbox, message);
        return;
    }
    fleet_outbox_cancel_return(outbox);
    g_set_error(&error, FLEET_ERROR, FLEET_ERROR_LIMIT_EXCEEDED,
            "%u devices and %u actions do not fit into one message; use QueryDevices and QueryActions, which list "
            "them in pages",
            fleet_registry_count(api->registry), fleet_engine_count(api->engine));
    fleet_outbox_error(outbox, message, error);
}

/* Sees every call on the root object first. */
static int intercept(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    FleetOutbox *outbox = fleet_endpoint_outbox(user_data);
    const FleetApi *api = fleet_endpoint_api(user_data);
    g_autoptr(GError) error = NULL;

    if (!sd_bus_message_is_method_call(message, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects") ||
            !sd_bus_message_has_signature(message, ""))
        return 0;
    if (fleet_reading_allowed(api, &error))
        answer(outbox, message, api);
    else
        fleet_outbox_error(outbox, message, error);
    return 1;
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
