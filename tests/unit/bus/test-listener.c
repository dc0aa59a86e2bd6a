/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a service manager may pass as the private socket, and what becomes of it. */

#include "bus/listener.h"

#include "base/error.h"
#include "lib/main.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listening_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_uint_lt(g_strlcpy(address.sun_path, path, sizeof(address.sun_path)), sizeof(address.sun_path));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    return fd;
}

static gboolean can_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    gboolean connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return connected;
}

/* The service manager keeps its own copy: what it made outlives us, with all that connects meanwhile. */
START_TEST(passed_socket_stays)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "socket", NULL);
    g_autoptr(FleetTimers) timers = fleet_timers_new();
    FleetApi api = {.timers = timers};
    g_autoptr(GError) error = NULL;
    int fd = listening_socket(path), copy = dup(fd);
    FleetListener *listener = fleet_listener_new_from_fd(&api, NULL, fd, &error);

    fleet_test_assert_no_error(error);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    fleet_listener_free(listener);
    ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
    ck_assert(can_connect(path));
    close(copy);
}
END_TEST

static int datagram_socket(void)
{
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int network_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int silent_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int no_socket(void)
{
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int (*const unfit[])(void) = {datagram_socket, network_socket, silent_socket, no_socket};

START_TEST(anything_else_is_refused)
{
    g_autoptr(FleetTimers) timers = fleet_timers_new();
    FleetApi api = {.timers = timers};
    g_autoptr(GError) error = NULL;
    int fd = unfit[_i]();

    ck_assert_int_ge(fd, 0);
    ck_assert_ptr_null(fleet_listener_new_from_fd(&api, NULL, fd, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, "is not a listening Unix stream socket");
    ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: listener");
    TCase *tcase = fleet_test_case(suite, "passed socket");

    tcase_add_test(tcase, passed_socket_stays);
    tcase_add_loop_test(tcase, anything_else_is_refused, 0, (int)G_N_ELEMENTS(unfit));
    return fleet_test_main(suite);
}
