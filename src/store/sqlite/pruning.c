/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/sqlite/pruning.h"

#include "model/action.h"

#include <sqlite3.h>

#define DELETE_ROWS 500 /* of one transaction, and those that the last action in it has in excess */
#define COUNT_ROWS 5000 /* of one look at the index; they are cheap */

/* There are no more finished actions than this. Two questions, for SQLite answers each by one look. */
static const char bound_sql[] = "SELECT (SELECT max(sequence) FROM actions) - (SELECT min(sequence) FROM actions) + 1";

static const char skip_sql[] = "SELECT completed_at, sequence FROM actions INDEXED BY actions_finished "
                               "WHERE status >= 2 AND (completed_at, sequence) < (?1, ?2) "
                               "ORDER BY completed_at DESC, sequence DESC LIMIT 1 OFFSET ?3";
static const char oldest_sql[] = "SELECT completed_at, sequence FROM actions INDEXED BY actions_finished "
                                 "WHERE status >= 2 ORDER BY completed_at, sequence LIMIT 1";
static const char delete_transitions_sql[] = "DELETE FROM transitions WHERE sequence = ?1";
static const char delete_attempts_sql[] = "DELETE FROM attempts WHERE sequence = ?1";
static const char delete_action_sql[] = "DELETE FROM actions WHERE sequence = ?1 AND status >= 2";
G_STATIC_ASSERT(FLEET_ACTION_COMPLETED == 2); /* the first terminal status, here and in the index */

static const char newest_audit_sql[] = "SELECT max(number) FROM audit";
static const char oldest_audit_sql[] = "SELECT number, at FROM audit ORDER BY number LIMIT ?1";
static const char delete_audit_sql[] = "DELETE FROM audit WHERE number <= ?1";

void fleet_pruning_begin(FleetPruning *pruning, const FleetRetention *retention, gint64 now)
{
    *pruning = (FleetPruning){.retention = *retention,
            .now = now,
            .stage = FLEET_PRUNING_COUNT,
            .uncounted = retention->actions_max,
            .completed_at = G_MAXINT64,
            .sequence = G_MAXINT64};
}

static void enter(FleetPruning *pruning, FleetPruningStage stage)
{
    pruning->stage = stage;
    pruning->bounded = FALSE;
}

/* A place among the finished actions, in the order in which they ended. */
typedef struct {
    gboolean found;
    gint64 completed_at, sequence;
} Place;

static gboolean read_place(FleetDatabase *database, sqlite3_stmt *statement, gpointer user_data, GError **error)
{
    *(Place *)user_data = (Place){TRUE, sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1)};
    return TRUE;
}

static gboolean count(FleetPruning *pruning, FleetDatabase *database, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, skip_sql, error);
    gint64 rows = MIN(pruning->uncounted, COUNT_ROWS), at_most;
    Place place = {0};

    if (statement == NULL || !fleet_database_read_integer(database, bound_sql, &at_most, error))
        return FALSE;
    if (at_most > pruning->retention.actions_max && rows > 0 &&
            !fleet_database_read_rows(database, statement,
                    sqlite3_bind_int64(statement, 1, pruning->completed_at) |
                            sqlite3_bind_int64(statement, 2, pruning->sequence) |
                            sqlite3_bind_int64(statement, 3, rows - 1),
                    read_place, &place, error))
        return FALSE;

    /* If not even so many are left, all may stay: none is older than the place of zeros. */
    pruning->uncounted = place.found ? pruning->uncounted - rows : 0;
    if (pruning->retention.actions_max > 0) {
        pruning->completed_at = place.completed_at;
        pruning->sequence = place.sequence;
    }
    if (pruning->uncounted == 0)
        enter(pruning, FLEET_PRUNING_ACTIONS);
    return TRUE;
}

static gboolean find_oldest(FleetDatabase *database, Place *oldest, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, oldest_sql, error);

    *oldest = (Place){0};
    return statement != NULL && fleet_database_read_rows(database, statement, SQLITE_OK, read_place, oldest, error);
}

/* To be called with the time of the oldest row, before anything of this stage is deleted. */
static void bound(FleetPruning *pruning, gint64 age, gint64 oldest)
{
    if (pruning->bounded)
        return;
    pruning->bounded = TRUE;
    pruning->before = pruning->now - age;
    if (oldest < pruning->before)
        pruning->before = MIN(pruning->before, oldest + FLEET_PRUNING_SPAN);
}

static gboolean is_unwanted(const FleetPruning *pruning, const Place *place)
{
    return place->found &&
           (place->completed_at < pruning->before || place->completed_at < pruning->completed_at ||
                   (place->completed_at == pruning->completed_at && place->sequence < pruning->sequence));
}

static gboolean delete_by_key(FleetDatabase *database, const char *sql, gint64 key, guint *rows, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, sql, error);
    guint n;

    if (statement == NULL ||
            !fleet_database_change_rows(database, statement, sqlite3_bind_int64(statement, 1, key), &n, error))
        return FALSE;
    *rows += n;
    return TRUE;
}

static gboolean delete_action(FleetDatabase *database, gint64 sequence, guint *rows, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, delete_action_sql, error);

    if (statement == NULL || !delete_by_key(database, delete_transitions_sql, sequence, rows, error) ||
            !delete_by_key(database, delete_attempts_sql, sequence, rows, error))
        return FALSE;
    ++*rows;
    return fleet_database_change_row(
            database, statement, sqlite3_bind_int64(statement, 1, sequence), "action row", sequence, error);
}

static gboolean delete_actions(FleetPruning *pruning, FleetDatabase *database, GError **error)
{
    guint rows = 0;
    Place oldest;

    if (!find_oldest(database, &oldest, error))
        return FALSE;
    bound(pruning, pruning->retention.actions_age, oldest.completed_at);
    if (!is_unwanted(pruning, &oldest)) {
        enter(pruning, FLEET_PRUNING_AUDIT);
        return TRUE;
    }
    if (!fleet_database_begin(database, error))
        return FALSE;
    while (is_unwanted(pruning, &oldest) && rows < DELETE_ROWS)
        if (!delete_action(database, oldest.sequence, &rows, error) || !find_oldest(database, &oldest, error))
            return FALSE;
    return fleet_database_commit(database, error);
}

/* The rows go in their order: one that may stay keeps all behind it, whatever the clock was when they were written. */
typedef struct {
    FleetPruning *pruning;
    gint64 number; /* what has this number or a lower one goes */
    gint64 last;   /* that goes; 0 = none */
    gboolean ended;
} AuditSearch;

static gboolean read_audit(FleetDatabase *database, sqlite3_stmt *statement, gpointer user_data, GError **error)
{
    AuditSearch *search = user_data;
    gint64 number = sqlite3_column_int64(statement, 0), at = sqlite3_column_int64(statement, 1);

    bound(search->pruning, search->pruning->retention.audit_age, at);
    search->ended = search->ended || (number > search->number && at >= search->pruning->before);
    if (!search->ended)
        search->last = number;
    return TRUE;
}

static gboolean delete_audit(FleetPruning *pruning, FleetDatabase *database, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, oldest_audit_sql, error);
    AuditSearch search = {.pruning = pruning};
    gint64 newest;
    guint rows = 0;

    if (statement == NULL || !fleet_database_read_integer(database, newest_audit_sql, &newest, error))
        return FALSE;
    search.number = newest - pruning->retention.audit_max;
    if (!fleet_database_read_rows(
                database, statement, sqlite3_bind_int64(statement, 1, DELETE_ROWS), read_audit, &search, error))
        return FALSE;
    if (search.last == 0) {
        pruning->stage = FLEET_PRUNING_DONE;
        return TRUE;
    }
    return fleet_database_begin(database, error) &&
           delete_by_key(database, delete_audit_sql, search.last, &rows, error) &&
           fleet_database_commit(database, error);
}

gboolean fleet_pruning_step(FleetPruning *pruning, FleetDatabase *database, GError **error)
{
    gboolean done = TRUE;

    switch (pruning->stage) {
    case FLEET_PRUNING_COUNT:
        done = count(pruning, database, error);
        break;
    case FLEET_PRUNING_ACTIONS:
        done = delete_actions(pruning, database, error);
        break;
    case FLEET_PRUNING_AUDIT:
        done = delete_audit(pruning, database, error);
        break;
    case FLEET_PRUNING_DONE:
    default:
        break;
    }
    if (!done) {
        fleet_database_roll_back(database);
        pruning->stage = FLEET_PRUNING_DONE;
    }
    return done;
}
