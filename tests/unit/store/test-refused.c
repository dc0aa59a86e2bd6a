/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Databases that are not taken. None of them is changed by a single byte, and nothing is left beside them. */

#include "store_test.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A directory whose store holds some devices and actions. */
static char *make_store(void)
{
    char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);

    for (gint64 i = 1; i <= 200; i++) {
        g_autofree char *id = g_strdup_printf("router-%d", (int)i);
        g_autoptr(FleetDevice) device = fleet_test_device(i, id);

        fleet_test_store_submit_device(test, "", FLEET_CHANGE_INSERT_DEVICE, device);
    }
    fleet_test_store_settle(test);
    return directory;
}

static void assert_refused_untouched(const char *directory, const char *part)
{
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *before = fleet_test_snapshot(directory);
    g_autoptr(GError) error = fleet_test_store_refused(directory, FLEET_STORE_ERROR_DATABASE);
    g_autofree char *after = fleet_test_snapshot(directory);

    fleet_test_assert_contains(error->message, path);
    fleet_test_assert_contains(error->message, part);
    ck_assert_str_eq(after, before);
}

static void overwrite(const char *path, gint64 offset, const void *bytes, gsize n)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes, n, offset), (gssize)n);
    close(fd);
}

START_TEST(text_file)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *text = g_strnfill(10000, 'x');

    fleet_test_write(path, text);
    assert_refused_untouched(directory,
            "is corrupt (it is not an SQLite database): restore a backup or move it away; it was not touched");
}
END_TEST

/* A file system that lost the content may leave this; a fresh start would hide the loss. */
START_TEST(empty_file)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);

    fleet_test_write(path, "");
    assert_refused_untouched(directory, "is corrupt (it is empty)");
}
END_TEST

START_TEST(directory_in_its_place)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);

    ck_assert_int_eq(g_mkdir(path, 0755), 0);
    assert_refused_untouched(directory, "cannot be read (Is a directory)");
}
END_TEST

START_TEST(fifo_in_its_place)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(GError) error = NULL;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    error = fleet_test_store_refused(directory, FLEET_STORE_ERROR_DATABASE);
    fleet_test_assert_contains(error->message, "cannot be read");
}
END_TEST

static const gint64 lengths[] = {1, 50, 99, 100, 4095, 4096, 8192, -1};

START_TEST(truncated)
{
    g_autofree char *directory = make_store();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    gint64 length = lengths[_i] > 0 ? lengths[_i] : fleet_test_size(path) - 1;

    ck_assert_int_eq(truncate(path, length), 0);
    assert_refused_untouched(directory, length < 100 ? "is corrupt (it is not an SQLite database)" : "is cut short");
}
END_TEST

/* The header is right; the description of the tables behind it is not. */
START_TEST(scribbled_schema)
{
    g_autofree char *directory = make_store();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *garbage = g_strnfill(3900, 0x55);

    overwrite(path, 100, garbage, 3900);
    assert_refused_untouched(directory, "is corrupt (");
}
END_TEST

START_TEST(database_of_another_program)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);

    fleet_test_sql(path, _i == 0 ? "CREATE TABLE t (a)" : "PRAGMA application_id = 252006674; CREATE TABLE t (a)");
    assert_refused_untouched(directory, _i == 0 ? "belongs to another program (application id 0x00000000)"
                                                : "belongs to another program (application id 0x0f055112)");
}
END_TEST

START_TEST(newer_schema)
{
    g_autofree char *directory = make_store();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);

    fleet_test_sql(path, "PRAGMA user_version = 7");
    assert_refused_untouched(directory, "has schema 7, this fleetd knows up to 4; install a newer fleetd");
}
END_TEST

START_TEST(no_schema)
{
    g_autofree char *directory = make_store();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);

    fleet_test_sql(path, "PRAGMA user_version = 0");
    assert_refused_untouched(directory, "is corrupt (it has no schema)");
}
END_TEST

/* Runs SQL in a process that is then killed, so that all it wrote lies in the log. */
static void leave_in_log(const char *path, const char *sql)
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        g_autofree char *mode = fleet_test_sql_read(path, "PRAGMA journal_mode");

        if (g_strcmp0(mode, "wal") != 0)
            _exit(1);
        fleet_test_sql_keep(path, sql);
        raise(SIGKILL);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* A newer fleetd was killed before the new schema reached the database itself. */
START_TEST(newer_schema_in_the_log)
{
    g_autofree char *directory = make_store();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    g_autofree char *index = g_strconcat(path, "-shm", NULL);

    leave_in_log(path, "PRAGMA user_version = 7");
    ck_assert_int_gt(fleet_test_size(log), 0);
    ck_assert_int_eq(g_unlink(index), 0); /* holds no data, and is made anew as soon as the log is read */

    g_autofree char *before = fleet_test_snapshot(directory);
    g_autoptr(GError) error = fleet_test_store_refused(directory, FLEET_STORE_ERROR_DATABASE);
    ck_assert_int_eq(g_unlink(index), 0);
    g_autofree char *after = fleet_test_snapshot(directory);
    fleet_test_assert_contains(error->message, "has schema 7");
    ck_assert_str_eq(after, before);
}
END_TEST

/* The database was moved away, the log forgotten: a new database must not get it. */
START_TEST(log_without_database)
{
    static const char *const suffixes[] = {"-wal", "-journal"};
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *log = g_strconcat(path, suffixes[_i], NULL);

    fleet_test_write(log, "something");
    assert_refused_untouched(directory, log);
}
END_TEST

static void refuse_device(FleetDevice *device, gpointer user_data)
{
    fleet_device_unref(device);
}

static void refuse_action(FleetAction *action, gpointer user_data)
{
    fleet_action_unref(action);
}

/* Damage inside a table shows when it is read; it is said, and nothing is passed over. */
START_TEST(scribbled_table)
{
    g_autofree char *directory = make_store();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autofree char *page = fleet_test_sql_read(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'devices'");
    g_autofree char *garbage = g_strnfill(4096, 0x55);
    g_autoptr(GError) error = NULL;
    g_autoptr(FleetStore) store = NULL;

    overwrite(path, (g_ascii_strtoll(page, NULL, 10) - 1) * 4096, garbage, 4096);
    store = fleet_store_open(directory, NULL, &error);
    if (store != NULL)
        ck_assert(!fleet_store_load(store, 0, 0, refuse_device, refuse_action, NULL, &error));
    fleet_test_assert_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE);
    fleet_test_assert_contains(error->message, "corrupt");
    fleet_test_assert_contains(error->message, "restore a backup");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store: refused");
    TCase *tcase = fleet_test_case(suite, "refused");

    tcase_add_test(tcase, text_file);
    tcase_add_test(tcase, empty_file);
    tcase_add_test(tcase, directory_in_its_place);
    tcase_add_test(tcase, fifo_in_its_place);
    tcase_add_loop_test(tcase, truncated, 0, G_N_ELEMENTS(lengths));
    tcase_add_test(tcase, scribbled_schema);
    tcase_add_loop_test(tcase, database_of_another_program, 0, 2);
    tcase_add_test(tcase, newer_schema);
    tcase_add_test(tcase, no_schema);
    tcase_add_test(tcase, newer_schema_in_the_log);
    tcase_add_loop_test(tcase, log_without_database, 0, 2);
    tcase_add_test(tcase, scribbled_table);
    return fleet_test_main(suite);
}
