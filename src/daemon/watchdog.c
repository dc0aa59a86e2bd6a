/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/watchdog.h"

#include "base/clock.h"
#include "base/log.h"

struct FleetWatchdog {
    FleetTimers *timers;
    FleetStore *store;
    gint64 interval; /* µs */
    FleetWatchdogFunc alive;
    gpointer user_data;
    FleetTimer timer;
    gboolean stuck; /* it was logged */
};

static void look(FleetTimer *timer)
{
    FleetWatchdog *watchdog = timer->data;
    gint64 busy = fleet_store_busy_for(watchdog->store);
    gboolean stuck = busy >= watchdog->interval;

    if (!stuck)
        watchdog->alive(watchdog->user_data);
    else if (!watchdog->stuck)
        fleet_log_about(LOG_ERR, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_DISK_SILENT),
                "the disk has not answered for %.1f s; if it does not soon, the service manager starts fleetd "
                "anew",
                (double)busy / FLEET_USEC_PER_SEC);
    watchdog->stuck = stuck;
    fleet_timers_set(watchdog->timers, timer, fleet_clock_boottime() + watchdog->interval / 2);
}

FleetWatchdog *fleet_watchdog_new(
        FleetTimers *timers, FleetStore *store, gint64 interval, FleetWatchdogFunc alive, gpointer user_data)
{
    FleetWatchdog *watchdog = g_new0(FleetWatchdog, 1);

    watchdog->timers = timers;
    watchdog->store = store;
    watchdog->interval = interval;
    watchdog->alive = alive;
    watchdog->user_data = user_data;
    watchdog->timer = (FleetTimer){.fire = look, .data = watchdog};
    if (interval > 0)
        look(&watchdog->timer);
    return watchdog;
}

void fleet_watchdog_free(FleetWatchdog *watchdog)
{
    fleet_timers_clear(watchdog->timers, &watchdog->timer);
    g_free(watchdog);
}
