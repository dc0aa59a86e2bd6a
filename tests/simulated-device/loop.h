/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A main loop for very many sockets: GLib's looks at each of its sources at every turn, which ten thousand connections
 * would feel. Watches and timers are part of what they are for, and cost no allocation of their own.
 */

#include <glib.h>
#include <sys/epoll.h>

typedef struct SimLoop SimLoop;

/* Fill in func and data; the rest is the loop's. */
typedef struct {
    void (*func)(guint32 events, gpointer data);
    gpointer data;
    int fd; /* -1 while there is none */
    guint32 events;
} SimWatch;

typedef struct {
    void (*func)(gpointer data);
    gpointer data;
    gint64 when;          /* µs of the monotonic clock */
    GSequenceIter *place; /* NULL while it is not set */
} SimTimer;

/* Ends the program if the kernel gives no epoll. Owned by the caller; outlives what it watches. */
SimLoop *sim_loop_new(void) G_GNUC_WARN_UNUSED_RESULT;
void sim_loop_free(SimLoop *loop);

/* Runs until sim_loop_quit(). */
void sim_loop_run(SimLoop *loop);
void sim_loop_quit(SimLoop *loop);

/* Calls the watch's function when one of the events (EPOLLIN, EPOLLOUT) has come, or EPOLLHUP or EPOLLERR. May be
 * called again, with other events or another file descriptor. */
void sim_loop_watch(SimLoop *loop, SimWatch *watch, int fd, guint32 events);

/* To be called before the file descriptor is closed or right after. */
void sim_loop_unwatch(SimLoop *loop, SimWatch *watch);

/* Calls the timer's function, once, in so many µs. Setting it again moves it. */
void sim_loop_set_timer(SimLoop *loop, SimTimer *timer, gint64 usec);
void sim_loop_stop_timer(SimTimer *timer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimLoop, sim_loop_free)
