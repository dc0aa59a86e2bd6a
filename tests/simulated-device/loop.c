/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "loop.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 256

struct SimLoop {
    int epoll;
    GSequence *timers; /* weak pointers, by when they are due */
    gboolean quit;
};

SimLoop *sim_loop_new(void)
{
    SimLoop *loop = g_new0(SimLoop, 1);

    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        g_error("no epoll: %s", g_strerror(errno));
    loop->timers = g_sequence_new(NULL);
    return loop;
}

void sim_loop_free(SimLoop *loop)
{
    close(loop->epoll);
    g_sequence_free(loop->timers);
    g_free(loop);
}

void sim_loop_watch(SimLoop *loop, SimWatch *watch, int fd, guint32 events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    gboolean known = watch->fd == fd;

    if (known && watch->events == events)
        return;
    if (!known)
        sim_loop_unwatch(loop, watch);
    if (epoll_ctl(loop->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0)
        g_error("cannot watch a socket: %s", g_strerror(errno));
    watch->fd = fd;
    watch->events = events;
}

void sim_loop_unwatch(SimLoop *loop, SimWatch *watch)
{
    /* The kernel has forgotten one that was closed already. */
    if (watch->fd >= 0)
        (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->fd = -1;
    watch->events = 0;
}

static int compare_timers(gconstpointer a, gconstpointer b, gpointer user_data)
{
    gint64 left = ((const SimTimer *)a)->when, right = ((const SimTimer *)b)->when;

    return left < right ? -1 : left > right;
}

void sim_loop_set_timer(SimLoop *loop, SimTimer *timer, gint64 usec)
{
    sim_loop_stop_timer(timer);
    timer->when = g_get_monotonic_time() + usec;
    timer->place = g_sequence_insert_sorted(loop->timers, timer, compare_timers, NULL);
}

void sim_loop_stop_timer(SimTimer *timer)
{
    if (timer->place != NULL)
        g_sequence_remove(timer->place);
    timer->place = NULL;
}

static SimTimer *first_timer(SimLoop *loop)
{
    GSequenceIter *first = g_sequence_get_begin_iter(loop->timers);

    return g_sequence_iter_is_end(first) ? NULL : g_sequence_get(first);
}

/* Milliseconds, rounded up, until a timer is due; -1 = there is none. */
static int until_first_timer(SimLoop *loop)
{
    const SimTimer *timer = first_timer(loop);

    if (timer == NULL)
        return -1;
    gint64 msec = (timer->when - g_get_monotonic_time() + 999) / 1000;
    return (int)CLAMP(msec, 0, G_MAXINT);
}

/* What is set by these timers is for the next turn, so that sockets are not left waiting. */
static void fire_timers(SimLoop *loop)
{
    gint64 now = g_get_monotonic_time();
    SimTimer *timer;

    while (!loop->quit && (timer = first_timer(loop)) != NULL && timer->when <= now) {
        sim_loop_stop_timer(timer);
        timer->func(timer->data);
    }
}

void sim_loop_run(SimLoop *loop)
{
    loop->quit = FALSE;
    while (!loop->quit) {
        struct epoll_event events[EVENTS_AT_ONCE];
        int n = epoll_wait(loop->epoll, events, EVENTS_AT_ONCE, until_first_timer(loop));

        if (n < 0 && errno != EINTR)
            g_error("cannot wait: %s", g_strerror(errno));
        for (int i = 0; i < n && !loop->quit; i++) {
            SimWatch *watch = events[i].data.ptr;

            watch->func(events[i].events, watch->data);
        }
        fire_timers(loop);
    }
}

void sim_loop_quit(SimLoop *loop)
{
    loop->quit = TRUE;
}
