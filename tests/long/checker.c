/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "checker.h"

#include "model/status.h"

#include <sqlite3.h>
#include <string.h>

/* A pass may show so many rows that break a rule. */
#define SHOWN 10

typedef struct {
    FleetActionStatus from, to;
    guint32 results;
} Move;

#define BIT(result) (1u << FLEET_RESULT_##result)
#define FLEET_MOVE(from_, to_, results_, when_)                                                                        \
    {.from = FLEET_ACTION_##from_, .to = FLEET_ACTION_##to_, .results = (results_)},

static const Move moves[] = {
#include "model/action_moves.def"
};

/* Each finds what must not be. */
static const struct {
    const char *rule, *sql;
} rules[] = {
        {"an action has an end",
                "SELECT sequence, status, result FROM actions WHERE status < 2 OR result = 0 OR completed_at = 0"},
        {"a move belongs to an action",
                "SELECT sequence, n FROM transitions WHERE sequence NOT IN (SELECT sequence FROM actions)"},
        {"an attempt belongs to an action",
                "SELECT sequence, number FROM attempts WHERE sequence NOT IN (SELECT sequence FROM actions)"},
        {"the first move is to be accepted",
                "SELECT sequence FROM actions WHERE NOT EXISTS"
                " (SELECT 1 FROM transitions AS t WHERE t.sequence = actions.sequence AND t.n = 1 AND t.status = 0)"},
        {"an action is accepted once",
                "SELECT sequence FROM transitions WHERE status = 0 GROUP BY sequence HAVING count(*) <> 1"},
        {"moves are numbered without gaps",
                "SELECT sequence FROM transitions GROUP BY sequence HAVING min(n) <> 1 OR max(n) <> count(*)"},
        {"a move is legal", "SELECT a.sequence, a.n, a.status, b.status FROM transitions AS a"
                            " JOIN transitions AS b ON b.sequence = a.sequence AND b.n = a.n + 1"
                            " WHERE NOT (a.status = 1 AND b.status = 1)"
                            " AND NOT EXISTS (SELECT 1 FROM moves WHERE moves.a = a.status AND moves.b = b.status)"},
        {"there is one end, and it is the action's",
                "SELECT sequence, status FROM actions WHERE (SELECT group_concat(t.status) FROM transitions AS t"
                " WHERE t.sequence = actions.sequence AND t.status >= 2) IS NOT actions.status || ''"},
        {"the result is one of that move",
                "SELECT a.sequence, b.status, a.status, a.result FROM actions AS a"
                " JOIN transitions AS c ON c.sequence = a.sequence AND c.status >= 2"
                " JOIN transitions AS b ON b.sequence = c.sequence AND b.n = c.n - 1"
                " WHERE NOT EXISTS"
                " (SELECT 1 FROM moves WHERE moves.a = b.status AND moves.b = a.status AND moves.result = a.result)"},
        {"attempts are numbered without gaps",
                "SELECT sequence FROM attempts GROUP BY sequence HAVING min(number) <> 1 OR max(number) <> count(*)"},
        {"an action knows its attempts", "SELECT sequence, attempt FROM actions WHERE attempt <>"
                                         " (SELECT count(*) FROM attempts WHERE attempts.sequence = actions.sequence)"},
        {"there are no more attempts than were allowed",
                "SELECT sequence, attempt, max_attempts FROM actions WHERE attempt > max_attempts"},
        {"only what ran has attempts",
                "SELECT sequence, attempt FROM actions WHERE (attempt > 0) <> EXISTS"
                " (SELECT 1 FROM transitions AS t WHERE t.sequence = actions.sequence AND t.status = 1)"},
        {"an attempt has an end", "SELECT sequence, number FROM attempts WHERE ended_at = 0"},
        {"only after a transient failure is it tried again",
                "SELECT attempts.sequence, number, outcome FROM attempts JOIN actions USING (sequence)"
                " WHERE number < attempt AND outcome <> 1"},
        {"a success is a success", "SELECT actions.sequence, status, outcome FROM actions"
                                   " JOIN attempts ON attempts.sequence = actions.sequence AND number = attempt"
                                   " WHERE (status = 2) <> (outcome = 0)"},
        {"a request has one action", "SELECT device_id, request_id FROM actions WHERE request_id <> ''"
                                     " GROUP BY device_id, request_id HAVING count(*) > 1"},
        {"a device is free", "SELECT id, status FROM devices WHERE status NOT IN (0, 6)"},
};

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        fleet_test_fail("%s: %s", sql, sqlite3_errmsg(database));
    return statement;
}

static void execute(sqlite3 *database, const char *sql)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fleet_test_fail("%s: %s", sql, sqlite3_errmsg(database));
}

static sqlite3 *open_database(const char *path)
{
    sqlite3 *database = NULL;

    ck_assert_int_eq(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    return database;
}

/* The list of moves, for the queries: one row for each result that a move may have. */
static void add_moves(sqlite3 *database)
{
    execute(database, "CREATE TEMP TABLE moves (a INTEGER, b INTEGER, result INTEGER)");
    for (guint i = 0; i < G_N_ELEMENTS(moves); i++)
        for (guint result = 0; result < FLEET_RESULT_LAST_; result++)
            if ((moves[i].results & 1u << result) != 0) {
                g_autofree char *sql = g_strdup_printf(
                        "INSERT INTO temp.moves VALUES (%d, %d, %u)", moves[i].from, moves[i].to, result);
                execute(database, sql);
            }
}

/* A row, and the moves and attempts of the action that its first column names. */
static void describe(sqlite3 *database, sqlite3_stmt *row, GString *out)
{
    static const char *const details[] = {
            "SELECT 'move ' || n || ': ' || status || ' ' || phase || ' at ' || at || ' ' || message"
            " FROM transitions WHERE sequence = ?",
            "SELECT 'attempt ' || number || ': outcome ' || outcome || ', ' || message FROM attempts"
            " WHERE sequence = ?",
    };

    g_string_append(out, "\n  row");
    for (int i = 0; i < sqlite3_column_count(row); i++)
        g_string_append_printf(out, " %s", (const char *)sqlite3_column_text(row, i));
    for (guint i = 0; i < G_N_ELEMENTS(details); i++) {
        sqlite3_stmt *detail = prepare(database, details[i]);

        sqlite3_bind_int64(detail, 1, sqlite3_column_int64(row, 0));
        while (sqlite3_step(detail) == SQLITE_ROW)
            g_string_append_printf(out, "\n    %s", (const char *)sqlite3_column_text(detail, 0));
        sqlite3_finalize(detail);
    }
}

static void check_rule(sqlite3 *database, const char *rule, const char *sql)
{
    sqlite3_stmt *statement = prepare(database, sql);
    g_autoptr(GString) found = g_string_new(NULL);

    for (guint shown = 0; shown < SHOWN && sqlite3_step(statement) == SQLITE_ROW; shown++)
        describe(database, statement, found);
    sqlite3_finalize(statement);
    if (found->len > 0)
        fleet_test_fail("the rule is broken that %s:%s", rule, found->str);
}

void checker_check_database(const char *path)
{
    sqlite3 *database = open_database(path);
    sqlite3_stmt *integrity = prepare(database, "PRAGMA integrity_check");

    ck_assert_int_eq(sqlite3_step(integrity), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(integrity, 0), "ok");
    sqlite3_finalize(integrity);
    add_moves(database);
    for (guint i = 0; i < G_N_ELEMENTS(rules); i++)
        check_rule(database, rules[i].rule, rules[i].sql);
    sqlite3_close(database);
}

static void check_promise(sqlite3_stmt *row, const char *action, const CrowdPromise *promise)
{
    const char *device = (const char *)sqlite3_column_text(row, 0);
    const char *request = (const char *)sqlite3_column_text(row, 1);
    g_autofree char *end =
            g_strdup_printf("%s %s", fleet_action_status_to_string((FleetActionStatus)sqlite3_column_int(row, 2)),
                    fleet_result_to_string((FleetResult)sqlite3_column_int(row, 3)));

    if (promise->device != NULL && (!g_str_equal(promise->device, device) || !g_str_equal(promise->request, request)))
        fleet_test_fail("%s was accepted on %s as '%s' and is stored on %s as '%s'", action, promise->device,
                promise->request, device, request);
    if (promise->end != NULL && !g_str_equal(promise->end, end))
        fleet_test_fail("%s was said to be %s and is stored as %s", action, promise->end, end);
    if (promise->cancelled && !g_str_equal(end, "CANCELLED cancelled"))
        fleet_test_fail("%s was said to be cancelled and is stored as %s", action, end);
    for (guint i = 0; i < CROWD_CLIENTS; i++)
        if (promise->ends[i] > 1)
            fleet_test_fail("client %u was told %u times of the end of %s", i, promise->ends[i], action);
}

void checker_check_promises(const char *path, GHashTable *promises)
{
    sqlite3 *database = open_database(path);
    sqlite3_stmt *statement =
            prepare(database, "SELECT device_id, request_id, status, result FROM actions"
                              " WHERE sequence = ? AND 'action_' || (initiated_at / 1000) || '_' || sequence = ?");
    GHashTableIter iter;
    gpointer action, promise;

    g_hash_table_iter_init(&iter, promises);
    while (g_hash_table_iter_next(&iter, &action, &promise)) {
        sqlite3_bind_int64(statement, 1, g_ascii_strtoll(strrchr(action, '_') + 1, NULL, 10));
        sqlite3_bind_text(statement, 2, action, -1, SQLITE_STATIC);
        if (sqlite3_step(statement) != SQLITE_ROW)
            fleet_test_fail("%s was told of and is not stored", (const char *)action);
        check_promise(statement, action, promise);
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

guint checker_check_attempts(const char *path, const char *directory)
{
    sqlite3 *database = open_database(path);
    sqlite3_stmt *statement =
            prepare(database, "SELECT driver FROM actions JOIN attempts USING (sequence)"
                              " WHERE 'action_' || (initiated_at / 1000) || '_' || sequence || '-' || number = ?");
    g_autoptr(GDir) records = g_dir_open(directory, 0, NULL);
    const char *name;
    guint count = 0;

    ck_assert_ptr_nonnull(records);
    for (; (name = g_dir_read_name(records)) != NULL; count++) {
        if (g_str_has_suffix(name, ".again"))
            fleet_test_fail("an attempt was made twice: %s", name);
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        if (sqlite3_step(statement) != SQLITE_ROW)
            fleet_test_fail("an attempt was made that is not stored: %s", name);
        ck_assert_str_eq((const char *)sqlite3_column_text(statement, 0), "command");
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);

    /* What has succeeded was made. */
    statement = prepare(database,
            "SELECT 'action_' || (initiated_at / 1000) || '_' || sequence || '-' || number FROM actions"
            " JOIN attempts USING (sequence) WHERE driver = 'command' AND outcome = 0");
    while (sqlite3_step(statement) == SQLITE_ROW) {
        g_autofree char *record = g_build_filename(directory, (const char *)sqlite3_column_text(statement, 0), NULL);

        if (!g_file_test(record, G_FILE_TEST_EXISTS))
            fleet_test_fail("an attempt has succeeded that was never made: %s", record);
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return count;
}
