/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/device_interface.h"

#include "bus/action_calls.h"
#include "bus/device_calls.h"
#include "bus/object_manager.h"
#include "bus/paths.h"

static void append_id(FleetBody *body, gconstpointer object)
{
    fleet_body_append_string(body, ((const FleetDevice *)object)->id);
}

static void append_name(FleetBody *body, gconstpointer object)
{
    fleet_body_append_string(body, ((const FleetDevice *)object)->name);
}

static gboolean name_differs(gconstpointer before, gconstpointer after)
{
    return !g_str_equal(((const FleetDevice *)before)->name, ((const FleetDevice *)after)->name);
}

static void append_type(FleetBody *body, gconstpointer object)
{
    fleet_body_append_string(body, ((const FleetDevice *)object)->type);
}

static gboolean type_differs(gconstpointer before, gconstpointer after)
{
    return !g_str_equal(((const FleetDevice *)before)->type, ((const FleetDevice *)after)->type);
}

static void append_status(FleetBody *body, gconstpointer object)
{
    fleet_body_append_string(body, fleet_device_status_to_string(((const FleetDevice *)object)->status));
}

static gboolean status_differs(gconstpointer before, gconstpointer after)
{
    return ((const FleetDevice *)before)->status != ((const FleetDevice *)after)->status;
}

static void append_registered_at(FleetBody *body, gconstpointer object)
{
    fleet_body_append_uint64(body, (guint64)((const FleetDevice *)object)->registered_at);
}

static void append_updated_at(FleetBody *body, gconstpointer object)
{
    fleet_body_append_uint64(body, (guint64)((const FleetDevice *)object)->updated_at);
}

static gboolean updated_at_differs(gconstpointer before, gconstpointer after)
{
    return ((const FleetDevice *)before)->updated_at != ((const FleetDevice *)after)->updated_at;
}

static void append_last_seen(FleetBody *body, gconstpointer object)
{
    fleet_body_append_uint64(body, (guint64)fleet_device_last_seen(object));
}

static void append_current_action(FleetBody *body, gconstpointer object)
{
    char path[FLEET_ACTION_PATH_BUFFER];

    fleet_body_append_string(body, fleet_path_of_action(((const FleetDevice *)object)->action, path));
}

static void append_current_action_id(FleetBody *body, gconstpointer object)
{
    char id[FLEET_ACTION_ID_BUFFER];

    fleet_body_append_string(body, fleet_action_id_format(((const FleetDevice *)object)->action, id));
}

static gboolean action_differs(gconstpointer before, gconstpointer after)
{
    return ((const FleetDevice *)before)->action.sequence != ((const FleetDevice *)after)->action.sequence;
}

static void append_queued_actions(FleetBody *body, gconstpointer object)
{
    const guint32 queued = ((const FleetDevice *)object)->queued;

    fleet_body_append_uint32(body, queued);
}

static gboolean queued_actions_differs(gconstpointer before, gconstpointer after)
{
    return ((const FleetDevice *)before)->queued != ((const FleetDevice *)after)->queued;
}

static void append_driver(FleetBody *body, gconstpointer object)
{
    fleet_body_append_string(body, ((const FleetDevice *)object)->driver);
}

static gboolean driver_differs(gconstpointer before, gconstpointer after)
{
    return !g_str_equal(((const FleetDevice *)before)->driver, ((const FleetDevice *)after)->driver);
}

static void append_address(FleetBody *body, gconstpointer object)
{
    fleet_body_append_string(body, ((const FleetDevice *)object)->address);
}

static gboolean address_differs(gconstpointer before, gconstpointer after)
{
    return !g_str_equal(((const FleetDevice *)before)->address, ((const FleetDevice *)after)->address);
}

static void append_presence(FleetBody *body, gconstpointer object)
{
    fleet_body_append_string(body, fleet_presence_to_string(((const FleetDevice *)object)->presence));
}

static gboolean presence_differs(gconstpointer before, gconstpointer after)
{
    return ((const FleetDevice *)before)->presence != ((const FleetDevice *)after)->presence;
}

static const FleetProperty properties[] = {
        {"Id", "s", append_id, NULL},
        {"Name", "s", append_name, name_differs},
        {"Type", "s", append_type, type_differs},
        {"Status", "s", append_status, status_differs},
        {"RegisteredAt", "t", append_registered_at, NULL},
        {"UpdatedAt", "t", append_updated_at, updated_at_differs},
        {"LastSeen", "t", append_last_seen, NULL},
        {"CurrentAction", "o", append_current_action, action_differs},
        {"CurrentActionId", "s", append_current_action_id, action_differs},
        {"QueuedActions", "u", append_queued_actions, queued_actions_differs},
        {"Driver", "s", append_driver, driver_differs},
        {"Address", "s", append_address, address_differs},
        {"Presence", "s", append_presence, presence_differs},
};

static FleetInterfaceHeads heads;

const FleetInterface fleet_device_interface = {
        .name = "org.fleet.Device", .properties = properties, .n = G_N_ELEMENTS(properties), .heads = &heads};

static int get(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
        void *user_data, sd_bus_error *error)
{
    return fleet_interface_get(&fleet_device_interface, property, reply, user_data);
}

static int find(
        sd_bus *bus, const char *path, const char *interface, void *user_data, void **found, sd_bus_error *error)
{
    FleetEndpoint *endpoint = user_data;
    g_autofree char *id = fleet_path_to_device(path);

    if (id == NULL)
        return 0;
    *found = (void *)fleet_registry_lookup(fleet_endpoint_api(endpoint)->registry, id, NULL);
    return *found != NULL;
}

static int set_status(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(
            fleet_endpoint_current(message), message, ((const FleetDevice *)user_data)->id, &fleet_calls_set_status);
}

static int initiate_action(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(
            fleet_endpoint_current(message), message, ((const FleetDevice *)user_data)->id, &fleet_calls_initiate);
}

static int unregister(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(
            fleet_endpoint_current(message), message, ((const FleetDevice *)user_data)->id, &fleet_calls_unregister);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Id", "s", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Name", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Type", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Status", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("RegisteredAt", "t", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("UpdatedAt", "t", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("LastSeen", "t", get, 0, 0),
        SD_BUS_PROPERTY("CurrentAction", "o", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("CurrentActionId", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("QueuedActions", "u", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Driver", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Address", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Presence", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_METHOD_WITH_ARGS("SetStatus", SD_BUS_ARGS("s", status, "a{sv}", options), SD_BUS_RESULT("s", previous),
                set_status, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("InitiateAction", SD_BUS_ARGS("s", type, "a{ss}", parameters, "a{sv}", options),
                SD_BUS_RESULT("s", action_id, "o", action, "s", status), initiate_action, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS(
                "Unregister", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, unregister, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int fleet_device_interface_publish(FleetEndpoint *endpoint)
{
    int r = sd_bus_add_fallback_vtable(fleet_endpoint_bus(endpoint), NULL, FLEET_PATH_DEVICES,
            fleet_device_interface.name, vtable, find, endpoint);

    return r < 0 ? r
                 : sd_bus_add_node_enumerator(fleet_endpoint_bus(endpoint), NULL, FLEET_PATH_DEVICES,
                           fleet_object_manager_list_devices, endpoint);
}
