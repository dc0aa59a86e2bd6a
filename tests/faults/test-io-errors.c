/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls of fleetd on its files that fail, each kind on each file, once and for ever, as it starts and as it runs (the
 * disk of lib/disk.h). It never crashes, never acknowledges what is not stored, says which file it is, and works again
 * once the disk does.
 */

#include "promises.h"

#include <errno.h>
#include <string.h>

#define EXIT_STATE_DIRECTORY 5
#define EXIT_DATABASE 7

#define CONFIG                                                                                                         \
    "[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=1\n"                                                      \
    "[Retention]\nFinishedActions=10\n"

static FleetTestDaemon *fleetd;
static FleetTestDisk *disk;
static GDBusConnection *connection;

static void setup(void)
{
    fleetd = fleet_test_daemon_new();
    fleet_test_daemon_set_mode(fleetd, "--no-bus");
    fleet_test_daemon_set_config(fleetd, CONFIG);
    disk = fleet_test_disk_new(fleetd);
}

static void teardown(void)
{
    g_clear_object(&connection);
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&disk, fleet_test_disk_free);
}

static void start(void)
{
    fleet_test_daemon_start(fleetd);
    g_autofree char *address = g_strconcat("unix:path=", fleet_test_daemon_socket(fleetd), NULL);
    g_clear_object(&connection);
    connection = fleet_test_connect(address);
}

static GVariant *add_arguments(const char *id)
{
    return g_variant_new("(ssssa{sv})", id, "", "", "", NULL);
}

static void add(const char *id)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", add_arguments(id));
}

static void add_fails(const char *id, const char *part)
{
    fleet_test_call_fails(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", add_arguments(id),
            "org.fleet.Error.StorageFailed", part);
}

static void assert_storage(const char *expected)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "StorageState");

    ck_assert_str_eq(g_variant_get_string(value, NULL), expected);
}

/* Faults at the start. */

static const struct {
    guint calls, files;
} faults[] = {
        {FLEET_TEST_DISK_OPEN, FLEET_TEST_DISK_DATABASE},
        {FLEET_TEST_DISK_OPEN, FLEET_TEST_DISK_LOG},
        {FLEET_TEST_DISK_OPEN, FLEET_TEST_DISK_INDEX},
        {FLEET_TEST_DISK_OPEN, FLEET_TEST_DISK_OTHER},
        {FLEET_TEST_DISK_OPEN, FLEET_TEST_DISK_DIRECTORY},
        {FLEET_TEST_DISK_READ, FLEET_TEST_DISK_DATABASE},
        {FLEET_TEST_DISK_READ, FLEET_TEST_DISK_LOG},
        {FLEET_TEST_DISK_READ, FLEET_TEST_DISK_INDEX},
        {FLEET_TEST_DISK_WRITE, FLEET_TEST_DISK_DATABASE},
        {FLEET_TEST_DISK_WRITE, FLEET_TEST_DISK_LOG},
        {FLEET_TEST_DISK_WRITE, FLEET_TEST_DISK_INDEX},
        {FLEET_TEST_DISK_TRUNCATE, FLEET_TEST_DISK_DATABASE},
        {FLEET_TEST_DISK_TRUNCATE, FLEET_TEST_DISK_LOG},
        {FLEET_TEST_DISK_TRUNCATE, FLEET_TEST_DISK_INDEX},
        {FLEET_TEST_DISK_SYNC, FLEET_TEST_DISK_DATABASE},
        {FLEET_TEST_DISK_SYNC, FLEET_TEST_DISK_LOG},
        {FLEET_TEST_DISK_SYNC, FLEET_TEST_DISK_DIRECTORY},
};

/* It gives up with a word about it, or gets ready, at the least to read. FALSE if it gave up. */
static gboolean start_or_give_up(void)
{
    fleet_test_daemon_launch(fleetd);
    if (fleet_test_daemon_wait_notify(fleetd, "READY=1", FLEET_TEST_PATIENCE))
        return TRUE;
    int status = fleet_test_daemon_wait(fleetd, FLEET_TEST_PATIENCE);
    g_autofree char *written = fleet_test_daemon_stderr(fleetd);
    if (status != EXIT_DATABASE && status != EXIT_STATE_DIRECTORY)
        fleet_test_fail("fleetd ends with status %d: %s", status, written);
    fleet_test_assert_contains(written, fleet_test_daemon_state_directory(fleetd));
    /* That would have somebody restore a backup for nothing. */
    if (strstr(written, "corrupt") != NULL)
        fleet_test_fail("a disk that fails is taken for a file that is corrupt: %s", written);
    return FALSE;
}

/* How the state was left, and what fails then; everything is tried once, from the first call of its kind on. */
static void fail_at_start(guint fault, int skip, int times)
{
    fleet_test_disk_fail(disk, faults[fault].calls, faults[fault].files, skip, times, EIO);
    if (start_or_give_up())
        fleet_test_daemon_kill(fleetd);
    fleet_test_disk_mend(disk);
}

START_TEST(at_the_first_start)
{
    guint fault = (guint)_i;

    for (int skip = 0; skip < 3; skip++) {
        fail_at_start(fault, skip, 1);
        fail_at_start(fault, skip, -1);
    }
    start();
    add("a");
    assert_storage("ok");
}
END_TEST

START_TEST(at_a_later_start)
{
    guint fault = (guint)_i;

    start();
    add("a");
    for (int skip = 0; skip < 3; skip++) {
        g_autofree char *id = g_strdup_printf("b-%d", skip);

        g_clear_object(&connection);
        fleet_test_daemon_kill(fleetd);
        fail_at_start(fault, skip, 1);
        fail_at_start(fault, skip, -1);
        start();
        fleet_test_call_void(
                connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "GetDeviceInfo", g_variant_new("(s)", "a"));
        add(id);
        assert_storage("ok");
    }
}
END_TEST

/* Faults under load. */

START_TEST(under_load)
{
    g_autoptr(FleetTestPromises) promises = fleet_test_promises_new(fleetd, disk);
    const int times[] = {1, 3, -1};

    start();
    fleet_test_promises_run(promises, (guint)(10 * fleet_test_slowness()), 0);
    for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
        /* A commit that fails has the log emptied, so that the database is written to, too. */
        fleet_test_disk_fail(disk, FLEET_TEST_DISK_WRITE, FLEET_TEST_DISK_LOG, 5, -1, EIO);
        fleet_test_promises_run(promises, 20000, 1);
        fleet_test_disk_fail(disk, faults[_i].calls, faults[_i].files, g_random_int_range(0, 8), times[i], EIO);
        fleet_test_promises_run(promises, (guint)(25 * fleet_test_slowness()), 0);
        fleet_test_disk_mend(disk);
        fleet_test_promises_run(promises, (guint)(15 * fleet_test_slowness()), 0);
    }
    fleet_test_promises_finish(promises);
    add("later");
    assert_storage("ok");
    g_clear_object(&connection);
    fleet_test_daemon_kill(fleetd);
    fleet_test_promises_verify(promises, fleet_test_daemon_state_directory(fleetd), G_MAXINT64);
}
END_TEST

static const struct {
    guint calls, files;
    int error;
    const char *message;
} refusals[] = {
        {FLEET_TEST_DISK_WRITE, FLEET_TEST_DISK_LOG, EIO, "disk I/O error (Input/output error); check its disk"},
        {FLEET_TEST_DISK_SYNC, FLEET_TEST_DISK_LOG, EIO, "disk I/O error (Input/output error); check its disk"},
        {FLEET_TEST_DISK_WRITE, FLEET_TEST_DISK_LOG, ENOSPC, "disk is full; free space on its file system"},
        {FLEET_TEST_DISK_SYNC, FLEET_TEST_DISK_LOG, ENOSPC, "disk is full; free space on its file system"},
        {FLEET_TEST_DISK_WRITE, FLEET_TEST_DISK_LOG, EDQUOT, "disk is full; free space on its file system"},
        {FLEET_TEST_DISK_WRITE, FLEET_TEST_DISK_LOG, EROFS,
                "disk I/O error (Read-only file system); mount its file system to be written"},
};

/* For as long as it lasts, each change is refused with the cause, and reading goes on. */
START_TEST(it_is_told_and_heals)
{
    start();
    add("a");
    fleet_test_disk_fail(disk, refusals[_i].calls, refusals[_i].files, 0, -1, refusals[_i].error);
    for (guint i = 0; i < 3; i++)
        add_fails("b", refusals[_i].message);
    assert_storage("failed");
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "GetDeviceInfo", g_variant_new("(s)", "a"));
    fleet_test_call_void(
            connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "QueryActions", g_variant_new("(a{sv}su)", NULL, "", 0));
    ck_assert_uint_ge(fleet_test_disk_mend(disk), 3);
    add("b");
    assert_storage("ok");
}
END_TEST

/* A disk that cannot read history still takes changes, and the history can be read once it can. */
START_TEST(history_that_cannot_be_read)
{
    start();
    add("a");
    for (guint i = 0; i < 2; i++) {
        const guint call = i == 0 ? FLEET_TEST_DISK_OPEN : FLEET_TEST_DISK_READ;

        fleet_test_disk_fail(disk, call, FLEET_TEST_DISK_DATABASE | FLEET_TEST_DISK_LOG, 0, -1, EIO);
        fleet_test_call_fails(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "QueryActions",
                g_variant_new("(a{sv}su)", NULL, "", 0), "org.fleet.Error.StorageFailed", "history cannot be read: ");
        ck_assert_uint_ge(fleet_test_disk_mend(disk), 1);
        fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "QueryActions",
                g_variant_new("(a{sv}su)", NULL, "", 0));
        if (i == 0) {
            /* What is in memory is not read again. */
            g_clear_object(&connection);
            ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
            start();
        }
        add(i == 0 ? "b" : "c");
        assert_storage("ok");
    }
}
END_TEST

/* An end in good order on a disk that has failed: nothing is emptied, nothing removed, all is there at the next start.
 */
START_TEST(at_the_end)
{
    g_autoptr(FleetTestPromises) promises = fleet_test_promises_new(fleetd, disk);

    start();
    fleet_test_promises_run(promises, (guint)(30 * fleet_test_slowness()), 0);
    fleet_test_promises_finish(promises);
    g_clear_object(&connection);
    fleet_test_disk_fail(disk, faults[_i].calls, faults[_i].files, 0, -1, EIO);
    ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
    fleet_test_disk_mend(disk);
    start();
    add("later");
    g_clear_object(&connection);
    fleet_test_daemon_kill(fleetd);
    fleet_test_promises_verify(promises, fleet_test_daemon_state_directory(fleetd), G_MAXINT64);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults: I/O errors");
    TCase *io = fleet_test_case(suite, "io");

    tcase_add_checked_fixture(io, setup, teardown);
    tcase_add_loop_test(io, at_the_first_start, 0, G_N_ELEMENTS(faults));
    tcase_add_loop_test(io, at_a_later_start, 0, G_N_ELEMENTS(faults));
    tcase_add_loop_test(io, under_load, 0, G_N_ELEMENTS(faults));
    tcase_add_loop_test(io, it_is_told_and_heals, 0, G_N_ELEMENTS(refusals));
    tcase_add_test(io, history_that_cannot_be_read);
    tcase_add_loop_test(io, at_the_end, 0, G_N_ELEMENTS(faults));
    return fleet_test_main(suite);
}
