/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/pruner.h"

#include "base/clock.h"

#define INTERVAL_USEC (3600 * FLEET_USEC_PER_SEC)

struct FleetPruner {
    FleetTimers *timers;
    FleetStore *store;
    FleetRetention retention;
    gboolean by_age; /* the first hour is over */
    FleetTimer timer;
};

static void prune(FleetTimer *timer)
{
    FleetPruner *pruner = timer->data;
    FleetRetention retention = pruner->retention;

    if (!pruner->by_age)
        retention.actions_age = retention.audit_age = G_MAXINT64;
    pruner->by_age = TRUE;
    fleet_store_prune(pruner->store, &retention, fleet_clock_realtime());
    fleet_timers_set(pruner->timers, timer, fleet_clock_boottime() + INTERVAL_USEC);
}

FleetPruner *fleet_pruner_new(FleetTimers *timers, FleetStore *store, const FleetConfig *config)
{
    FleetPruner *pruner = g_new0(FleetPruner, 1);

    pruner->timers = timers;
    pruner->store = store;
    pruner->timer = (FleetTimer){.fire = prune, .data = pruner};
    fleet_pruner_configure(pruner, config);
    prune(&pruner->timer);
    return pruner;
}

void fleet_pruner_free(FleetPruner *pruner)
{
    fleet_timers_clear(pruner->timers, &pruner->timer);
    g_free(pruner);
}

void fleet_pruner_configure(FleetPruner *pruner, const FleetConfig *config)
{
    pruner->retention = (FleetRetention){.actions_max = config->history_actions,
            .actions_age = config->history_age,
            .audit_max = config->audit_entries,
            .audit_age = config->audit_age};
}
