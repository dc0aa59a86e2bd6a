/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/wait.h"

#include "base/clock.h"
#include "lib/main.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whoever runs this may have them ignored: nohup the one, a shell's background the other. */
static void heed_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

    for (guint i = 0; i < G_N_ELEMENTS(signals); i++)
        signal(signals[i], SIG_DFL);
}

/* A waiter whose output is a pipe that is read, until the other end is closed. */
static void waiter_with_reader(FleetWaiter *waiter, int fds[static 2])
{
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    fleet_waiter_init(waiter, fds[1]);
}

START_TEST(deadline_passes)
{
    gint64 deadline = g_get_monotonic_time() + 20 * FLEET_USEC_PER_MSEC;
    g_auto(FleetWaiter) waiter = {0};
    int fds[2];

    waiter_with_reader(&waiter, fds);
    ck_assert_int_eq(fleet_wait(&waiter, NULL, deadline), FLEET_WAIT_READY);
    ck_assert_int_ge(g_get_monotonic_time(), deadline);
    /* One that has passed does not wait at all. */
    ck_assert_int_eq(fleet_wait(&waiter, NULL, deadline), FLEET_WAIT_READY);
}
END_TEST

START_TEST(signals_interrupt)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    g_auto(FleetWaiter) waiter = {0};
    int fds[2];

    waiter_with_reader(&waiter, fds);
    for (guint i = 0; i < G_N_ELEMENTS(signals); i++) {
        ck_assert_int_eq(raise(signals[i]), 0);
        ck_assert_int_eq(fleet_wait(&waiter, NULL, -1), FLEET_WAIT_INTERRUPTED);
        ck_assert_int_eq(waiter.signal, signals[i]);
    }
}
END_TEST

START_TEST(ignored_signals_stay_ignored)
{
    g_auto(FleetWaiter) waiter = {0};
    int fds[2];

    signal(SIGHUP, SIG_IGN);
    waiter_with_reader(&waiter, fds);
    ck_assert_int_eq(raise(SIGHUP), 0);
    ck_assert_int_eq(fleet_wait(&waiter, NULL, g_get_monotonic_time()), FLEET_WAIT_READY);
}
END_TEST

START_TEST(reader_that_leaves_is_noticed)
{
    g_auto(FleetWaiter) waiter = {0};
    int fds[2];

    waiter_with_reader(&waiter, fds);
    close(fds[0]);
    ck_assert_int_eq(fleet_wait(&waiter, NULL, -1), FLEET_WAIT_CLOSED);
}
END_TEST

START_TEST(lost_connection_is_noticed)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);
    g_auto(FleetWaiter) waiter = {0};
    FleetWaitResult result = FLEET_WAIT_READY;
    sd_bus *bus = NULL;
    int fds[2], peer[2];

    waiter_with_reader(&waiter, fds);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, peer), 0);
    ck_assert_int_ge(sd_bus_new(&bus), 0);
    ck_assert_int_ge(sd_bus_set_fd(bus, peer[0], peer[0]), 0);
    ck_assert_int_ge(sd_bus_start(bus), 0);
    close(peer[1]);
    while (result == FLEET_WAIT_READY && g_get_monotonic_time() < deadline)
        result = fleet_wait(&waiter, bus, deadline);
    ck_assert_int_eq(result, FLEET_WAIT_DISCONNECTED);
    sd_bus_unref(bus);
}
END_TEST

START_TEST(death_is_by_the_signal)
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        FleetWaiter waiter;
        int fds[2];
        waiter_with_reader(&waiter, fds);
        (void)raise(SIGTERM);
        if (fleet_wait(&waiter, NULL, -1) == FLEET_WAIT_INTERRUPTED)
            fleet_waiter_die(&waiter);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-wait");
    TCase *tcase = fleet_test_case(suite, "wait");

    tcase_add_checked_fixture(tcase, heed_signals, NULL);
    tcase_add_test(tcase, deadline_passes);
    tcase_add_test(tcase, signals_interrupt);
    tcase_add_test(tcase, ignored_signals_stay_ignored);
    tcase_add_test(tcase, reader_that_leaves_is_noticed);
    tcase_add_test(tcase, lost_connection_is_noticed);
    tcase_add_test(tcase, death_is_by_the_signal);
    return fleet_test_main(suite);
}
