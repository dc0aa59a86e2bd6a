/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who called. The numbers come from the kernel, through the bus daemon or the socket, never from the message.
 */

#include <sys/types.h>

typedef struct {
    uid_t uid;
    pid_t pid; /* 0 = not known */
} FleetCaller;
