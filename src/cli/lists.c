/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/lists.h"

#include "cli/actions.h"
#include "cli/colour.h"
#include "cli/pager.h"
#include "cli/text.h"
#include "model/limits.h"

/* What the two lists differ in. */
typedef struct {
    const char *method;
    const char *const *members; /* of a row, in the order of its structure */
    int (*append_filter)(sd_bus_message *call, const FleetOptions *options);
    FleetTable *(*table_new)(void);
    void (*add_row)(FleetTable *table, JsonObject *row);
} List;

/* What was asked for: as JSON or as a table, and how many rows it has. */
typedef struct {
    JsonArray *array;
    FleetTable *table;
    guint n;
    gboolean more; /* the limit was reached and there are others */
} Rows;

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

static int append_device_filter(sd_bus_message *call, const FleetOptions *options)
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

static int append_action_filter(sd_bus_message *call, const FleetOptions *options)
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
    if (r >= 0 && (options->given & FLEET_OPTION_ACTIVE) != 0)
        r = sd_bus_message_append(call, "{sv}", "Active", "b", TRUE);
    return r;
}

static sd_bus_message *fetch_page(FleetCli *cli, const List *list, const char *cursor, GError **error)
{
    g_autoptr(sd_bus_message) call = fleet_client_new_call(cli->client, list->method, error);
    guint limit = cli->options->limit;
    int r;

    if (call == NULL)
        return NULL;
    /* One row more than wanted tells whether there are others. */
    limit = limit > 0 && limit < FLEET_PAGE_MAX ? limit + 1 : FLEET_PAGE_MAX;
    r = sd_bus_message_open_container(call, 'a', "{sv}");
    if (r >= 0)
        r = list->append_filter(call, cli->options);
    if (r >= 0)
        r = sd_bus_message_close_container(call);
    if (r >= 0)
        r = sd_bus_message_append(call, "su", cursor, limit);
    return fleet_client_check(r, error) ? fleet_client_send(cli->client, call, error) : NULL;
}

static void take_row(const FleetCli *cli, const List *list, Rows *rows, JsonObject *row)
{
    if (cli->options->limit > 0 && rows->n == cli->options->limit)
        rows->more = TRUE;
    else {
        rows->n++;
        if (rows->array != NULL)
            json_array_add_object_element(rows->array, json_object_ref(row));
        else
            list->add_row(rows->table, row);
    }
}

/* The rows of a page, and the cursor of the next. */
static gboolean read_page(
        const FleetCli *cli, const List *list, sd_bus_message *page, Rows *rows, char **cursor, GError **error)
{
    const char *contents, *next;
    char type;
    int r = sd_bus_message_peek_type(page, &type, &contents);

    if (r > 0)
        r = sd_bus_message_enter_container(page, 'a', contents);
    while (r >= 0 && (r = sd_bus_message_at_end(page, FALSE)) == 0) {
        g_autoptr(JsonObject) row = fleet_json_read_struct(page, list->members, error);
        if (row == NULL)
            return FALSE;
        take_row(cli, list, rows, row);
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(page);
    if (r >= 0)
        r = sd_bus_message_read(page, "s", &next);
    if (!fleet_client_check(r, error))
        return FALSE;
    g_free(*cursor);
    *cursor = g_strdup(next);
    return TRUE;
}

static gboolean fetch_all(FleetCli *cli, const List *list, Rows *rows, GError **error)
{
    g_autofree char *cursor = g_strdup("");

    do {
        g_autoptr(sd_bus_message) page = fetch_page(cli, list, cursor, error);
        if (page == NULL || !read_page(cli, list, page, rows, &cursor, error))
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

static gboolean fetch_and_print(
        FleetCli *cli, const List *list, char *(*heading_of)(guint n, gboolean more), GError **error)
{
    gboolean json = cli->output.json != FLEET_JSON_OFF;
    g_auto(Rows) rows = {
            .array = json ? json_array_new() : NULL,
            .table = json ? NULL : list->table_new(),
    };

    if (!fetch_all(cli, list, &rows, error))
        return FALSE;
    if (json) {
        fleet_output_json(&cli->output, json_node_init_array(json_node_alloc(), rows.array));
    } else {
        g_autofree char *heading = heading_of(rows.n, rows.more);
        print_table(cli, rows.table, heading);
    }
    return TRUE;
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

gboolean fleet_verb_list(FleetCli *cli, const char *const *args, GError **error)
{
    static const char *const members[] = {
            "Id", "Name", "Type", "Status", "RegisteredAt", "UpdatedAt", "CurrentAction", "CurrentActionId", NULL};
    static const List list = {
            .method = "QueryDevices",
            .members = members,
            .append_filter = append_device_filter,
            .table_new = fleet_list_table_of_devices,
            .add_row = fleet_list_add_device,
    };

    return fetch_and_print(cli, &list, heading_of_devices, error);
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

gboolean fleet_verb_list_actions(FleetCli *cli, const char *const *args, GError **error)
{
    static const char *const members[] = {
            "Id", "DeviceId", "Type", "Status", "Result", "Progress", "InitiatedAt", "StartedAt", "CompletedAt", NULL};
    static const List list = {
            .method = "QueryActions",
            .members = members,
            .append_filter = append_action_filter,
            .table_new = fleet_list_table_of_actions,
            .add_row = fleet_list_add_action,
    };

    return fetch_and_print(cli, &list, fleet_list_heading_of_actions, error);
}
