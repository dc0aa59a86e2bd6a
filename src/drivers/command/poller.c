/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/command/poller.h"

#include <glib-unix.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_PER_TURN 32

struct FleetCommandPoller {
    int fd;
    guint source;
    struct epoll_event events[EVENTS_PER_TURN];
    int n; /* of events, while they are handed out */
};

static gboolean dispatch(int fd, GIOCondition condition, gpointer user_data)
{
    FleetCommandPoller *poller = user_data;

    poller->n = epoll_wait(poller->fd, poller->events, EVENTS_PER_TURN, 0);
    for (int i = 0; i < poller->n; i++) {
        const FleetCommandWatch *watch = poller->events[i].data.ptr;

        if (watch != NULL)
            watch->ready(watch->data);
    }
    poller->n = 0;
    return G_SOURCE_CONTINUE;
}

FleetCommandPoller *fleet_command_poller_new(void)
{
    FleetCommandPoller *poller = g_new0(FleetCommandPoller, 1);
    GSource *source;

    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    g_assert(poller->fd >= 0);
    source = g_unix_fd_source_new(poller->fd, G_IO_IN);
    g_source_set_name(source, "fleet-command");
    g_source_set_callback(source, G_SOURCE_FUNC(dispatch), poller, NULL);
    poller->source = g_source_attach(source, g_main_context_get_thread_default());
    g_source_unref(source);
    return poller;
}

void fleet_command_poller_free(FleetCommandPoller *poller)
{
    g_source_destroy(g_main_context_find_source_by_id(g_main_context_get_thread_default(), poller->source));
    close(poller->fd);
    g_free(poller);
}

gboolean fleet_command_poller_add(FleetCommandPoller *poller, FleetCommandWatch *watch)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};

    return epoll_ctl(poller->fd, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

void fleet_command_poller_remove(FleetCommandPoller *poller, FleetCommandWatch *watch)
{
    epoll_ctl(poller->fd, EPOLL_CTL_DEL, watch->fd, NULL);
    for (int i = 0; i < poller->n; i++)
        if (poller->events[i].data.ptr == watch)
            poller->events[i].data.ptr = NULL;
}
