/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/initiate.h"

#include "cli/failures.h"
#include "cli/poll.h"

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

int fleet_initiate_append_options(sd_bus_message *call, const FleetCliOptions *options)
{
    const guint32 attempts = options->retry + 1;
    const struct {
        FleetVerbOption option;
        const char *key, *type;
        const void *value;
    } entries[] = {
            {FLEET_OPTION_IF_BUSY, "IfBusy", "s", options->if_busy},
            {FLEET_OPTION_PRIORITY, "Priority", "i", &options->priority},
            {FLEET_OPTION_NOT_BEFORE, "NotBefore", "t", &options->not_before},
            {FLEET_OPTION_START_DEADLINE, "StartDeadline", "t", &options->start_deadline},
            {FLEET_OPTION_TIMEOUT, "Timeout", "t", &options->timeout},
            {FLEET_OPTION_STEP_TIMEOUT, "StepTimeout", "t", &options->step_timeout},
            {FLEET_OPTION_RETRY, "MaxAttempts", "u", &attempts},
            {FLEET_OPTION_RETRY_DELAY, "RetryDelay", "t", &options->retry_delay},
            {FLEET_OPTION_REQUEST_ID, "RequestId", "s", options->request_id},
    };
    int r = sd_bus_message_open_container(call, 'a', "{sv}");

    for (guint i = 0; r >= 0 && i < G_N_ELEMENTS(entries); i++) {
        if ((options->given & entries[i].option) == 0)
            continue;
        r = sd_bus_message_open_container(call, 'e', "sv");
        if (r >= 0)
            r = sd_bus_message_append_basic(call, 's', entries[i].key);
        if (r >= 0)
            r = sd_bus_message_open_container(call, 'v', entries[i].type);
        if (r >= 0)
            r = sd_bus_message_append_basic(call, *entries[i].type, entries[i].value);
        for (guint level = 0; r >= 0 && level < 2; level++)
            r = sd_bus_message_close_container(call);
    }
    return r < 0 ? r : sd_bus_message_close_container(call);
}

/* What both calls have after the devices: the type, the parameters and the options. */
static int append_request(sd_bus_message *call, const char *type, const FleetCliOptions *options)
{
    g_autofree char *upper = g_ascii_strup(type, -1);
    int r = sd_bus_message_append(call, "s", upper);

    if (r >= 0)
        r = append_params(call, options->params);
    return r < 0 ? r : fleet_initiate_append_options(call, options);
}

/* Who waits is shown the action's last state in place of the first as JSON: two values would be none. */
static void print_initiated(FleetCli *cli, const char *id, const char *path, const char *status)
{
    if (cli->output.json != FLEET_JSON_OFF) {
        if ((cli->options->given & FLEET_OPTION_WAIT) != 0)
            return;
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

gboolean fleet_cli_verb_initiate_action(FleetCli *cli, const char *const *args, GError **error)
{
    g_autoptr(sd_bus_message) call = NULL, reply = NULL;
    const char *id, *path, *status;
    int r;

    if (!fleet_poll_check_options(cli->options, error))
        return FALSE;
    call = fleet_client_new_call(cli->client, "InitiateDeviceAction", error);
    if (call == NULL)
        return FALSE;
    r = sd_bus_message_append(call, "s", args[0]);
    if (r >= 0)
        r = append_request(call, args[1], cli->options);
    if (!fleet_client_check(r, error))
        return FALSE;

    reply = fleet_client_send(cli->client, call, error);
    if (reply == NULL || !fleet_client_check(sd_bus_message_read(reply, "sos", &id, &path, &status), error))
        return FALSE;
    print_initiated(cli, id, path, status);
    return (cli->options->given & FLEET_OPTION_WAIT) == 0 || fleet_poll_follow(cli, id, "COMPLETED", error);
}

static void add_started(FleetCli *cli, JsonArray *array, const char *device, const char *id, const char *path)
{
    if (cli->output.json != FLEET_JSON_OFF) {
        JsonObject *object = json_object_new();
        json_object_set_string_member(object, "DeviceId", device);
        json_object_set_string_member(object, "ActionId", id);
        json_object_set_string_member(object, "Action", path);
        json_array_add_object_element(array, object);
    } else if (cli->output.quiet)
        fleet_output_line(&cli->output, "%s", id);
    else
        fleet_output_success(&cli->output, "Device '%s': action %s", device, id);
}

/* The two arrays of the answer, each line as it is read. */
static int take_outcomes(
        FleetCli *cli, sd_bus_message *reply, const char *const *devices, JsonArray *started, JsonArray *failures)
{
    const char *id, *path;
    guint32 index;
    int r = sd_bus_message_enter_container(reply, 'a', "(uso)");

    while (r >= 0 && (r = sd_bus_message_read(reply, "(uso)", &index, &id, &path)) > 0)
        add_started(cli, started, fleet_failures_device(devices, index), id, path);
    if (r >= 0)
        r = sd_bus_message_exit_container(reply);
    return r < 0 ? r : fleet_failures_read(cli, reply, devices, failures);
}

gboolean fleet_cli_verb_initiate_actions(FleetCli *cli, const char *const *args, GError **error)
{
    g_autoptr(sd_bus_message) call = fleet_client_new_call(cli->client, "InitiateDeviceActions", error);
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(JsonArray) started = json_array_new(), failures = json_array_new();
    int r;

    if (call == NULL)
        return FALSE;
    r = sd_bus_message_append_strv(call, (char **)(args + 1));
    if (r >= 0)
        r = append_request(call, args[0], cli->options);
    if (!fleet_client_check(r, error))
        return FALSE;

    reply = fleet_client_send(cli->client, call, error);
    if (reply == NULL || !fleet_client_check(take_outcomes(cli, reply, args + 1, started, failures), error))
        return FALSE;
    if (cli->output.json != FLEET_JSON_OFF) {
        JsonObject *object = json_object_new();
        json_object_set_array_member(object, "Started", g_steal_pointer(&started));
        json_object_set_array_member(object, "Failures", g_steal_pointer(&failures));
        fleet_output_json(&cli->output, fleet_json_node(object));
    }
    return TRUE;
}
