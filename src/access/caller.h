/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who called. The numbers come from the kernel, through the bus daemon or the socket, never from the message.
 */

#include <sys/types.h>

typedef struct {
    uid_t uid;
    pid_t pid;            /* 0 = not known */
    char executable[128]; /* of that process, cut to fit; "" = not known */
} FleetCaller;

/* Fills in the executable of the caller's process: its path, or its name in brackets where the path may not be read. To
 * be called when the process is first seen: a number can be used again. */
void fleet_caller_find_executable(FleetCaller *caller);
