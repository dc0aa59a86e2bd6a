/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The watchdog is fed while the main loop and the store's writer are alive, and not otherwise. The test is the service
 * manager. */

#include "lib/fleet_test.h"

#include <glib-unix.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INTERVAL_MSEC 500

static FleetTestBus *bus;
static FleetTestDaemon *fleetd;
static GDBusConnection *connection;
static int notify = -1;
static gboolean ready;
static guint fed;         /* how often */
static gint64 fed_last;   /* when, on g_get_monotonic_time() */
static gint64 fed_pauses; /* the longest time between two */
static char *fed_status;  /* the STATUS= that came with the last */

static gboolean take_notification(int fd, GIOCondition condition, gpointer user_data)
{
    char text[4096];
    ssize_t length;

    while ((length = recv(fd, text, sizeof(text) - 1, 0)) >= 0) {
        gint64 now = g_get_monotonic_time();

        text[length] = '\0';
        if (strstr(text, "READY=1") != NULL)
            ready = TRUE;
        if (!g_str_has_prefix(text, "WATCHDOG=1\n"))
            continue;
        if (fed > 0)
            fed_pauses = MAX(fed_pauses, now - fed_last);
        fed++;
        fed_last = now;
        g_free(fed_status);
        fed_status = g_strdup(strstr(text, "STATUS="));
    }
    return G_SOURCE_CONTINUE;
}

static void setup(void)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "notify", NULL);
    g_autofree char *env = g_strconcat("NOTIFY_SOCKET=", path, NULL);

    notify = fleet_test_notify_socket(path);
    g_unix_fd_add(notify, G_IO_IN, take_notification, NULL);

    bus = fleet_test_bus_new(NULL);
    fleetd = fleet_test_daemon_new();
    fleet_test_daemon_add_env(fleetd, env);
    g_autofree char *watchdog =
            g_strdup_printf("WATCHDOG_USEC=%d", (int)(INTERVAL_MSEC * 1000 * fleet_test_slowness()));
    fleet_test_daemon_add_env(fleetd, watchdog);
    connection = fleet_test_connect(fleet_test_bus_address(bus));
}

static void teardown(void)
{
    g_clear_object(&connection);
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&bus, fleet_test_bus_free);
    close(notify);
    g_clear_pointer(&fed_status, g_free);
}

static gboolean is_fed(gpointer times)
{
    return fed >= *(const guint *)times;
}

/* Until it was fed so many more times. */
static void wait_fed(guint times)
{
    times += fed;
    ck_assert_msg(fleet_test_run_until(is_fed, &times), "the watchdog is not fed");
}

START_TEST(it_is_fed_in_time)
{
    fleet_test_daemon_launch(fleetd);
    wait_fed(1);
    gint64 first = fed_last;
    wait_fed(4);
    /* Twice in the interval, not more. */
    ck_assert_int_ge(fed_last - first, (gint64)(4 * INTERVAL_MSEC / 2 * 1000 * 0.9));
    ck_assert_str_eq(fed_status, "STATUS=Serving 0 devices");
}
END_TEST

/* The status that comes with it is of that moment. */
START_TEST(it_tells_how_many_devices_there_are)
{
    fleet_test_daemon_launch(fleetd);
    wait_fed(1);
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", "a", "", "", "", NULL));
    wait_fed(2);
    ck_assert_str_eq(fed_status, "STATUS=Serving 1 device");
}
END_TEST

START_TEST(nobody_asked_so_it_is_not_fed)
{
    fleet_test_daemon_add_env(fleetd, "WATCHDOG_USEC=0");
    fleet_test_daemon_launch(fleetd);
    ck_assert_msg(fleet_test_run_until(fleet_test_is_set, &ready), "it does not get ready");
    fleet_test_run_for((guint)(2 * INTERVAL_MSEC * fleet_test_slowness()));
    ck_assert_uint_eq(fed, 0);
}
END_TEST

START_TEST(a_stopped_process_does_not_feed_it)
{
    fleet_test_daemon_launch(fleetd);
    wait_fed(2);
    fleet_test_daemon_signal(fleetd, SIGSTOP);
    fed = 0;
    fed_pauses = 0;
    fleet_test_run_for((guint)(2 * INTERVAL_MSEC * fleet_test_slowness()));
    ck_assert_uint_le(fed, 1); /* one that was on its way */
    fleet_test_daemon_signal(fleetd, SIGCONT);
    wait_fed(1);
}
END_TEST

static void answered(GObject *source, GAsyncResult *result, gpointer user_data)
{
    *(GVariant **)user_data = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, NULL);
}

/* Another program holds the database, so the writer waits for it; longer than the interval, while the main loop
 * answers. Then the commit fails, or the other lets go of it, and the writer is well. */
START_TEST(a_writer_that_hangs_does_not_feed_it)
{
    g_autofree char *path = g_build_filename(fleet_test_daemon_state_directory(fleetd), "fleet.db", NULL);
    sqlite3 *other = NULL;
    GVariant *reply = NULL;

    /* The writer waits for 2 s only, however slow the rest is. */
    fleet_test_daemon_add_env(fleetd, "WATCHDOG_USEC=" G_STRINGIFY(INTERVAL_MSEC) "000");
    fleet_test_daemon_launch(fleetd);
    wait_fed(2);
    ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    fed_pauses = 0;
    g_dbus_connection_call(connection, FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", "a", "", "", "", NULL), NULL, G_DBUS_CALL_FLAGS_NONE, 60000, NULL, answered,
            &reply);
    ck_assert(fleet_test_process_wait_output(fleet_test_daemon_process(fleetd), FLEET_TEST_STDERR,
            "the disk has not answered for [0-9.]+ s", FLEET_TEST_PATIENCE));
    fleet_test_round_trip(connection);
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
    wait_fed(2);
    ck_assert_msg(fed_pauses > INTERVAL_MSEC * 1000, "it was fed after %.0f ms", (double)fed_pauses / 1000);
    g_clear_pointer(&reply, g_variant_unref);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon: watchdog");
    TCase *tcase = fleet_test_case(suite, "watchdog");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, it_is_fed_in_time);
    tcase_add_test(tcase, it_tells_how_many_devices_there_are);
    tcase_add_test(tcase, nobody_asked_so_it_is_not_fed);
    tcase_add_test(tcase, a_stopped_process_does_not_feed_it);
    tcase_add_test(tcase, a_writer_that_hangs_does_not_feed_it);
    return fleet_test_main(suite);
}
