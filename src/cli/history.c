/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/history.h"

#include "cli/colour.h"
#include "cli/listing.h"
#include "cli/text.h"

#include <string.h>

FleetTable *fleet_history_table(void)
{
    static const FleetTableColumn columns[] = {
            {.title = "Time", .min_width = 19, .keep = TRUE},
            {.title = "Status", .min_width = 10, .keep = TRUE, .colour = fleet_colour_of_status},
            {.title = "Phase", .min_width = 15},
            {.title = "Message"},
    };

    return fleet_table_new(columns, G_N_ELEMENTS(columns));
}

void fleet_history_add(FleetTable *table, JsonObject *row)
{
    g_autofree char *time = fleet_text_time(fleet_json_int(row, "Time"));
    const char *const cells[] = {
            time, fleet_json_string(row, "Status"), fleet_json_string(row, "Phase"), fleet_json_string(row, "Message")};

    fleet_table_add(table, cells);
}

static char *heading_of_history(guint n, gboolean more)
{
    return g_strdup_printf("Transitions (%u total):", n);
}

gboolean fleet_cli_verb_history(FleetCli *cli, const char *const *args, GError **error)
{
    static const char *const members[] = {"Time", "Status", "Phase", "Message", NULL};
    static const FleetListing listing = {
            .method = "GetActionHistory",
            .members = members,
            .table_new = fleet_history_table,
            .add_row = fleet_history_add,
            .heading = heading_of_history,
    };
    g_autoptr(sd_bus_message) reply = fleet_client_call(cli->client, error, listing.method, "s", args[0]);

    return reply != NULL && fleet_listing_show_reply(cli, &listing, reply, error);
}

FleetTable *fleet_audit_table(void)
{
    static const FleetTableColumn columns[] = {
            {.title = "Time", .min_width = 19, .keep = TRUE},
            {.title = "UID", .min_width = 5, .keep = TRUE},
            {.title = "Method", .min_width = 20},
            {.title = "Object", .min_width = 15},
            {.title = "Outcome", .min_width = 12},
            {.title = "Sender", .min_width = 8},
            {.title = "Executable"},
    };

    return fleet_table_new(columns, G_N_ELEMENTS(columns));
}

const char *fleet_audit_outcome(const char *outcome)
{
    static const char *const prefixes[] = {"org.fleet.Error.", "org.freedesktop.DBus.Error."};

    for (guint i = 0; i < G_N_ELEMENTS(prefixes); i++)
        if (g_str_has_prefix(outcome, prefixes[i]))
            return outcome + strlen(prefixes[i]);
    return outcome;
}

void fleet_audit_add(FleetTable *table, JsonObject *row)
{
    g_autofree char *time = fleet_text_time(fleet_json_int(row, "Time"));
    g_autofree char *uid = g_strdup_printf("%" G_GINT64_FORMAT, fleet_json_int(row, "Uid"));
    const char *const cells[] = {time, uid, fleet_json_string(row, "Method"), fleet_json_string(row, "Object"),
            fleet_audit_outcome(fleet_json_string(row, "Outcome")), fleet_json_string(row, "Sender"),
            fleet_json_string(row, "Executable")};

    fleet_table_add(table, cells);
}

static char *heading_of_audit(guint n, gboolean more)
{
    return g_strdup_printf(more ? "Audited Calls (the newest %u):" : "Audited Calls (%u total):", n);
}

gboolean fleet_cli_verb_audit(FleetCli *cli, const char *const *args, GError **error)
{
    static const char *const members[] = {"Time", "Uid", "Executable", "Sender", "Method", "Object", "Outcome", NULL};
    static const FleetListing listing = {
            .method = "QueryAudit",
            .members = members,
            .table_new = fleet_audit_table,
            .add_row = fleet_audit_add,
            .heading = heading_of_audit,
    };

    return fleet_listing_show(cli, &listing, error);
}
