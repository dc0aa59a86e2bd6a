/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A wall clock that can be set, for fleetd alone: a library that is preloaded into it (shim/clock.c) shifts what it
 * reads of CLOCK_REALTIME, and tells it when that is set as the kernel would (TFD_TIMER_CANCEL_ON_SET). All other
 * clocks go on.
 */

#include "lib/daemon.h"

typedef struct FleetTestClock FleetTestClock;

/* Has the daemon, which has never run, use the library from its next start on. The clock is right at first. Owned by
 * the caller; outlives the daemon. */
FleetTestClock *fleet_test_clock_new(FleetTestDaemon *daemon) G_GNUC_WARN_UNUSED_RESULT;
void fleet_test_clock_free(FleetTestClock *clock);

/* Sets the clock so many µs ahead of the right time, or with a negative number behind it. */
void fleet_test_clock_shift(FleetTestClock *clock, gint64 usec);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestClock, fleet_test_clock_free)
