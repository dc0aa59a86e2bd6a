/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/sqlite/action_rows.h"

#include "base/clock.h"
#include "model/limits.h"
#include "store/sqlite/row.h"

#include <sqlite3.h>
#include <string.h>

#define COLUMNS                                                                                                        \
    "sequence, initiated_at, device_id, type, driver, owner_uid, max_attempts, parameters, status, result, attempt, "  \
    "started_realtime, started_boottime, started_boot, completed_at, progress, progress_known, phase, message, "       \
    "error_name, error_message, plan"

/* As COLUMNS has them. */
enum {
    SEQUENCE,
    INITIATED_AT,
    DEVICE_ID,
    TYPE,
    DRIVER,
    OWNER_UID,
    MAX_ATTEMPTS,
    PARAMETERS,
    STATUS,
    RESULT,
    ATTEMPT,
    STARTED_REALTIME,
    STARTED_BOOTTIME,
    STARTED_BOOT,
    COMPLETED_AT,
    PROGRESS,
    PROGRESS_KNOWN,
    PHASE,
    MESSAGE,
    ERROR_NAME,
    ERROR_MESSAGE,
    PLAN,
};

static const char insert_sql[] =
        "INSERT INTO actions (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
        "?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)";

/* Numbered as in the insertion, so that both bind alike. */
static const char update_sql[] =
        "UPDATE actions SET status = ?9, result = ?10, attempt = ?11, started_realtime = ?12, started_boottime = ?13, "
        "started_boot = ?14, completed_at = ?15, progress = ?16, progress_known = ?17, phase = ?18, message = ?19, "
        "error_name = ?20, error_message = ?21, plan = ?22 WHERE sequence = ?1";

static const char load_sql[] =
        "SELECT " COLUMNS " FROM actions WHERE sequence IN ("
        "SELECT sequence FROM actions WHERE status < 2 UNION ALL "
        "SELECT sequence FROM (SELECT sequence FROM actions WHERE status >= 2 AND completed_at >= ?1 "
        "ORDER BY completed_at DESC, sequence DESC LIMIT ?2)) ORDER BY sequence";
G_STATIC_ASSERT(FLEET_ACTION_COMPLETED == 2); /* the first terminal status, here and in the indices */

static const char find_sql[] = "SELECT " COLUMNS " FROM actions WHERE sequence = ?1 AND initiated_at / 1000 = ?2";

static int bind_changeable(sqlite3_stmt *statement, const FleetAction *action)
{
    return sqlite3_bind_int64(statement, SEQUENCE + 1, action->id.sequence) |
           sqlite3_bind_int(statement, STATUS + 1, (int)action->status) |
           sqlite3_bind_int(statement, RESULT + 1, (int)action->result) |
           sqlite3_bind_int64(statement, ATTEMPT + 1, action->attempt) |
           sqlite3_bind_int64(statement, STARTED_REALTIME + 1, action->started.realtime) |
           sqlite3_bind_int64(statement, STARTED_BOOTTIME + 1, action->started.boottime) |
           sqlite3_bind_int64(statement, STARTED_BOOT + 1, (gint64)action->started.boot) |
           sqlite3_bind_int64(statement, COMPLETED_AT + 1, action->completed_at) |
           sqlite3_bind_double(statement, PROGRESS + 1, action->progress) |
           sqlite3_bind_int(statement, PROGRESS_KNOWN + 1, action->progress_known ? 1 : 0) |
           fleet_row_bind_text(statement, PHASE + 1, action->phase) |
           fleet_row_bind_text(statement, MESSAGE + 1, action->message) |
           fleet_row_bind_text(statement, ERROR_NAME + 1, action->error_name) |
           fleet_row_bind_text(statement, ERROR_MESSAGE + 1, action->error_message) |
           fleet_row_bind_text(statement, PLAN + 1, action->plan);
}

/* Each name and each value, in order, with the NUL that ends it. Neither can hold a NUL, so the encoding is exact. */
static int bind_parameters(sqlite3_stmt *statement, int parameter, const FleetParameters *parameters)
{
    guint n = fleet_parameters_count(parameters);
    gsize size = 0;
    char *text, *end;

    if (n == 0)
        return sqlite3_bind_zeroblob(statement, parameter, 0);
    for (guint i = 0; i < n; i++)
        size += strlen(fleet_parameters_key(parameters, i)) + strlen(fleet_parameters_value(parameters, i)) + 2;
    text = end = g_malloc(size);
    for (guint i = 0; i < n; i++) {
        end = stpcpy(end, fleet_parameters_key(parameters, i)) + 1;
        end = stpcpy(end, fleet_parameters_value(parameters, i)) + 1;
    }
    return sqlite3_bind_blob64(statement, parameter, text, size, g_free);
}

gboolean fleet_action_rows_insert(FleetDatabase *database, const FleetAction *action, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, insert_sql, error);
    int bound;

    g_assert(action->id.msec == action->initiated_at / FLEET_USEC_PER_MSEC); /* the row has the latter alone */
    if (statement == NULL)
        return FALSE;
    bound = bind_changeable(statement, action) | sqlite3_bind_int64(statement, INITIATED_AT + 1, action->initiated_at) |
            fleet_row_bind_text(statement, DEVICE_ID + 1, action->device_id) |
            fleet_row_bind_text(statement, TYPE + 1, action->type) |
            fleet_row_bind_text(statement, DRIVER + 1, action->driver) |
            sqlite3_bind_int64(statement, OWNER_UID + 1, action->owner_uid) |
            sqlite3_bind_int64(statement, MAX_ATTEMPTS + 1, action->max_attempts) |
            bind_parameters(statement, PARAMETERS + 1, action->parameters);
    return fleet_database_change_row(database, statement, bound, "action row", action->id.sequence, error);
}

gboolean fleet_action_rows_update(FleetDatabase *database, const FleetAction *action, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, update_sql, error);

    if (statement == NULL)
        return FALSE;
    return fleet_database_change_row(
            database, statement, bind_changeable(statement, action), "action row", action->id.sequence, error);
}

/* A new reference in any case. */
static FleetParameters *read_parameters(FleetRow *row)
{
    const char *pairs[2 * FLEET_PARAMETERS_MAX];
    const char *text = sqlite3_column_blob(row->statement, PARAMETERS);
    gsize size = (gsize)sqlite3_column_bytes(row->statement, PARAMETERS);
    FleetParameters *parameters = NULL;
    g_autoptr(GError) error = NULL;
    guint n = 0;

    if (size == 0)
        return fleet_parameters_new_empty();
    if (text[size - 1] == '\0')
        for (const char *p = text; p < text + size; p += strlen(p) + 1)
            if (n++ < G_N_ELEMENTS(pairs))
                pairs[n - 1] = p;
    if (n > 0 && n % 2 == 0 && n <= G_N_ELEMENTS(pairs))
        parameters = fleet_parameters_new(pairs, n / 2, &error);
    if (parameters != NULL)
        return parameters;
    fleet_row_fail(row, PARAMETERS, error != NULL ? error->message : "are not pairs of texts that end with NUL");
    return fleet_parameters_new_empty();
}

static double read_progress(FleetRow *row)
{
    double progress = sqlite3_column_double(row->statement, PROGRESS);

    if (progress >= 0.0 && progress <= 1.0)
        return progress;
    fleet_row_fail(row, PROGRESS, "is not from 0 to 1");
    return 0.0;
}

/* fleet_action_new() is not for the reader's thread: it interns. */
static FleetAction *read_action(FleetDatabase *database, sqlite3_stmt *statement, gboolean interned, GError **error)
{
    FleetRow row = {.database = database,
            .statement = statement,
            .what = "action row",
            .key = sqlite3_column_int64(statement, SEQUENCE),
            .interned = interned};
    g_autoptr(FleetAction) action = g_new0(FleetAction, 1);

    g_atomic_ref_count_init(&action->refs);
    action->initiated_at = fleet_row_integer(&row, INITIATED_AT, 0, G_MAXINT64);
    action->id.sequence = fleet_row_integer(&row, SEQUENCE, 1, G_MAXINT64);
    action->id.msec = action->initiated_at / FLEET_USEC_PER_MSEC;
    action->device_id = fleet_row_ref_string(&row, DEVICE_ID);
    action->type = fleet_row_interned(&row, TYPE);
    action->driver = fleet_row_interned(&row, DRIVER);
    action->owner_uid = (uid_t)fleet_row_integer(&row, OWNER_UID, 0, G_MAXUINT32);
    action->max_attempts = (guint)fleet_row_integer(&row, MAX_ATTEMPTS, 0, G_MAXUINT);
    action->parameters = read_parameters(&row);
    action->status = (FleetActionStatus)fleet_row_integer(&row, STATUS, 0, FLEET_ACTION_STATUS_LAST_ - 1);
    action->result = (FleetResult)fleet_row_integer(&row, RESULT, 0, FLEET_RESULT_LAST_ - 1);
    action->attempt = (guint)fleet_row_integer(&row, ATTEMPT, 0, G_MAXUINT);
    action->started.realtime = fleet_row_integer(&row, STARTED_REALTIME, 0, G_MAXINT64);
    action->started.boottime = fleet_row_integer(&row, STARTED_BOOTTIME, 0, G_MAXINT64);
    action->started.boot = (guint64)sqlite3_column_int64(statement, STARTED_BOOT);
    action->completed_at = fleet_row_integer(&row, COMPLETED_AT, 0, G_MAXINT64);
    action->progress = read_progress(&row);
    action->progress_known = fleet_row_integer(&row, PROGRESS_KNOWN, 0, 1) != 0;
    action->phase = fleet_row_interned(&row, PHASE);
    action->message = fleet_row_interned(&row, MESSAGE);
    action->error_name = fleet_row_interned(&row, ERROR_NAME);
    action->error_message = fleet_row_interned(&row, ERROR_MESSAGE);
    action->plan = fleet_row_interned(&row, PLAN);
    return fleet_row_finish(&row, error) ? g_steal_pointer(&action) : NULL;
}

/* Runs a query to its end and resets it, handing over each row's action. */
static gboolean read_actions(FleetDatabase *database, sqlite3_stmt *statement, int bound, gboolean interned,
        FleetStoreActionFunc func, gpointer user_data, GError **error)
{
    int code = bound;

    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
            FleetAction *action = read_action(database, statement, interned, error);

            if (action == NULL) {
                sqlite3_reset(statement);
                return FALSE;
            }
            func(action, user_data);
        }
    }
    if (code != SQLITE_DONE)
        fleet_database_set_error(database, error);
    sqlite3_reset(statement);
    return code == SQLITE_DONE;
}

gboolean fleet_action_rows_load(FleetDatabase *database, gint64 finished_since, guint finished_max,
        FleetStoreActionFunc func, gpointer user_data, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, load_sql, error);

    if (statement == NULL)
        return FALSE;
    return read_actions(database, statement,
            sqlite3_bind_int64(statement, 1, finished_since) | sqlite3_bind_int64(statement, 2, finished_max), TRUE,
            func, user_data, error);
}

static void keep_action(FleetAction *action, gpointer user_data)
{
    *(FleetAction **)user_data = action;
}

gboolean fleet_action_rows_find(FleetDatabase *database, FleetActionId id, FleetAction **action, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, find_sql, error);

    *action = NULL;
    if (statement == NULL)
        return FALSE;
    return read_actions(database, statement,
            sqlite3_bind_int64(statement, 1, id.sequence) | sqlite3_bind_int64(statement, 2, id.msec), FALSE,
            keep_action, action, error);
}

static void append_numbers(GString *sql, const char *column, guint32 bits)
{
    if (bits == 0)
        return;
    g_string_append_printf(sql, " AND %s IN (-1", column);
    for (guint i = 0; i < 32; i++)
        if (bits & 1u << i)
            g_string_append_printf(sql, ", %u", i);
    g_string_append(sql, ")");
}

/* The device, if any, is ?5; the types follow from ?6 on. */
static char *build_query(const FleetActionFilter *filter)
{
    const guint32 active = 1u << FLEET_ACTION_PENDING | 1u << FLEET_ACTION_RUNNING;
    GString *sql = g_string_new("SELECT " COLUMNS " FROM actions");

    /* Without statistics SQLite would rather read through history, newest first, than sort the few that are active. */
    if (filter->device_id != NULL)
        g_string_append(sql, " INDEXED BY actions_by_device WHERE device_id = ?5");
    else if (filter->statuses != 0 && (filter->statuses & ~active) == 0)
        g_string_append(sql, " INDEXED BY actions_active WHERE status < 2");
    else
        g_string_append(sql, " WHERE TRUE");
    g_string_append(sql, " AND sequence < ?2 AND initiated_at >= ?3 AND initiated_at < ?4");
    append_numbers(sql, "status", filter->statuses);
    append_numbers(sql, "result", filter->results);
    if (filter->owner_uid >= 0)
        g_string_append_printf(sql, " AND owner_uid = %" G_GINT64_FORMAT, filter->owner_uid);
    if (filter->types != NULL) {
        g_string_append(sql, " AND type IN (NULL");
        for (guint i = 0; filter->types[i] != NULL; i++)
            g_string_append_printf(sql, ", ?%u", i + 6);
        g_string_append(sql, ")");
    }
    g_string_append(sql, " ORDER BY sequence DESC LIMIT ?1");
    return g_string_free(sql, FALSE);
}

static int bind_query(sqlite3_stmt *statement, const FleetActionFilter *filter)
{
    int bound = sqlite3_bind_int64(statement, 1, filter->limit) |
                sqlite3_bind_int64(statement, 2, filter->before != 0 ? filter->before : G_MAXINT64) |
                sqlite3_bind_int64(statement, 3, filter->since) |
                sqlite3_bind_int64(statement, 4, filter->until != 0 ? filter->until : G_MAXINT64);

    if (filter->device_id != NULL)
        bound |= sqlite3_bind_text(statement, 5, filter->device_id, -1, SQLITE_STATIC);
    for (int i = 0; filter->types != NULL && filter->types[i] != NULL; i++)
        bound |= sqlite3_bind_text(statement, i + 6, filter->types[i], -1, SQLITE_STATIC);
    return bound;
}

static void append_action(FleetAction *action, gpointer user_data)
{
    g_ptr_array_add(user_data, action);
}

GPtrArray *fleet_action_rows_query(FleetDatabase *database, const FleetActionFilter *filter, GError **error)
{
    g_autoptr(GPtrArray) actions = g_ptr_array_new_with_free_func((GDestroyNotify)fleet_action_unref);
    g_autofree char *sql = build_query(filter);
    sqlite3_stmt *statement = NULL;
    gboolean complete;

    if (sqlite3_prepare_v2(fleet_database_handle(database), sql, -1, &statement, NULL) != SQLITE_OK) {
        fleet_database_set_error(database, error);
        return NULL;
    }
    complete = read_actions(database, statement, bind_query(statement, filter), FALSE, append_action, actions, error);
    sqlite3_finalize(statement);
    return complete ? g_steal_pointer(&actions) : NULL;
}

gboolean fleet_action_rows_last_sequence(FleetDatabase *database, gint64 *sequence, GError **error)
{
    /* SQLite keeps the highest sequence that was ever inserted, whatever was deleted since. */
    return fleet_database_read_integer(
            database, "SELECT seq FROM sqlite_sequence WHERE name = 'actions'", sequence, error);
}
