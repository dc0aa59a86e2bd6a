/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/clock.h"

#include "lib/main.h"

#include <fcntl.h>
#include <unistd.h>

struct FleetTestClock {
    char *directory; /* of the file with the shift */
    int fd;
};

FleetTestClock *fleet_test_clock_new(FleetTestDaemon *daemon)
{
    FleetTestClock *clock = g_new0(FleetTestClock, 1);

    clock->directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(clock->directory, "shift", NULL);
    g_autofree char *assignment = g_strconcat("FLEET_TEST_CLOCK=", path, NULL);
    clock->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (clock->fd < 0)
        fleet_test_fail("cannot make %s: %m", path);
    fleet_test_clock_shift(clock, 0);
    fleet_test_daemon_preload(daemon, fleet_test_env("FLEET_TEST_CLOCK_SHIM"));
    fleet_test_daemon_add_env(daemon, assignment);
    return clock;
}

void fleet_test_clock_free(FleetTestClock *clock)
{
    close(clock->fd);
    fleet_test_remove(clock->directory);
    g_free(clock->directory);
    g_free(clock);
}

void fleet_test_clock_shift(FleetTestClock *clock, gint64 usec)
{
    if (pwrite(clock->fd, &usec, sizeof(usec), 0) != sizeof(usec))
        fleet_test_fail("cannot set the clock: %m");
}
