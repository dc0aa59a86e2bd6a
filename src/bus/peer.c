/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/peer.h"

#include "bus/paths.h"

#include <errno.h>

#define DBUS_NAME "org.freedesktop.DBus"

/* The owner of a name as this peer sees it; NULL = nobody. */
static const char *owner_of(FleetEndpoint *endpoint, const char *name)
{
    const char *own = fleet_endpoint_unique_name(endpoint);

    if (g_str_equal(name, FLEET_BUS_NAME) || g_str_equal(name, FLEET_PEER_OWN_NAME))
        return FLEET_PEER_OWN_NAME;
    if (g_str_equal(name, DBUS_NAME))
        return DBUS_NAME;
    return g_str_equal(name, own) ? own : NULL;
}

static int hello(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return sd_bus_reply_method_return(message, "s", fleet_endpoint_unique_name(user_data));
}

static int add_match(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    (void)fleet_endpoint_count_match(user_data, +1);
    return sd_bus_reply_method_return(message, NULL);
}

static int remove_match(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    if (!fleet_endpoint_count_match(user_data, -1))
        return sd_bus_error_set(error, SD_BUS_ERROR_MATCH_RULE_NOT_FOUND, "no match rule is left to remove");
    return sd_bus_reply_method_return(message, NULL);
}

static int get_name_owner(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    const char *name;
    int r = sd_bus_message_read_basic(message, 's', &name);

    if (r < 0)
        return r;
    const char *owner = owner_of(user_data, name);
    if (owner == NULL)
        return sd_bus_error_setf(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER, "name '%s' has no owner here", name);
    return sd_bus_reply_method_return(message, "s", owner);
}

static int name_has_owner(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    const char *name;
    int r = sd_bus_message_read_basic(message, 's', &name);

    return r < 0 ? r : sd_bus_reply_method_return(message, "b", owner_of(user_data, name) != NULL);
}

static int start_service_by_name(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    const guint32 already_running = 2; /* DBUS_START_REPLY_ALREADY_RUNNING */
    const char *name;
    int r = sd_bus_message_read(message, "su", &name, NULL);

    if (r < 0)
        return r;
    if (owner_of(user_data, name) == NULL)
        return sd_bus_error_setf(error, SD_BUS_ERROR_SERVICE_UNKNOWN, "name '%s' is not provided here", name);
    return sd_bus_reply_method_return(message, "u", already_running);
}

static int list_names(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    return sd_bus_reply_method_return(
            message, "as", 4, DBUS_NAME, FLEET_BUS_NAME, FLEET_PEER_OWN_NAME, fleet_endpoint_unique_name(user_data));
}

static int get_id(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    sd_id128_t id;
    char text[SD_ID128_STRING_MAX];
    int r = sd_bus_get_bus_id(fleet_endpoint_bus(user_data), &id);

    return r < 0 ? r : sd_bus_reply_method_return(message, "s", sd_id128_to_string(id, text));
}

/* A monitor knows by losing its name that from here on it sees what others see ("Message Bus Messages" in the D-Bus
 * specification). */
static int send_name_lost(FleetEndpoint *endpoint)
{
    __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *signal = NULL;
    int r = sd_bus_message_new_signal(
            fleet_endpoint_bus(endpoint), &signal, "/org/freedesktop/DBus", DBUS_NAME, "NameLost");

    if (r >= 0)
        r = sd_bus_message_set_sender(signal, DBUS_NAME);
    if (r >= 0)
        r = sd_bus_message_append_basic(signal, 's', fleet_endpoint_unique_name(endpoint));
    return r < 0 ? r : sd_bus_send(NULL, signal, NULL);
}

/* There is nothing to be seen here but the signals, which are for everybody. */
static int become_monitor(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    int r = sd_bus_reply_method_return(message, NULL);

    if (r < 0)
        return r;
    (void)fleet_endpoint_count_match(user_data, +1);
    r = send_name_lost(user_data);
    return r < 0 ? r : 1;
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Hello", "", "s", hello, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("AddMatch", "s", "", add_match, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RemoveMatch", "s", "", remove_match, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetNameOwner", "s", "s", get_name_owner, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("NameHasOwner", "s", "b", name_has_owner, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StartServiceByName", "su", "u", start_service_by_name, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListNames", "", "as", list_names, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetId", "", "s", get_id, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable monitoring_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("BecomeMonitor", "asu", "", become_monitor, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int fleet_peer_publish(FleetEndpoint *endpoint)
{
    sd_bus *bus = fleet_endpoint_bus(endpoint);
    int r = sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/DBus", DBUS_NAME, vtable, endpoint);

    if (r >= 0)
        r = sd_bus_add_object_vtable(
                bus, NULL, "/org/freedesktop/DBus", DBUS_NAME ".Monitoring", monitoring_vtable, endpoint);
    return r;
}
