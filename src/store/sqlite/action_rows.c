/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/sqlite/action_rows.h"

#include "base/clock.h"
#include "model/limits.h"
#include "store/sqlite/row.h"

#include <sqlite3.h>
#include <string.h>

#define COLUMNS                                                                                                        \
    "sequence, initiated_at, device_id, type, driver, owner_uid, priority, not_before, start_deadline, timeout, "      \
    "step_timeout, max_attempts, retry_delay, retry_factor, retry_cap, retry_jitter, request_id, request_digest, "     \
    "status, result, moved_at, attempt, started_realtime, started_boottime, started_boot, attempt_started_realtime, "  \
    "attempt_started_boottime, attempt_started_boot, retry_at_realtime, retry_at_boottime, retry_at_boot, "            \
    "cancel_requested_realtime, cancel_requested_boottime, cancel_requested_boot, cancel_result, past_return, "        \
    "completed_at, progress, progress_known, phase, message, error_name, error_message, plan, parameters"

/* As COLUMNS has them. A moment has three columns: realtime, boottime, boot. */
enum {
    SEQUENCE,
    INITIATED_AT,
    DEVICE_ID,
    TYPE,
    DRIVER,
    OWNER_UID,
    PRIORITY,
    NOT_BEFORE,
    START_DEADLINE,
    TIMEOUT,
    STEP_TIMEOUT,
    MAX_ATTEMPTS,
    RETRY_DELAY,
    RETRY_FACTOR,
    RETRY_CAP,
    RETRY_JITTER,
    REQUEST_ID,
    REQUEST_DIGEST,
    STATUS,
    RESULT,
    MOVED_AT,
    ATTEMPT,
    STARTED,
    ATTEMPT_STARTED = STARTED + 3,
    RETRY_AT = ATTEMPT_STARTED + 3,
    CANCEL_REQUESTED = RETRY_AT + 3,
    CANCEL_RESULT = CANCEL_REQUESTED + 3,
    PAST_RETURN,
    COMPLETED_AT,
    PROGRESS,
    PROGRESS_KNOWN,
    PHASE,
    MESSAGE,
    ERROR_NAME,
    ERROR_MESSAGE,
    PLAN,
    PARAMETERS,
};
G_STATIC_ASSERT(PARAMETERS + 1 == 45); /* as many as the insertion has parameters */

static const char insert_sql[] =
        "INSERT INTO actions (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
        "?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, "
        "?38, ?39, ?40, ?41, ?42, ?43, ?44, ?45)";

/* Numbered as in the insertion, so that both bind alike. */
static const char update_sql[] =
        "UPDATE actions SET status = ?19, result = ?20, moved_at = ?21, attempt = ?22, started_realtime = ?23, "
        "started_boottime = ?24, started_boot = ?25, attempt_started_realtime = ?26, attempt_started_boottime = ?27, "
        "attempt_started_boot = ?28, retry_at_realtime = ?29, retry_at_boottime = ?30, retry_at_boot = ?31, "
        "cancel_requested_realtime = ?32, cancel_requested_boottime = ?33, cancel_requested_boot = ?34, "
        "cancel_result = ?35, past_return = ?36, completed_at = ?37, progress = ?38, progress_known = ?39, "
        "phase = ?40, message = ?41, error_name = ?42, error_message = ?43, plan = ?44 WHERE sequence = ?1";

static const char load_sql[] =
        "SELECT " COLUMNS " FROM actions WHERE sequence IN ("
        "SELECT sequence FROM actions WHERE status < 2 UNION ALL "
        "SELECT sequence FROM (SELECT sequence FROM actions WHERE status >= 2 AND completed_at >= ?1 "
        "ORDER BY completed_at DESC, sequence DESC LIMIT ?2)) ORDER BY sequence";
G_STATIC_ASSERT(FLEET_ACTION_COMPLETED == 2); /* the first terminal status, here and in the indices */

static const char find_sql[] = "SELECT " COLUMNS " FROM actions WHERE sequence = ?1 AND initiated_at / 1000 = ?2";

/* The last condition lets SQLite use the index, which has no rows without a request. */
static const char find_request_sql[] = "SELECT " COLUMNS " FROM actions INDEXED BY actions_by_request "
                                       "WHERE device_id = ?1 AND request_id = ?2 AND request_id <> ''";

static int bind_changeable(sqlite3_stmt *statement, const FleetAction *action)
{
    return sqlite3_bind_int64(statement, SEQUENCE + 1, action->id.sequence) |
           sqlite3_bind_int(statement, STATUS + 1, (int)action->status) |
           sqlite3_bind_int(statement, RESULT + 1, (int)action->result) |
           sqlite3_bind_int64(statement, MOVED_AT + 1, action->moved_at) |
           sqlite3_bind_int64(statement, ATTEMPT + 1, action->attempt) |
           fleet_row_bind_instant(statement, STARTED + 1, &action->started) |
           fleet_row_bind_instant(statement, ATTEMPT_STARTED + 1, &action->attempt_started) |
           fleet_row_bind_instant(statement, RETRY_AT + 1, &action->retry_at) |
           fleet_row_bind_instant(statement, CANCEL_REQUESTED + 1, &action->cancel_requested) |
           sqlite3_bind_int(statement, CANCEL_RESULT + 1, (int)action->cancel_result) |
           sqlite3_bind_int(statement, PAST_RETURN + 1, action->past_return ? 1 : 0) |
           sqlite3_bind_int64(statement, COMPLETED_AT + 1, action->completed_at) |
           sqlite3_bind_double(statement, PROGRESS + 1, action->progress) |
           sqlite3_bind_int(statement, PROGRESS_KNOWN + 1, action->progress_known ? 1 : 0) |
           fleet_row_bind_text(statement, PHASE + 1, action->phase) |
           fleet_row_bind_text(statement, MESSAGE + 1, action->message) |
           fleet_row_bind_text(statement, ERROR_NAME + 1, action->error_name) |
           fleet_row_bind_text(statement, ERROR_MESSAGE + 1, action->error_message) |
           fleet_row_bind_text(statement, PLAN + 1, action->plan);
}

static int bind_policy(sqlite3_stmt *statement, const FleetPolicy *policy)
{
    return sqlite3_bind_int64(statement, TIMEOUT + 1, policy->timeout) |
           sqlite3_bind_int64(statement, STEP_TIMEOUT + 1, policy->step_timeout) |
           sqlite3_bind_int64(statement, MAX_ATTEMPTS + 1, policy->max_attempts) |
           sqlite3_bind_int64(statement, RETRY_DELAY + 1, policy->retry_delay) |
           sqlite3_bind_double(statement, RETRY_FACTOR + 1, policy->retry_factor) |
           sqlite3_bind_int64(statement, RETRY_CAP + 1, policy->retry_cap) |
           sqlite3_bind_double(statement, RETRY_JITTER + 1, policy->retry_jitter);
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
            sqlite3_bind_int(statement, PRIORITY + 1, action->priority) |
            sqlite3_bind_int64(statement, NOT_BEFORE + 1, action->not_before) |
            sqlite3_bind_int64(statement, START_DEADLINE + 1, action->start_deadline) |
            bind_policy(statement, &action->policy) |
            fleet_row_bind_text(statement, REQUEST_ID + 1, action->request_id) |
            sqlite3_bind_int64(statement, REQUEST_DIGEST + 1, (gint64)action->request_digest) |
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

static FleetPolicy read_policy(FleetRow *row)
{
    return (FleetPolicy){
            .timeout = fleet_row_integer(row, TIMEOUT, 0, G_MAXINT64),
            .step_timeout = fleet_row_integer(row, STEP_TIMEOUT, 0, G_MAXINT64),
            .max_attempts = (guint)fleet_row_integer(row, MAX_ATTEMPTS, 1, G_MAXUINT),
            .retry_delay = fleet_row_integer(row, RETRY_DELAY, 0, G_MAXINT64),
            .retry_factor = fleet_row_real(row, RETRY_FACTOR, 1.0, G_MAXDOUBLE),
            .retry_cap = fleet_row_integer(row, RETRY_CAP, 0, G_MAXINT64),
            .retry_jitter = fleet_row_real(row, RETRY_JITTER, 0.0, 1.0),
    };
}

static void read_request(FleetRow *row, FleetAction *action)
{
    action->initiated_at = fleet_row_integer(row, INITIATED_AT, 0, G_MAXINT64);
    action->id.sequence = fleet_row_integer(row, SEQUENCE, 1, G_MAXINT64);
    action->id.msec = action->initiated_at / FLEET_USEC_PER_MSEC;
    action->device_id = fleet_row_ref_string(row, DEVICE_ID);
    action->type = fleet_row_interned(row, TYPE);
    action->driver = fleet_row_interned(row, DRIVER);
    action->owner_uid = (uid_t)fleet_row_integer(row, OWNER_UID, 0, G_MAXUINT32);
    action->priority = (gint)fleet_row_integer(row, PRIORITY, G_MININT, G_MAXINT);
    action->not_before = fleet_row_integer(row, NOT_BEFORE, 0, G_MAXINT64);
    action->start_deadline = fleet_row_integer(row, START_DEADLINE, 0, G_MAXINT64);
    action->policy = read_policy(row);
    action->request_id = fleet_row_interned(row, REQUEST_ID);
    action->request_digest = (guint64)sqlite3_column_int64(row->statement, REQUEST_DIGEST);
    action->parameters = read_parameters(row);
}

static void read_state(FleetRow *row, FleetAction *action)
{
    action->status = (FleetActionStatus)fleet_row_integer(row, STATUS, 0, FLEET_ACTION_STATUS_LAST_ - 1);
    action->result = (FleetResult)fleet_row_integer(row, RESULT, 0, FLEET_RESULT_LAST_ - 1);
    action->moved_at = fleet_row_integer(row, MOVED_AT, 0, G_MAXINT64);
    action->attempt = (guint)fleet_row_integer(row, ATTEMPT, 0, G_MAXUINT);
    action->started = fleet_row_instant(row, STARTED);
    action->attempt_started = fleet_row_instant(row, ATTEMPT_STARTED);
    action->retry_at = fleet_row_instant(row, RETRY_AT);
    action->cancel_requested = fleet_row_instant(row, CANCEL_REQUESTED);
    action->cancel_result = (FleetResult)fleet_row_integer(row, CANCEL_RESULT, 0, FLEET_RESULT_LAST_ - 1);
    action->past_return = fleet_row_integer(row, PAST_RETURN, 0, 1) != 0;
    action->completed_at = fleet_row_integer(row, COMPLETED_AT, 0, G_MAXINT64);
    action->progress = fleet_row_real(row, PROGRESS, 0.0, 1.0);
    action->progress_known = fleet_row_integer(row, PROGRESS_KNOWN, 0, 1) != 0;
    action->phase = fleet_row_interned(row, PHASE);
    action->message = fleet_row_interned(row, MESSAGE);
    action->error_name = fleet_row_interned(row, ERROR_NAME);
    action->error_message = fleet_row_interned(row, ERROR_MESSAGE);
    action->plan = fleet_row_interned(row, PLAN);
}

typedef struct {
    gboolean interned;
    FleetStoreActionFunc func;
    gpointer user_data;
} Receiver;

/* fleet_action_new() is not for the reader's thread: it interns. */
static gboolean read_action(FleetDatabase *database, sqlite3_stmt *statement, gpointer user_data, GError **error)
{
    const Receiver *receiver = user_data;
    FleetRow row = {.database = database,
            .statement = statement,
            .what = "action row",
            .key = sqlite3_column_int64(statement, SEQUENCE),
            .interned = receiver->interned};
    g_autoptr(FleetAction) action = g_new0(FleetAction, 1);

    g_atomic_ref_count_init(&action->refs);
    read_request(&row, action);
    read_state(&row, action);
    if (!fleet_row_finish(&row, error))
        return FALSE;
    receiver->func(g_steal_pointer(&action), receiver->user_data);
    return TRUE;
}

gboolean fleet_action_rows_load(FleetDatabase *database, gint64 finished_since, guint finished_max,
        FleetStoreActionFunc func, gpointer user_data, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, load_sql, error);

    if (statement == NULL)
        return FALSE;
    return fleet_database_read_rows(database, statement,
            sqlite3_bind_int64(statement, 1, finished_since) | sqlite3_bind_int64(statement, 2, finished_max),
            read_action, &(Receiver){TRUE, func, user_data}, error);
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
    return fleet_database_read_rows(database, statement,
            sqlite3_bind_int64(statement, 1, id.sequence) | sqlite3_bind_int64(statement, 2, id.msec), read_action,
            &(Receiver){FALSE, keep_action, action}, error);
}

gboolean fleet_action_rows_find_request(
        FleetDatabase *database, const char *device_id, const char *request_id, FleetAction **action, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, find_request_sql, error);

    *action = NULL;
    if (statement == NULL)
        return FALSE;
    return fleet_database_read_rows(database, statement,
            sqlite3_bind_text(statement, 1, device_id, -1, SQLITE_STATIC) |
                    sqlite3_bind_text(statement, 2, request_id, -1, SQLITE_STATIC),
            read_action, &(Receiver){FALSE, keep_action, action}, error);
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

    if (fleet_database_prepare(database, sql, 0, &statement) != SQLITE_OK) {
        fleet_database_set_error(database, error);
        return NULL;
    }
    complete = fleet_database_read_rows(database, statement, bind_query(statement, filter), read_action,
            &(Receiver){FALSE, append_action, actions}, error);
    sqlite3_finalize(statement);
    return complete ? g_steal_pointer(&actions) : NULL;
}

gboolean fleet_action_rows_last_sequence(FleetDatabase *database, gint64 *sequence, GError **error)
{
    /* SQLite keeps the highest sequence that was ever inserted, whatever was deleted since. */
    return fleet_database_read_integer(
            database, "SELECT seq FROM sqlite_sequence WHERE name = 'actions'", sequence, error);
}
