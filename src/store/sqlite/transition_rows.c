/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/sqlite/transition_rows.h"

#include "store/sqlite/row.h"

#include <sqlite3.h>

static const char insert_sql[] =
        "INSERT INTO transitions (sequence, n, at, status, phase, message) VALUES (?1, 1, ?2, ?3, ?4, ?5)";

/* Some changes of an action are no moves: that its driver is past the point of no return, for instance. */
static const char append_sql[] =
        "INSERT INTO transitions (sequence, n, at, status, phase, message) SELECT ?1, n + 1, ?2, ?3, ?4, ?5 FROM ("
        "SELECT n, at, status, phase, message FROM transitions WHERE sequence = ?1 ORDER BY n DESC LIMIT 1) "
        "WHERE at <> ?2 OR status <> ?3 OR phase <> ?4 OR message <> ?5";

static const char find_sql[] = "SELECT at, status, phase, message FROM transitions WHERE sequence = ?1 AND EXISTS ("
                               "SELECT 1 FROM actions WHERE sequence = ?1 AND initiated_at / 1000 = ?2) ORDER BY n";

/* As find_sql has them. */
enum {
    AT,
    STATUS,
    PHASE,
    MESSAGE,
};

static gboolean write_move(FleetDatabase *database, const char *sql, const FleetAction *action, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, sql, error);
    int bound;
    guint n;

    if (statement == NULL)
        return FALSE;
    bound = sqlite3_bind_int64(statement, 1, action->id.sequence) | sqlite3_bind_int64(statement, 2, action->moved_at) |
            sqlite3_bind_int(statement, 3, (int)action->status) | fleet_row_bind_text(statement, 4, action->phase) |
            fleet_row_bind_text(statement, 5, action->message);
    return fleet_database_change_rows(database, statement, bound, &n, error);
}

gboolean fleet_transition_rows_insert(FleetDatabase *database, const FleetAction *action, GError **error)
{
    return write_move(database, insert_sql, action, error);
}

gboolean fleet_transition_rows_append(FleetDatabase *database, const FleetAction *action, GError **error)
{
    return write_move(database, append_sql, action, error);
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
