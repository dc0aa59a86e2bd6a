/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One state directory, one process. */

#include "base/clock.h"
#include "store/lock.h"
#include "store_test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Another process that holds the directory's lock until it is killed. */
static pid_t start_holder(const char *directory)
{
    int ready[2];
    char byte;
    pid_t child;

    ck_assert_int_eq(pipe(ready), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        FleetStore *store = fleet_store_open(directory, NULL, NULL);

        if (store == NULL || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1); /* or end of file, if it could not take it */
    close(ready[0]);
    return child;
}

static void kill_holder(pid_t holder)
{
    ck_assert_int_eq(kill(holder, SIGKILL), 0);
    ck_assert_int_eq(waitpid(holder, NULL, 0), holder);
}

/* What a holder writes to the file: itself, and the boot. */
static char *print_holder(pid_t holder)
{
    return g_strdup_printf("%d\n%016" G_GINT64_MODIFIER "x\n", (int)holder, fleet_clock_boot());
}

/* A file of an older release has no boot, that of a machine that was off another one. */
START_TEST(boot_of_the_holder_before_is_told)
{
    static const struct {
        const char *text; /* NULL: of this boot */
        gboolean held;
    } cases[] = {{"", FALSE}, {"7\n", FALSE}, {"7\n00000000deadbeef\n", FALSE}, {NULL, TRUE}};
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "lock", NULL);
    g_autofree char *ours = print_holder(7);
    g_autoptr(FleetLock) lock = NULL;

    fleet_test_write(path, cases[_i].text != NULL ? cases[_i].text : ours);
    lock = fleet_lock_take(directory, NULL);
    ck_assert_ptr_nonnull(lock);
    ck_assert_int_eq(fleet_lock_was_held_in_this_boot(lock), cases[_i].held);
}
END_TEST

/* A directory whose process was killed, with the last page of its log cut; its index tells of it still. */
static char *make_cut_log(void)
{
    char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    pid_t holder = start_holder(directory);

    fleet_test_sql(path, "CREATE TABLE t (x); DROP TABLE t;");
    kill_holder(holder);
    ck_assert_int_gt(fleet_test_size(log), 0);
    ck_assert_int_eq(truncate(log, fleet_test_size(log) - 1), 0);
    return directory;
}

/* The machine was off, and so the index may tell of what was never synced. That a first start fails, for whatever
 * reason, does not make it of this boot. */
START_TEST(failed_start_does_not_vouch_for_the_index)
{
    g_autofree char *directory = make_cut_log();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *aside = g_build_filename(directory, "aside", NULL);
    g_autofree char *holder = g_build_filename(directory, "lock", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(FleetStore) store = NULL;

    fleet_test_write(holder, "7\n00000000deadbeef\n");
    ck_assert_int_eq(g_rename(path, aside), 0);
    g_autoptr(GError) refusal = fleet_test_store_refused(directory, FLEET_STORE_ERROR_DATABASE);
    fleet_test_assert_contains(refusal->message, "is missing");
    ck_assert_int_eq(g_rename(aside, path), 0);
    store = fleet_store_open(directory, NULL, &error);
    fleet_test_assert_no_error(error);
}
END_TEST

/* In the same boot the index is believed, however often it is tried. */
START_TEST(failed_start_forgets_no_boot)
{
    g_autofree char *directory = make_cut_log();

    for (guint i = 0; i < 3; i++) {
        g_autoptr(GError) error = fleet_test_store_refused(directory, FLEET_STORE_ERROR_DATABASE);

        fleet_test_assert_contains(error->message, "lacks changes that were acknowledged");
    }
}
END_TEST

START_TEST(second_process_is_told_who_is_first)
{
    g_autofree char *directory = fleet_test_directory_new();
    pid_t holder = start_holder(directory);
    g_autoptr(GError) error = fleet_test_store_refused(directory, FLEET_STORE_ERROR_LOCKED);
    g_autofree char *expected = g_strdup_printf(
            "state directory '%s' is in use by process %d; stop that instance or use another --state-directory",
            directory, (int)holder);

    ck_assert_str_eq(error->message, expected);
    kill_holder(holder);
}
END_TEST

START_TEST(killed_process_leaves_no_lock)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetLock) lock = NULL;
    g_autoptr(GError) error = NULL;

    kill_holder(start_holder(directory));
    lock = fleet_lock_take(directory, &error);
    fleet_test_assert_no_error(error);
}
END_TEST

START_TEST(refusal_leaves_the_lock_file_to_its_holder)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "lock", NULL);
    pid_t holder = start_holder(directory);
    g_autofree char *expected = print_holder(holder);
    g_autoptr(GError) error = fleet_test_store_refused(directory, FLEET_STORE_ERROR_LOCKED);
    g_autofree char *content = fleet_test_read(path);

    ck_assert_str_eq(content, expected);
    kill_holder(holder);
}
END_TEST

START_TEST(lock_is_given_back)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetLock) lock = fleet_lock_take(directory, NULL);
    pid_t child;
    int status;

    ck_assert_ptr_nonnull(lock);
    fleet_lock_free(g_steal_pointer(&lock));
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        lock = fleet_lock_take(directory, NULL);
        if (lock == NULL)
            _exit(1);
        fleet_lock_free(lock);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* The pid of an earlier holder, longer than ours, must not show through. */
START_TEST(what_an_earlier_holder_wrote_is_overwritten)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "lock", NULL);
    g_autofree char *without_boot = g_strdup_printf("%d\n", (int)getpid());
    g_autofree char *with_boot = print_holder(getpid());
    g_autoptr(FleetLock) lock = NULL;

    fleet_test_write(path, "99999999999\n99999999999999999999999999999\n");
    lock = fleet_lock_take(directory, NULL);
    ck_assert_ptr_nonnull(lock);
    ck_assert(!fleet_lock_was_held_in_this_boot(lock));
    g_autofree char *before = fleet_test_read(path);
    ck_assert_str_eq(before, without_boot);
    fleet_lock_note_boot(lock);
    g_autofree char *after = fleet_test_read(path);
    ck_assert_str_eq(after, with_boot);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store: lock");
    TCase *tcase = fleet_test_case(suite, "lock");

    tcase_add_loop_test(tcase, boot_of_the_holder_before_is_told, 0, 4);
    tcase_add_test(tcase, failed_start_does_not_vouch_for_the_index);
    tcase_add_test(tcase, failed_start_forgets_no_boot);
    tcase_add_test(tcase, second_process_is_told_who_is_first);
    tcase_add_test(tcase, killed_process_leaves_no_lock);
    tcase_add_test(tcase, refusal_leaves_the_lock_file_to_its_holder);
    tcase_add_test(tcase, lock_is_given_back);
    tcase_add_test(tcase, what_an_earlier_holder_wrote_is_overwritten);
    return fleet_test_main(suite);
}
