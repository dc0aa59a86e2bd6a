/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/monitor.h"

#include "base/clock.h"
#include "cli/actions.h"
#include "cli/text.h"
#include "cli/wait.h"

#include <errno.h>
#include <string.h>

typedef struct {
    FleetCli *cli;
    char *owner;   /* the daemon's unique name; NULL while it is not there */
    GError *error; /* what ends the monitor */
} Monitor;

JsonObject *fleet_change_new(gint64 time, const char *object, const char *id, const char *event, JsonObject *properties)
{
    JsonObject *change = json_object_new();

    json_object_set_int_member(change, "Time", time);
    json_object_set_string_member(change, "Object", object);
    json_object_set_string_member(change, "Id", id);
    json_object_set_string_member(change, "Event", event);
    json_object_set_object_member(change, "Properties", properties != NULL ? properties : json_object_new());
    return change;
}

/* A property for people. Properties that another one says better, or that are empty, are left out of what was added. */
static char *value_text(JsonObject *properties, const char *name)
{
    JsonNode *node = json_object_get_member(properties, name);

    if (g_str_has_suffix(name, "At"))
        return fleet_text_time(fleet_json_int(properties, name));
    if (g_str_equal(name, "Progress"))
        return fleet_action_progress_text(TRUE, fleet_json_double(properties, name));
    if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING)
        return fleet_json_to_text(node, FALSE);
    const char *text = json_node_get_string(node);
    /* Words stand as they are; what would run together with its neighbours is quoted. */
    if (*text != '\0' && strpbrk(text, " \t\"'=") == NULL)
        return g_strdup(text);
    return fleet_json_to_text(node, FALSE);
}

static gboolean is_shown(JsonObject *change, const char *name)
{
    static const char *const on_addition[] = {"Name", "Type", "Status", "DeviceId", NULL};

    if (g_str_equal(fleet_json_string(change, "Event"), "added"))
        return g_strv_contains(on_addition, name);
    /* UpdatedAt only says that something else changed; the path of an action says no more than its id. */
    return !g_str_equal(name, "UpdatedAt") && !g_str_equal(name, "CurrentAction");
}

char *fleet_change_to_line(JsonObject *change)
{
    g_autofree char *clock = fleet_text_clock(fleet_json_int(change, "Time"));
    const char *id = fleet_json_string(change, "Id");
    JsonObject *properties = fleet_json_object(change, "Properties");
    g_autoptr(GList) names = json_object_get_members(properties);
    GString *line = g_string_new(NULL);
    const char *separator = ": ";

    g_string_printf(line, "[%s] %s%s%s %s", clock, fleet_json_string(change, "Object"), *id != '\0' ? " " : "", id,
            fleet_json_string(change, "Event"));
    for (GList *name = names; name != NULL; name = name->next) {
        if (!is_shown(change, name->data))
            continue;
        g_autofree char *value = value_text(properties, name->data);
        g_string_append_printf(line, "%s%s=%s", separator, (const char *)name->data, value);
        separator = " ";
    }
    return g_string_free(line, FALSE);
}

static void report(Monitor *monitor, const char *object, const char *id, const char *event, JsonObject *properties)
{
    g_autoptr(JsonObject) change = fleet_change_new(fleet_clock_realtime(), object, id, event, properties);
    FleetOutput *output = &monitor->cli->output;

    if (output->json != FLEET_JSON_OFF)
        fleet_output_json(output, fleet_json_node(g_steal_pointer(&change)));
    else {
        g_autofree char *line = fleet_change_to_line(change);
        fleet_output_line(output, "%s", line);
    }
}

/* What the object at a path is and its identifier, "" for the manager. NULL for any other object. */
static const char *identify(const char *path, char **id)
{
    g_autofree char *owned = NULL;

    *id = NULL;
    if (g_str_equal(path, FLEET_MANAGER_PATH)) {
        *id = g_strdup("");
        return "manager";
    }
    if (sd_bus_path_decode(path, FLEET_DEVICE_PREFIX, id) > 0)
        return "device";
    return sd_bus_path_decode(path, FLEET_ACTION_PREFIX, id) > 0 ? "action" : NULL;
}

static gboolean is_ours(const char *interface)
{
    static const char *const ours[] = {FLEET_MANAGER_INTERFACE, FLEET_DEVICE_INTERFACE, FLEET_ACTION_INTERFACE, NULL};

    return g_strv_contains(ours, interface);
}

static gboolean properties_changed(Monitor *monitor, sd_bus_message *message, GError **error)
{
    g_autoptr(JsonObject) properties = NULL;
    g_autofree char *id = NULL;
    const char *object = identify(sd_bus_message_get_path(message), &id);
    const char *interface;

    if (!fleet_client_check(sd_bus_message_read(message, "s", &interface), error))
        return FALSE;
    if (object == NULL || !is_ours(interface))
        return TRUE;
    properties = fleet_json_read_object(message, error);
    if (properties == NULL)
        return FALSE;
    report(monitor, object, id, "changed", g_steal_pointer(&properties));
    return TRUE;
}

static gboolean interfaces_added(Monitor *monitor, sd_bus_message *message, GError **error)
{
    g_autoptr(JsonObject) interfaces = NULL;
    g_autoptr(GList) names = NULL;
    g_autofree char *id = NULL;
    const char *path, *object;

    if (!fleet_client_check(sd_bus_message_read(message, "o", &path), error))
        return FALSE;
    interfaces = fleet_json_read_object(message, error);
    if (interfaces == NULL)
        return FALSE;
    object = identify(path, &id);
    names = json_object_get_members(interfaces);
    for (GList *name = names; object != NULL && name != NULL; name = name->next)
        if (is_ours(name->data))
            report(monitor, object, id, "added", json_object_ref(fleet_json_object(interfaces, name->data)));
    return TRUE;
}

static gboolean interfaces_removed(Monitor *monitor, sd_bus_message *message, GError **error)
{
    g_autofree char *id = NULL;
    const char *path, *object, *interface;
    int r = sd_bus_message_read(message, "o", &path);

    if (r >= 0)
        r = sd_bus_message_enter_container(message, 'a', "s");
    if (!fleet_client_check(r, error))
        return FALSE;
    object = identify(path, &id);
    while ((r = sd_bus_message_read(message, "s", &interface)) > 0)
        if (object != NULL && is_ours(interface))
            report(monitor, object, id, "removed", NULL);
    return fleet_client_check(r, error);
}

/* Anyone on a bus may send a signal that names our objects. A bus always tells who it was; on the daemon's own socket
 * there is nobody else. */
static gboolean is_from_daemon(const Monitor *monitor, sd_bus_message *message)
{
    const char *sender = sd_bus_message_get_sender(message);

    return sender == NULL || g_str_equal(sender, FLEET_SERVICE) || g_strcmp0(sender, monitor->owner) == 0;
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *unused)
{
    Monitor *monitor = userdata;
    gboolean understood = TRUE;

    if (monitor->error != NULL || !is_from_daemon(monitor, message))
        return 0;
    if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Properties", "PropertiesChanged"))
        understood = properties_changed(monitor, message, &monitor->error);
    else if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.ObjectManager", "InterfacesAdded"))
        understood = interfaces_added(monitor, message, &monitor->error);
    else if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved"))
        understood = interfaces_removed(monitor, message, &monitor->error);
    return understood ? 0 : -EBADMSG;
}

static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *unused)
{
    Monitor *monitor = userdata;
    const char *name, *before, *after;
    int r = sd_bus_message_read(message, "sss", &name, &before, &after);

    if (r < 0 || !g_str_equal(name, FLEET_SERVICE))
        return r;
    g_clear_pointer(&monitor->owner, g_free);
    if (*after != '\0')
        monitor->owner = g_strdup(after);
    report(monitor, "daemon", "", monitor->owner != NULL ? "started" : "stopped", NULL);
    return 0;
}

/* One match for all objects, as the API asks of those who watch everything. */
static gboolean subscribe(Monitor *monitor, GError **error)
{
    sd_bus *bus = fleet_client_bus(monitor->cli->client);
    int r = sd_bus_match_signal(bus, NULL, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
            "NameOwnerChanged", on_owner_changed, monitor);

    if (r >= 0)
        r = sd_bus_add_match(bus, NULL, "type='signal',path_namespace='" FLEET_MANAGER_PATH "'", on_signal, monitor);
    return fleet_client_check(r, error);
}

/* Who the daemon is. Asking it for something first has the bus start it, where that is set up. */
static gboolean find_daemon(Monitor *monitor, GError **error)
{
    g_autoptr(JsonObject) info = fleet_client_get_manager(monitor->cli->client, error);
    g_auto(sd_bus_error) failure = SD_BUS_ERROR_NULL;
    g_autoptr(sd_bus_message) reply = NULL;
    const char *owner;
    int r;

    if (info == NULL)
        return FALSE;
    r = sd_bus_call_method(fleet_client_bus(monitor->cli->client), "org.freedesktop.DBus", "/org/freedesktop/DBus",
            "org.freedesktop.DBus", "GetNameOwner", &failure, &reply, "s", FLEET_SERVICE);
    if (r < 0) {
        fleet_client_set_error(error, &failure, r);
        return FALSE;
    }
    if (!fleet_client_check(sd_bus_message_read(reply, "s", &owner), error))
        return FALSE;
    g_free(monitor->owner);
    monitor->owner = g_strdup(owner);
    return TRUE;
}

static gboolean watch(Monitor *monitor, GError **error)
{
    g_auto(FleetWaiter) waiter = {0};

    fleet_waiter_init(&waiter, fileno(monitor->cli->output.file));
    for (;;) {
        /* Lines are of use while they are fresh. */
        if (!fleet_output_flush(&monitor->cli->output, error))
            return FALSE;
        switch (fleet_wait(&waiter, fleet_client_bus(monitor->cli->client), -1)) {
        case FLEET_WAIT_READY:
            break;
        case FLEET_WAIT_DISCONNECTED:
            g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_UNREACHABLE, "the connection to the daemon is lost");
            return FALSE;
        case FLEET_WAIT_INTERRUPTED:
            fleet_waiter_die(&waiter);
        case FLEET_WAIT_CLOSED:
            fleet_output_set_closed(error);
            return FALSE;
        default:
            g_assert_not_reached();
        }
        if (monitor->error != NULL) {
            g_propagate_error(error, g_steal_pointer(&monitor->error));
            return FALSE;
        }
    }
}

gboolean fleet_cli_verb_monitor(FleetCli *cli, const char *const *args, GError **error)
{
    Monitor monitor = {.cli = cli};
    gboolean done = subscribe(&monitor, error) && find_daemon(&monitor, error);

    if (done) {
        if (cli->output.json == FLEET_JSON_OFF && cli->output.legend && !cli->output.quiet)
            fleet_output_line(&cli->output, "Watching the fleet; press Ctrl+C to stop");
        done = watch(&monitor, error);
    }
    g_free(monitor.owner);
    g_clear_error(&monitor.error);
    return done;
}
