/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/failures.h"

const char *fleet_failures_device(const char *const *devices, guint index)
{
    return index < g_strv_length((char **)devices) ? devices[index] : "?";
}

static void add(FleetCli *cli, JsonArray *failures, const char *device, const char *name, const char *message)
{
    cli->status = FLEET_CLI_EXIT_FAILED;
    if (cli->output.json != FLEET_JSON_OFF) {
        JsonObject *object = json_object_new();
        json_object_set_string_member(object, "DeviceId", device);
        json_object_set_string_member(object, "ErrorName", name);
        json_object_set_string_member(object, "ErrorMessage", message);
        json_array_add_object_element(failures, object);
    } else
        fleet_output_error(&cli->output, "Device '%s': %s", device, message);
}

int fleet_failures_read(FleetCli *cli, sd_bus_message *reply, const char *const *devices, JsonArray *failures)
{
    const char *name, *message;
    guint32 index;
    int r = sd_bus_message_enter_container(reply, 'a', "(uss)");

    while (r >= 0 && (r = sd_bus_message_read(reply, "(uss)", &index, &name, &message)) > 0)
        add(cli, failures, fleet_failures_device(devices, index), name, message);
    return r < 0 ? r : sd_bus_message_exit_container(reply);
}
