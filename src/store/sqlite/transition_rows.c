/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/sqlite/transition_rows.h"

#include "store/sqlite/row.h"

#include <sqlite3.h>

static const char insert_sql[] =
        "INSERT INTO transitions (sequence, at, status, phase, message, n) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/* The comparison in C and the insertion by itself take a quarter of the time of one statement that does both. */
static const char last_sql[] =
        "SELECT at, status, phase, message, n FROM transitions WHERE sequence = ?1 ORDER BY n DESC LIMIT 1";

static const char find_sql[] = "SELECT at, status, phase, message FROM transitions WHERE sequence = ?1 AND EXISTS ("
                               "SELECT 1 FROM actions WHERE sequence = ?1 AND initiated_at / 1000 = ?2) ORDER BY n";

/* As find_sql has them, and last_sql. */
enum {
    AT,
    STATUS,
    PHASE,
    MESSAGE,
    N, /* last_sql's alone */
};

static gboolean write_move(FleetDatabase *database, const FleetAction *action, gint64 n, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, insert_sql, error);
    int bound;

    if (statement == NULL)
        return FALSE;
    bound = sqlite3_bind_int64(statement, 1, action->id.sequence) | sqlite3_bind_int64(statement, 2, action->moved_at) |
            sqlite3_bind_int(statement, 3, (int)action->status) | fleet_row_bind_text(statement, 4, action->phase) |
            fleet_row_bind_text(statement, 5, action->message) | sqlite3_bind_int64(statement, 6, n);
    return fleet_database_change_row(database, statement, bound, "transition of action", action->id.sequence, error);
}

gboolean fleet_transition_rows_insert(FleetDatabase *database, const FleetAction *action, GError **error)
{
    return write_move(database, action, 1, error);
}

/* The last move of an action, and whether another image of it tells the same. */
typedef struct {
    const FleetAction *action;
    gint64 n; /* 0: there is none */
    gboolean same;
} Last;

static gboolean text_equals(sqlite3_stmt *statement, int column, const char *text)
{
    return g_strcmp0((const char *)sqlite3_column_text(statement, column), text) == 0;
}

static gboolean read_last(FleetDatabase *database, sqlite3_stmt *statement, gpointer user_data, GError **error)
{
    Last *last = user_data;
    const FleetAction *action = last->action;

    last->n = sqlite3_column_int64(statement, N);
    last->same = sqlite3_column_int64(statement, AT) == action->moved_at &&
                 sqlite3_column_int64(statement, STATUS) == (gint64)action->status &&
                 text_equals(statement, PHASE, action->phase) && text_equals(statement, MESSAGE, action->message);
    return TRUE;
}

/* Some changes of an action are no moves: that its driver is past the point of no return, for instance. */
gboolean fleet_transition_rows_append(FleetDatabase *database, const FleetAction *action, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, last_sql, error);
    Last last = {.action = action};

    if (statement == NULL || !fleet_database_read_rows(database, statement,
                                     sqlite3_bind_int64(statement, 1, action->id.sequence), read_last, &last, error))
        return FALSE;
    return last.n == 0 || last.same || write_move(database, action, last.n + 1, error);
}

typedef struct {
    gint64 sequence;
    GArray *transitions;
} Search;

static gboolean read_transition(FleetDatabase *database, sqlite3_stmt *statement, gpointer user_data, GError **error)
{
    const Search *search = user_data;
    FleetRow row = {
            .database = database, .statement = statement, .what = "transition of action", .key = search->sequence};
    FleetTransition transition = {
            .at = fleet_row_integer(&row, AT, 0, G_MAXINT64),
            .status = (FleetActionStatus)fleet_row_integer(&row, STATUS, 0, FLEET_ACTION_STATUS_LAST_ - 1),
            .phase = g_strdup(fleet_row_text(&row, PHASE)),
            .message = g_strdup(fleet_row_text(&row, MESSAGE)),
    };

    g_array_append_val(search->transitions, transition);
    return fleet_row_finish(&row, error);
}

static void clear_transition(gpointer data)
{
    FleetTransition *transition = data;

    g_free(transition->phase);
    g_free(transition->message);
}

GArray *fleet_transition_rows_find(FleetDatabase *database, FleetActionId id, GError **error)
{
    g_autoptr(GArray) transitions = g_array_new(FALSE, FALSE, sizeof(FleetTransition));
    sqlite3_stmt *statement = fleet_database_statement(database, find_sql, error);
    int bound;

    g_array_set_clear_func(transitions, clear_transition);
    if (statement == NULL)
        return NULL;
    bound = sqlite3_bind_int64(statement, 1, id.sequence) | sqlite3_bind_int64(statement, 2, id.msec);
    if (!fleet_database_read_rows(
                database, statement, bound, read_transition, &(Search){id.sequence, transitions}, error))
        return NULL;
    return g_steal_pointer(&transitions);
}
