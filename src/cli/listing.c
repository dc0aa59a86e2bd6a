/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/listing.h"

#include "cli/pager.h"
#include "model/limits.h"

/* What was asked for: as JSON or as a table, and how many rows it has. */
typedef struct {
    JsonArray *array;
    FleetTable *table;
    guint n;
    gboolean more; /* the limit was reached and there are others */
} Rows;

static int append_filter(sd_bus_message *call, const FleetListing *listing, const FleetCliOptions *options)
{
    int r = sd_bus_message_open_container(call, 'a', "{sv}");

    if (r >= 0)
        r = listing->append_filter(call, options);
    return r < 0 ? r : sd_bus_message_close_container(call);
}

static sd_bus_message *fetch_page(FleetCli *cli, const FleetListing *listing, const char *cursor, GError **error)
{
    g_autoptr(sd_bus_message) call = fleet_client_new_call(cli->client, listing->method, error);
    guint limit = cli->options->limit;
    int r;

    if (call == NULL)
        return NULL;
    /* One row more than wanted tells whether there are others. */
    limit = limit > 0 && limit < FLEET_PAGE_MAX ? limit + 1 : FLEET_PAGE_MAX;
    r = listing->append_filter != NULL ? append_filter(call, listing, cli->options) : 0;
    if (r >= 0)
        r = sd_bus_message_append(call, "su", cursor, limit);
    return fleet_client_check(r, error) ? fleet_client_send(cli->client, call, error) : NULL;
}

static void take_row(const FleetCli *cli, const FleetListing *listing, Rows *rows, JsonObject *row)
{
    if (cli->options->limit > 0 && rows->n == cli->options->limit)
        rows->more = TRUE;
    else {
        rows->n++;
        if (rows->array != NULL)
            json_array_add_object_element(rows->array, json_object_ref(row));
        else
            listing->add_row(rows->table, row);
    }
}

static gboolean read_rows(
        const FleetCli *cli, const FleetListing *listing, sd_bus_message *reply, Rows *rows, GError **error)
{
    const char *contents;
    char type;
    int r = sd_bus_message_peek_type(reply, &type, &contents);

    if (r > 0)
        r = sd_bus_message_enter_container(reply, 'a', contents);
    while (r >= 0 && (r = sd_bus_message_at_end(reply, FALSE)) == 0) {
        g_autoptr(JsonObject) row = fleet_json_read_struct(reply, listing->members, error);
        if (row == NULL)
            return FALSE;
        take_row(cli, listing, rows, row);
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(reply);
    return fleet_client_check(r, error);
}

/* The rows of a page, and the cursor of the next. */
static gboolean read_page(const FleetCli *cli, const FleetListing *listing, sd_bus_message *page, Rows *rows,
        char **cursor, GError **error)
{
    const char *next;

    if (!read_rows(cli, listing, page, rows, error) ||
            !fleet_client_check(sd_bus_message_read(page, "s", &next), error))
        return FALSE;
    g_free(*cursor);
    *cursor = g_strdup(next);
    return TRUE;
}

static gboolean fetch_all(FleetCli *cli, const FleetListing *listing, Rows *rows, GError **error)
{
    g_autofree char *cursor = g_strdup("");

    do {
        g_autoptr(sd_bus_message) page = fetch_page(cli, listing, cursor, error);
        if (page == NULL || !read_page(cli, listing, page, rows, &cursor, error))
            return FALSE;
    } while (*cursor != '\0' && !rows->more);
    return TRUE;
}

static void print_table(FleetCli *cli, const FleetTable *table, const char *heading)
{
    FleetTableStyle style = {
            .heading = cli->output.legend && !cli->output.quiet ? heading : NULL,
            .width = fleet_output_width(&cli->output),
            .ellipsis = fleet_output_ellipsis(&cli->output),
            .colour = cli->output.colour,
    };
    g_autofree char *text = fleet_table_render(table, &style);

    if (!cli->output.terminal || !cli->options->pager || !fleet_pager_show(text))
        fleet_output_text(&cli->output, text);
}

static void rows_clear(Rows *rows)
{
    g_clear_pointer(&rows->array, json_array_unref);
    g_clear_pointer(&rows->table, fleet_table_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Rows, rows_clear)

/* Rows to be filled in, of the kind that is wanted. */
static Rows rows_new(const FleetCli *cli, const FleetListing *listing)
{
    gboolean json = cli->output.json != FLEET_JSON_OFF;

    return (Rows){
            .array = json ? json_array_new() : NULL,
            .table = json ? NULL : listing->table_new(),
    };
}

static void print_rows(FleetCli *cli, const FleetListing *listing, const Rows *rows)
{
    if (rows->array != NULL) {
        fleet_output_json(&cli->output, json_node_init_array(json_node_alloc(), rows->array));
    } else {
        g_autofree char *heading = listing->heading(rows->n, rows->more);
        print_table(cli, rows->table, heading);
    }
}

gboolean fleet_listing_show(FleetCli *cli, const FleetListing *listing, GError **error)
{
    g_auto(Rows) rows = rows_new(cli, listing);

    if (!fetch_all(cli, listing, &rows, error))
        return FALSE;
    print_rows(cli, listing, &rows);
    return TRUE;
}

gboolean fleet_listing_show_reply(FleetCli *cli, const FleetListing *listing, sd_bus_message *reply, GError **error)
{
    g_auto(Rows) rows = rows_new(cli, listing);

    if (!read_rows(cli, listing, reply, &rows, error))
        return FALSE;
    print_rows(cli, listing, &rows);
    return TRUE;
}
