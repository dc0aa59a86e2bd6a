/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The moves and the attempts of actions: what is written of them, when, and how it is found again. */

#include "base/error.h"
#include "store_test.h"

#include <string.h>

static FleetAction *move(const FleetAction *action, FleetActionStatus status, const char *phase, const char *message)
{
    FleetAction *moved = fleet_action_copy(action);

    moved->status = status;
    moved->moved_at++;
    fleet_action_set_text(&moved->phase, phase);
    fleet_action_set_text(&moved->message, message);
    return moved;
}

START_TEST(each_move_is_written)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAction) other = fleet_test_action(6, "router-2");
    g_autoptr(FleetAction) pending = fleet_test_action(7, "router-1");
    g_autoptr(FleetAction) running = move(pending, FLEET_ACTION_RUNNING, "", "");
    g_autoptr(FleetAction) waiting = move(running, FLEET_ACTION_RUNNING, "waiting-retry", "no 'answer' from ü");
    g_autoptr(FleetAction) again = move(waiting, FLEET_ACTION_RUNNING, "", "");
    g_autoptr(FleetAction) ended = move(again, FLEET_ACTION_COMPLETED, "", "done");
    const FleetChange start[] = {
            {FLEET_CHANGE_INSERT_ACTION, {.action = pending}}, {FLEET_CHANGE_UPDATE_ACTION, {.action = running}}};

    fleet_test_store_submit_action(test, "other", FLEET_CHANGE_INSERT_ACTION, other);
    fleet_test_store_submit(test, "start", start, G_N_ELEMENTS(start));
    fleet_test_store_submit_action(test, "wait", FLEET_CHANGE_UPDATE_ACTION, waiting);
    fleet_test_store_submit_action(test, "again", FLEET_CHANGE_UPDATE_ACTION, again);
    fleet_test_store_submit_action(test, "end", FLEET_CHANGE_UPDATE_ACTION, ended);
    fleet_test_store_settle(test);

    g_autofree char *moves = fleet_test_store_moves(test, pending->id);
    g_autofree char *others = fleet_test_store_moves(test, other->id);
    ck_assert_str_eq(moves, "1700000007123456 PENDING : \n"
                            "1700000007123457 RUNNING : \n"
                            "1700000007123458 RUNNING waiting-retry: no 'answer' from ü\n"
                            "1700000007123459 RUNNING : \n"
                            "1700000007123460 COMPLETED : done\n");
    ck_assert_str_eq(others, "1700000006123456 PENDING : \n");
}
END_TEST

/*
 * What one transaction does: a capital letter inserts the action of that name, a small one moves it on, and a dot is a
 * change of something else. The writer looks a few changes ahead of an insertion, so some moves are further away.
 */
static const char *const transactions[] = {"A", "Aa", "Aaa", "A...a", "A....a", "A.....a", "A...aa", "A....aa",
        "Aa...a", "Aa....a", "Aa....a.a", "A.a.a.a.a", "ABab", "ABba", "ABabab", "AaBbCc", "ABCDabcd", "A.B.C.a.b.c",
        "ABCDEFabcdef", "ABCDabcdaaaaabbbbb"};

#define ACTIONS 6 /* that they are about at the most */

/* An action while the transaction is put together. */
typedef struct {
    FleetAction *newest;
    GString *moves; /* as fleet_test_store_moves() tells them */
} Told;

static void clear_told(Told *told)
{
    for (guint i = 0; i < ACTIONS; i++) {
        g_clear_pointer(&told[i].newest, fleet_action_unref);
        if (told[i].moves != NULL)
            g_string_free(told[i].moves, TRUE);
    }
}

/* The next image of an action, which the caller owns, too. */
static FleetAction *next_image(Told *told, gint64 sequence)
{
    g_autoptr(FleetAction) before = g_steal_pointer(&told->newest);
    g_autofree char *message = NULL;

    if (before == NULL) {
        told->newest = fleet_test_action(sequence, "router-1");
        told->moves = g_string_new(NULL);
    } else {
        message = g_strdup_printf("after %s", before->message);
        told->newest = move(before, FLEET_ACTION_RUNNING, "on its way", message);
        told->newest->attempt++;
    }
    g_string_append_printf(told->moves, "%" G_GINT64_FORMAT " %s %s: %s\n", told->newest->moved_at,
            fleet_action_status_to_string(told->newest->status), told->newest->phase, told->newest->message);
    return fleet_action_ref(told->newest);
}

static FleetChange next_change(Told *told, char letter, guint number)
{
    FleetChange change = {.kind = g_ascii_isupper(letter) ? FLEET_CHANGE_INSERT_ACTION : FLEET_CHANGE_UPDATE_ACTION};
    gint64 sequence = g_ascii_toupper(letter) - 'A' + 1;
    g_autofree char *id = g_strdup_printf("device-%u", number);

    if (letter == '.') {
        change.kind = FLEET_CHANGE_INSERT_DEVICE;
        change.device = fleet_test_device(number, id);
    } else
        change.action = next_image(&told[sequence - 1], sequence);
    return change;
}

static void submit_all(FleetTestStore *test, Told *told, const char *letters)
{
    FleetChange changes[32];
    guint n = (guint)strlen(letters);

    ck_assert_uint_le(n, G_N_ELEMENTS(changes));
    for (guint i = 0; i < n; i++)
        changes[i] = next_change(told, letters[i], i + 1);
    fleet_test_store_submit(test, "all", changes, n);
    for (guint i = 0; i < n; i++)
        fleet_change_unref(&changes[i]);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed all");
}

/* However the rows are written, each action is in the end as its last image says, and has all of its moves. */
START_TEST(one_transaction_inserts_and_moves)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    Told told[ACTIONS] = {0};
    guint n = 0;

    submit_all(test, told, transactions[_i]);
    for (; n < ACTIONS && told[n].newest != NULL; n++) {
        g_autofree char *moves = fleet_test_store_moves(test, told[n].newest->id);

        ck_assert_str_eq(moves, told[n].moves->str);
    }
    fleet_test_store_free(g_steal_pointer(&test));

    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    ck_assert_uint_eq(loaded.actions->len, n);
    for (guint i = 0; i < n; i++)
        fleet_test_assert_same_action(loaded.actions->pdata[i], told[i].newest);
    clear_told(told);
}
END_TEST

/* The clock may have been set back: moves are told in the order in which they were made. */
START_TEST(order_is_not_that_of_the_clock)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAction) pending = fleet_test_action(1, "router-1");
    g_autoptr(FleetAction) running = move(pending, FLEET_ACTION_RUNNING, "", "");

    running->moved_at = 5;
    fleet_test_store_submit_action(test, "insert", FLEET_CHANGE_INSERT_ACTION, pending);
    fleet_test_store_submit_action(test, "update", FLEET_CHANGE_UPDATE_ACTION, running);
    fleet_test_store_settle(test);
    g_autofree char *moves = fleet_test_store_moves(test, pending->id);
    ck_assert_str_eq(moves, "1700000001123456 PENDING : \n5 RUNNING : \n");
}
END_TEST

/* That the driver is past the point of no return, say. Each of the four columns makes a move. */
START_TEST(change_that_is_no_move_is_none)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAction) action = fleet_test_action(1, "router-1");
    g_autoptr(FleetAction) same = fleet_action_copy(action);
    g_autoptr(FleetAction) later = fleet_action_copy(action);
    g_autoptr(FleetAction) said = fleet_action_copy(later);

    same->past_return = TRUE;
    same->progress = 0.5;
    later->moved_at = said->moved_at = 2;
    fleet_action_set_text(&said->message, "about to write");
    fleet_test_store_submit_action(test, "insert", FLEET_CHANGE_INSERT_ACTION, action);
    fleet_test_store_submit_action(test, "same", FLEET_CHANGE_UPDATE_ACTION, same);
    fleet_test_store_submit_action(test, "later", FLEET_CHANGE_UPDATE_ACTION, later);
    fleet_test_store_submit_action(test, "said", FLEET_CHANGE_UPDATE_ACTION, said);
    fleet_test_store_settle(test);
    g_autofree char *moves = fleet_test_store_moves(test, action->id);
    ck_assert_str_eq(moves, "1700000001123456 PENDING : \n2 PENDING : \n2 PENDING : about to write\n");
}
END_TEST

START_TEST(no_action_has_no_moves)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAction) action = fleet_test_action(1, "router-1");
    FleetActionId ids[] = {{action->id.msec + 1, 1}, {action->id.msec, 2}, {0, 0}, {-1, -1}};

    fleet_test_store_submit_action(test, "it", FLEET_CHANGE_INSERT_ACTION, action);
    fleet_test_store_settle(test);
    for (guint i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_autofree char *moves = fleet_test_store_moves(test, ids[i]);

        ck_assert_str_eq(moves, "");
    }
}
END_TEST

/* A move is on disk with its action or not at all. */
START_TEST(failed_move_is_not_written)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAction) pending = fleet_test_action(1, "router-1");
    g_autoptr(FleetAction) running = move(pending, FLEET_ACTION_RUNNING, "", "");
    g_autoptr(FleetDevice) missing = fleet_test_device(99, "missing");
    const FleetChange changes[] = {
            {FLEET_CHANGE_UPDATE_ACTION, {.action = running}}, {FLEET_CHANGE_UPDATE_DEVICE, {.device = missing}}};

    fleet_test_store_submit_action(test, "insert", FLEET_CHANGE_INSERT_ACTION, pending);
    fleet_test_store_settle(test);
    fleet_test_store_submit(test, "wrong", changes, G_N_ELEMENTS(changes));
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed insert", "rolled back wrong", "state failed", "failed wrong");
    g_autofree char *moves = fleet_test_store_moves(test, pending->id);
    ck_assert_str_eq(moves, "1700000001123456 PENDING : \n");
}
END_TEST

static void keep_error(GArray *transitions, const GError *error, gpointer user_data)
{
    ck_assert_ptr_null(transitions);
    *(GError **)user_data = g_error_copy(error);
}

START_TEST(damaged_move_is_an_error)
{
    static const char *const damages[][2] = {{"status = 5", "transition of action 1: status is 5"},
            {"at = -1", "transition of action 1: at is -1"},
            {"phase = CAST(x'80' AS TEXT)", "transition of action 1: phase is not valid UTF-8"}};
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *sql = g_strconcat("UPDATE transitions SET ", damages[_i][0], NULL);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAction) action = fleet_test_action(1, "router-1");
    g_autoptr(GError) error = NULL;

    fleet_test_store_submit_action(test, "insert", FLEET_CHANGE_INSERT_ACTION, action);
    fleet_test_store_settle(test);
    fleet_test_sql(path, sql);
    fleet_store_find_transitions(test->store, action->id, keep_error, &error);
    g_autofree char *after = fleet_test_store_moves(test, (FleetActionId){0}); /* questions are answered in order */
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_STORAGE_FAILED);
    fleet_test_assert_contains(error->message, damages[_i][1]);
}
END_TEST

static FleetAttemptRecord *new_attempt(gint64 sequence, guint number, const char *plan)
{
    GRefString *text = g_ref_string_new(plan);
    const FleetInstant started = {1700000000000000 + number, 1000 + number, G_MAXUINT64};
    FleetAttemptRecord *attempt = fleet_attempt_record_new(sequence, number, &started, text);

    g_ref_string_release(text);
    return attempt;
}

/* A record to submit in the other one's place. */
static FleetAttemptRecord *end_attempt(
        const FleetAttemptRecord *attempt, gint outcome, const char *message, const char *output)
{
    GRefString *old;
    FleetAttemptRecord *ended = new_attempt(attempt->sequence, attempt->number, attempt->plan);

    ended->ended_at = attempt->started.realtime + 9;
    ended->outcome = outcome;
    old = ended->message;
    ended->message = g_ref_string_new(message);
    g_ref_string_release(old);
    old = ended->output;
    ended->output = g_ref_string_new(output);
    g_ref_string_release(old);
    return ended;
}

static char *read_attempts(const char *directory)
{
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);

    return fleet_test_sql_read(path,
            "SELECT coalesce(group_concat(sequence || '|' || number || '|' || started_realtime || '|' || "
            "started_boottime || '|' || started_boot || '|' || ended_at || '|' || outcome || '|' || plan || '|' || "
            "message || '|' || output, char(10)), '') FROM attempts");
}

START_TEST(attempts_are_written_and_end)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAction) action = fleet_test_action(7, "router-1");
    g_autoptr(FleetAttemptRecord) first = new_attempt(7, 1, "plan 'ü'");
    g_autoptr(FleetAttemptRecord) ended = end_attempt(first, 1, "no answer", "one\ntwo");
    g_autoptr(FleetAttemptRecord) second = new_attempt(7, 2, "");
    const FleetChange start[] = {
            {FLEET_CHANGE_INSERT_ACTION, {.action = action}}, {FLEET_CHANGE_INSERT_ATTEMPT, {.attempt = first}}};

    fleet_test_store_submit(test, "start", start, G_N_ELEMENTS(start));
    fleet_test_store_settle(test);
    g_autofree char *started = read_attempts(directory);
    ck_assert_str_eq(started, "7|1|1700000000000001|1001|-1|0|-1|plan 'ü'||");

    fleet_test_store_submit_attempt(test, "end", FLEET_CHANGE_UPDATE_ATTEMPT, ended);
    fleet_test_store_submit_attempt(test, "second", FLEET_CHANGE_INSERT_ATTEMPT, second);
    fleet_test_store_settle(test);
    g_autofree char *both = read_attempts(directory);
    ck_assert_str_eq(both, "7|1|1700000000000001|1001|-1|1700000000000010|1|plan 'ü'|no answer|one\ntwo\n"
                           "7|2|1700000000000002|1002|-1|0|-1|||");
}
END_TEST

START_TEST(update_inserts_what_is_missing)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAction) action = fleet_test_action(7, "router-1");
    g_autoptr(FleetAttemptRecord) attempt = new_attempt(7, 3, "p");
    g_autofree char *output = g_strnfill(FLEET_OUTPUT_MAX, 'o');
    g_autofree char *expected = g_strconcat("7|3|1700000000000003|1003|-1|1700000000000012|5|p|stopped|", output, NULL);
    g_autoptr(FleetAttemptRecord) ended = end_attempt(attempt, 5, "stopped", output);

    fleet_test_store_submit_action(test, "action", FLEET_CHANGE_INSERT_ACTION, action);
    fleet_test_store_submit_attempt(test, "end", FLEET_CHANGE_UPDATE_ATTEMPT, ended);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed action", "committed end");
    g_autofree char *attempts = read_attempts(directory);
    ck_assert_str_eq(attempts, expected);
}
END_TEST

/* An attempt may end long after its action was closed by force and has gone from history: nothing would ever delete its
 * row. */
START_TEST(end_without_an_action_leaves_nothing)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAttemptRecord) attempt = new_attempt(7, 1, "p");

    fleet_test_store_submit_attempt(test, "end", FLEET_CHANGE_UPDATE_ATTEMPT, attempt);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed end");
    g_autofree char *attempts = read_attempts(directory);
    ck_assert_str_eq(attempts, "");
}
END_TEST

/* The records are the transaction's until it is told; their owner may let go of them at once. */
START_TEST(records_outlive_their_owner)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);

    for (guint i = 1; i <= 100; i++) {
        g_autoptr(FleetAttemptRecord) attempt = new_attempt(i, 1, "a plan of its own");
        g_autoptr(FleetAuditRecord) record = fleet_audit_record_new(i, 0, "a", "b", "c", "d", "ok");
        const FleetChange changes[] = {
                {FLEET_CHANGE_INSERT_ATTEMPT, {.attempt = attempt}}, {FLEET_CHANGE_INSERT_AUDIT, {.audit = record}}};

        fleet_test_store_submit(test, "pair", changes, G_N_ELEMENTS(changes));
    }
    fleet_test_store_settle(test);
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *n = fleet_test_sql_read(path,
            "SELECT (SELECT count(*) FROM attempts WHERE plan = 'a plan of its own') || ' ' || "
            "(SELECT count(*) FROM audit WHERE method = 'c')");
    ck_assert_str_eq(n, "100 100");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store: moves");
    TCase *tcase = fleet_test_case(suite, "moves");

    tcase_add_test(tcase, each_move_is_written);
    tcase_add_loop_test(tcase, one_transaction_inserts_and_moves, 0, G_N_ELEMENTS(transactions));
    tcase_add_test(tcase, order_is_not_that_of_the_clock);
    tcase_add_test(tcase, change_that_is_no_move_is_none);
    tcase_add_test(tcase, no_action_has_no_moves);
    tcase_add_test(tcase, failed_move_is_not_written);
    tcase_add_loop_test(tcase, damaged_move_is_an_error, 0, 3);
    tcase_add_test(tcase, attempts_are_written_and_end);
    tcase_add_test(tcase, update_inserts_what_is_missing);
    tcase_add_test(tcase, end_without_an_action_leaves_nothing);
    tcase_add_test(tcase, records_outlive_their_owner);
    return fleet_test_main(suite);
}
