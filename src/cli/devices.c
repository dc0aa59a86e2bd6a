/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/devices.h"

#include "cli/text.h"

/* The one value of an option that may be given several times, or "". */
static const char *single(GPtrArray *values)
{
    return values->len > 0 ? values->pdata[values->len - 1] : "";
}

static gboolean wants_json(const FleetCli *cli)
{
    return cli->output.json != FLEET_JSON_OFF;
}

/* What verbs without a result print as JSON: the device that they were about. */
static void print_id(FleetCli *cli, const char *id)
{
    JsonObject *object = json_object_new();

    json_object_set_string_member(object, "Id", id);
    fleet_output_json(&cli->output, fleet_json_node(object));
}

/* One entry of a dictionary of options or changes; nothing if it was not given. */
static int append_entry(sd_bus_message *call, const char *key, gboolean given, const char *value)
{
    return given ? sd_bus_message_append(call, "{sv}", key, "s", value) : 0;
}

gboolean fleet_cli_verb_register(FleetCli *cli, const char *const *args, GError **error)
{
    const FleetCliOptions *options = cli->options;
    g_autoptr(sd_bus_message) call = NULL, reply = NULL;
    const char *path;
    int r;

    if (options->statuses->len > 1) {
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "register takes one --status");
        return FALSE;
    }
    call = fleet_client_new_call(cli->client, "RegisterDevice", error);
    if (call == NULL)
        return FALSE;
    r = sd_bus_message_append(call, "ssss", args[0], options->name != NULL ? options->name : "", single(options->types),
            single(options->statuses));
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'a', "{sv}");
    if (r >= 0)
        r = append_entry(call, "Driver", options->driver != NULL, options->driver);
    if (r >= 0)
        r = append_entry(call, "Address", options->device_address != NULL, options->device_address);
    if (r >= 0)
        r = sd_bus_message_close_container(call);
    if (!fleet_client_check(r, error))
        return FALSE;

    reply = fleet_client_send(cli->client, call, error);
    if (reply == NULL || !fleet_client_check(sd_bus_message_read(reply, "o", &path), error))
        return FALSE;
    if (wants_json(cli)) {
        JsonObject *object = json_object_new();
        json_object_set_string_member(object, "Id", args[0]);
        json_object_set_string_member(object, "Device", path);
        fleet_output_json(&cli->output, fleet_json_node(object));
    }
    fleet_output_success(&cli->output, "Device '%s' registered successfully", args[0]);
    return TRUE;
}

gboolean fleet_cli_verb_update(FleetCli *cli, const char *const *args, GError **error)
{
    const FleetCliOptions *options = cli->options;
    g_autoptr(sd_bus_message) call = NULL, reply = NULL;
    int r;

    if (options->given == 0) {
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "nothing to update: use --name, --type or --address");
        return FALSE;
    }
    call = fleet_client_new_call(cli->client, "UpdateDevice", error);
    if (call == NULL)
        return FALSE;
    r = sd_bus_message_append(call, "s", args[0]);
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'a', "{sv}");
    if (r >= 0)
        r = append_entry(call, "Name", options->name != NULL, options->name);
    if (r >= 0)
        r = append_entry(call, "Type", options->types->len > 0, single(options->types));
    if (r >= 0)
        r = append_entry(call, "Address", options->device_address != NULL, options->device_address);
    if (r >= 0)
        r = sd_bus_message_close_container(call);
    if (r >= 0)
        r = sd_bus_message_append(call, "a{sv}", 0);
    if (!fleet_client_check(r, error))
        return FALSE;

    reply = fleet_client_send(cli->client, call, error);
    if (reply == NULL)
        return FALSE;
    if (wants_json(cli))
        print_id(cli, args[0]);
    fleet_output_success(&cli->output, "Device '%s' updated", args[0]);
    return TRUE;
}

gboolean fleet_cli_verb_unregister(FleetCli *cli, const char *const *args, GError **error)
{
    g_autoptr(sd_bus_message) reply = fleet_client_call(cli->client, error, "UnregisterDevice", "sa{sv}", args[0], 0);

    if (reply == NULL)
        return FALSE;
    if (wants_json(cli))
        print_id(cli, args[0]);
    fleet_output_success(&cli->output, "Device '%s' unregistered", args[0]);
    return TRUE;
}

gboolean fleet_cli_verb_set_status(FleetCli *cli, const char *const *args, GError **error)
{
    g_autofree char *status = g_ascii_strup(args[1], -1);
    g_autoptr(sd_bus_message) reply =
            fleet_client_call(cli->client, error, "SetDeviceStatus", "ssa{sv}", args[0], status, 0);
    const char *previous, *current;

    if (reply == NULL || !fleet_client_check(sd_bus_message_read(reply, "ss", &previous, &current), error))
        return FALSE;
    if (wants_json(cli)) {
        JsonObject *object = json_object_new();
        json_object_set_string_member(object, "Id", args[0]);
        json_object_set_string_member(object, "Previous", previous);
        json_object_set_string_member(object, "Current", current);
        fleet_output_json(&cli->output, fleet_json_node(object));
    } else if (!cli->output.quiet) {
        fleet_output_success(&cli->output, "Device '%s' status updated:", args[0]);
        fleet_output_line(&cli->output, "  Previous: %s", previous);
        fleet_output_line(&cli->output, "  Current:  %s", current);
    }
    return TRUE;
}

/* Where it is and whether it is there. What goes without saying for all of it, as of a device that nobody has ever
 * heard and that has the driver which devices have where nothing else is said, is not shown. */
static void print_presence(FleetOutput *output, JsonObject *info)
{
    const char *driver = fleet_json_string(info, "Driver"), *address = fleet_json_string(info, "Address");
    const char *presence = fleet_json_string(info, "Presence");
    gint64 seen = fleet_json_int(info, "LastSeen");

    if ((*driver == '\0' || g_str_equal(driver, "simulated")) && *address == '\0' && seen == 0 &&
            (*presence == '\0' || g_str_equal(presence, "UNKNOWN")))
        return;
    g_autofree char *time = seen != 0 ? fleet_text_time(seen) : g_strdup("never");
    fleet_output_field(output, "Driver", driver);
    fleet_output_field(output, "Address", *address != '\0' ? address : "None");
    fleet_output_field(output, "Last Seen", time);
    fleet_output_field(output, "Presence", presence);
}

void fleet_device_print(FleetOutput *output, JsonObject *info)
{
    g_autofree char *registered = fleet_text_time(fleet_json_int(info, "RegisteredAt"));
    g_autofree char *updated = fleet_text_time(fleet_json_int(info, "UpdatedAt"));
    const char *action = fleet_json_string(info, "CurrentActionId");
    gint64 queued = fleet_json_int(info, "QueuedActions");

    if (output->legend)
        fleet_output_line(output, "Device Information:");
    fleet_output_field(output, "ID", fleet_json_string(info, "Id"));
    fleet_output_field(output, "Name", fleet_json_string(info, "Name"));
    fleet_output_field(output, "Type", fleet_json_string(info, "Type"));
    fleet_output_status_field(output, "Status", fleet_json_string(info, "Status"));
    fleet_output_field(output, "Registered", registered);
    fleet_output_field(output, "Last Updated", updated);
    fleet_output_field(output, "Current Action", *action != '\0' ? action : "None");
    if (queued > 0) {
        g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, queued);
        fleet_output_field(output, "Queued Actions", text);
    }
    print_presence(output, info);
}

gboolean fleet_cli_verb_get_info(FleetCli *cli, const char *const *args, GError **error)
{
    g_autoptr(sd_bus_message) reply = fleet_client_call(cli->client, error, "GetDeviceInfo", "s", args[0]);
    g_autoptr(JsonObject) info = reply != NULL ? fleet_json_read_object(reply, error) : NULL;

    if (info == NULL)
        return FALSE;
    if (wants_json(cli))
        fleet_output_json(&cli->output, fleet_json_node(g_steal_pointer(&info)));
    else
        fleet_device_print(&cli->output, info);
    return TRUE;
}
