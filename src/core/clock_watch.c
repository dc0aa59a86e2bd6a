/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/clock_watch.h"

#include <glib-unix.h>
#include <limits.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct FleetClockWatch {
    int fd;
    guint source;
    FleetClockSetFunc was_set;
    gpointer user_data;
};

/* To a time that never comes: only a step of the clock makes it readable. */
static void arm(FleetClockWatch *watch)
{
    const struct itimerspec never = {.it_value = {.tv_sec = LONG_MAX}};
    int r = timerfd_settime(watch->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);

    g_assert(r == 0);
}

static gboolean readable(int fd, GIOCondition condition, gpointer user_data)
{
    FleetClockWatch *watch = user_data;
    uint64_t expirations;

    if (read(fd, &expirations, sizeof(expirations)) < 0) { /* ECANCELED: that is what was waited for */
        arm(watch);
        watch->was_set(watch->user_data);
    }
    return G_SOURCE_CONTINUE;
}

FleetClockWatch *fleet_clock_watch_new(FleetClockSetFunc was_set, gpointer user_data)
{
    FleetClockWatch *watch = g_new0(FleetClockWatch, 1);

    watch->was_set = was_set;
    watch->user_data = user_data;
    watch->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    g_assert(watch->fd >= 0);
    arm(watch);
    watch->source = g_unix_fd_add(watch->fd, G_IO_IN, readable, watch);
    return watch;
}

void fleet_clock_watch_free(FleetClockWatch *watch)
{
    g_source_remove(watch->source);
    close(watch->fd);
    g_free(watch);
}
