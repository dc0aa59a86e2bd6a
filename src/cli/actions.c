/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/actions.h"

#include "cli/text.h"

#include <math.h>
#include <string.h>

static int append_params(sd_bus_message *call, GPtrArray *params)
{
    int r = sd_bus_message_open_container(call, 'a', "{ss}");

    for (guint i = 0; r >= 0 && i < params->len; i++) {
        const char *param = params->pdata[i];
        const char *equals = strchr(param, '=');
        g_autofree char *key = g_strndup(param, (gsize)(equals - param));
        r = sd_bus_message_append(call, "{ss}", key, equals + 1);
    }
    return r < 0 ? r : sd_bus_message_close_container(call);
}

static void print_initiated(FleetCli *cli, const char *id, const char *path, const char *status)
{
    if (cli->output.json != FLEET_JSON_OFF) {
        JsonObject *object = json_object_new();
        json_object_set_string_member(object, "ActionId", id);
        json_object_set_string_member(object, "Action", path);
        json_object_set_string_member(object, "Status", status);
        fleet_output_json(&cli->output, fleet_json_node(object));
    } else if (cli->output.quiet)
        fleet_output_line(&cli->output, "%s", id);
    else {
        fleet_output_success(&cli->output, "Action initiated successfully");
        fleet_output_line(&cli->output, "  Action ID: %s", id);
        fleet_output_line(&cli->output, "  Status:    %s", status);
    }
}

gboolean fleet_verb_initiate_action(FleetCli *cli, const char *const *args, GError **error)
{
    g_autoptr(sd_bus_message) call = fleet_client_new_call(cli->client, "InitiateDeviceAction", error);
    g_autoptr(sd_bus_message) reply = NULL;
    g_autofree char *type = g_ascii_strup(args[1], -1);
    const char *id, *path, *status;
    int r;

    if (call == NULL)
        return FALSE;
    r = sd_bus_message_append(call, "ss", args[0], type);
    if (r >= 0)
        r = append_params(call, cli->options->params);
    if (r >= 0)
        r = sd_bus_message_append(call, "a{sv}", 0);
    if (!fleet_client_check(r, error))
        return FALSE;

    reply = fleet_client_send(cli->client, call, error);
    if (reply == NULL || !fleet_client_check(sd_bus_message_read(reply, "sos", &id, &path, &status), error))
        return FALSE;
    print_initiated(cli, id, path, status);
    return TRUE;
}

char *fleet_action_progress_text(gboolean known, double progress)
{
    if (!known || !isfinite(progress))
        return g_strdup("unknown");
    /* Rounded down: 100% is for what has ended. */
    return g_strdup_printf("%d%%", (int)(CLAMP(progress, 0.0, 1.0) * 100 + 1e-9));
}

const char *fleet_action_reason(JsonObject *info)
{
    static const char *const members[] = {"ErrorMessage", "Message", "ErrorName", "Result", "Status"};

    for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
        const char *reason = fleet_json_string(info, members[i]);
        if (*reason != '\0')
            return reason;
    }
    return "no reason was given";
}

static void print_parameters(FleetOutput *output, JsonObject *parameters)
{
    g_autoptr(GList) keys = parameters != NULL ? json_object_get_members(parameters) : NULL;

    keys = g_list_sort(keys, (GCompareFunc)strcmp);
    if (keys == NULL)
        fleet_output_field(output, "Parameters", "None");
    for (GList *key = keys; key != NULL; key = key->next) {
        g_autofree char *pair =
                g_strdup_printf("%s=%s", (const char *)key->data, fleet_json_string(parameters, key->data));
        if (key == keys)
            fleet_output_field(output, "Parameters", pair);
        else
            fleet_output_line(output, "  %-14s %s", "", pair);
    }
}

void fleet_action_print(FleetOutput *output, JsonObject *info)
{
    g_autofree char *progress =
            fleet_action_progress_text(fleet_json_bool(info, "ProgressKnown"), fleet_json_double(info, "Progress"));
    g_autofree char *initiated = fleet_text_time(fleet_json_int(info, "InitiatedAt"));
    g_autofree char *completed = fleet_text_time(fleet_json_int(info, "CompletedAt"));
    const char *phase = fleet_json_string(info, "Phase");
    const char *failure = fleet_json_string(info, "ErrorMessage");

    if (output->legend)
        fleet_output_line(output, "Action Information:");
    fleet_output_field(output, "ID", fleet_json_string(info, "Id"));
    fleet_output_field(output, "Device", fleet_json_string(info, "DeviceId"));
    fleet_output_field(output, "Type", fleet_json_string(info, "Type"));
    fleet_output_status_field(output, "Status", fleet_json_string(info, "Status"));
    fleet_output_field(output, "Phase", *phase != '\0' ? phase : "None");
    fleet_output_field(output, "Progress", progress);
    fleet_output_field(output, "Initiated", initiated);
    fleet_output_field(output, "Completed", completed);
    print_parameters(output, fleet_json_object(info, "Parameters"));
    fleet_output_field(output, "Error", *failure != '\0' ? failure : "None");
}

gboolean fleet_verb_action_status(FleetCli *cli, const char *const *args, GError **error)
{
    g_autoptr(sd_bus_message) reply = fleet_client_call(cli->client, error, "GetDeviceActionStatus", "s", args[0]);
    g_autoptr(JsonObject) info = reply != NULL ? fleet_json_read_object(reply, error) : NULL;

    if (info == NULL)
        return FALSE;
    if (cli->output.json != FLEET_JSON_OFF)
        fleet_output_json(&cli->output, fleet_json_node(g_steal_pointer(&info)));
    else
        fleet_action_print(&cli->output, info);
    return TRUE;
}
