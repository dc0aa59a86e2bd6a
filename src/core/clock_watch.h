/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Tells when the wall clock was set, without asking it again and again (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET).
 */

#include <glib.h>

typedef struct FleetClockWatch FleetClockWatch;
typedef void (*FleetClockSetFunc)(gpointer user_data);

/* Calls back on the thread-default main context, after each step of the clock. */
FleetClockWatch *fleet_clock_watch_new(FleetClockSetFunc was_set, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
void fleet_clock_watch_free(FleetClockWatch *watch);
