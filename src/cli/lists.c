/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/lists.h"

#include "cli/actions.h"
#include "cli/colour.h"
#include "cli/listing.h"
#include "cli/text.h"

static int append_strings(sd_bus_message *call, const char *key, GPtrArray *values)
{
    int r;

    if (values->len == 0)
        return 0;
    r = sd_bus_message_open_container(call, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append(call, "s", key);
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'a', "s");
    for (guint i = 0; r >= 0 && i < values->len; i++)
        r = sd_bus_message_append(call, "s", values->pdata[i]);
    for (guint i = 0; r >= 0 && i < 3; i++)
        r = sd_bus_message_close_container(call);
    return r;
}

static int append_string(sd_bus_message *call, const char *key, const char *value)
{
    return value != NULL ? sd_bus_message_append(call, "{sv}", key, "s", value) : 0;
}

static int append_time(sd_bus_message *call, const char *key, gboolean given, gint64 usec)
{
    return given ? sd_bus_message_append(call, "{sv}", key, "t", (guint64)usec) : 0;
}

static int append_device_filter(sd_bus_message *call, const FleetCliOptions *options)
{
    int r = append_strings(call, "Status", options->statuses);

    if (r >= 0)
        r = append_strings(call, "Type", options->types);
    if (r >= 0)
        r = append_string(call, "IdPrefix", options->prefix);
    if (r >= 0)
        r = append_string(call, "NameContains", options->name_contains);
    return r;
}

static int append_action_filter(sd_bus_message *call, const FleetCliOptions *options)
{
    g_autoptr(GPtrArray) types = g_ptr_array_new_with_free_func(g_free);
    int r = append_strings(call, "Status", options->statuses);

    /* Unlike those of devices, which are free text, types of actions are upper case. */
    for (guint i = 0; i < options->types->len; i++)
        g_ptr_array_add(types, g_ascii_strup(options->types->pdata[i], -1));
    if (r >= 0)
        r = append_strings(call, "Type", types);
    if (r >= 0)
        r = append_strings(call, "Result", options->results);
    if (r >= 0)
        r = append_string(call, "DeviceId", options->device);
    if (r >= 0)
        r = append_time(call, "Since", (options->given & FLEET_OPTION_SINCE) != 0, options->since);
    if (r >= 0)
        r = append_time(call, "Until", (options->given & FLEET_OPTION_UNTIL) != 0, options->until);
    if (r >= 0 && (options->given & FLEET_OPTION_OWNER) != 0)
        r = sd_bus_message_append(call, "{sv}", "OwnerUid", "u", options->owner);
    if (r >= 0 && (options->given & FLEET_OPTION_ACTIVE) != 0)
        r = sd_bus_message_append(call, "{sv}", "Active", "b", TRUE);
    return r;
}

FleetTable *fleet_list_table_of_devices(void)
{
    static const FleetTableColumn columns[] = {
            {.title = "Device ID", .min_width = 20, .keep = TRUE},
            {.title = "Name", .min_width = 18},
            {.title = "Type", .min_width = 15},
            {.title = "Status", .min_width = 15, .keep = TRUE, .colour = fleet_colour_of_status},
            {.title = "Action", .keep = TRUE},
    };

    return fleet_table_new(columns, G_N_ELEMENTS(columns));
}

void fleet_list_add_device(FleetTable *table, JsonObject *row)
{
    const char *action = fleet_json_string(row, "CurrentActionId");
    const char *const cells[] = {fleet_json_string(row, "Id"), fleet_json_string(row, "Name"),
            fleet_json_string(row, "Type"), fleet_json_string(row, "Status"), *action != '\0' ? action : "None"};

    fleet_table_add(table, cells);
}

static char *heading_of_devices(guint n, gboolean more)
{
    return g_strdup_printf("Registered Devices (%u total):", n);
}

gboolean fleet_cli_verb_list(FleetCli *cli, const char *const *args, GError **error)
{
    static const char *const members[] = {
            "Id", "Name", "Type", "Status", "RegisteredAt", "UpdatedAt", "CurrentAction", "CurrentActionId", NULL};
    static const FleetListing listing = {
            .method = "QueryDevices",
            .members = members,
            .append_filter = append_device_filter,
            .table_new = fleet_list_table_of_devices,
            .add_row = fleet_list_add_device,
            .heading = heading_of_devices,
    };

    return fleet_listing_show(cli, &listing, error);
}

FleetTable *fleet_list_table_of_actions(void)
{
    static const FleetTableColumn columns[] = {
            {.title = "Action ID", .min_width = 24, .keep = TRUE},
            {.title = "Device ID", .min_width = 15},
            {.title = "Type", .min_width = 20},
            {.title = "Status", .min_width = 10, .keep = TRUE, .colour = fleet_colour_of_status},
            {.title = "Done", .min_width = 6},
            {.title = "Initiated", .keep = TRUE},
    };

    return fleet_table_new(columns, G_N_ELEMENTS(columns));
}

void fleet_list_add_action(FleetTable *table, JsonObject *row)
{
    g_autofree char *progress = fleet_action_progress_text(TRUE, fleet_json_double(row, "Progress"));
    g_autofree char *initiated = fleet_text_time(fleet_json_int(row, "InitiatedAt"));
    const char *const cells[] = {fleet_json_string(row, "Id"), fleet_json_string(row, "DeviceId"),
            fleet_json_string(row, "Type"), fleet_json_string(row, "Status"), progress, initiated};

    fleet_table_add(table, cells);
}

char *fleet_list_heading_of_actions(guint n, gboolean more)
{
    return g_strdup_printf(more ? "Actions (the newest %u):" : "Actions (%u total):", n);
}

gboolean fleet_cli_verb_list_actions(FleetCli *cli, const char *const *args, GError **error)
{
    static const char *const members[] = {
            "Id", "DeviceId", "Type", "Status", "Result", "Progress", "InitiatedAt", "StartedAt", "CompletedAt", NULL};
    static const FleetListing listing = {
            .method = "QueryActions",
            .members = members,
            .append_filter = append_action_filter,
            .table_new = fleet_list_table_of_actions,
            .add_row = fleet_list_add_action,
            .heading = fleet_list_heading_of_actions,
    };

    return fleet_listing_show(cli, &listing, error);
}
