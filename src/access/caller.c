/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "access/caller.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since Linux 6.5; older headers do not have it. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

guint64 fleet_caller_new_serial(void)
{
    static guint64 last = 0;

    return ++last;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static char *read_proc(pid_t pid, const char *name)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, name);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static void find_executable(FleetCaller *caller)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/exe", (int)caller->pid);
    ssize_t length = readlink(path, caller->executable, sizeof(caller->executable) - 1);

    caller->executable[MAX(length, 0)] = '\0';
    if (length < 0) {
        g_autofree char *name = read_proc(caller->pid, "comm");
        if (name != NULL)
            g_snprintf(caller->executable, sizeof(caller->executable), "[%s]", g_strchomp(name));
    }
    /* Path and name are the process's own choice. */
    for (char *p = caller->executable; *p != '\0'; p++)
        if (!g_ascii_isprint(*p))
            *p = '?';
}

/* The 22nd field; the 2nd, in brackets, may hold anything. */
static guint64 read_start_time(pid_t pid)
{
    g_autofree char *text = read_proc(pid, "stat");
    const char *rest = text != NULL ? strrchr(text, ')') : NULL;

    if (rest == NULL)
        return 0;
    g_auto(GStrv) fields = g_strsplit(rest + 1, " ", -1);
    return g_strv_length(fields) > 20 ? g_ascii_strtoull(fields[20], NULL, 10) : 0;
}

/* The second of the four ids: the effective one, which is what a socket tells. */
static gboolean belongs_to(pid_t pid, uid_t uid)
{
    g_autofree char *text = read_proc(pid, "status");
    const char *line = text != NULL ? strstr(text, "\nUid:\t") : NULL;

    if (line == NULL)
        return FALSE;
    g_auto(GStrv) ids = g_strsplit(line + strlen("\nUid:\t"), "\t", 3);
    return g_strv_length(ids) == 3 && g_ascii_strtoull(ids[1], NULL, 10) == uid;
}

/* A descriptor can be read once its process has ended (pidfd_open(2)). */
static gboolean is_alive(int pidfd)
{
    struct pollfd pollfd = {.fd = pidfd, .events = POLLIN};

    return poll(&pollfd, 1, 0) == 0;
}

void fleet_caller_find_process(FleetCaller *caller, int pidfd)
{
    __attribute__((cleanup(close_fd))) int own = -1;
    gboolean is_same = TRUE;

    caller->executable[0] = '\0';
    caller->start_time = 0;
    if (caller->pid <= 0)
        return;
    if (pidfd < 0) {
        pidfd = own = (int)syscall(SYS_pidfd_open, caller->pid, 0);
        is_same = belongs_to(caller->pid, caller->uid);
    }
    find_executable(caller);
    caller->start_time = read_start_time(caller->pid);
    /* Nothing was read of another process that has the number by now if the one looked for lives on. */
    if (pidfd >= 0)
        is_same = is_same && is_alive(pidfd);
    if (!is_same)
        caller->executable[0] = '\0';
    if (!is_same || pidfd < 0)
        caller->start_time = 0;
}

int fleet_caller_from_socket(FleetCaller *caller, int fd)
{
    __attribute__((cleanup(close_fd))) int pidfd = -1;
    struct ucred credentials;
    socklen_t size = sizeof(credentials);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return -errno;
    *caller = (FleetCaller){.serial = fleet_caller_new_serial(), .uid = credentials.uid, .pid = credentials.pid};
    size = sizeof(pidfd);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) < 0) {
        pidfd = -1;
        /* A kernel that knows the option says so of a process that has gone. */
        if (errno != ENOPROTOOPT)
            return 0;
    }
    fleet_caller_find_process(caller, pidfd);
    return 0;
}
