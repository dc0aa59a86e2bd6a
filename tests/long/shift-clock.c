/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * shift-clock PROGRAM [ARGUMENT ...]: runs a program whose CLOCK_BOOTTIME is ahead by as many seconds as
 * FLEET_TEST_SHIFT says, as it is after a suspend (time_namespaces(7)).
 */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static int give_up(const char *what)
{
    perror(what);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *shift = getenv("FLEET_TEST_SHIFT");
    char offset[64];

    if (argc < 2 || shift == NULL)
        return EXIT_FAILURE;
    if (unshare(CLONE_NEWTIME) < 0)
        return give_up("unshare");
    int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return give_up("/proc/self/timens_offsets");
    snprintf(offset, sizeof(offset), "boottime %s 0\n", shift);
    if (write(fd, offset, strlen(offset)) < 0)
        return give_up("/proc/self/timens_offsets");
    close(fd);
    execv(argv[1], argv + 1);
    return give_up(argv[1]);
}
