/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All file descriptors of all attempts in one source: a main context walks its sources at each turn, so that one or
 * more for each of thousands of attempts would make every turn slow. (An epoll, within which the kernel does the
 * walking.)
 */

#include <glib.h>

typedef struct FleetCommandPoller FleetCommandPoller;

/* One descriptor that is watched. It belongs to whoever watches. */
typedef struct {
    int fd;
    void (*ready)(gpointer data); /* there is something to read, or the other end has closed */
    gpointer data;
} FleetCommandWatch;

/* Attaches to the thread-default main context. */
FleetCommandPoller *fleet_command_poller_new(void) G_GNUC_WARN_UNUSED_RESULT;
void fleet_command_poller_free(FleetCommandPoller *poller);

/* From now on watch->ready is called, again and again while there is cause to. FALSE with errno if the kernel refuses.
 */
gboolean fleet_command_poller_add(FleetCommandPoller *poller, FleetCommandWatch *watch) G_GNUC_WARN_UNUSED_RESULT;

/* Not any more; no call is under way afterwards. The descriptor is still open. */
void fleet_command_poller_remove(FleetCommandPoller *poller, FleetCommandWatch *watch);
