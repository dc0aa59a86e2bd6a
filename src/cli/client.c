/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/client.h"

#include "cli/agent.h"
#include "cli/exit.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

struct FleetClient {
    const FleetCliOptions *options; /* weak */
    sd_bus *bus;                    /* NULL while there is no connection */
    gboolean may_be_asked;          /* the person at the terminal, by the agent if there is one */
    FleetAgent *agent;              /* may be NULL */
};

/* How long a call may take in which a person is asked: polkit gives two minutes, and fleetd some seconds more. */
#define DIALOG_USEC (G_GUINT64_CONSTANT(150) * 1000 * 1000)

static int open_address(const char *address, sd_bus **bus)
{
    int r = sd_bus_new(bus);

    if (r >= 0)
        r = sd_bus_set_address(*bus, address);
    /* Say Hello: a bus wants it, and the daemon's own socket answers it. */
    if (r >= 0)
        r = sd_bus_set_bus_client(*bus, TRUE);
    if (r >= 0)
        r = sd_bus_start(*bus);
    return r;
}

static int open_bus(const FleetCliOptions *options, sd_bus **bus)
{
    switch (options->transport) {
    case FLEET_TRANSPORT_SYSTEM:
        return sd_bus_open_system_with_description(bus, "fleetctl");
    case FLEET_TRANSPORT_USER:
        return sd_bus_open_user_with_description(bus, "fleetctl");
    case FLEET_TRANSPORT_ADDRESS:
        return open_address(options->destination, bus);
    case FLEET_TRANSPORT_HOST:
        return sd_bus_open_system_remote(bus, options->destination);
    default:
        g_assert_not_reached();
    }
}

static void set_open_error(GError **error, const FleetCliOptions *options, int r)
{
    const char *reason = g_strerror(-r);
    const char *where = options->destination;

    switch (options->transport) {
    case FLEET_TRANSPORT_SYSTEM:
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_UNREACHABLE,
                "cannot connect to the system bus: %s; for the session bus use --user", reason);
        break;
    case FLEET_TRANSPORT_USER:
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_UNREACHABLE, "cannot connect to the session bus: %s",
                r == -ENOMEDIUM ? "neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set" : reason);
        break;
    case FLEET_TRANSPORT_ADDRESS:
        /* sd-bus skips what it does not know, and then has nothing left to connect to. */
        if (r == -EINVAL || strchr(where, ':') == NULL)
            reason = "this is no D-Bus address; write it like \"unix:path=/run/fleet/fleetd.sock\"";
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_UNREACHABLE, "cannot connect to '%s': %s", where, reason);
        break;
    case FLEET_TRANSPORT_HOST:
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_UNREACHABLE, "cannot connect to host '%s' through ssh: %s",
                where, reason);
        break;
    default:
        g_assert_not_reached();
    }
}

gboolean fleet_client_reopen(FleetClient *client, GError **error)
{
    const char *name;
    int r;

    fleet_client_close(client);
    r = open_bus(client->options, &client->bus);
    /* Opening only begins: the name is there once the bus has answered. */
    if (r >= 0)
        r = sd_bus_get_unique_name(client->bus, &name);
    if (r >= 0)
        r = sd_bus_set_allow_interactive_authorization(client->bus, client->options->ask_password);
    if (r < 0) {
        set_open_error(error, client->options, r);
        fleet_client_close(client);
        return FALSE;
    }
    return TRUE;
}

FleetClient *fleet_client_open(const FleetCliOptions *options, GError **error)
{
    g_autoptr(FleetClient) client = g_new0(FleetClient, 1);

    client->options = options;
    return fleet_client_reopen(client, error) ? g_steal_pointer(&client) : NULL;
}

void fleet_client_close(FleetClient *client)
{
    if (client->bus != NULL)
        sd_bus_close_unref(g_steal_pointer(&client->bus));
}

void fleet_client_free(FleetClient *client)
{
    fleet_client_close(client);
    g_clear_pointer(&client->agent, fleet_agent_free);
    g_free(client);
}

sd_bus *fleet_client_bus(const FleetClient *client)
{
    return client->bus;
}

gboolean fleet_client_check(int r, GError **error)
{
    if (r < 0)
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_FAILED, "cannot exchange messages with the daemon: %s",
                g_strerror(-r));
    return r >= 0;
}

void fleet_client_set_error(GError **error, const sd_bus_error *from, int r)
{
    FleetCliExit code = fleet_cli_exit_from_error_name(from->name);
    const char *message = from->message != NULL && *from->message != '\0' ? from->message : from->name;

    if (message == NULL)
        message = g_strerror(-r);
    if (code == FLEET_CLI_EXIT_UNREACHABLE && !g_str_has_prefix(from->name, "org.fleet."))
        g_set_error(error, FLEET_CLI_ERROR, code, "cannot reach the daemon: %s (is fleetd running?)", message);
    else
        g_set_error_literal(error, FLEET_CLI_ERROR, code, message);
}

static sd_bus_message *new_call(FleetClient *client, const char *interface, const char *member, GError **error)
{
    g_autoptr(sd_bus_message) call = NULL;
    int r = sd_bus_message_new_method_call(client->bus, &call, FLEET_SERVICE, FLEET_MANAGER_PATH, interface, member);

    return fleet_client_check(r, error) ? g_steal_pointer(&call) : NULL;
}

sd_bus_message *fleet_client_new_call(FleetClient *client, const char *member, GError **error)
{
    return new_call(client, FLEET_MANAGER_INTERFACE, member, error);
}

/* Whether a call may take a right that not everybody has. */
static gboolean needs_right(sd_bus_message *call)
{
    const char *member = sd_bus_message_get_member(call);

    return g_str_equal(member, "QueryAudit") ||
           !(g_str_has_prefix(member, "Get") || g_str_has_prefix(member, "List") || g_str_has_prefix(member, "Query"));
}

/* Only the daemon of this machine can have us asked on this terminal. */
static void prepare_to_be_asked(FleetClient *client)
{
    FleetTransport transport = client->options->transport;

    if (client->may_be_asked)
        return;
    client->may_be_asked = TRUE;
    if (transport == FLEET_TRANSPORT_SYSTEM || transport == FLEET_TRANSPORT_ADDRESS)
        client->agent = fleet_agent_start();
}

sd_bus_message *fleet_client_send(FleetClient *client, sd_bus_message *call, GError **error)
{
    g_auto(sd_bus_error) failure = SD_BUS_ERROR_NULL;
    g_autoptr(sd_bus_message) reply = NULL;
    gboolean may_ask = client->options->ask_password && needs_right(call);

    if (may_ask)
        prepare_to_be_asked(client);
    int r = sd_bus_call(client->bus, call, may_ask ? DIALOG_USEC : 0, &failure, &reply);

    if (r < 0) {
        fleet_client_set_error(error, &failure, r);
        return NULL;
    }
    return g_steal_pointer(&reply);
}

sd_bus_message *fleet_client_call(FleetClient *client, GError **error, const char *member, const char *types, ...)
{
    g_autoptr(sd_bus_message) call = fleet_client_new_call(client, member, error);
    va_list arguments;

    if (call == NULL)
        return NULL;
    va_start(arguments, types);
    int r = sd_bus_message_appendv(call, types, arguments);
    va_end(arguments);
    return fleet_client_check(r, error) ? fleet_client_send(client, call, error) : NULL;
}

JsonObject *fleet_client_get_manager(FleetClient *client, GError **error)
{
    g_autoptr(sd_bus_message) call = new_call(client, "org.freedesktop.DBus.Properties", "GetAll", error);
    g_autoptr(sd_bus_message) reply = NULL;

    if (call == NULL || !fleet_client_check(sd_bus_message_append(call, "s", FLEET_MANAGER_INTERFACE), error))
        return NULL;
    reply = fleet_client_send(client, call, error);
    return reply != NULL ? fleet_json_read_object(reply, error) : NULL;
}
