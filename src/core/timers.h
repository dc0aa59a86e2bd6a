/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All deadlines of the daemon, in one source: a heap over one timerfd on CLOCK_BOOTTIME. A main loop walks all its
 * sources at each turn, so a source per action would make the loop's cost grow with the fleet; here an idle daemon with
 * a million timers has one file descriptor and no wakeup before the first is due.
 */

#include <glib.h>

typedef struct FleetTimers FleetTimers;
typedef struct FleetTimer FleetTimer;

/* A timer, embedded in what it serves. It must be cleared before that goes away. */
struct FleetTimer {
    void (*fire)(FleetTimer *timer); /* called once per setting, on the main loop; it may set or clear any timer */
    gpointer data;                   /* the owner's */
    gint64 deadline;                 /* µs of CLOCK_BOOTTIME; private */
    guint index;                     /* place in the heap from 1; 0 = not set; private */
};

/* Attaches the source to the thread-default main context. Aborts if the kernel has no timerfd. */
FleetTimers *fleet_timers_new(void) G_GNUC_WARN_UNUSED_RESULT;

/* All timers must have been cleared. */
void fleet_timers_free(FleetTimers *timers);

/* Fires at the deadline (µs of CLOCK_BOOTTIME), never within this call. Replaces an earlier setting. O(log n). */
void fleet_timers_set(FleetTimers *timers, FleetTimer *timer, gint64 deadline);

/* Does nothing if it is not set. O(log n). */
void fleet_timers_clear(FleetTimers *timers, FleetTimer *timer);

static inline gboolean fleet_timer_is_set(const FleetTimer *timer)
{
    return timer->index != 0;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTimers, fleet_timers_free)
