/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A disk that is full, or read-only, for real: at the start, under load, while a database is brought up to date, while
 * the log is emptied. Reading goes on, nothing acknowledged is lost, and all works again by itself.
 */

#include "promises.h"
#include "small_disk.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

/* Devices that may still fit where there is no room. */
#define FITS_MAX 10000

#define EXIT_STATE_DIRECTORY 5
#define EXIT_DATABASE 7

#define CONFIG                                                                                                         \
    "[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=1\n"                                                      \
    "[Retention]\nFinishedActions=100\n"

static FleetTestDaemon *fleetd;
static char *disk;
static GDBusConnection *connection;

static void setup(void)
{
    disk = fleet_test_small_disk_new(16 * 1024);
    g_autofree char *state = g_build_filename(disk, "state", NULL);
    fleetd = fleet_test_daemon_new();
    fleet_test_daemon_set_mode(fleetd, "--no-bus");
    fleet_test_daemon_set_config(fleetd, CONFIG);
    fleet_test_daemon_set_state_directory(fleetd, state);
}

static void teardown(void)
{
    g_clear_object(&connection);
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&disk, g_free);
}

static void connect_to_it(void)
{
    g_autofree char *address = g_strconcat("unix:path=", fleet_test_daemon_socket(fleetd), NULL);

    g_clear_object(&connection);
    connection = fleet_test_connect(address);
}

static void start(void)
{
    fleet_test_daemon_start(fleetd);
    connect_to_it();
}

static void kill_it(void)
{
    g_clear_object(&connection);
    fleet_test_daemon_kill(fleetd);
}

static void assert_storage(const char *expected)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "StorageState");

    ck_assert_str_eq(g_variant_get_string(value, NULL), expected);
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

/* A log that was emptied meanwhile begins anew in the blocks that it has, so a few more may fit. */
static void fill_up(guint round, const char *part)
{
    for (guint i = 0; i < FITS_MAX; i++) {
        g_autofree char *id = g_strdup_printf("more-%u-%u", round, i);
        g_autofree char *name = NULL, *message = NULL;
        g_autoptr(GVariant) reply = fleet_test_call_any(
                connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", add_arguments(id), &name, &message);

        if (reply != NULL)
            continue;
        ck_assert_str_eq(name, "org.fleet.Error.StorageFailed");
        fleet_test_assert_contains(message, part);
        return;
    }
    fleet_test_fail("the disk does not get full");
}

static void assert_reading_works(const char *id)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "GetDeviceInfo", g_variant_new("(s)", id));
    fleet_test_call_void(
            connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "QueryActions", g_variant_new("(a{sv}su)", NULL, "", 0));
}

static char *database_of_it(void)
{
    return g_build_filename(fleet_test_daemon_state_directory(fleetd), "fleet.db", NULL);
}

/* It gives up at its start, and says why and what helps. */
static void gives_up(int status, const char *part, const char *remedy)
{
    ck_assert_int_eq(fleet_test_daemon_start_fails(fleetd), status);
    g_autofree char *written = fleet_test_daemon_stderr(fleetd);
    fleet_test_assert_contains(written, fleet_test_daemon_state_directory(fleetd));
    fleet_test_assert_contains(written, part);
    fleet_test_assert_contains(written, remedy);
}

START_TEST(under_load_until_it_is_full)
{
    g_autoptr(FleetTestPromises) promises = fleet_test_promises_new(fleetd, NULL);

    start();
    for (guint i = 0; i < 3; i++) {
        fleet_test_promises_run(promises, (guint)(50 * fleet_test_slowness()), 0);
        fleet_test_small_disk_fill(disk, 64);
        fleet_test_promises_run(promises, 20000, 1);
        ck_assert_uint_ge(fleet_test_promises_refused(promises), 1);
        fleet_test_small_disk_fill(disk, 0);
        fleet_test_promises_run(promises, (guint)(50 * fleet_test_slowness()), 0);
        assert_reading_works("counter-0");
        fleet_test_promises_finish(promises);
        fill_up(i, "disk is full; free space on its file system");
        assert_storage("failed");
        if (i == 1) {
            kill_it();
            start();
            assert_reading_works("counter-0");
            add_fails("more", NULL);
        }
        fleet_test_small_disk_fill(disk, 4096);
        g_autofree char *id = g_strdup_printf("later-%u", i);
        add(id);
        assert_storage("ok");
    }
    kill_it();
    fleet_test_promises_verify(promises, fleet_test_daemon_state_directory(fleetd), G_MAXINT64);
}
END_TEST

START_TEST(at_the_first_start)
{
    fleet_test_small_disk_fill(disk, 16);
    gives_up(EXIT_STATE_DIRECTORY, "disk is full", "free space");
    fleet_test_small_disk_fill(disk, 4096);
    start();
    add("a");
}
END_TEST

/* How it ended before decides what is there already. */
START_TEST(at_a_later_start)
{
    start();
    add("a");
    if (_i == 0)
        kill_it();
    else {
        g_clear_object(&connection);
        ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
    }
    fleet_test_small_disk_fill(disk, 0);
    if (_i == 0) {
        start();
        assert_reading_works("a");
    } else
        gives_up(EXIT_DATABASE, "disk is full", "free space");
    fleet_test_small_disk_fill(disk, 4096);
    if (_i != 0)
        start();
    add("b");
    assert_storage("ok");
}
END_TEST

/* Copies the database of an older release there. */
static void put_old_database(void)
{
    g_autofree char *from = g_build_filename(fleet_test_env("FLEET_SOURCE"), "tests/fixtures/schema-1.db", NULL);
    g_autofree char *to = database_of_it();
    g_autofree char *content = NULL;
    g_autoptr(GError) error = NULL;
    gsize length;

    ck_assert_int_eq(g_mkdir(fleet_test_daemon_state_directory(fleetd), 0700), 0);
    ck_assert(g_file_get_contents(from, &content, &length, &error));
    ck_assert(g_file_set_contents(to, content, (gssize)length, &error));
}

START_TEST(while_it_is_brought_up_to_date)
{
    put_old_database();
    /* Enough to open it, and less and less of what the new one takes. */
    fleet_test_small_disk_fill(disk, 36 + 16 * (guint)_i);
    gives_up(EXIT_DATABASE, "disk is full", "free space");
    gives_up(EXIT_DATABASE, "disk is full", "free space");
    fleet_test_small_disk_fill(disk, 4096);
    start();
    add("new");
    assert_storage("ok");
}
END_TEST

START_TEST(while_the_log_is_emptied)
{
    g_autoptr(FleetTestPromises) promises = fleet_test_promises_new(fleetd, NULL);

    start();
    fleet_test_promises_run(promises, (guint)(100 * fleet_test_slowness()), 0);
    /* A commit that fails has the log emptied, and the database has no room to grow. */
    fleet_test_small_disk_fill(disk, 0);
    fleet_test_promises_run(promises, 20000, 3);
    fleet_test_promises_finish(promises);
    ck_assert(fleet_test_process_wait_output(fleet_test_daemon_process(fleetd), FLEET_TEST_STDERR,
            "cannot empty the log of changes, it grows until that works: .*disk is full; free space",
            FLEET_TEST_PATIENCE));
    g_clear_object(&connection);
    /* The end in good order cannot empty it either, and keeps it. */
    ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
    g_autofree char *database = database_of_it();
    g_autofree char *log = g_strconcat(database, "-wal", NULL);
    ck_assert_int_eq(access(log, F_OK), 0);
    fleet_test_small_disk_fill(disk, 4096);
    start();
    add("later");
    ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
    ck_assert_int_ne(access(log, F_OK), 0);
    fleet_test_promises_verify(promises, fleet_test_daemon_state_directory(fleetd), G_MAXINT64);
}
END_TEST

/* Initiates an action and waits until it has ended as that. Its ErrorMessage; owned by the caller. */
static char *run_action(const char *status)
{
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(connection, NULL, NULL, NULL);
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}a{sv})", "s", "SOFTWARE_UPDATE", NULL, NULL), "(sos)");
    g_autofree char *quoted = g_strdup_printf("'%s'", status);
    const char *path;
    char *message;

    g_variant_get(reply, "(&s&o&s)", NULL, &path, NULL);
    fleet_test_signals_wait_property(signals, 0, path, "Status", quoted);
    g_autoptr(GVariant) value = fleet_test_get(connection, path, FLEET_TEST_ACTION, "ErrorMessage");
    g_variant_get(value, "s", &message);
    return message;
}

/* An attempt of the driver "command" has small files of its own; here they have no inodes left, and changes are stored.
 */
START_TEST(no_room_for_an_attempt)
{
    fleet_test_daemon_set_config(
            fleetd, CONFIG "[DeviceType shell]\nDriver=command\n[Command SOFTWARE_UPDATE]\nExec=/bin/true\n");
    start();
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", "s", "", "shell", "", NULL));
    fleet_test_small_disk_fill_inodes(disk);
    g_autofree char *message = run_action("FAILED");
    fleet_test_assert_contains(message, "No space left on device");
    assert_storage("ok");

    fleet_test_small_disk_fill(disk, 4096);
    g_autofree char *none = run_action("COMPLETED");
    ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(a_file_system_is_read_only_at_the_start)
{
    gboolean known = _i == 0;

    if (known) {
        start();
        add("a");
        g_clear_object(&connection);
        ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
    }
    ck_assert(fleet_test_small_disk_set_writable(disk, FALSE));
    gives_up(EXIT_STATE_DIRECTORY, "Read-only file system", "--state-directory");
    ck_assert(fleet_test_small_disk_set_writable(disk, TRUE));
    start();
    if (known)
        assert_reading_works("a");
    add("b");
}
END_TEST

int main(void)
{
    if (!fleet_test_small_disk_possible()) {
        printf("1..0 # SKIP a tmpfs may not be mounted here\n");
        return 0;
    }
    Suite *suite = suite_create("faults: full disk");
    TCase *full = fleet_test_case(suite, "full");

    tcase_add_checked_fixture(full, setup, teardown);
    tcase_add_test(full, under_load_until_it_is_full);
    tcase_add_test(full, at_the_first_start);
    tcase_add_loop_test(full, at_a_later_start, 0, 2);
    tcase_add_loop_test(full, while_it_is_brought_up_to_date, 0, 3);
    tcase_add_test(full, while_the_log_is_emptied);
    tcase_add_test(full, no_room_for_an_attempt);
    tcase_add_loop_test(full, a_file_system_is_read_only_at_the_start, 0, 2);
    return fleet_test_main(suite);
}
