/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/cancel.h"

#include "cli/poll.h"

static void print_cancelled(FleetCli *cli, const char *id, gboolean ended, const char *status)
{
    if (cli->output.json != FLEET_JSON_OFF) {
        JsonObject *object = json_object_new();
        json_object_set_string_member(object, "ActionId", id);
        json_object_set_string_member(object, "Status", status);
        fleet_output_json(&cli->output, fleet_json_node(object));
    } else if (ended)
        fleet_output_success(&cli->output, "Action '%s' cancelled", id);
    else
        fleet_output_success(&cli->output, "Action '%s' is asked to stop", id);
}

gboolean fleet_cli_verb_cancel_action(FleetCli *cli, const char *const *args, GError **error)
{
    gboolean json = cli->output.json != FLEET_JSON_OFF;
    gboolean wait = (cli->options->given & FLEET_OPTION_WAIT) != 0;
    gboolean force = (cli->options->given & FLEET_OPTION_FORCE) != 0;
    g_autoptr(sd_bus_message) reply = NULL;
    const char *status;

    if (!fleet_poll_check_options(cli->options, error))
        return FALSE;
    if (force)
        reply = fleet_client_call(cli->client, error, "CancelDeviceAction", "sa{sv}", args[0], 1, "Force", "b", TRUE);
    else
        reply = fleet_client_call(cli->client, error, "CancelDeviceAction", "sa{sv}", args[0], 0);
    if (reply == NULL || !fleet_client_check(sd_bus_message_read(reply, "s", &status), error))
        return FALSE;

    gboolean ended = g_str_equal(status, "CANCELLED");
    /* As JSON one value is printed: that of the end, where it is waited for. */
    if (!json || !wait)
        print_cancelled(cli, args[0], ended, status);
    return !wait || (ended && !json) || fleet_poll_follow(cli, args[0], "CANCELLED", error);
}
