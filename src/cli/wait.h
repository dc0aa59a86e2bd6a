/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Waiting for what a verb follows: messages, a deadline, a signal to end, and the reader of our output leaving.
 */

#include <glib.h>
#include <systemd/sd-bus.h>

typedef enum {
    FLEET_WAIT_READY,        /* messages were handled, or the deadline has passed */
    FLEET_WAIT_DISCONNECTED, /* the connection is lost; no message will come any more */
    FLEET_WAIT_INTERRUPTED,  /* a signal asks us to end */
    FLEET_WAIT_CLOSED,       /* nobody reads our output any more */
} FleetWaitResult;

typedef struct {
    int signal_fd;
    int output_fd;
    int signal; /* the one that interrupted, after INTERRUPTED */
} FleetWaiter;

/* From now on SIGINT, SIGTERM and SIGHUP are taken by fleet_wait() instead of ending the process. */
void fleet_waiter_init(FleetWaiter *waiter, int output_fd);
void fleet_waiter_clear(FleetWaiter *waiter);

/* Handles the messages that are there, or waits until there is one or the deadline passes (g_get_monotonic_time(); -1 =
 * none). Callbacks run in here. bus may be NULL. */
FleetWaitResult fleet_wait(FleetWaiter *waiter, sd_bus *bus, gint64 deadline);

/* Ends the process by the signal that interrupted it, so that a shell sees what happened. */
void fleet_waiter_die(const FleetWaiter *waiter) G_GNUC_NORETURN;

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetWaiter, fleet_waiter_clear)
