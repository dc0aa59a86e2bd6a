/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SIGTERM and SIGINT: fleetd ends in order and soon, whatever goes on. */

#include "load.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROUNDS 8

/* What the service manager is promised, in seconds. */
#define PROMISED 5.0

/* Their replies are more than the kernel holds for one that does not read: sd-bus asks for 8 MiB, which it doubles. */
#define DEAF_CALLS 2000

#define CONFIG                                                                                                         \
    "[Simulation]\nMinDuration=0\nMaxDuration=150ms\nSuccessRate=0.5\n"                                                \
    "[Log]\nLevel=warning\n"

static FleetTestBus *bus;
static FleetTestDaemon *fleetd;

static void setup(void)
{
    bus = fleet_test_bus_new(NULL);
    fleetd = fleet_test_daemon_new();
    fleet_test_daemon_set_config(fleetd, CONFIG);
    fleet_test_daemon_start(fleetd);
}

static void teardown(void)
{
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&bus, fleet_test_bus_free);
}

/* Ends fleetd by that signal: within the time, with status 0, and with nothing left behind. */
static void end_by(int number)
{
    fleet_test_daemon_signal(fleetd, number);
    int status = fleet_test_daemon_wait(fleetd, PROMISED);
    if (status != 0) {
        g_autofree char *written = fleet_test_daemon_stderr(fleetd);
        fleet_test_fail("fleetd ends with %d: %s", status, written);
    }
    ck_assert(fleet_test_daemon_wait_notify(fleetd, "STOPPING=1", 0));
    ck_assert(!g_file_test(fleet_test_daemon_socket(fleetd), G_FILE_TEST_EXISTS));
}

/* The index is which signal. Clients go on calling after the signal, so that some calls meet the end. */
START_TEST(under_load_nothing_acknowledged_is_lost)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    guint rounds = MAX((guint)(ROUNDS / fleet_test_slowness()), 3), refused = 0;
    g_autoptr(FleetTestLoad) load = fleet_test_load_new(bus, fleetd);

    for (guint round = 0; round < rounds; round++) {
        fleet_test_load_start(load);
        fleet_test_run_for((guint)(g_random_int_range(5, 150) * fleet_test_slowness()));
        fleet_test_load_expect_end(load);
        fleet_test_daemon_signal(fleetd, numbers[_i]);
        /* Replies are read while it ends, as a client does. */
        gint64 deadline = fleet_test_deadline(PROMISED);
        while (fleet_test_daemon_wait(fleetd, 0) < 0 && g_get_monotonic_time() < deadline)
            g_main_context_iteration(NULL, FALSE);
        ck_assert_int_eq(fleet_test_daemon_wait(fleetd, 0), 0);
        ck_assert(fleet_test_daemon_wait_notify(fleetd, "STOPPING=1", 0));
        ck_assert(!g_file_test(fleet_test_daemon_socket(fleetd), G_FILE_TEST_EXISTS));
        fleet_test_load_finish(load);
        refused += fleet_test_load_refused(load);

        fleet_test_daemon_start(fleetd);
        fleet_test_load_verify(load);
    }
    ck_assert_uint_gt(refused, 0);
}
END_TEST

START_TEST(idle_it_ends_at_once)
{
    end_by(_i == 0 ? SIGTERM : SIGINT);
}
END_TEST

/* An impatient administrator does no harm, up to the last moment. */
START_TEST(further_signals_change_nothing)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

    for (guint round = 0; round < ROUNDS; round++) {
        gint64 deadline = fleet_test_deadline(PROMISED);

        fleet_test_daemon_signal(fleetd, SIGTERM);
        for (guint i = 0; fleet_test_daemon_wait(fleetd, 0.0005) < 0 && g_get_monotonic_time() < deadline; i++)
            fleet_test_daemon_signal(fleetd, numbers[i % G_N_ELEMENTS(numbers)]);
        ck_assert_int_eq(fleet_test_daemon_wait(fleetd, 0), 0);
        fleet_test_daemon_start(fleetd);
    }
}
END_TEST

START_TEST(running_actions_go_on_after_the_next_start)
{
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(connection, NULL, NULL, NULL);
    guint msec = (guint)(1000 * fleet_test_slowness());
    g_autofree char *config = g_strdup_printf("[Simulation]\nMinDuration=%ums\nMaxDuration=%ums\n", msec, msec);
    const char *path;

    fleet_test_daemon_set_config(fleetd, config);
    fleet_test_daemon_restart(fleetd);
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", "a", "", "", "", NULL));
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}a{sv})", "a", "SYSTEM_REBOOT", NULL, NULL), "(sos)");
    g_variant_get(reply, "(s&os)", NULL, &path, NULL);
    end_by(SIGTERM);
    fleet_test_signals_clear(signals);
    fleet_test_daemon_start(fleetd);
    g_autoptr(GVariant) status = fleet_test_get(connection, path, FLEET_TEST_ACTION, "Status");
    ck_assert_str_eq(g_variant_get_string(status, NULL), "RUNNING");
    fleet_test_signals_wait_property(signals, 0, path, "Result", NULL);
}
END_TEST

/* Says that, and waits for an answer that begins like that. */
static void greet(int fd, const char *line, const char *answer)
{
    char text[256] = "";

    ck_assert_int_eq(send(fd, line, strlen(line), 0), (gssize)strlen(line));
    if (answer == NULL)
        return;
    ck_assert_int_gt(recv(fd, text, sizeof(text) - 1, 0), 0);
    ck_assert_msg(g_str_has_prefix(text, answer), "'%s' is answered with '%s'", line, text);
}

/* A client that asks a lot and reads nothing of it: fleetd takes its time to end. Its socket. */
static int connect_deaf(guint calls)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_autoptr(GDBusMessage) message = g_dbus_message_new_method_call(
            FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_OBJECT_MANAGER, "GetManagedObjects");

    g_strlcpy(address.sun_path, fleet_test_daemon_socket(fleetd), sizeof(address.sun_path));
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(send(fd, "", 1, 0), 1);
    greet(fd, "AUTH EXTERNAL\r\n", "DATA");
    greet(fd, "DATA\r\n", "OK ");
    greet(fd, "BEGIN\r\n", NULL);
    for (guint i = 1; i <= calls; i++) {
        g_autofree guchar *blob = NULL;
        gsize size;

        g_dbus_message_set_serial(message, i);
        blob = g_dbus_message_to_blob(message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
        ck_assert_ptr_nonnull(blob);
        /* Once enough replies wait for us nothing more is taken from us. */
        struct pollfd writable = {.fd = fd, .events = POLLOUT};
        if (poll(&writable, 1, fleet_test_remaining(fleet_test_deadline(0.5))) == 0)
            break;
        ck_assert_int_gt(send(fd, blob, size, MSG_DONTWAIT), 0);
    }
    return fd;
}

/* It is stopped with such a client, whose socket this is, and has not ended yet. */
static int begin_to_end(void)
{
    g_autofree char *private = g_strconcat("unix:path=", fleet_test_daemon_socket(fleetd), NULL);
    int fd = connect_deaf(DEAF_CALLS);
    /* Its calls are in by the time that one of another client, made later, is answered. */
    g_autoptr(GDBusConnection) other = fleet_test_connect(private);

    for (guint i = 0; i < 20; i++)
        fleet_test_round_trip(other);
    fleet_test_daemon_signal(fleetd, SIGTERM);
    ck_assert(fleet_test_daemon_wait_notify(fleetd, "STOPPING=1", FLEET_TEST_PATIENCE));
    return fd;
}

/* Nobody may keep fleetd from ending in order by not reading. And who ends does not reload. */
START_TEST(client_that_does_not_read_does_not_hold_it_up)
{
    g_autoptr(FleetTestLoad) load = fleet_test_load_new(bus, fleetd);
    int fd = begin_to_end();

    end_by(SIGHUP);
    ck_assert(!fleet_test_daemon_wait_notify(fleetd, "RELOADING=1", 0));
    close(fd);
}
END_TEST

START_TEST(bus_that_comes_back_meanwhile_is_left_alone)
{
    fleet_test_daemon_set_config(fleetd, "[Log]\nLevel=notice\n");
    fleet_test_daemon_restart(fleetd);
    g_autoptr(FleetTestLoad) load = fleet_test_load_new(bus, fleetd);
    int fd = begin_to_end();

    fleet_test_bus_kill(bus);
    fleet_test_bus_start(bus);
    ck_assert_int_eq(fleet_test_daemon_wait(fleetd, PROMISED), 0);
    g_autofree char *written = fleet_test_daemon_stderr(fleetd);
    ck_assert_msg(strstr(written, "the bus is back") == NULL, "it takes the name: %s", written);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon: shutdown");
    TCase *tcase = fleet_test_case(suite, "shutdown");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, under_load_nothing_acknowledged_is_lost, 0, 2);
    tcase_add_loop_test(tcase, idle_it_ends_at_once, 0, 2);
    tcase_add_test(tcase, further_signals_change_nothing);
    tcase_add_test(tcase, running_actions_go_on_after_the_next_start);
    tcase_add_test(tcase, client_that_does_not_read_does_not_hold_it_up);
    tcase_add_test(tcase, bus_that_comes_back_meanwhile_is_left_alone);
    return fleet_test_main(suite);
}
