/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who called. All of it comes from the kernel, through the bus daemon or the socket, never from the message.
 */

#include <glib.h>
#include <sys/types.h>

typedef struct {
    guint64 serial; /* of the caller's connection; no two have the same while the daemon runs */
    uid_t uid;
    pid_t pid;            /* 0 = not known */
    guint64 start_time;   /* of that process, in clock ticks since the boot (proc(5), "starttime"); 0 = not known */
    char bus_name[32];    /* the unique name on the system bus; "" = it calls in another way */
    char executable[128]; /* of that process, cut to fit; "" = not known */
} FleetCaller;

/* A number for a connection that has none yet. */
guint64 fleet_caller_new_serial(void);

/*
 * Who is on the other end of a connected Unix socket: fills in all but the bus name. 0, or a negative errno if the
 * kernel does not even tell the user. To be called when the connection is accepted.
 */
int fleet_caller_from_socket(FleetCaller *caller, int fd) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Looks at the process that has the caller's pid, when it is first seen: its executable (its path, or its name in
 * brackets where the path may not be read) and its start time. A pid can be used again. So pidfd is a descriptor of the
 * caller's process as the kernel gave it for the connection (SO_PEERPIDFD of socket(7)), borrowed; with -1, because
 * this kernel gives none, the process that has the pid now must belong to the caller's user and live on while it is
 * looked at. If it has ended, or is another's, both stay unknown; so does the start time on a kernel without any
 * pidfds.
 */
void fleet_caller_find_process(FleetCaller *caller, int pidfd);
