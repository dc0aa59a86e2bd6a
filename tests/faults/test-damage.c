/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Files that were damaged behind fleetd's back, while it was not there and while it ran. It never crashes and never
 * starts with less than it has promised without a word: it refuses, names the file and the remedy, and leaves all as it
 * is.
 */

#include "lib/fleet_test.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_DATABASE 7
#define PAGE 4096
#define WAL_HEADER 32
#define FRAME (24 + PAGE)
#define DEVICES 300

static FleetTestDaemon *fleetd;
static GDBusConnection *connection;
static char *database, *journal;

static void setup(void)
{
    fleetd = fleet_test_daemon_new();
    fleet_test_daemon_set_mode(fleetd, "--no-bus");
    fleet_test_daemon_set_config(
            fleetd, "[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=1\n[Retention]\nFinishedActions=1\n");
    database = g_build_filename(fleet_test_daemon_state_directory(fleetd), "fleet.db", NULL);
    journal = g_strconcat(database, "-wal", NULL);
}

static void teardown(void)
{
    g_clear_object(&connection);
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&database, g_free);
    g_clear_pointer(&journal, g_free);
}

static void start(void)
{
    fleet_test_daemon_start(fleetd);
    g_autofree char *address = g_strconcat("unix:path=", fleet_test_daemon_socket(fleetd), NULL);
    g_clear_object(&connection);
    connection = fleet_test_connect(address);
}

static void end(gboolean crash)
{
    g_clear_object(&connection);
    if (crash)
        fleet_test_daemon_kill(fleetd);
    else
        ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
}

static void add(guint first, guint n)
{
    g_auto(GVariantBuilder) devices = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(ssss)"));

    for (guint i = first; i < first + n; i++) {
        g_autofree char *id = g_strdup_printf("device-%04u", i);

        g_variant_builder_add(&devices, "(ssss)", id, "a name that takes some room in the row of the device", "", "");
    }
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevices",
            g_variant_new("(a(ssss)a{sv})", &devices, NULL));
}

static guint count(void)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceCount");

    return g_variant_get_uint32(value);
}

/* A database of some pages, closed in good order. */
static void make_database(void)
{
    start();
    add(0, DEVICES);
    end(FALSE);
}

static gint64 size_of(const char *path)
{
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_size;
}

static void scribble(const char *path, gint64 offset, gsize length, guint8 byte)
{
    g_autofree guint8 *garbage = g_malloc(length);
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    memset(garbage, byte, length);
    ck_assert_int_eq(pwrite(fd, garbage, length, offset), (gssize)length);
    ck_assert_int_eq(close(fd), 0);
}

/* The first page of a table or an index below its root. */
static gint64 find_page(const char *name)
{
    g_autofree char *sql = g_strdup_printf(
            "SELECT pageno FROM dbstat WHERE name = '%s' AND pagetype = 'leaf' ORDER BY pageno LIMIT 1", name);
    g_autofree char *text = fleet_test_run_ok("sqlite3", "-readonly", database, sql);

    return g_ascii_strtoll(text, NULL, 10) - 1;
}

/* It gives up with the documented status, names file and remedy, and leaves the file as it is. */
static void refuses(const char *part)
{
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    gsize length_before, length_after;

    ck_assert(g_file_get_contents(database, &before, &length_before, NULL));
    ck_assert_int_eq(fleet_test_daemon_start_fails(fleetd), EXIT_DATABASE);
    g_autofree char *written = fleet_test_daemon_stderr(fleetd);
    fleet_test_assert_contains(written, database);
    fleet_test_assert_contains(written, part);
    ck_assert(g_file_get_contents(database, &after, &length_after, NULL));
    ck_assert_uint_eq(length_before, length_after);
    ck_assert_mem_eq(before, after, length_before);
}

static const char *const needed_pages[] = {"devices", "sqlite_autoindex_devices_1", "sqlite_schema"};
static const guint8 garbage[] = {0, 0x5a, 0xff};

START_TEST(a_page_that_is_needed_is_missed_at_the_start)
{
    const char *page = needed_pages[(guint)_i / G_N_ELEMENTS(garbage)];

    make_database();
    gint64 number = find_page(page);
    scribble(database, number * PAGE + (number == 0 ? 100 : 0), PAGE - 100, garbage[(guint)_i % G_N_ELEMENTS(garbage)]);
    refuses("restore a backup");
}
END_TEST

START_TEST(a_damaged_page_under_a_running_fleetd)
{
    make_database();
    start();
    scribble(database, find_page(needed_pages[_i]) * PAGE, PAGE, 0x5a);
    /* What is in memory is answered; what needs the page is refused, or done if the page is known. */
    for (guint i = 0; i < DEVICES; i += 20) {
        g_autofree char *id = g_strdup_printf("device-%04u", i);
        g_autofree char *name = NULL;
        g_autofree char *message = NULL;

        fleet_test_call_void(
                connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "GetDeviceInfo", g_variant_new("(s)", id));
        g_autoptr(GVariant) reply = fleet_test_call_any(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER,
                "SetDeviceStatus", g_variant_new("(ssa{sv})", id, "OFFLINE", NULL), &name, &message);
        if (reply == NULL) {
            ck_assert_str_eq(name, "org.fleet.Error.StorageFailed");
            fleet_test_assert_contains(message, "restore a backup");
        }
    }
    end(FALSE);
    fleet_test_daemon_launch(fleetd);
    if (fleet_test_daemon_wait_notify(fleetd, "READY=1", FLEET_TEST_PATIENCE))
        fleet_test_daemon_kill(fleetd);
    else
        ck_assert_int_eq(fleet_test_daemon_wait(fleetd, FLEET_TEST_PATIENCE), EXIT_DATABASE);
}
END_TEST

/* What docs/storage.md tells to do then. */
START_TEST(what_can_be_saved_is)
{
    g_autofree char *script =
            g_strdup_printf("cd '%s' && mkdir old && mv fleet.db* old/ && sqlite3 old/fleet.db .dump | "
                            "sed 's/^ROLLBACK; -- due to errors/COMMIT;/' | sqlite3 fleet.db; sqlite3 fleet.db "
                            "\"PRAGMA application_id = 0x466c7464; PRAGMA user_version = $(sqlite3 old/fleet.db "
                            "'PRAGMA user_version')\"",
                    fleet_test_daemon_state_directory(fleetd));

    make_database();
    scribble(database, find_page("devices") * PAGE, PAGE, 0x5a);
    refuses("restore a backup");
    g_free(fleet_test_run_ok("sh", "-c", script));
    start();
    ck_assert_uint_gt(count(), DEVICES / 2);
    ck_assert_uint_lt(count(), DEVICES);
    add(DEVICES, 1);
}
END_TEST

START_TEST(an_empty_or_short_database)
{
    make_database();
    ck_assert_int_eq(truncate(database, _i == 0 ? 0 : size_of(database) / 2 / PAGE * PAGE + _i % 2), 0);
    refuses(_i == 0 ? "it is empty" : "cut short");
}
END_TEST

/* Leaves a log with two transactions that were acknowledged, of which the second begins in the frame returned. */
static gint64 make_log(void)
{
    make_database();
    start();
    add(DEVICES, 1);
    gint64 first = size_of(journal);
    add(DEVICES + 1, 1);
    gint64 second = size_of(journal);
    ck_assert_int_gt(second, first);
    end(TRUE);
    return (first - WAL_HEADER) / FRAME;
}

/* Nothing of what comes behind the last whole transaction was acknowledged: a torn write leaves such a thing. */
START_TEST(garbage_behind_the_log)
{
    make_log();
    g_autofree char *garbage_text = g_strnfill((gsize)FRAME + 100, 'x');
    int fd = open(journal, O_WRONLY | O_APPEND | O_CLOEXEC);
    ck_assert_int_eq(write(fd, garbage_text, strlen(garbage_text)), (gssize)strlen(garbage_text));
    close(fd);
    start();
    ck_assert_uint_eq(count(), DEVICES + 2);
    add(DEVICES + 2, 1);
    end(TRUE);
    start();
    ck_assert_uint_eq(count(), DEVICES + 3);
}
END_TEST

START_TEST(the_index_of_the_log_is_made_anew)
{
    g_autofree char *shm = g_strconcat(database, "-shm", NULL);

    make_log();
    if (_i == 0)
        ck_assert_int_eq(unlink(shm), 0);
    else if (_i == 1)
        ck_assert_int_eq(truncate(shm, 100), 0);
    else
        scribble(shm, 0, 32768, 0x5a);
    start();
    ck_assert_uint_eq(count(), DEVICES + 2);
}
END_TEST

/* A log that lacks what it had is told from one whose end was never there. */
START_TEST(a_log_that_lost_what_was_acknowledged)
{
    gint64 second = make_log();

    switch (_i) {
    case 0: /* the last transaction */
        ck_assert_int_eq(truncate(journal, WAL_HEADER + second * FRAME), 0);
        break;
    case 1: /* half of it */
        ck_assert_int_eq(truncate(journal, size_of(journal) - FRAME / 2), 0);
        break;
    case 2: /* all */
        ck_assert_int_eq(truncate(journal, 0), 0);
        break;
    case 3: /* a page in the middle */
        scribble(journal, WAL_HEADER + (second - 1) * FRAME + 100, 512, 0x5a);
        break;
    default: /* its header */
        scribble(journal, 0, WAL_HEADER, 0x5a);
        break;
    }
    refuses("lacks changes that were acknowledged");
}
END_TEST

START_TEST(the_log_of_another_program)
{
    g_autofree char *other = g_build_filename(fleet_test_daemon_state_directory(fleetd), "other.db", NULL);
    g_autofree char *other_log = g_strconcat(other, "-wal", NULL);
    sqlite3 *handle = NULL;

    make_database();
    ck_assert_int_eq(sqlite3_open(other, &handle), SQLITE_OK);
    ck_assert_int_eq(
            sqlite3_exec(handle,
                    "PRAGMA journal_mode = WAL; CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('x')", NULL,
                    NULL, NULL),
            SQLITE_OK);
    ck_assert_int_eq(g_rename(other_log, journal), 0);
    refuses("belongs to another program");
    sqlite3_close(handle);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults: damage");
    TCase *damage = fleet_test_case(suite, "damage");

    tcase_add_checked_fixture(damage, setup, teardown);
    tcase_add_loop_test(damage, a_page_that_is_needed_is_missed_at_the_start, 0,
            G_N_ELEMENTS(needed_pages) * G_N_ELEMENTS(garbage));
    tcase_add_loop_test(damage, a_damaged_page_under_a_running_fleetd, 0, 2);
    tcase_add_test(damage, what_can_be_saved_is);
    tcase_add_loop_test(damage, an_empty_or_short_database, 0, 3);
    tcase_add_test(damage, garbage_behind_the_log);
    tcase_add_loop_test(damage, the_index_of_the_log_is_made_anew, 0, 3);
    tcase_add_loop_test(damage, a_log_that_lost_what_was_acknowledged, 0, 5);
    tcase_add_test(damage, the_log_of_another_program);
    return fleet_test_main(suite);
}
