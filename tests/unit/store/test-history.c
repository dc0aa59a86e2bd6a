/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Questions about history, and that neither they nor the start read through all of it. */

#include "base/error.h"
#include "store_test.h"

#include <sqlite3.h>
#include <string.h>

typedef struct {
    gboolean done;
    FleetAction *action;
    GPtrArray *actions;
    GError *error;
} Answer;

static void clear_answer(Answer *answer)
{
    g_clear_pointer(&answer->action, fleet_action_unref);
    g_clear_pointer(&answer->actions, g_ptr_array_unref);
    g_clear_error(&answer->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, clear_answer)

static void action_found(FleetAction *action, const GError *error, gpointer user_data)
{
    Answer *answer = user_data;

    answer->done = TRUE;
    answer->action = action;
    answer->error = error != NULL ? g_error_copy(error) : NULL;
}

static void actions_found(GPtrArray *actions, const GError *error, gpointer user_data)
{
    Answer *answer = user_data;

    answer->done = TRUE;
    answer->actions = actions != NULL ? g_ptr_array_ref(actions) : NULL;
    answer->error = error != NULL ? g_error_copy(error) : NULL;
}

/*
 * Actions 1 to 6, of three devices, as the columns say:
 *    sequence         1          2        3          4          5        6
 *    device           a          b        a          c          b        a
 *    type             X          Y        X          Z          Y        Z
 *    status, result   COMPLETED  FAILED   COMPLETED  CANCELLED  RUNNING  PENDING
 *    owner            0          1000     1000       0          1000     0
 * Each is initiated 1 s after the one before it.
 */
static void set_columns(FleetAction *action)
{
    static const char *const types[] = {"X", "Y", "X", "Z", "Y", "Z"};
    static const FleetActionStatus statuses[] = {FLEET_ACTION_COMPLETED, FLEET_ACTION_FAILED, FLEET_ACTION_COMPLETED,
            FLEET_ACTION_CANCELLED, FLEET_ACTION_RUNNING, FLEET_ACTION_PENDING};
    static const FleetResult results[] = {FLEET_RESULT_SUCCESS, FLEET_RESULT_TIMED_OUT, FLEET_RESULT_SUCCESS,
            FLEET_RESULT_CANCELLED, FLEET_RESULT_NONE, FLEET_RESULT_NONE};
    static const uid_t owners[] = {0, 1000, 1000, 0, 1000, 0};
    gint64 i = action->id.sequence - 1;

    fleet_action_set_text(&action->type, types[i]);
    action->status = statuses[i];
    action->result = results[i];
    action->owner_uid = owners[i];
    action->completed_at = fleet_action_is_terminal(action) ? action->initiated_at + 1 : 0;
}

static gint64 initiated(gint64 sequence)
{
    g_autoptr(FleetAction) action = fleet_test_action(sequence, "a");

    return action->initiated_at;
}

static FleetTestStore *make_history(const char *directory)
{
    static const char *const devices[] = {"a", "b", "a", "c", "b", "a"};
    FleetTestStore *test = fleet_test_store_new(directory);

    for (guint i = 0; i < G_N_ELEMENTS(devices); i++) {
        g_autoptr(FleetAction) action = fleet_test_action(i + 1, devices[i]);

        set_columns(action);
        fleet_test_store_submit_action(test, "", FLEET_CHANGE_INSERT_ACTION, action);
    }
    fleet_test_store_settle(test);
    return test;
}

START_TEST(action_is_found_by_its_id)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = make_history(directory);
    g_autoptr(FleetAction) expected = fleet_test_action(2, "b");
    g_auto(Answer) answer = {0};

    set_columns(expected);
    fleet_store_find_action(test->store, expected->id, action_found, &answer);
    fleet_test_store_wait(&answer.done);
    fleet_test_assert_no_error(answer.error);
    ck_assert_ptr_nonnull(answer.action);
    fleet_test_assert_same_action(answer.action, expected);
}
END_TEST

START_TEST(no_action_is_no_error)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = make_history(directory);
    FleetActionId ids[] = {
            {initiated(2) / 1000, 3}, {initiated(2) / 1000 + 1, 2}, {initiated(7) / 1000, 7}, {0, 0}, {-1, -1}};

    for (guint i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_auto(Answer) answer = {0};

        fleet_store_find_action(test->store, ids[i], action_found, &answer);
        fleet_test_store_wait(&answer.done);
        fleet_test_assert_no_error(answer.error);
        ck_assert_ptr_null(answer.action);
    }
}
END_TEST

/* An action with a request of its own. */
static FleetAction *new_request(gint64 sequence, const char *device_id, const char *request_id)
{
    FleetAction *action = fleet_test_action(sequence, device_id);

    fleet_action_set_text(&action->request_id, request_id);
    action->request_digest = G_MAXUINT64 - (guint64)sequence;
    return action;
}

/* On another device the same request is another one; no request is no request, however often. */
static FleetTestStore *make_requests(const char *directory)
{
    static const char *const requests[][2] = {{"a", "x"}, {"a", "X"}, {"b", "x"}, {"a", ""}, {"a", ""}, {"ü", "'--"}};
    FleetTestStore *test = fleet_test_store_new(directory);

    for (guint i = 0; i < G_N_ELEMENTS(requests); i++) {
        g_autoptr(FleetAction) action = new_request(i + 1, requests[i][0], requests[i][1]);

        fleet_test_store_submit_action(test, "it", FLEET_CHANGE_INSERT_ACTION, action);
    }
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(
            test, "committed it", "committed it", "committed it", "committed it", "committed it", "committed it");
    return test;
}

START_TEST(action_is_found_by_its_request)
{
    static const struct {
        const char *device_id, *request_id;
        gint64 sequence; /* 0 = none */
    } cases[] = {
            {"a", "x", 1}, {"a", "X", 2}, {"b", "x", 3}, {"ü", "'--", 6}, {"a", "y", 0}, {"c", "x", 0}, {"a", "", 0}};
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = make_requests(directory);
    g_autofree char *device_id = g_strdup(cases[_i].device_id);
    g_autofree char *request_id = g_strdup(cases[_i].request_id);
    g_auto(Answer) answer = {0};

    /* The texts may go as soon as the question is asked. */
    fleet_store_find_request(test->store, device_id, request_id, action_found, &answer);
    memset(device_id, '?', strlen(device_id));
    memset(request_id, '?', strlen(request_id));
    fleet_test_store_wait(&answer.done);
    fleet_test_assert_no_error(answer.error);
    if (cases[_i].sequence == 0) {
        ck_assert_ptr_null(answer.action);
    } else {
        g_autoptr(FleetAction) expected = new_request(cases[_i].sequence, cases[_i].device_id, cases[_i].request_id);

        ck_assert_ptr_nonnull(answer.action);
        fleet_test_assert_same_action(answer.action, expected);
    }
}
END_TEST

START_TEST(request_is_stored_once)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = make_requests(directory);
    g_autoptr(FleetAction) again = new_request(7, "a", "x");

    fleet_test_store_submit_action(test, "again", FLEET_CHANGE_INSERT_ACTION, again);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "rolled back again", "state failed", "failed again");
    fleet_test_assert_contains(
            test->failure->message, "UNIQUE constraint failed: actions.device_id, actions.request_id");
}
END_TEST

static char *query(FleetTestStore *test, const FleetActionFilter *filter)
{
    g_auto(Answer) answer = {0};
    GString *sequences = g_string_new(NULL);

    fleet_store_query_actions(test->store, filter, actions_found, &answer);
    fleet_test_store_wait(&answer.done);
    fleet_test_assert_no_error(answer.error);
    for (guint i = 0; i < answer.actions->len; i++)
        g_string_append_printf(sequences, "%d ", (int)((const FleetAction *)answer.actions->pdata[i])->id.sequence);
    return g_string_free(sequences, FALSE);
}

#define STATUS(name) (1u << FLEET_ACTION_##name)
#define RESULT(name) (1u << FLEET_RESULT_##name)
#define TYPES(...) ((char *[]){__VA_ARGS__, NULL})

START_TEST(each_condition_selects)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = make_history(directory);
    const struct {
        FleetActionFilter filter;
        const char *sequences;
    } cases[] = {
            {{.owner_uid = -1, .limit = 100}, "6 5 4 3 2 1 "},
            {{.owner_uid = -1, .limit = 2}, "6 5 "},
            {{.owner_uid = -1, .limit = 2, .before = 5}, "4 3 "},
            {{.owner_uid = -1, .limit = 2, .before = 2}, "1 "},
            {{.owner_uid = -1, .limit = 2, .before = 1}, ""},
            {{.owner_uid = -1, .limit = 100, .device_id = (char *)"a"}, "6 3 1 "},
            {{.owner_uid = -1, .limit = 100, .device_id = (char *)"a", .before = 6}, "3 1 "},
            {{.owner_uid = -1, .limit = 100, .device_id = (char *)"A"}, ""},
            {{.owner_uid = -1, .limit = 100, .device_id = (char *)"a' OR 1=1 --"}, ""},
            {{.owner_uid = -1, .limit = 100, .statuses = STATUS(COMPLETED)}, "3 1 "},
            {{.owner_uid = -1, .limit = 100, .statuses = STATUS(FAILED) | STATUS(PENDING)}, "6 2 "},
            {{.owner_uid = -1, .limit = 100, .statuses = STATUS(PENDING) | STATUS(RUNNING)}, "6 5 "},
            {{.owner_uid = -1, .limit = 1, .statuses = STATUS(PENDING) | STATUS(RUNNING)}, "6 "},
            {{.owner_uid = -1, .limit = 100, .statuses = STATUS(RUNNING), .before = 6}, "5 "},
            {{.owner_uid = -1, .limit = 100, .statuses = STATUS(RUNNING), .device_id = (char *)"a"}, ""},
            {{.owner_uid = -1, .limit = 100, .results = RESULT(SUCCESS) | RESULT(CANCELLED)}, "4 3 1 "},
            {{.owner_uid = -1, .limit = 100, .results = RESULT(NONE)}, "6 5 "},
            {{.owner_uid = -1, .limit = 100, .results = RESULT(LOST)}, ""},
            {{.owner_uid = -1, .limit = 100, .types = TYPES((char *)"X")}, "3 1 "},
            {{.owner_uid = -1, .limit = 100, .types = TYPES((char *)"X", (char *)"Z")}, "6 4 3 1 "},
            {{.owner_uid = -1, .limit = 100, .types = TYPES((char *)"x")}, ""},
            {{.owner_uid = -1, .limit = 100, .types = TYPES((char *)"X"), .device_id = (char *)"b"}, ""},
            {{.owner_uid = 0, .limit = 100}, "6 4 1 "},
            {{.owner_uid = 1000, .limit = 100}, "5 3 2 "},
            {{.owner_uid = 1, .limit = 100}, ""},
            {{.owner_uid = -1, .limit = 100, .since = initiated(3)}, "6 5 4 3 "},
            {{.owner_uid = -1, .limit = 100, .since = initiated(3) + 1}, "6 5 4 "},
            {{.owner_uid = -1, .limit = 100, .until = initiated(3)}, "2 1 "},
            {{.owner_uid = -1, .limit = 100, .until = initiated(3) + 1}, "3 2 1 "},
            {{.owner_uid = -1, .limit = 100, .since = initiated(2), .until = initiated(5)}, "4 3 2 "},
            {{.owner_uid = 0,
                     .limit = 1,
                     .device_id = (char *)"a",
                     .statuses = STATUS(COMPLETED) | STATUS(PENDING),
                     .results = RESULT(SUCCESS),
                     .types = TYPES((char *)"Z", (char *)"X"),
                     .since = initiated(1),
                     .until = initiated(6),
                     .before = 6},
                    "1 "},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *sequences = query(test, &cases[i].filter);

        if (!g_str_equal(sequences, cases[i].sequences))
            fleet_test_fail("case %u gave '%s' instead of '%s'", i, sequences, cases[i].sequences);
    }
}
END_TEST

START_TEST(listed_actions_are_whole)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = make_history(directory);
    g_autoptr(FleetAction) expected = fleet_test_action(6, "a");
    FleetActionFilter filter = FLEET_ACTION_FILTER_INIT;
    g_auto(Answer) answer = {0};

    set_columns(expected);
    fleet_store_query_actions(test->store, &filter, actions_found, &answer);
    fleet_test_store_wait(&answer.done);
    ck_assert_uint_eq(answer.actions->len, 1);
    fleet_test_assert_same_action(answer.actions->pdata[0], expected);
}
END_TEST

/* The caller's filter may go as soon as the question is asked. */
START_TEST(filter_is_copied)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = make_history(directory);
    FleetActionFilter filter = FLEET_ACTION_FILTER_INIT;
    g_auto(Answer) answer = {0};

    filter.device_id = g_strdup("c");
    filter.types = g_strsplit("Z", " ", -1);
    fleet_store_query_actions(test->store, &filter, actions_found, &answer);
    memset(filter.device_id, '?', 1);
    memset(filter.types[0], '?', 1);
    fleet_action_filter_clear(&filter);
    fleet_test_store_wait(&answer.done);
    ck_assert_uint_eq(answer.actions->len, 1);
}
END_TEST

static void append_letter(FleetAction *action, const GError *error, gpointer user_data)
{
    g_string_append_c(user_data, 'f');
    if (action != NULL)
        fleet_action_unref(action);
}

static void append_letters(GPtrArray *actions, const GError *error, gpointer user_data)
{
    g_string_append_c(user_data, 'q');
}

START_TEST(answers_come_in_the_order_of_their_questions)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = make_history(directory);
    g_autoptr(GString) letters = g_string_new(NULL);
    FleetActionFilter filter = FLEET_ACTION_FILTER_INIT;
    g_auto(Answer) last = {0};

    filter.limit = 100;
    for (guint i = 0; i < 3; i++) {
        fleet_store_query_actions(test->store, &filter, append_letters, letters);
        fleet_store_find_action(test->store, (FleetActionId){0, 1}, append_letter, letters);
    }
    fleet_store_find_action(test->store, (FleetActionId){0, 1}, action_found, &last);
    fleet_test_store_wait(&last.done);
    ck_assert_str_eq(letters->str, "qfqfqf");
}
END_TEST

static void forbid(FleetAction *action, const GError *error, gpointer user_data)
{
    fleet_test_fail("was answered after the end");
}

START_TEST(free_leaves_questions_unanswered)
{
    g_autofree char *directory = fleet_test_directory_new();
    FleetTestStore *test = make_history(directory);

    for (guint i = 0; i < 100; i++)
        fleet_store_find_action(test->store, (FleetActionId){initiated(1) / 1000, 1}, forbid, NULL);
    fleet_test_store_free(test);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}
END_TEST

START_TEST(damaged_row_is_an_error)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetTestStore) test = make_history(directory);
    FleetActionFilter filter = FLEET_ACTION_FILTER_INIT;
    g_auto(Answer) found = {0}, queried = {0}, other = {0};

    fleet_test_sql(path, "UPDATE actions SET status = 77 WHERE sequence = 3");
    filter.limit = 100;
    fleet_store_find_action(test->store, (FleetActionId){initiated(3) / 1000, 3}, action_found, &found);
    fleet_store_query_actions(test->store, &filter, actions_found, &queried);
    fleet_store_find_action(test->store, (FleetActionId){initiated(4) / 1000, 4}, action_found, &other);
    fleet_test_store_wait(&other.done);
    ck_assert_ptr_null(found.action);
    fleet_test_assert_error(found.error, FLEET_ERROR, FLEET_ERROR_STORAGE_FAILED);
    fleet_test_assert_contains(found.error->message, "history cannot be read: database '");
    fleet_test_assert_contains(found.error->message, "action row 3: status is 77");
    ck_assert_ptr_null(queried.actions);
    fleet_test_assert_error(queried.error, FLEET_ERROR, FLEET_ERROR_STORAGE_FAILED);
    ck_assert_ptr_nonnull(other.action);
}
END_TEST

/* The most steps that SQLite's machine took for one statement that reads actions. Written by the threads one at a time.
 */
static gint most_steps;

static int on_statement_end(unsigned event, void *user_data, void *statement, void *duration)
{
    const char *sql = sqlite3_sql(statement);
    int steps = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);

    if (g_str_has_prefix(sql, "SELECT") && strstr(sql, "FROM actions") != NULL)
        g_atomic_int_set(&most_steps, MAX(g_atomic_int_get(&most_steps), steps));
    return 0;
}

static int trace(sqlite3 *handle, char **error, const struct sqlite3_api_routines *routines)
{
    return sqlite3_trace_v2(handle, SQLITE_TRACE_PROFILE, on_statement_end, NULL);
}

static void unref_device(FleetDevice *device, gpointer user_data)
{
    fleet_device_unref(device);
}

static void unref_action(FleetAction *action, gpointer user_data)
{
    ++*(guint *)user_data;
    fleet_action_unref(action);
}

#define LONG "20000"

/* A history of 20,000 finished actions, below and above the ones asked for, costs more than 20,000 steps to read
 * through. */
START_TEST(history_is_not_read_through)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    FleetActionFilter filter = FLEET_ACTION_FILTER_INIT;
    g_autoptr(FleetStore) store = NULL;
    g_autoptr(FleetTestStore) test = make_history(directory);
    guint n = 0;

    fleet_test_store_free(g_steal_pointer(&test));
    fleet_test_sql(path,
            "WITH RECURSIVE n (i) AS (SELECT 7 UNION ALL SELECT i + 1 FROM n LIMIT " LONG ") "
            "INSERT INTO actions SELECT i, i * 1000, 'z', 'X', 'simulated', 0, 0, 0, 0, 0, 0, 1, 0, 1.0, 0, "
            "0.0, '', 0, 2, 1, i, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, i, 1.0, 1, '', '', '', '', "
            "'', x'' FROM n");
    ck_assert_int_eq(sqlite3_auto_extension((void (*)(void))trace), SQLITE_OK);

    store = fleet_store_open(directory, NULL, NULL);
    ck_assert(fleet_store_load(store, 1, 5, unref_device, unref_action, &n, NULL));
    ck_assert_uint_eq(n, 2 + 5);
    ck_assert_int_gt(most_steps, 0);
    ck_assert_int_lt(most_steps, 1500);
    fleet_store_free(g_steal_pointer(&store));

    test = fleet_test_store_new(directory);
    g_auto(Answer) found = {0};
    fleet_store_find_action(test->store, (FleetActionId){initiated(3) / 1000, 3}, action_found, &found);
    fleet_test_store_wait(&found.done);
    ck_assert_ptr_nonnull(found.action);

    filter.limit = 10;
    filter.device_id = (char *)"b";
    g_autofree char *of_device = query(test, &filter);
    ck_assert_str_eq(of_device, "5 2 ");
    filter.device_id = NULL;
    filter.statuses = STATUS(PENDING) | STATUS(RUNNING);
    g_autofree char *active = query(test, &filter);
    ck_assert_str_eq(active, "6 5 ");
    filter.statuses = 0;
    filter.before = 7;
    g_autofree char *page = query(test, &filter);
    ck_assert_str_eq(page, "6 5 4 3 2 1 ");
    ck_assert_int_lt(g_atomic_int_get(&most_steps), 1500);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store: history");
    TCase *tcase = fleet_test_case(suite, "history");

    tcase_add_test(tcase, action_is_found_by_its_id);
    tcase_add_test(tcase, no_action_is_no_error);
    tcase_add_loop_test(tcase, action_is_found_by_its_request, 0, 7);
    tcase_add_test(tcase, request_is_stored_once);
    tcase_add_test(tcase, each_condition_selects);
    tcase_add_test(tcase, listed_actions_are_whole);
    tcase_add_test(tcase, filter_is_copied);
    tcase_add_test(tcase, answers_come_in_the_order_of_their_questions);
    tcase_add_test(tcase, free_leaves_questions_unanswered);
    tcase_add_test(tcase, damaged_row_is_an_error);
    tcase_add_test(tcase, history_is_not_read_through);
    return fleet_test_main(suite);
}
