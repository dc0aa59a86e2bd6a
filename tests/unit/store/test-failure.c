/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of transactions when the disk refuses them, for real: past RLIMIT_FSIZE each write fails, part way if
 * need be. */

#include "base/error.h"
#include "store_test.h"

#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>

/* No whole page fits into the log. */
static void break_disk(void)
{
    const struct rlimit limit = {4096, RLIM_INFINITY};

    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void mend_disk(void)
{
    const struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void insert(FleetTestStore *test, const char *name, gint64 key)
{
    g_autoptr(FleetDevice) device = fleet_test_device(key, name);

    fleet_test_store_submit_device(test, name, FLEET_CHANGE_INSERT_DEVICE, device);
}

START_TEST(all_in_flight_fail_and_the_store_recovers)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);

    insert(test, "a", 1);
    fleet_test_store_settle(test);
    break_disk();
    insert(test, "b", 2);
    insert(test, "c", 3);
    fleet_test_store_submit(test, "barrier", NULL, 0);
    fleet_test_store_settle(test);
    mend_disk();
    fleet_test_store_assert_events(test, "committed a", "rolled back barrier", "rolled back c", "rolled back b",
            "state failed", "failed b", "failed c", "failed barrier");
    fleet_test_assert_error(test->failure, FLEET_ERROR, FLEET_ERROR_STORAGE_FAILED);
    fleet_test_assert_matches(test->failure->message, "^the change was not stored: database '.*/fleet\\.db': disk I/O "
                                                      "error \\(File too large\\); check its disk$");
    fleet_test_assert_matches(test->reason, "^database '.*/fleet\\.db': disk I/O error \\(File too large\\)");

    insert(test, "d", 2);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "state ok", "committed d");
    ck_assert_str_eq(test->reason, "");
    fleet_test_store_free(g_steal_pointer(&test));

    g_autofree char *ids = fleet_test_store_ids(directory);
    ck_assert_str_eq(ids, "a,d");
}
END_TEST

START_TEST(state_is_told_on_change_only)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);

    break_disk();
    insert(test, "a", 1);
    fleet_test_store_settle(test);
    insert(test, "b", 1);
    fleet_test_store_settle(test);
    mend_disk();
    fleet_test_store_assert_events(test, "rolled back a", "state failed", "failed a", "rolled back b", "failed b");
    insert(test, "c", 1);
    insert(test, "d", 2);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "state ok", "committed c", "committed d");
}
END_TEST

/* It wrote nothing, so it proves nothing. */
START_TEST(empty_transaction_does_not_end_the_failed_state)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);

    break_disk();
    insert(test, "a", 1);
    fleet_test_store_settle(test);
    fleet_test_store_submit(test, "empty", NULL, 0);
    fleet_test_store_settle(test);
    mend_disk();
    fleet_test_store_assert_events(test, "rolled back a", "state failed", "failed a", "committed empty");
}
END_TEST

static void try_again(FleetTestStore *test, const char *event)
{
    if (g_str_equal(event, "state failed"))
        mend_disk();
    if (g_str_equal(event, "failed a"))
        insert(test, "again", 1);
}

/* What is submitted from _failed is not swept away with what failed before it. */
START_TEST(owner_may_submit_from_failed)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);

    test->hook = try_again;
    break_disk();
    insert(test, "a", 1);
    insert(test, "b", 2);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "rolled back b", "rolled back a", "state failed", "failed a", "failed b",
            "state ok", "committed again");
}
END_TEST

/* In the turn that hears of the failure, the owner has submitted more: that must fail as well, for it builds upon what
 * failed. */
START_TEST(what_is_queued_behind_a_failure_fails_with_it)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    break_disk();
    insert(test, "a", 1);
    g_main_context_iteration(NULL, FALSE); /* the end of its turn: the thread may go ahead */
    while (!g_main_context_pending(NULL) && g_get_monotonic_time() < deadline)
        g_thread_yield();
    insert(test, "b", 2);
    mend_disk();
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "rolled back b", "rolled back a", "state failed", "failed a", "failed b");
}
END_TEST

/* A transaction is all or nothing, and one that cannot be right takes nothing of itself along. */
START_TEST(half_a_transaction_is_never_stored)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetDevice) present = fleet_test_device(1, "present");
    g_autoptr(FleetDevice) missing = fleet_test_device(99, "missing");
    const FleetChange changes[] = {
            {FLEET_CHANGE_INSERT_DEVICE, {.device = present}}, {FLEET_CHANGE_UPDATE_DEVICE, {.device = missing}}};

    fleet_test_store_submit(test, "half", changes, G_N_ELEMENTS(changes));
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "rolled back half", "state failed", "failed half");
    fleet_test_assert_contains(test->failure->message, "device row 99 is missing");
    insert(test, "next", 1);
    fleet_test_store_settle(test);
    fleet_test_store_free(g_steal_pointer(&test));

    g_autofree char *ids = fleet_test_store_ids(directory);
    ck_assert_str_eq(ids, "next");
}
END_TEST

static const struct {
    FleetChangeKind kind;
    gboolean twice; /* it is the second time that is wrong */
    const char *part;
} wrong_changes[] = {
        {FLEET_CHANGE_INSERT_DEVICE, TRUE, "UNIQUE constraint failed: devices.key"},
        {FLEET_CHANGE_DELETE_DEVICE, FALSE, "device row 99 is missing"},
        {FLEET_CHANGE_SEE_DEVICE, FALSE, "device row 99 is missing"},
        {FLEET_CHANGE_INSERT_ACTION, TRUE, "UNIQUE constraint failed: actions.sequence"},
        {FLEET_CHANGE_UPDATE_ACTION, FALSE, "action row 99 is missing"},
        {FLEET_CHANGE_INSERT_ATTEMPT, TRUE, "UNIQUE constraint failed: attempts.sequence, attempts.number"},
};

START_TEST(wrong_change_fails)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetDevice) device = fleet_test_device(99, "device");
    g_autoptr(FleetAction) action = fleet_test_action(99, "device");
    g_autoptr(FleetAttemptRecord) attempt = fleet_attempt_record_new(99, 1, &action->started, action->plan);
    FleetChange change = {.kind = wrong_changes[_i].kind};

    if (change.kind <= FLEET_CHANGE_SEE_DEVICE)
        change.device = device;
    else if (change.kind <= FLEET_CHANGE_UPDATE_ACTION)
        change.action = action;
    else
        change.attempt = attempt;
    if (wrong_changes[_i].twice)
        fleet_test_store_submit(test, "first", &change, 1);
    fleet_test_store_settle(test);
    fleet_test_store_submit(test, "wrong", &change, 1);
    fleet_test_store_settle(test);
    ck_assert_ptr_nonnull(strstr(test->events->str, "rolled back wrong\nstate failed\nfailed wrong\n"));
    fleet_test_assert_error(test->failure, FLEET_ERROR, FLEET_ERROR_STORAGE_FAILED);
    fleet_test_assert_contains(test->failure->message, wrong_changes[_i].part);
}
END_TEST

START_TEST(free_after_a_failure_neither_hangs_nor_calls)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);

    break_disk();
    insert(test, "a", 1);
    insert(test, "b", 2);
    g_clear_pointer(&test->store, fleet_store_free);
    mend_disk();
    ck_assert_str_eq(test->events->str, "");

    g_autofree char *ids = fleet_test_store_ids(directory);
    ck_assert_str_eq(ids, "");
}
END_TEST

/* An administrator with a transaction open in SQLite's shell. */
START_TEST(another_writer_is_named)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    sqlite3 *shell = NULL;

    ck_assert_int_eq(sqlite3_open(path, &shell), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(shell, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    insert(test, "a", 1);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "rolled back a", "state failed", "failed a");
    fleet_test_assert_contains(test->failure->message, "another program writes to it; end that program");
    sqlite3_close(shell);
    insert(test, "b", 1);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "state ok", "committed b");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store: failure");
    TCase *tcase = fleet_test_case(suite, "failure");

    tcase_add_test(tcase, all_in_flight_fail_and_the_store_recovers);
    tcase_add_test(tcase, state_is_told_on_change_only);
    tcase_add_test(tcase, empty_transaction_does_not_end_the_failed_state);
    tcase_add_test(tcase, owner_may_submit_from_failed);
    tcase_add_test(tcase, what_is_queued_behind_a_failure_fails_with_it);
    tcase_add_test(tcase, half_a_transaction_is_never_stored);
    tcase_add_loop_test(tcase, wrong_change_fails, 0, G_N_ELEMENTS(wrong_changes));
    tcase_add_test(tcase, free_after_a_failure_neither_hangs_nor_calls);
    tcase_add_test(tcase, another_writer_is_named);
    return fleet_test_main(suite);
}
