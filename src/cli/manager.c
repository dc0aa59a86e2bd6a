/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/manager.h"

static void print_count(FleetOutput *output, const char *label, gint64 count)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, count);

    fleet_output_field(output, label, text);
}

/* How many devices have each status, in the order in which the daemon names them. */
static void print_devices(FleetOutput *output, JsonObject *info)
{
    JsonObject *counts = fleet_json_object(info, "DevicesByStatus");
    JsonNode *statuses = json_object_get_member(info, "DeviceStatuses");

    print_count(output, "Devices", fleet_json_int(info, "DeviceCount"));
    if (counts == NULL || statuses == NULL || !JSON_NODE_HOLDS_ARRAY(statuses))
        return;
    for (guint i = 0; i < json_array_get_length(json_node_get_array(statuses)); i++) {
        const char *status = json_array_get_string_element(json_node_get_array(statuses), i);
        g_autofree char *label = g_strconcat("  ", status, NULL);
        print_count(output, label, fleet_json_int(counts, status));
    }
}

void fleet_manager_print(FleetOutput *output, JsonObject *info)
{
    gint64 pending = fleet_json_int(info, "PendingActions"), running = fleet_json_int(info, "RunningActions");

    if (output->legend)
        fleet_output_line(output, "Daemon Information:");
    fleet_output_field(output, "Version", fleet_json_string(info, "Version"));
    fleet_output_field(output, "Storage", fleet_json_string(info, "StorageState"));
    print_devices(output, info);
    print_count(output, "Actions", pending + running);
    print_count(output, "  PENDING", pending);
    print_count(output, "  RUNNING", running);
}

gboolean fleet_cli_verb_reload(FleetCli *cli, const char *const *args, GError **error)
{
    g_autoptr(sd_bus_message) reply = fleet_client_call(cli->client, error, "Reload", "");

    if (reply == NULL)
        return FALSE;
    fleet_output_success(&cli->output, "Configuration reloaded");
    return TRUE;
}

gboolean fleet_cli_verb_status(FleetCli *cli, const char *const *args, GError **error)
{
    g_autoptr(JsonObject) info = fleet_client_get_manager(cli->client, error);

    if (info == NULL)
        return FALSE;
    if (cli->output.json != FLEET_JSON_OFF)
        fleet_output_json(&cli->output, fleet_json_node(g_steal_pointer(&info)));
    else
        fleet_manager_print(&cli->output, info);
    return TRUE;
}
