/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Tells the service manager that the daemon is alive, twice in the time that it allows (sd_watchdog_enabled(3)). It is
 * told from the main loop, so it does not hear it from one that hangs; and only as long as the store's writer is alive
 * too. A writer counts as alive while it is idle, or at something that began less than that time ago: a sync on a slow
 * disk may take as long, and is no hang. The reader's thread is not asked: a question about a long history may take its
 * time, and nobody else waits for it.
 */

#include "core/timers.h"
#include "store/store.h"

typedef struct FleetWatchdog FleetWatchdog;

/* Tells the service manager. */
typedef void (*FleetWatchdogFunc)(gpointer user_data);

/* Tells it at once, and from then on. An interval of 0 tells nothing, and wakes nobody. The others outlive it. */
FleetWatchdog *fleet_watchdog_new(FleetTimers *timers, FleetStore *store, gint64 interval, FleetWatchdogFunc alive,
        gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
void fleet_watchdog_free(FleetWatchdog *watchdog);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetWatchdog, fleet_watchdog_free)
