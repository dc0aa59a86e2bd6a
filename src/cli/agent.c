/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child, the descriptor that it closes once polkit knows it (pkttyagent(1), --notify-fd). */
#define NOTIFY_FD 3
#define NOTIFY_OPTION "--notify-fd=3"

/* How long that may take, ms. Without an agent the call is refused, and says so. */
#define WAIT_MSEC 10000

struct FleetAgent {
    GPid pid;
};

/* It closes the descriptor, or ends, which closes it too. */
static void wait_for_close(int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};

    while (poll(&pollfd, 1, WAIT_MSEC) < 0 && errno == EINTR)
        ;
}

/* In the child, after fork(): it must not outlive us, however we end. */
static void die_with_parent(gpointer data)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != GPOINTER_TO_INT(data))
        _exit(127);
}

FleetAgent *fleet_agent_start(void)
{
    /* Where a desktop has an agent, that one is asked. */
    static const char *const argv[] = {"pkttyagent", NOTIFY_OPTION, "--fallback", NULL};
    const int target = NOTIFY_FD;
    FleetAgent *agent;
    GPid pid;
    int pipe[2];

    if (geteuid() == 0 || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return NULL;
    if (!g_unix_open_pipe(pipe, FD_CLOEXEC, NULL))
        return NULL;
    gboolean started = g_spawn_async_with_pipes_and_fds(NULL, argv, NULL,
            G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CHILD_INHERITS_STDIN, die_with_parent,
            GINT_TO_POINTER(getpid()), -1, -1, -1, &pipe[1], &target, 1, &pid, NULL, NULL, NULL, NULL);
    close(pipe[1]);
    if (started)
        wait_for_close(pipe[0]);
    close(pipe[0]);
    if (!started)
        return NULL;
    agent = g_new0(FleetAgent, 1);
    agent->pid = pid;
    return agent;
}

void fleet_agent_free(FleetAgent *agent)
{
    kill(agent->pid, SIGTERM);
    /* A stopped one would have to be continued first. */
    kill(agent->pid, SIGCONT);
    while (waitpid(agent->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    g_free(agent);
}
