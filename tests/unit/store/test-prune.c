/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What retention deletes and what it leaves, in which pieces, and that commits go on meanwhile. */

#include "store/sqlite/pruning.h"
#include "store_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define NO_LIMIT G_MAXINT64

/* Finished actions from 1 on, the i-th of which ended at 10 * i, with three moves and one attempt each; then one that
 * is PENDING and one that is RUNNING, with three moves and one attempt in all; and as many rows of audit, at 10 * i. */
static char *make_history(guint finished, guint audit)
{
    char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetStore) store = fleet_store_open(directory, NULL, NULL);
    g_autofree char *sql = g_strdup_printf(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %u) "
            "INSERT INTO actions SELECT i, i, 'd', 'X', 'simulated', 0, 0, 0, 0, 0, 0, 1, 0, 1.0, 0, 0.0, '', 0, "
            "iif(i <= %u, 2, i - %u), i <= %u, i, 1, i, i, 1, i, i, 1, 0, 0, 0, 0, 0, 0, 0, 0, iif(i <= %u, i * 10, "
            "0), "
            "0.0, 1, '', '', '', '', '', x'' FROM n;"
            "INSERT INTO transitions SELECT sequence, n, 1, n - 1, '', '' FROM actions, (SELECT 1 AS n UNION ALL "
            "SELECT 2 UNION ALL SELECT 3) WHERE n <= status + 1;"
            "INSERT INTO attempts SELECT sequence, 1, 1, 1, 1, 0, -1, '', '', '' FROM actions WHERE status > 0;"
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %u) "
            "INSERT INTO audit SELECT i, i * 10, 0, '', '', '', '', '' FROM n",
            finished + 2, finished, finished + 1, finished, finished, audit);

    fleet_test_sql(path, sql);
    return directory;
}

/* How many there are of finished actions (and the first), others, moves, attempts, and rows of audit (and the first).
 * Nothing that belongs to an action may be left without it. */
static char *describe(const char *directory)
{
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *orphans = fleet_test_sql_read(path,
            "SELECT (SELECT count(*) FROM transitions WHERE sequence NOT IN (SELECT sequence FROM actions)) + "
            "(SELECT count(*) FROM attempts WHERE sequence NOT IN (SELECT sequence FROM actions))");

    ck_assert_str_eq(orphans, "0");
    return fleet_test_sql_read(path,
            "SELECT (SELECT count(*) || ' from ' || coalesce(min(sequence), '-') FROM actions WHERE status >= 2) || "
            "', ' || (SELECT count(*) FROM actions WHERE status < 2) || ', ' || (SELECT count(*) FROM transitions) || "
            "', ' || (SELECT count(*) FROM attempts) || ', ' || "
            "(SELECT count(*) || ' from ' || coalesce(min(number), '-') FROM audit)");
}

/* Runs all pieces, without a thread. How many of them deleted anything. */
static guint prune(const char *directory, const FleetRetention *retention, gint64 now)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(FleetDatabase) database = fleet_database_open(directory, NULL, &error);
    FleetPruning pruning;
    gint64 before = 0;
    guint pieces = 0;

    fleet_test_assert_no_error(error);
    fleet_pruning_begin(&pruning, retention, now);
    while (pruning.stage != FLEET_PRUNING_DONE) {
        gint64 changes;

        ck_assert(fleet_pruning_step(&pruning, database, &error));
        changes = sqlite3_total_changes(fleet_database_handle(database)) - before;
        ck_assert_int_le(changes, 504);
        pieces += changes > 0;
        before += changes;
    }
    return pieces;
}

static const struct {
    FleetRetention retention;
    const char *left;
} selections[] = {
        {{NO_LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT}, "10 from 1, 2, 33, 11, 10 from 1"},
        {{10, 90, 10, 90}, "10 from 1, 2, 33, 11, 10 from 1"},
        {{9, NO_LIMIT, NO_LIMIT, NO_LIMIT}, "9 from 2, 2, 30, 10, 10 from 1"},
        {{3, NO_LIMIT, NO_LIMIT, NO_LIMIT}, "3 from 8, 2, 12, 4, 10 from 1"},
        {{0, NO_LIMIT, NO_LIMIT, NO_LIMIT}, "0 from -, 2, 3, 1, 10 from 1"},
        {{NO_LIMIT, 89, NO_LIMIT, NO_LIMIT}, "9 from 2, 2, 30, 10, 10 from 1"},
        {{NO_LIMIT, 50, NO_LIMIT, NO_LIMIT}, "6 from 5, 2, 21, 7, 10 from 1"},
        {{NO_LIMIT, 0, NO_LIMIT, NO_LIMIT}, "1 from 10, 2, 6, 2, 10 from 1"},
        {{8, 50, NO_LIMIT, NO_LIMIT}, "6 from 5, 2, 21, 7, 10 from 1"},
        {{3, 50, NO_LIMIT, NO_LIMIT}, "3 from 8, 2, 12, 4, 10 from 1"},
        {{NO_LIMIT, NO_LIMIT, 3, NO_LIMIT}, "10 from 1, 2, 33, 11, 3 from 8"},
        {{NO_LIMIT, NO_LIMIT, NO_LIMIT, 50}, "10 from 1, 2, 33, 11, 6 from 5"},
        {{NO_LIMIT, NO_LIMIT, 8, 50}, "10 from 1, 2, 33, 11, 6 from 5"},
        {{NO_LIMIT, NO_LIMIT, 3, 50}, "10 from 1, 2, 33, 11, 3 from 8"},
        {{0, 0, 0, 0}, "0 from -, 2, 3, 1, 0 from -"},
};

START_TEST(what_is_too_much_or_too_old_goes)
{
    g_autofree char *directory = make_history(10, 10);

    prune(directory, &selections[_i].retention, 100);
    g_autofree char *left = describe(directory);
    ck_assert_str_eq(left, selections[_i].left);

    /* What may stay stays the next time too. */
    ck_assert_uint_eq(prune(directory, &selections[_i].retention, 100), 0);
}
END_TEST

/* A clock that is ten years ahead, by mistake: each run takes one day's worth, not all. */
START_TEST(age_alone_takes_one_day_in_a_run)
{
    g_autofree char *directory = make_history(10, 10);
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    const FleetRetention retention = {NO_LIMIT, 1000, NO_LIMIT, 1000};
    const gint64 now = (gint64)3652 * 86400 * FLEET_USEC_PER_SEC;

    /* Two a day; the audit, whose number 1 came from a clock that was wrong, likewise. */
    fleet_test_sql(path, "UPDATE actions SET completed_at = sequence * 43200000000 WHERE status >= 2;"
                         "DROP TRIGGER audit_is_append_only;"
                         "UPDATE audit SET at = iif(number = 1, 0, 3000 * 86400000000 + number * 43200000000)");
    prune(directory, &retention, now);
    g_autofree char *first = describe(directory);
    ck_assert_str_eq(first, "8 from 3, 2, 27, 9, 9 from 2");
    prune(directory, &retention, now);
    g_autofree char *second = describe(directory);
    ck_assert_str_eq(second, "6 from 5, 2, 21, 7, 7 from 4");

    /* What is too much goes at once all the same. */
    prune(directory, &(FleetRetention){2, 1000, 2, 1000}, now);
    g_autofree char *third = describe(directory);
    ck_assert_str_eq(third, "2 from 9, 2, 9, 3, 2 from 9");
}
END_TEST

START_TEST(empty_history_is_no_error)
{
    g_autofree char *directory = fleet_test_directory_new();

    ck_assert_uint_eq(prune(directory, &(FleetRetention){0}, 100), 0);
    ck_assert_uint_eq(prune(directory, &(FleetRetention){5, 5, 5, 5}, 100), 0);
}
END_TEST

/* The newest are those that ended last; of those that ended together, those that began last. */
START_TEST(actions_go_in_the_order_of_their_ends)
{
    static const struct {
        const char *completed_at, *left;
    } cases[] = {{"completed_at = 1000 - completed_at", "1,2,3"}, {"completed_at = 7", "8,9,10"},
            {"completed_at = sequence / 5", "8,9,10"}};
    g_autofree char *directory = make_history(10, 0);
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *sql = g_strdup_printf("UPDATE actions SET %s WHERE status >= 2", cases[_i].completed_at);

    fleet_test_sql(path, sql);
    prune(directory, &(FleetRetention){3, NO_LIMIT, NO_LIMIT, NO_LIMIT}, 2000);
    g_autofree char *left = fleet_test_sql_read(
            path, "SELECT group_concat(sequence) FROM (SELECT * FROM actions WHERE status >= 2 ORDER BY sequence)");
    ck_assert_str_eq(left, cases[_i].left);
}
END_TEST

/* One that was written when the clock was ahead keeps what came after it: the audit has no holes. */
START_TEST(audit_goes_from_its_beginning_only)
{
    g_autofree char *directory = make_history(0, 0);
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);

    fleet_test_sql(path, "INSERT INTO audit (at, uid, executable, sender, method, object, outcome) VALUES (10, 0, '', "
                         "'', '', '', ''), "
                         "(900, 0, '', '', '', '', ''), (20, 0, '', '', '', '', '')");
    prune(directory, &(FleetRetention){NO_LIMIT, NO_LIMIT, NO_LIMIT, 50}, 100);
    g_autofree char *left = fleet_test_sql_read(path, "SELECT group_concat(number) FROM audit");
    ck_assert_str_eq(left, "2,3");
}
END_TEST

START_TEST(numbers_do_not_come_back)
{
    g_autofree char *directory = make_history(3, 3);
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);

    fleet_test_sql(path, "DELETE FROM actions WHERE status < 2");
    fleet_test_sql(path, "DELETE FROM transitions WHERE sequence > 3; DELETE FROM attempts WHERE sequence > 3");
    prune(directory, &(FleetRetention){0, 0, 0, 0}, 100);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAuditRecord) record = fleet_audit_record_new(1, 0, "", "", "", "", "");
    ck_assert_int_eq(fleet_store_last_action_sequence(test->store), 5);
    fleet_test_store_submit_audit(test, "it", record);
    fleet_test_store_settle(test);
    g_autofree char *number = fleet_test_sql_read(path, "SELECT group_concat(number) FROM audit");
    ck_assert_str_eq(number, "4");
}
END_TEST

/* The most steps that SQLite's machine took for one statement. */
static int most_steps;

static int count_steps(unsigned event, void *user_data, void *statement, void *duration)
{
    int steps = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);

    most_steps = MAX(most_steps, steps);
    return 0;
}

static int trace_steps(sqlite3 *handle, char **error, const struct sqlite3_api_routines *routines)
{
    return sqlite3_trace_v2(handle, SQLITE_TRACE_PROFILE, count_steps, NULL);
}

/* Of 50,000 actions, 40,000 may stay; to read through either would take several steps for each. The bounds of
 * prune() hold as well. */
START_TEST(no_piece_grows_with_history)
{
    g_autofree char *directory = make_history(50000, 50000);

    ck_assert_int_eq(sqlite3_auto_extension((void (*)(void))trace_steps), SQLITE_OK);
    ck_assert_uint_ge(prune(directory, &(FleetRetention){40000, NO_LIMIT, 48000, NO_LIMIT}, 1), 50000 / 500 + 4);
    ck_assert_int_gt(most_steps, 0);
    ck_assert_int_lt(most_steps, 50000); /* one look at 5,000 entries of the index */
    sqlite3_reset_auto_extension();

    g_autofree char *left = describe(directory);
    ck_assert_str_eq(left, "40000 from 10001, 2, 120003, 40001, 48000 from 2001");
}
END_TEST

/* Whatever of history is kept, nothing to delete is found by a few looks. */
START_TEST(nothing_to_delete_costs_nothing)
{
    g_autofree char *directory = make_history(20000, 20000);

    ck_assert_int_eq(sqlite3_auto_extension((void (*)(void))trace_steps), SQLITE_OK);
    ck_assert_uint_eq(prune(directory, &(FleetRetention){NO_LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT}, 1), 0);
    ck_assert_int_gt(most_steps, 0);
    ck_assert_int_lt(most_steps, 5000); /* one look at 500 rows of audit */
    sqlite3_reset_auto_extension();
}
END_TEST

/*
 * What the writer's thread does, as it goes through SQLite, a letter each: 'p' is the COMMIT of a piece of pruning, 'c'
 * another COMMIT, 'a' a look for old audit rows. The last 'a' is the end of a pruning. The thread halts after so many
 * letters until it is let go on.
 */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    char letters[4096];
    gsize n, halt_at;
    gboolean deletes;
} watch = {.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

static void append_letter(char letter)
{
    pthread_mutex_lock(&watch.mutex);
    if (watch.n + 1 < sizeof(watch.letters))
        watch.letters[watch.n++] = letter;
    pthread_cond_broadcast(&watch.cond);
    while (watch.n == watch.halt_at)
        pthread_cond_wait(&watch.cond, &watch.mutex);
    pthread_mutex_unlock(&watch.mutex);
}

static int on_statement_end(unsigned event, void *user_data, void *statement, void *duration)
{
    const char *sql = sqlite3_sql(statement);

    if (g_str_has_prefix(sql, "SELECT number, at FROM audit")) {
        append_letter('a');
    } else if (g_str_has_prefix(sql, "DELETE FROM ")) {
        watch.deletes = TRUE;
    } else if (g_str_equal(sql, "COMMIT")) {
        append_letter(watch.deletes ? 'p' : 'c');
        watch.deletes = FALSE;
    }
    return 0;
}

static int trace_letters(sqlite3 *handle, char **error, const struct sqlite3_api_routines *routines)
{
    return sqlite3_trace_v2(handle, SQLITE_TRACE_PROFILE, on_statement_end, NULL);
}

static void watch_writer(void)
{
    ck_assert_int_eq(sqlite3_auto_extension((void (*)(void))trace_letters), SQLITE_OK);
}

/* Waits until that letter was written so often. */
static void wait_for_letters(char letter, guint times)
{
    gint64 end = g_get_real_time() + (gint64)(FLEET_TEST_PATIENCE * fleet_test_slowness() * G_USEC_PER_SEC);
    const struct timespec deadline = {end / G_USEC_PER_SEC, 0};
    guint seen = 0;

    pthread_mutex_lock(&watch.mutex);
    for (;;) {
        seen = 0;
        for (gsize i = 0; i < watch.n; i++)
            seen += watch.letters[i] == letter;
        if (seen >= times || pthread_cond_timedwait(&watch.cond, &watch.mutex, &deadline) != 0)
            break;
    }
    pthread_mutex_unlock(&watch.mutex);
    if (seen < times)
        fleet_test_fail("'%c' came %u times instead of %u", letter, seen, times);
}

static void halt_at(gsize n)
{
    pthread_mutex_lock(&watch.mutex);
    watch.halt_at = n;
    pthread_cond_broadcast(&watch.cond);
    pthread_mutex_unlock(&watch.mutex);
}

static char *read_letters(void)
{
    char *letters;

    pthread_mutex_lock(&watch.mutex);
    letters = g_strndup(watch.letters, watch.n);
    pthread_mutex_unlock(&watch.mutex);
    return letters;
}

static void insert(FleetTestStore *test, const char *name, gint64 key)
{
    g_autoptr(FleetDevice) device = fleet_test_device(key, name);

    fleet_test_store_submit_device(test, name, FLEET_CHANGE_INSERT_DEVICE, device);
}

static const FleetRetention keep_all = {NO_LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT};
static const FleetRetention keep_none = {0, NO_LIMIT, NO_LIMIT, NO_LIMIT};

/* 400 actions of five rows each go in four pieces. */
START_TEST(commit_goes_before_the_next_piece)
{
    g_autofree char *directory = make_history(400, 0);
    g_autoptr(FleetTestStore) test = NULL;

    watch_writer();
    test = fleet_test_store_new(directory);
    halt_at(2);
    fleet_store_prune(test->store, &keep_none, 1);
    wait_for_letters('p', 2);
    insert(test, "a", 1);
    insert(test, "b", 2);
    halt_at(4);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed a", "committed b");
    wait_for_letters('p', 3);
    insert(test, "c", 3);
    halt_at(0);
    fleet_test_store_settle(test);
    wait_for_letters('a', 1);

    g_autofree char *letters = read_letters();
    ck_assert_str_eq(letters, "ppcpcpa");
    g_autofree char *left = describe(directory);
    ck_assert_str_eq(left, "0 from -, 2, 3, 1, 0 from -");
}
END_TEST

/* A thread that has nothing to do sleeps: it goes through SQLite for what it is asked, and no more. */
START_TEST(pruning_ends)
{
    g_autofree char *directory = make_history(10, 10);
    g_autoptr(FleetTestStore) test = NULL;

    watch_writer();
    test = fleet_test_store_new(directory);
    fleet_store_prune(test->store, &keep_all, 1);
    wait_for_letters('a', 1);
    insert(test, "a", 1);
    fleet_test_store_settle(test);
    fleet_store_prune(test->store, &keep_all, 1);
    wait_for_letters('a', 2);
    fleet_test_store_free(g_steal_pointer(&test));

    g_autofree char *letters = read_letters();
    ck_assert_str_eq(letters, "aca");
}
END_TEST

START_TEST(new_request_replaces_the_old_one)
{
    g_autofree char *directory = make_history(1000, 0);
    g_autoptr(FleetTestStore) test = NULL;

    watch_writer();
    test = fleet_test_store_new(directory);
    halt_at(1);
    fleet_store_prune(test->store, &keep_none, 1);
    wait_for_letters('p', 1);
    fleet_store_prune(test->store, &keep_all, 1);
    halt_at(0);
    wait_for_letters('a', 1);

    g_autofree char *letters = read_letters();
    ck_assert_str_eq(letters, "pa");
}
END_TEST

/* Nobody waits for the pieces that are left, and the next pruning does them. */
START_TEST(free_does_not_wait_for_the_end)
{
    g_autofree char *directory = make_history(10000, 0);
    g_autoptr(FleetTestStore) test = NULL;

    watch_writer();
    test = fleet_test_store_new(directory);
    halt_at(1);
    fleet_store_prune(test->store, &keep_none, 1);
    wait_for_letters('p', 1);
    insert(test, "a", 1);
    halt_at(0);
    fleet_test_store_free(g_steal_pointer(&test));

    g_autofree char *ids = fleet_test_store_ids(directory);
    ck_assert_str_eq(ids, "a");
    g_autofree char *some = describe(directory); /* nothing is half deleted */
    ck_assert_str_ne(some, "10000 from 1, 2, 30003, 10001, 0 from -");
    prune(directory, &keep_none, 1);
    g_autofree char *left = describe(directory);
    ck_assert_str_eq(left, "0 from -, 2, 3, 1, 0 from -");
}
END_TEST

static void set_file_size_limit(rlim_t bytes)
{
    const struct rlimit limit = {bytes, RLIM_INFINITY};

    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* How often the text is in the log so far. */
static guint count_logged(const char *path, const char *text)
{
    g_autofree char *log = fleet_test_read(path);
    guint n = 0;

    for (const char *p = log; (p = strstr(p, text)) != NULL; p++)
        n++;
    return n;
}

/* No whole page fits into the database's log. Calls are not told: nothing of theirs has failed. */
START_TEST(failure_is_logged_once_and_ends_it)
{
    static const char warning[] = "cannot delete old history, it grows until that works: database '";
    g_autofree char *directory = make_history(300, 0);
    g_autofree char *log = g_build_filename(fleet_test_directory(), "stderr", NULL);
    g_autoptr(FleetTestStore) test = NULL;
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    close(fd);
    watch_writer();
    test = fleet_test_store_new(directory);
    set_file_size_limit(4096);
    fleet_store_prune(test->store, &keep_none, 1);
    wait_for_letters('p', 1);
    fleet_store_prune(test->store, &keep_none, 1);
    wait_for_letters('p', 2);
    set_file_size_limit(RLIM_INFINITY);
    insert(test, "a", 1);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed a");
    ck_assert_uint_eq(count_logged(log, warning), 1);
    g_autofree char *none = describe(directory);
    ck_assert_str_eq(none, "300 from 1, 2, 903, 301, 0 from -");

    fleet_store_prune(test->store, &(FleetRetention){250, NO_LIMIT, NO_LIMIT, NO_LIMIT}, 1);
    wait_for_letters('a', 1);
    g_autofree char *some = describe(directory);
    ck_assert_str_eq(some, "250 from 51, 2, 753, 251, 0 from -");

    /* It has worked since, so this is news. */
    set_file_size_limit(4096);
    fleet_store_prune(test->store, &keep_none, 1);
    wait_for_letters('p', 4);
    set_file_size_limit(RLIM_INFINITY);
    insert(test, "b", 2);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed b");
    ck_assert_uint_eq(count_logged(log, warning), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store: prune");
    TCase *tcase = fleet_test_case(suite, "prune");

    tcase_add_loop_test(tcase, what_is_too_much_or_too_old_goes, 0, G_N_ELEMENTS(selections));
    tcase_add_test(tcase, age_alone_takes_one_day_in_a_run);
    tcase_add_test(tcase, empty_history_is_no_error);
    tcase_add_loop_test(tcase, actions_go_in_the_order_of_their_ends, 0, 3);
    tcase_add_test(tcase, audit_goes_from_its_beginning_only);
    tcase_add_test(tcase, numbers_do_not_come_back);
    tcase_add_test(tcase, no_piece_grows_with_history);
    tcase_add_test(tcase, nothing_to_delete_costs_nothing);
    tcase_add_test(tcase, commit_goes_before_the_next_piece);
    tcase_add_test(tcase, pruning_ends);
    tcase_add_test(tcase, new_request_replaces_the_old_one);
    tcase_add_test(tcase, free_does_not_wait_for_the_end);
    tcase_add_test(tcase, failure_is_logged_once_and_ends_it);
    return fleet_test_main(suite);
}
