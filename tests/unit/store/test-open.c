/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opening: what is made where nothing is, and what is said where nothing can be made. */

#include "store_test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY 65534

static guint get_mode(const char *directory, const char *name)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    struct stat st;

    if (stat(path, &st) < 0)
        fleet_test_fail("%s is not there: %m", path);
    return st.st_mode & 07777;
}

/* Root may write everywhere, so these checks become somebody else; the directory becomes theirs. */
static void become_nobody(const char *directory)
{
    if (geteuid() != 0)
        return;
    ck_assert_int_eq(chown(directory, NOBODY, NOBODY), 0);
    ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY), 0);
    ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
}

START_TEST(makes_what_is_missing)
{
    g_autofree char *top = fleet_test_directory_new();
    g_autofree char *directory = g_build_filename(top, "a", "b", "state", NULL);
    g_autoptr(FleetTestStore) test = NULL;
    g_autoptr(FleetDevice) device = fleet_test_device(1, "router-1");

    umask(0022);
    test = fleet_test_store_new(directory);
    fleet_test_store_submit_device(test, "it", FLEET_CHANGE_INSERT_DEVICE, device);
    fleet_test_store_settle(test);
    ck_assert_uint_eq(get_mode(top, "a"), 0755);
    ck_assert_uint_eq(get_mode(top, "a/b"), 0755);
    ck_assert_uint_eq(get_mode(top, "a/b/state"), 0750);
    ck_assert_uint_eq(get_mode(directory, "lock"), 0600);
    ck_assert_uint_eq(get_mode(directory, "fleet.db"), 0600);
    ck_assert_uint_eq(get_mode(directory, "fleet.db-wal"), 0600);
    ck_assert_uint_eq(get_mode(directory, "fleet.db-shm"), 0600);
}
END_TEST

START_TEST(new_store_is_empty)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    g_autoptr(FleetStore) store = fleet_store_open(directory, NULL, NULL);

    ck_assert_uint_eq(loaded.devices->len, 0);
    ck_assert_uint_eq(loaded.actions->len, 0);
    ck_assert_int_eq(fleet_store_last_device_key(store), 0);
    ck_assert_int_eq(fleet_store_last_action_sequence(store), 0);
}
END_TEST

/* An outside reader needs no more than SQLite's shell, while the daemon runs. */
START_TEST(settings_are_those_promised)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autofree char *mode = fleet_test_sql_read(path, "PRAGMA journal_mode");
    g_autofree char *schema = fleet_test_sql_read(path, "PRAGMA user_version");
    g_autofree char *application = fleet_test_sql_read(path, "PRAGMA application_id");
    g_autofree char *check = fleet_test_sql_read(path, "PRAGMA integrity_check");

    ck_assert_str_eq(mode, "wal");
    ck_assert_str_eq(schema, "4");
    ck_assert_str_eq(application, "1181512804"); /* "Fltd" */
    ck_assert_str_eq(check, "ok");
}
END_TEST

START_TEST(interrupted_first_start_does_no_harm)
{
    g_autofree char *directory = fleet_test_directory_new();
    static const char *const leftovers[] = {"fleet.db.new", "fleet.db.new-journal", "fleet.db.new-wal"};
    g_autofree char *ids = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(leftovers); i++) {
        g_autofree char *path = g_build_filename(directory, leftovers[i], NULL);

        fleet_test_write(path, "half a database");
    }
    ids = fleet_test_store_ids(directory);
    ck_assert_str_eq(ids, "");

    g_autofree char *files = fleet_test_snapshot(directory);
    fleet_test_assert_matches(files, "\\Afleet\\.db \\d+ \\w+\\z");
}
END_TEST

START_TEST(first_start_without_room_leaves_no_database)
{
    g_autofree char *directory = fleet_test_directory_new();
    const struct rlimit little = {8192, RLIM_INFINITY}, plenty = {RLIM_INFINITY, RLIM_INFINITY};
    g_autoptr(GError) error = NULL;

    signal(SIGXFSZ, SIG_IGN); /* as the daemon's first writes are on the main thread */
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
    error = fleet_test_store_refused(directory, FLEET_STORE_ERROR_DIRECTORY);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &plenty), 0);
    fleet_test_assert_contains(error->message, "fleet.db");
    fleet_test_assert_contains(error->message, "File too large");

    g_autofree char *files = fleet_test_snapshot(directory);
    ck_assert_str_eq(files, "");
    g_autofree char *ids = fleet_test_store_ids(directory);
    ck_assert_str_eq(ids, "");
}
END_TEST

START_TEST(file_in_place_of_the_directory)
{
    g_autofree char *top = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(top, "file", NULL);
    g_autofree char *below = g_build_filename(path, "state", NULL);

    fleet_test_write(path, "");
    g_autoptr(GError) error = fleet_test_store_refused(path, FLEET_STORE_ERROR_DIRECTORY);
    fleet_test_assert_contains(error->message, path);
    fleet_test_assert_contains(error->message, "Not a directory");
    g_autoptr(GError) error_below = fleet_test_store_refused(below, FLEET_STORE_ERROR_DIRECTORY);
    fleet_test_assert_contains(error_below->message, below);
    fleet_test_assert_contains(error_below->message, "Not a directory");
}
END_TEST

START_TEST(directory_that_cannot_be_written)
{
    g_autofree char *top = fleet_test_directory_new();
    g_autofree char *directory = g_build_filename(top, "state", NULL);
    g_autofree char *below = g_build_filename(directory, "below", NULL);

    ck_assert_int_eq(g_mkdir(directory, 0555), 0);
    become_nobody(directory);
    g_autoptr(GError) error = fleet_test_store_refused(directory, FLEET_STORE_ERROR_DIRECTORY);
    fleet_test_assert_contains(error->message, "Permission denied");
    fleet_test_assert_contains(error->message, "use another --state-directory");
    g_autoptr(GError) error_below = fleet_test_store_refused(below, FLEET_STORE_ERROR_DIRECTORY);
    fleet_test_assert_contains(error_below->message, "Permission denied");
}
END_TEST

START_TEST(database_that_cannot_be_written)
{
    g_autofree char *top = fleet_test_directory_new();
    g_autofree char *directory = g_build_filename(top, "state", NULL);
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetDevice) device = fleet_test_device(1, "router-1");
    g_autoptr(FleetTestStore) test = NULL;

    ck_assert_int_eq(g_mkdir(directory, 0750), 0);
    become_nobody(directory);
    test = fleet_test_store_new(directory);
    fleet_test_store_submit_device(test, "it", FLEET_CHANGE_INSERT_DEVICE, device);
    fleet_test_store_settle(test);
    fleet_test_store_free(g_steal_pointer(&test));

    ck_assert_int_eq(g_chmod(path, 0400), 0);
    g_autoptr(GError) error = fleet_test_store_refused(directory, FLEET_STORE_ERROR_DATABASE);
    fleet_test_assert_contains(error->message, "is read-only; make it a file that user");
    ck_assert_int_eq(g_chmod(path, 0), 0);
    g_autoptr(GError) unreadable = fleet_test_store_refused(directory, FLEET_STORE_ERROR_DATABASE);
    fleet_test_assert_contains(unreadable->message, "cannot be read (Permission denied)");

    /* Neither was taken for a database that is missing. */
    ck_assert_int_eq(g_chmod(path, 0600), 0);
    g_autofree char *ids = fleet_test_store_ids(directory);
    ck_assert_str_eq(ids, "router-1");
}
END_TEST

/* Keys are reckoned from what is there; sequences from what ever was. */
START_TEST(sequences_never_come_back)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetDevice) low = fleet_test_device(3, "low");
    g_autoptr(FleetDevice) high = fleet_test_device(7, "high");
    g_autoptr(FleetAction) first = fleet_test_action(5, "low");
    g_autoptr(FleetAction) last = fleet_test_action(41, "low");

    fleet_test_store_submit_device(test, "", FLEET_CHANGE_INSERT_DEVICE, high);
    fleet_test_store_submit_device(test, "", FLEET_CHANGE_INSERT_DEVICE, low);
    fleet_test_store_submit_action(test, "", FLEET_CHANGE_INSERT_ACTION, last);
    fleet_test_store_submit_action(test, "", FLEET_CHANGE_INSERT_ACTION, first);
    fleet_test_store_submit_device(test, "", FLEET_CHANGE_DELETE_DEVICE, high);
    fleet_test_store_settle(test);
    fleet_test_store_free(g_steal_pointer(&test));
    fleet_test_sql(path, "DELETE FROM actions");

    g_autoptr(FleetStore) store = fleet_store_open(directory, NULL, NULL);
    ck_assert_int_eq(fleet_store_last_device_key(store), 3);
    ck_assert_int_eq(fleet_store_last_action_sequence(store), 41);
}
END_TEST

/* docs/storage.md recommends this as a backup of a running daemon. */
START_TEST(backup_of_a_running_store_is_a_store)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *restored = fleet_test_directory_new();
    g_autofree char *backup = g_build_filename(restored, "fleet.db", NULL);
    g_autofree char *sql = g_strdup_printf("VACUUM INTO '%s'", backup);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetDevice) before = fleet_test_device(1, "before");
    g_autoptr(FleetDevice) after = fleet_test_device(2, "later");

    fleet_test_store_submit_device(test, "", FLEET_CHANGE_INSERT_DEVICE, before);
    fleet_test_store_settle(test);
    fleet_test_sql(path, sql);
    fleet_test_store_submit_device(test, "", FLEET_CHANGE_INSERT_DEVICE, after);
    fleet_test_store_settle(test);

    g_autofree char *ids = fleet_test_store_ids(restored);
    ck_assert_str_eq(ids, "before");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store: open");
    TCase *tcase = fleet_test_case(suite, "open");

    tcase_add_test(tcase, makes_what_is_missing);
    tcase_add_test(tcase, new_store_is_empty);
    tcase_add_test(tcase, settings_are_those_promised);
    tcase_add_test(tcase, interrupted_first_start_does_no_harm);
    tcase_add_test(tcase, first_start_without_room_leaves_no_database);
    tcase_add_test(tcase, file_in_place_of_the_directory);
    tcase_add_test(tcase, directory_that_cannot_be_written);
    tcase_add_test(tcase, database_that_cannot_be_written);
    tcase_add_test(tcase, sequences_never_come_back);
    tcase_add_test(tcase, backup_of_a_running_store_is_a_store);
    return fleet_test_main(suite);
}
