/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the service manager is told (sd_notify(3)). Nothing happens where there is none. As with services of systemd's
 * own, a message waits for room in its socket, so that none is lost: a manager that hangs for so long that it is full
 * starts, stops and watches nobody, and there is a message for each change of state, none for each call.
 */

#include <glib.h>

/* What STATUS= tells of a daemon that serves. */
typedef struct {
    guint devices;          /* how many there are now */
    gboolean storage_works; /* changes can be stored */
    gboolean bus_works;     /* the bus is there, or there is to be none */
} FleetServiceState;

/* STATUS=, and EXTEND_TIMEOUT_USEC= of a minute: what the start is at. To be called again before that is over. */
void fleet_service_starting(const char *status);

/* READY=1, with a STATUS= as below. Also ends a reload. */
void fleet_service_ready(const FleetServiceState *state);

/* RELOADING=1; _ready() ends it. */
void fleet_service_reloading(void);

/* STOPPING=1. */
void fleet_service_stopping(void);

/* STATUS=. */
void fleet_service_status(const FleetServiceState *state);

/* How often, in µs, the service manager wants to hear fleet_service_alive(); 0 = it does not. */
gint64 fleet_service_watchdog_interval(void);

/* WATCHDOG=1, with a STATUS= as above. */
void fleet_service_alive(const FleetServiceState *state);
