/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "access/caller.h"

#include "lib/main.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* A kernel without pidfds, or valgrind, which does not know them. */
static gboolean has_pidfds(void)
{
    int fd = open_pidfd(getpid());

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static guint64 own_start_time(void)
{
    g_autofree char *text = fleet_test_read("/proc/self/stat");
    g_auto(GStrv) fields = g_strsplit(strrchr(text, ')') + 2, " ", -1);

    return g_ascii_strtoull(fields[19], NULL, 10);
}

START_TEST(serials_are_not_used_twice)
{
    guint64 first = fleet_caller_new_serial();

    ck_assert_uint_ne(first, 0);
    ck_assert_uint_gt(fleet_caller_new_serial(), first);
}
END_TEST

START_TEST(other_end_of_a_socket)
{
    FleetCaller caller;
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(fleet_caller_from_socket(&caller, fds[0]), 0);
    ck_assert_uint_ne(caller.serial, 0);
    ck_assert_uint_eq(caller.uid, geteuid());
    ck_assert_int_eq(caller.pid, getpid());
    ck_assert_str_eq(caller.bus_name, "");
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    ck_assert(strncmp(caller.executable, self, sizeof(caller.executable) - 1) == 0);
    if (has_pidfds())
        ck_assert_uint_eq(caller.start_time, own_start_time());
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(what_is_no_socket_is_nobody)
{
    FleetCaller caller;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(fleet_caller_from_socket(&caller, fds[0]), -ENOTSOCK);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* The name of a process can hold what looks like the end of it. */
START_TEST(name_of_the_process_does_not_matter)
{
    FleetCaller caller = {.uid = geteuid(), .pid = getpid()};
    guint64 due = own_start_time();

    if (!has_pidfds())
        return;
    ck_assert_int_eq(prctl(PR_SET_NAME, ") R 1 2 (x"), 0);
    fleet_caller_find_process(&caller, -1);
    ck_assert_uint_eq(caller.start_time, due);
}
END_TEST

/* Whose pid is used again must not be taken for the new one. */
START_TEST(process_of_another_user_is_not_it)
{
    FleetCaller caller = {.uid = geteuid() + 1, .pid = getpid()};

    fleet_caller_find_process(&caller, -1);
    ck_assert_uint_eq(caller.start_time, 0);
    ck_assert_str_eq(caller.executable, "");
}
END_TEST

START_TEST(process_that_has_ended_is_not_it)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    ck_assert_int_gt(child, 0);
    int pidfd = open_pidfd(child);
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    FleetCaller caller = {.uid = geteuid(), .pid = child}; /* in /proc, as a zombie */
    fleet_caller_find_process(&caller, _i == 0 ? pidfd : -1);
    ck_assert_uint_eq(caller.start_time, 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);

    /* Now the number is free. The descriptor is still the old process's: as if this one had got its number. */
    caller.pid = getpid();
    if (pidfd >= 0) {
        fleet_caller_find_process(&caller, pidfd);
        ck_assert_uint_eq(caller.start_time, 0);
        ck_assert_str_eq(caller.executable, "");
        close(pidfd);
    }
    caller.pid = child;
    fleet_caller_find_process(&caller, -1);
    ck_assert_uint_eq(caller.start_time, 0);
}
END_TEST

/* It has connected, passed its end on, and gone: the socket still has its pid. */
START_TEST(peer_that_has_ended_is_not_it)
{
    FleetCaller caller;
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), pipes[2];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(address);

    /* An address of the kernel's choice (unix(7), "Autobind feature"). */
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    ck_assert_int_eq(listen(listening, 1), 0);
    ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&address, size) < 0)
            _exit(1);
        if (fork() == 0) { /* keeps the connection until the check ends */
            char byte;
            close(pipes[1]);
            _exit((int)read(pipes[0], &byte, 1));
        }
        _exit(0);
    }
    int status, fd = accept(listening, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(fleet_caller_from_socket(&caller, fd), 0);
    ck_assert_uint_eq(caller.uid, geteuid());
    ck_assert_uint_eq(caller.start_time, 0);
    ck_assert_str_eq(caller.executable, "");
    close(fd);
    close(listening);
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

START_TEST(unknown_pid_is_left_so)
{
    FleetCaller caller = {.uid = geteuid(), .executable = "old", .start_time = 5};

    fleet_caller_find_process(&caller, -1);
    ck_assert_str_eq(caller.executable, "");
    ck_assert_uint_eq(caller.start_time, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access: caller");
    TCase *tcase = fleet_test_case(suite, "caller");

    tcase_add_test(tcase, serials_are_not_used_twice);
    tcase_add_test(tcase, other_end_of_a_socket);
    tcase_add_test(tcase, what_is_no_socket_is_nobody);
    tcase_add_test(tcase, name_of_the_process_does_not_matter);
    tcase_add_test(tcase, process_of_another_user_is_not_it);
    tcase_add_loop_test(tcase, process_that_has_ended_is_not_it, 0, 2);
    tcase_add_test(tcase, peer_that_has_ended_is_not_it);
    tcase_add_test(tcase, unknown_pid_is_left_so);
    return fleet_test_main(suite);
}
