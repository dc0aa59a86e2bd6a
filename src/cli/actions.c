/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/actions.h"

#include "cli/text.h"

#include <math.h>
#include <string.h>

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

/* Most results only repeat the status. */
static gboolean result_says_more(JsonObject *info)
{
    const char *result = fleet_json_string(info, "Result");
    const char *status = fleet_json_string(info, "Status");

    if (*result == '\0' || (g_str_equal(result, "success") && g_str_equal(status, "COMPLETED")))
        return FALSE;
    return g_ascii_strcasecmp(result, status) != 0;
}

/* That all went well is what the status says; the history has the driver's words for it. */
static gboolean message_says_more(JsonObject *info)
{
    const char *message = fleet_json_string(info, "Message");

    return *message != '\0' && !g_str_equal(message, fleet_json_string(info, "ErrorMessage")) &&
           !g_str_equal(fleet_json_string(info, "Status"), "COMPLETED");
}

/* The one attempt that most actions have needs no mention. */
static void print_attempt(FleetOutput *output, JsonObject *info)
{
    gint64 attempt = fleet_json_int(info, "Attempt"), most = fleet_json_int(info, "MaxAttempts");
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, attempt, most);

    if (most > 1)
        fleet_output_field(output, "Attempt", text);
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
    if (result_says_more(info))
        fleet_output_field(output, "Result", fleet_json_string(info, "Result"));
    fleet_output_field(output, "Phase", *phase != '\0' ? phase : "None");
    fleet_output_field(output, "Progress", progress);
    print_attempt(output, info);
    fleet_output_field(output, "Initiated", initiated);
    fleet_output_field(output, "Completed", completed);
    print_parameters(output, fleet_json_object(info, "Parameters"));
    if (message_says_more(info))
        fleet_output_field(output, "Message", fleet_json_string(info, "Message"));
    fleet_output_field(output, "Error", *failure != '\0' ? failure : "None");
}

gboolean fleet_cli_verb_action_status(FleetCli *cli, const char *const *args, GError **error)
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
