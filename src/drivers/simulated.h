/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The driver "simulated": no device is touched. An action takes a random time, goes through the phases that fit its
 * type, reports its progress in steps, and succeeds with a given probability. The draw is made once for each attempt,
 * before its start, and kept in the action's plan; so the work goes on with its remaining time after a restart, and a
 * seed makes runs repeatable. It can be stopped at any time, but a FIRMWARE_UPDATE not from its phase "rebooting" on.
 */

#include "drivers/driver.h"

typedef struct {
    gint64 min_duration;   /* µs */
    gint64 max_duration;   /* µs, not below min_duration */
    double success_rate;   /* 0.0 to 1.0 */
    double transient_rate; /* of the failures, 0.0 to 1.0: another attempt may help */
    gboolean seeded;       /* draw from seed and the action's sequence alone */
    guint64 seed;
} FleetSimulation;

/* 10 to 30 s, 9 in 10 succeed, no failure is transient, not seeded. */
#define FLEET_SIMULATION_INIT                                                                                          \
    {                                                                                                                  \
        .min_duration = 10 * FLEET_USEC_PER_SEC, .max_duration = 30 * FLEET_USEC_PER_SEC, .success_rate = 0.9          \
    }

extern const FleetDriverClass fleet_simulated_driver_class;

/* Applies to actions that start from now on. driver must be the one of this class. */
void fleet_simulated_driver_configure(FleetDriver *driver, const FleetSimulation *simulation);
