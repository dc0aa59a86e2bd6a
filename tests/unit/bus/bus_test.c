/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus_test.h"

#include "lib/main.h"

#include <sys/socket.h>

/* A connection needs a socket before it makes messages. The other end is kept open by the process. */
sd_bus *fleet_test_lonely_bus(void)
{
    int fds[2];
    sd_bus *bus = NULL;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    ck_assert_int_ge(sd_bus_new(&bus), 0);
    ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
    ck_assert_int_ge(sd_bus_start(bus), 0);
    return bus;
}

sd_bus_message *fleet_test_message_new(sd_bus *bus)
{
    sd_bus_message *message = NULL;

    ck_assert_int_ge(sd_bus_message_new_method_call(
                             bus, &message, "org.fleet.Manager", "/org/fleet/Manager", "org.fleet.Manager", "Test"),
            0);
    return message;
}

void fleet_test_message_seal(sd_bus_message *message)
{
    ck_assert_int_ge(sd_bus_message_seal(message, 1, 0), 0);
    ck_assert_int_ge(sd_bus_message_rewind(message, 1), 0);
}
