/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/manager_interface.h"

#include "build_config.h"
#include "bus/action_calls.h"
#include "bus/audit_call.h"
#include "bus/batch_calls.h"
#include "bus/call.h"
#include "bus/device_calls.h"
#include "bus/lists.h"
#include "bus/lookups.h"
#include "bus/paths.h"
#include "bus/presence_calls.h"
#include "bus/reload_call.h"

FleetManagerView fleet_manager_view(const FleetApi *api)
{
    FleetManagerView view = {
            .devices = fleet_registry_count(api->registry),
            .pending_actions = fleet_engine_count_status(api->engine, FLEET_ACTION_PENDING),
            .running_actions = fleet_engine_count_status(api->engine, FLEET_ACTION_RUNNING),
            .storage_works = fleet_ledger_storage_works(api->ledger),
            .action_types = fleet_action_types_names(fleet_engine_action_types(api->engine)),
    };

    for (guint i = 0; i < FLEET_DEVICE_STATUS_LAST_; i++)
        view.devices_by_status[i] = fleet_registry_count_status(api->registry, (FleetDeviceStatus)i);
    return view;
}

static void append_version(FleetBody *body, gconstpointer object)
{
    fleet_body_append_string(body, FLEET_VERSION);
}

static void append_device_count(FleetBody *body, gconstpointer object)
{
    const FleetManagerView *view = object;

    fleet_body_append_uint32(body, view->devices);
}

static gboolean device_count_differs(gconstpointer before, gconstpointer after)
{
    return ((const FleetManagerView *)before)->devices != ((const FleetManagerView *)after)->devices;
}

static void append_devices_by_status(FleetBody *body, gconstpointer object)
{
    const FleetManagerView *view = object;
    gsize array = fleet_body_open_array(body, 8);

    for (guint i = 0; i < FLEET_DEVICE_STATUS_LAST_; i++) {
        fleet_body_align(body, 8);
        fleet_body_append_string(body, fleet_device_status_to_string((FleetDeviceStatus)i));
        fleet_body_append_uint32(body, view->devices_by_status[i]);
    }
    fleet_body_close_array(body, array, 8);
}

static gboolean devices_by_status_differs(gconstpointer before, gconstpointer after)
{
    const FleetManagerView *a = before, *b = after;

    for (guint i = 0; i < FLEET_DEVICE_STATUS_LAST_; i++)
        if (a->devices_by_status[i] != b->devices_by_status[i])
            return TRUE;
    return FALSE;
}

static void append_pending_actions(FleetBody *body, gconstpointer object)
{
    const FleetManagerView *view = object;

    fleet_body_append_uint32(body, view->pending_actions);
}

static gboolean pending_actions_differs(gconstpointer before, gconstpointer after)
{
    return ((const FleetManagerView *)before)->pending_actions != ((const FleetManagerView *)after)->pending_actions;
}

static void append_running_actions(FleetBody *body, gconstpointer object)
{
    const FleetManagerView *view = object;

    fleet_body_append_uint32(body, view->running_actions);
}

static gboolean running_actions_differs(gconstpointer before, gconstpointer after)
{
    return ((const FleetManagerView *)before)->running_actions != ((const FleetManagerView *)after)->running_actions;
}

static void append_device_statuses(FleetBody *body, gconstpointer object)
{
    fleet_body_append_strv(body, fleet_device_statuses.names);
}

static void append_action_types(FleetBody *body, gconstpointer object)
{
    fleet_body_append_strv(body, ((const FleetManagerView *)object)->action_types);
}

static void append_action_statuses(FleetBody *body, gconstpointer object)
{
    fleet_body_append_strv(body, fleet_action_statuses.names);
}

static void append_storage_state(FleetBody *body, gconstpointer object)
{
    fleet_body_append_string(body, ((const FleetManagerView *)object)->storage_works ? "ok" : "failed");
}

static gboolean storage_state_differs(gconstpointer before, gconstpointer after)
{
    return ((const FleetManagerView *)before)->storage_works != ((const FleetManagerView *)after)->storage_works;
}

enum { ACTION_TYPES = 6 };

static const FleetProperty properties[] = {
        {"Version", "s", append_version, NULL},
        {"DeviceCount", "u", append_device_count, device_count_differs},
        {"DevicesByStatus", "a{su}", append_devices_by_status, devices_by_status_differs},
        {"PendingActions", "u", append_pending_actions, pending_actions_differs},
        {"RunningActions", "u", append_running_actions, running_actions_differs},
        {"DeviceStatuses", "as", append_device_statuses, NULL},
        [ACTION_TYPES] = {"ActionTypes", "as", append_action_types, NULL},
        {"ActionStatuses", "as", append_action_statuses, NULL},
        {"StorageState", "s", append_storage_state, storage_state_differs},
};

static FleetInterfaceHeads heads;

const FleetInterface fleet_manager_interface = {
        .name = "org.fleet.Manager", .properties = properties, .n = G_N_ELEMENTS(properties), .heads = &heads};

const guint32 fleet_manager_action_types_bit = 1u << ACTION_TYPES;

static int get(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
        void *user_data, sd_bus_error *error)
{
    const FleetManagerView view = fleet_manager_view(fleet_endpoint_api(user_data));

    return fleet_interface_get(&fleet_manager_interface, property, reply, &view);
}

static int register_device(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(user_data, message, NULL, &fleet_calls_register);
}

static int set_device_status(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(user_data, message, NULL, &fleet_calls_set_status);
}

static int initiate_device_action(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(user_data, message, NULL, &fleet_calls_initiate);
}

static int initiate_device_actions(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(user_data, message, NULL, &fleet_calls_initiate_many);
}

static int cancel_device_action(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(user_data, message, NULL, &fleet_calls_cancel);
}

static int query_audit(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(user_data, message, NULL, &fleet_calls_query_audit);
}

static int update_device(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(user_data, message, NULL, &fleet_calls_update);
}

static int unregister_device(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(user_data, message, NULL, &fleet_calls_unregister);
}

static int register_devices(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(user_data, message, NULL, &fleet_calls_register_many);
}

static int set_devices_status(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(user_data, message, NULL, &fleet_calls_set_status_many);
}

static int reload(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(user_data, message, NULL, &fleet_calls_reload);
}

static int heartbeat(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(user_data, message, NULL, &fleet_calls_heartbeat);
}

static int heartbeats(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return fleet_call_begin(user_data, message, NULL, &fleet_calls_heartbeats);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("RegisterDevice",
                SD_BUS_ARGS("s", id, "s", name, "s", type, "s", status, "a{sv}", options), SD_BUS_RESULT("o", device),
                register_device, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetDeviceStatus", SD_BUS_ARGS("s", id, "s", status, "a{sv}", options),
                SD_BUS_RESULT("s", previous, "s", current), set_device_status, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetDeviceInfo", SD_BUS_ARGS("s", id), SD_BUS_RESULT("a{sv}", info),
                fleet_lookups_device, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("InitiateDeviceAction",
                SD_BUS_ARGS("s", id, "s", type, "a{ss}", parameters, "a{sv}", options),
                SD_BUS_RESULT("s", action_id, "o", action, "s", status), initiate_device_action,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetDeviceActionStatus", SD_BUS_ARGS("s", action_id), SD_BUS_RESULT("a{sv}", info),
                fleet_lookups_action, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CancelDeviceAction", SD_BUS_ARGS("s", action_id, "a{sv}", options),
                SD_BUS_RESULT("s", status), cancel_device_action, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetActionHistory", SD_BUS_ARGS("s", action_id), SD_BUS_RESULT("a(tsss)", transitions),
                fleet_lookups_history, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("QueryAudit", SD_BUS_ARGS("s", cursor, "u", limit),
                SD_BUS_RESULT("a(tusssss)", entries, "s", next_cursor), query_audit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListDevices", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssssttos)", devices),
                fleet_lists_all_devices, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("QueryDevices", SD_BUS_ARGS("a{sv}", filter, "s", cursor, "u", limit),
                SD_BUS_RESULT("a(ssssttos)", devices, "s", next_cursor), fleet_lists_devices,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("UpdateDevice", SD_BUS_ARGS("s", id, "a{sv}", changes, "a{sv}", options),
                SD_BUS_NO_RESULT, update_device, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("UnregisterDevice", SD_BUS_ARGS("s", id, "a{sv}", options), SD_BUS_NO_RESULT,
                unregister_device, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("QueryActions", SD_BUS_ARGS("a{sv}", filter, "s", cursor, "u", limit),
                SD_BUS_RESULT("a(sssssdttt)", actions, "s", next_cursor), fleet_lists_actions,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RegisterDevices", SD_BUS_ARGS("a(ssss)", devices, "a{sv}", options),
                SD_BUS_RESULT("u", registered, "a(uss)", failures), register_devices, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetDevicesStatus", SD_BUS_ARGS("as", ids, "s", status, "a{sv}", options),
                SD_BUS_RESULT("u", changed, "a(uss)", failures), set_devices_status, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("InitiateDeviceActions",
                SD_BUS_ARGS("as", ids, "s", type, "a{ss}", parameters, "a{sv}", options),
                SD_BUS_RESULT("a(uso)", started, "a(uss)", failures), initiate_device_actions,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Heartbeat", SD_BUS_ARGS("s", id, "a{sv}", options), SD_BUS_NO_RESULT, heartbeat,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Heartbeats", SD_BUS_ARGS("as", ids), SD_BUS_RESULT("u", heard, "a(uss)", failures),
                heartbeats, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, reload, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Version", "s", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("DeviceCount", "u", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("DevicesByStatus", "a{su}", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("PendingActions", "u", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("RunningActions", "u", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("DeviceStatuses", "as", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ActionTypes", "as", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("ActionStatuses", "as", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("StorageState", "s", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

int fleet_manager_interface_publish(FleetEndpoint *endpoint)
{
    return sd_bus_add_object_vtable(
            fleet_endpoint_bus(endpoint), NULL, FLEET_PATH_MANAGER, fleet_manager_interface.name, vtable, endpoint);
}
