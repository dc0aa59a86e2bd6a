/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void ending_signals(sigset_t *set)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction now;

    sigemptyset(set);
    /* What was ignored from the start, as under nohup, stays so: once blocked it would reach the signalfd after all. */
    for (guint i = 0; i < G_N_ELEMENTS(ending); i++)
        if (sigaction(ending[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(set, ending[i]);
}

void fleet_waiter_init(FleetWaiter *waiter, int output_fd)
{
    sigset_t set;

    ending_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    *waiter = (FleetWaiter){.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .output_fd = output_fd};
    if (waiter->signal_fd < 0)
        g_error("cannot make a signalfd: %s", g_strerror(errno));
}

void fleet_waiter_clear(FleetWaiter *waiter)
{
    sigset_t set;

    close(waiter->signal_fd);
    ending_signals(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void fleet_waiter_die(const FleetWaiter *waiter)
{
    sigset_t set;

    fflush(NULL);
    signal(waiter->signal, SIG_DFL);
    raise(waiter->signal);
    /* It is still blocked; this is where it ends us. */
    ending_signals(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    abort();
}

/* TRUE if there was a message. */
static gboolean process(sd_bus *bus, gboolean *lost)
{
    int r, n = 0;

    while ((r = sd_bus_process(bus, NULL)) > 0)
        n++;
    *lost = r < 0;
    return n > 0;
}

/* Milliseconds until the sooner of our deadline and the connection's own, rounded up. */
static int timeout_of(sd_bus *bus, gint64 deadline)
{
    guint64 until = deadline >= 0 ? (guint64)deadline : G_MAXUINT64, own;
    gint64 now = g_get_monotonic_time();

    if (bus != NULL && sd_bus_get_timeout(bus, &own) > 0)
        until = MIN(until, own);
    if (until == G_MAXUINT64)
        return -1;
    return until <= (guint64)now ? 0 : (int)MIN((until - (guint64)now + 999) / 1000, (guint64)G_MAXINT);
}

FleetWaitResult fleet_wait(FleetWaiter *waiter, sd_bus *bus, gint64 deadline)
{
    struct pollfd fds[] = {
            {.fd = waiter->signal_fd, .events = POLLIN},
            {.fd = waiter->output_fd},
            {.fd = -1},
    };
    struct signalfd_siginfo info;
    gboolean lost = FALSE;

    if (bus != NULL) {
        if (process(bus, &lost))
            return FLEET_WAIT_READY;
        int events = lost ? -1 : sd_bus_get_events(bus);
        if (events < 0)
            return FLEET_WAIT_DISCONNECTED;
        fds[2] = (struct pollfd){.fd = sd_bus_get_fd(bus), .events = (short)events};
    }
    if (poll(fds, G_N_ELEMENTS(fds), timeout_of(bus, deadline)) < 0 && errno != EINTR)
        g_error("cannot wait: %s", g_strerror(errno));
    if (read(waiter->signal_fd, &info, sizeof info) == sizeof info) {
        waiter->signal = (int)info.ssi_signo;
        return FLEET_WAIT_INTERRUPTED;
    }
    /* Nothing was asked of it: it can only report that its reader has gone. */
    if (fds[1].revents != 0)
        return FLEET_WAIT_CLOSED;
    return FLEET_WAIT_READY;
}
