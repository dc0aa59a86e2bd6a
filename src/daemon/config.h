/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The daemon's configuration: fleetd.conf and its drop-ins, as fleetd.conf(5) documents them. Everything is checked
 * while it is read, so that a FleetConfig that exists is one that the daemon can run with.
 */

#include "model/action_type.h"

#include <glib.h>

/* The most finished actions that may be kept on the bus. */
#define FLEET_CONFIG_FINISHED_ACTIONS_MAX 100000

typedef struct {
    gint64 min_duration;            /* of a simulated action, µs; <= max_duration */
    gint64 max_duration;            /* µs */
    double success_rate;            /* of simulated actions, 0.0 to 1.0 */
    gboolean seed_set;              /* FALSE: another sequence of outcomes at every start */
    guint64 seed;                   /* of the simulation, if seed_set */
    guint finished_actions;         /* so many finished actions stay on the bus at the most */
    gint64 finished_age;            /* and for so long at the most, µs */
    gboolean log_level_set;         /* FALSE: log_level is the default, so the command line's or none was given */
    int log_level;                  /* syslog's */
    FleetActionTypes *action_types; /* the built-in ones and those of the files; owned */
} FleetConfig;

/*
 * Reads path and then path.d/ *.conf in the order of their names; later values win. A missing path is an error only if
 * it is required, a missing path.d never is; what is not set has its default. INVALID_ARGUMENT, "FILE:LINE: what is
 * wrong and what would be right", on the first fault.
 */
FleetConfig *fleet_config_load(const char *path, gboolean required, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void fleet_config_free(FleetConfig *config);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetConfig, fleet_config_free)
