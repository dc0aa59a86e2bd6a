/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/heartbeat.h"

#include "cli/failures.h"

static void print_heard(FleetCli *cli, const char *const *ids, guint heard, JsonArray *failures)
{
    if (cli->output.json != FLEET_JSON_OFF) {
        JsonObject *object = json_object_new();
        json_object_set_int_member(object, "Heard", heard);
        json_object_set_array_member(object, "Failures", json_array_ref(failures));
        fleet_output_json(&cli->output, fleet_json_node(object));
    } else if (g_strv_length((char **)ids) == 1 && heard == 1)
        fleet_output_success(&cli->output, "Heartbeat of device '%s' noted", ids[0]);
    else if (heard > 0)
        fleet_output_success(&cli->output, "Heartbeats of %u device%s noted", heard, heard == 1 ? "" : "s");
}

gboolean fleet_cli_verb_heartbeat(FleetCli *cli, const char *const *args, GError **error)
{
    g_autoptr(sd_bus_message) call = fleet_client_new_call(cli->client, "Heartbeats", error);
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(JsonArray) failures = json_array_new();
    guint32 heard;

    if (call == NULL || !fleet_client_check(sd_bus_message_append_strv(call, (char **)args), error))
        return FALSE;
    reply = fleet_client_send(cli->client, call, error);
    if (reply == NULL || !fleet_client_check(sd_bus_message_read(reply, "u", &heard), error) ||
            !fleet_client_check(fleet_failures_read(cli, reply, args, failures), error))
        return FALSE;
    print_heard(cli, args, heard, failures);
    return TRUE;
}
