/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/fleet_test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(run_gives_status_and_output)
{
    const char *const argv[] = {"sh", "-c", "echo out; echo err >&2; echo \"$FLEET_TEST_WORD\"; exit 7", NULL};
    const char *const env[] = {"FLEET_TEST_WORD=word", NULL};
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;

    ck_assert_int_eq(fleet_test_run(argv, env, &out, &err), 7);
    ck_assert_str_eq(out, "out\nword\n");
    ck_assert_str_eq(err, "err\n");
    fleet_test_run_fails(3, "no", "sh", "-c", "echo no >&2; exit 3");
}
END_TEST

START_TEST(signal_counts_as_status)
{
    static const char *const argv[] = {"sh", "-c", "kill -KILL $$", NULL};

    ck_assert_int_eq(fleet_test_run(argv, NULL, NULL, NULL), 128 + SIGKILL);
}
END_TEST

START_TEST(output_can_be_waited_for)
{
    static const char *const argv[] = {"sh", "-c", "echo one; exec sleep 1000", NULL};
    g_autoptr(FleetTestProcess) process = fleet_test_process_start(argv, NULL);

    ck_assert(fleet_test_process_wait_output(process, FLEET_TEST_STDOUT, "^one$", FLEET_TEST_PATIENCE));
    ck_assert(!fleet_test_process_wait_output(process, FLEET_TEST_STDOUT, "^two$", 0));
    ck_assert_int_eq(fleet_test_process_wait(process, 0), -1);
    fleet_test_process_signal(process, SIGKILL);
    ck_assert_int_eq(fleet_test_process_wait(process, FLEET_TEST_PATIENCE), 128 + SIGKILL);
    ck_assert(!fleet_test_process_wait_output(process, FLEET_TEST_STDOUT, "^two$", FLEET_TEST_PATIENCE));
}
END_TEST

/* A check that crashes takes its processes along. */
START_TEST(processes_die_with_their_parent)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *fifo = g_build_filename(directory, "fifo", NULL);
    g_autofree char *script = g_strdup_printf("exec 9>'%s'; echo >&9; exec sleep 1000", fifo);
    const char *const argv[] = {"sh", "-c", script, NULL};
    int patience = fleet_test_remaining(fleet_test_deadline(FLEET_TEST_PATIENCE));
    char byte;

    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    struct pollfd wait = {.fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC), .events = POLLIN};
    ck_assert_int_ge(wait.fd, 0);
    pid_t parent = fork();
    ck_assert_int_ge(parent, 0);
    if (parent == 0) {
        g_autoptr(FleetTestProcess) process = fleet_test_process_start(argv, NULL);

        pause(); /* until killed */
        _exit(1);
    }

    ck_assert_int_eq(poll(&wait, 1, patience), 1);
    ck_assert_int_eq(read(wait.fd, &byte, 1), 1);
    ck_assert_int_eq(kill(parent, SIGKILL), 0);
    ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
    ck_assert_int_eq(poll(&wait, 1, patience), 1); /* the fifo's last writer is gone */
    ck_assert_int_eq(read(wait.fd, &byte, 1), 0);
    close(wait.fd);
}
END_TEST

START_TEST(bus_takes_real_clients)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));
    const char *name = g_dbus_connection_get_unique_name(connection);
    g_autofree char *by_busctl = fleet_test_run_ok("busctl", "list", "--no-legend", "--no-pager");
    g_autofree char *by_gdbus = fleet_test_run_ok("gdbus", "call", "--system", "--dest", "org.freedesktop.DBus",
            "--object-path", "/org/freedesktop/DBus", "--method", "org.freedesktop.DBus.ListNames");

    fleet_test_assert_contains(by_busctl, name);
    fleet_test_assert_contains(by_gdbus, name);
}
END_TEST

START_TEST(bus_comes_back_at_its_address)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));

    fleet_test_bus_stop(bus);
    fleet_test_run_fails(1, "", "busctl", "list");
    fleet_test_bus_start(bus);
    g_autofree char *out = fleet_test_run_ok("busctl", "list", "--no-legend", "--no-pager");
    fleet_test_assert_contains(out, "org.freedesktop.DBus");
}
END_TEST

START_TEST(policy_has_the_last_word)
{
    g_autoptr(FleetTestBus) bus =
            fleet_test_bus_new("<policy context='mandatory'><deny own='org.fleet.Manager'/></policy>");
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) other = g_dbus_connection_call_sync(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
            "org.freedesktop.DBus", "RequestName", g_variant_new("(su)", "org.fleet.Other", 0u), G_VARIANT_TYPE("(u)"),
            G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

    fleet_test_assert_no_error(error);
    g_autoptr(GVariant) denied = g_dbus_connection_call_sync(connection, "org.freedesktop.DBus",
            "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
            g_variant_new("(su)", "org.fleet.Manager", 0u), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
    ck_assert_ptr_null(denied);
    fleet_test_assert_error(error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("harness");
    TCase *processes = fleet_test_case(suite, "processes");
    TCase *buses = fleet_test_case(suite, "buses");

    tcase_add_test(processes, run_gives_status_and_output);
    tcase_add_test(processes, signal_counts_as_status);
    tcase_add_test(processes, output_can_be_waited_for);
    tcase_add_test(processes, processes_die_with_their_parent);
    tcase_add_test(buses, bus_takes_real_clients);
    tcase_add_test(buses, bus_comes_back_at_its_address);
    tcase_add_test(buses, policy_has_the_last_word);
    return fleet_test_main(suite);
}
