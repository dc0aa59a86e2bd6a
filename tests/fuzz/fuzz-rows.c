/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The readers of the database, given rows that fleetd did not write. Each row has the types of its table, which SQLite
 * sees to, and any values.
 */

#include "fuzz.h"
#include "input.h"
#include "model/limits.h"
#include "store/sqlite/action_rows.h"
#include "store/sqlite/audit_rows.h"
#include "store/sqlite/database.h"
#include "store/sqlite/device_rows.h"
#include "store/sqlite/transition_rows.h"

#include <sqlite3.h>
#include <string.h>

/* Columns of tables, in the order of the tables. */
typedef struct {
    const char *table; /* static */
    char *name, *type;
    gboolean is_key;
} Column;

static FleetDatabase *database;
static GArray *columns; /* of Column */

static const char *const tables[] = {"devices", "actions", "transitions", "audit"};

static void find_columns(const char *table)
{
    g_autofree char *sql = g_strdup_printf("SELECT name, type, pk FROM pragma_table_info('%s')", table);
    sqlite3_stmt *statement;

    g_assert_cmpint(sqlite3_prepare_v2(fleet_database_handle(database), sql, -1, &statement, NULL), ==, SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        Column column = {.table = table,
                .name = g_strdup((const char *)sqlite3_column_text(statement, 0)),
                .type = g_strdup((const char *)sqlite3_column_text(statement, 1)),
                .is_key = sqlite3_column_int(statement, 2) != 0};
        g_array_append_val(columns, column);
    }
    sqlite3_finalize(statement);
}

static void open_database(void)
{
    g_autofree char *directory = fleet_fuzz_directory_new();
    g_autoptr(GError) error = NULL;

    database = fleet_database_open(directory, NULL, &error);
    g_assert_no_error(error);
    columns = g_array_new(FALSE, FALSE, sizeof(Column));
    for (guint i = 0; i < G_N_ELEMENTS(tables); i++)
        find_columns(tables[i]);
}

static gint64 integer(FleetFuzzInput *input)
{
    static const gint64 edges[] = {0, 1, -1, 2, G_MAXINT64, G_MININT64, G_MAXUINT32, G_MAXINT32};
    guint kind = fleet_fuzz_below(input, 12);

    if (kind < G_N_ELEMENTS(edges))
        return edges[kind];
    return (gint64)fleet_fuzz_number(input, kind == 8 ? 1 : kind == 9 ? 4 : 8);
}

static void bind_bytes(FleetFuzzInput *input, sqlite3_stmt *statement, int parameter, gboolean text)
{
    gsize wanted = fleet_fuzz_byte(input), length = MIN(wanted, input->left);
    const char *bytes = (const char *)input->next;

    input->next += length;
    input->left -= length;
    if (text)
        sqlite3_bind_text(statement, parameter, bytes, (int)length, SQLITE_TRANSIENT);
    else
        sqlite3_bind_blob(statement, parameter, bytes, (int)length, SQLITE_TRANSIENT);
}

static void bind(FleetFuzzInput *input, sqlite3_stmt *statement, int parameter, const Column *column)
{
    if (column->is_key)
        sqlite3_bind_int64(statement, parameter, 1);
    else if (g_str_equal(column->type, "INTEGER"))
        sqlite3_bind_int64(statement, parameter, integer(input));
    else if (g_str_equal(column->type, "REAL"))
        sqlite3_bind_double(statement, parameter, (double)integer(input) / (fleet_fuzz_byte(input) + 1.0));
    else
        bind_bytes(input, statement, parameter, g_str_equal(column->type, "TEXT"));
}

static void insert(FleetFuzzInput *input, const char *table)
{
    g_autoptr(GString) names = g_string_new(NULL);
    g_autoptr(GString) marks = g_string_new(NULL);
    sqlite3_stmt *statement;
    int parameter = 0;

    for (guint i = 0; i < columns->len; i++) {
        const Column *column = &g_array_index(columns, Column, i);
        if (!g_str_equal(column->table, table))
            continue;
        g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", column->name);
        g_string_append(marks, marks->len > 0 ? ", ?" : "?");
    }
    g_autofree char *sql = g_strdup_printf("INSERT INTO %s (%s) VALUES (%s)", table, names->str, marks->str);
    g_assert_cmpint(sqlite3_prepare_v2(fleet_database_handle(database), sql, -1, &statement, NULL), ==, SQLITE_OK);
    for (guint i = 0; i < columns->len; i++) {
        const Column *column = &g_array_index(columns, Column, i);
        if (g_str_equal(column->table, table))
            bind(input, statement, ++parameter, column);
    }
    /* A row that the schema does not take is no row. */
    (void)sqlite3_step(statement);
    sqlite3_finalize(statement);
}

static void take_device(FleetDevice *device, gpointer user_data)
{
    g_assert_true(g_utf8_validate(device->id, -1, NULL));
    g_assert_true(g_utf8_validate(device->name, -1, NULL));
    g_assert_true(g_utf8_validate(device->address, -1, NULL));
    g_assert_cmpuint(device->own_status, <, FLEET_DEVICE_STATUS_LAST_);
    g_assert_cmpuint(device->status, ==, fleet_device_is_hidden(device) ? FLEET_DEVICE_OFFLINE : device->own_status);
    g_assert_true(!fleet_device_is_hidden(device) || device->presence == FLEET_PRESENCE_OFFLINE);
    fleet_device_unref(device);
}

static void check_action(const FleetAction *action)
{
    char id[FLEET_ACTION_ID_BUFFER];

    g_assert_cmpuint(action->status, <, FLEET_ACTION_STATUS_LAST_);
    g_assert_cmpuint(action->result, <, FLEET_RESULT_LAST_);
    g_assert_true(action->progress >= 0 && action->progress <= 1);
    g_assert_cmpuint(fleet_parameters_count(action->parameters), <=, FLEET_PARAMETERS_MAX);
    g_assert_true(g_utf8_validate(action->message, -1, NULL));
    g_assert_nonnull(fleet_action_id_format(action->id, id));
}

static void take_action(FleetAction *action, gpointer user_data)
{
    check_action(action);
    fleet_action_unref(action);
}

static void read_actions(void)
{
    g_auto(FleetActionFilter) filter = FLEET_ACTION_FILTER_INIT;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) actions = fleet_action_rows_query(database, &filter, &error);
    g_autoptr(FleetAction) action = NULL;

    fleet_fuzz_check_error(actions != NULL, &error);
    fleet_fuzz_check_error(fleet_action_rows_load(database, 0, 10, take_action, NULL, &error), &error);
    if (actions == NULL || actions->len == 0)
        return;
    const FleetAction *listed = g_ptr_array_index(actions, 0);
    check_action(listed);
    g_assert_true(fleet_action_rows_find(database, listed->id, &action, &error));
    g_assert_nonnull(action);
    check_action(action);
}

static void read_all(void)
{
    g_autoptr(GError) error = NULL;
    gint64 last;

    fleet_fuzz_check_error(fleet_device_rows_load(database, take_device, NULL, &error), &error);
    read_actions();
    g_autoptr(GArray) transitions = fleet_transition_rows_find(database, (FleetActionId){.sequence = 1}, &error);
    fleet_fuzz_check_error(transitions != NULL, &error);
    g_autoptr(GPtrArray) audit = fleet_audit_rows_query(database, 0, 10, &last, &error);
    fleet_fuzz_check_error(audit != NULL, &error);
}

/* The first byte says of which table the first row is. */
int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    FleetFuzzInput input = {data, size};
    g_autoptr(GError) error = NULL;

    if (database == NULL)
        open_database();
    g_assert_true(fleet_database_begin(database, &error));
    guint table = fleet_fuzz_below(&input, G_N_ELEMENTS(tables));
    insert(&input, tables[table]);
    if (table == 1 && input.left > 0)
        insert(&input, "transitions");
    read_all();
    fleet_database_roll_back(database);
    return 0;
}
