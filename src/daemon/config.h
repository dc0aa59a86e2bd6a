/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The daemon's configuration: fleetd.conf and its drop-ins, as fleetd.conf(5) documents them. Everything is checked
 * while it is read, so that a FleetConfig that exists is one that the daemon can run with.
 */

#include "base/log_settings.h"
#include "core/presence.h"
#include "drivers/command/settings.h"
#include "drivers/remote_bus/settings.h"
#include "drivers/thin_edge/settings.h"
#include "model/action_type.h"
#include "model/quotas.h"

#include <glib.h>

/* When devices of a type count as there. */
typedef struct {
    gint64 interval;      /* between two beats, µs; 0 = they are not regular */
    gint64 offline_after; /* µs; 0 = no silence is too long */
    gint64 online_after;  /* µs */
} FleetPresenceConfig;

typedef struct {
    guint running_max;                /* so many actions may run at the same time */
    gint64 cancel_timeout;            /* a driver may take so long to stop, µs */
    gint64 recovery_timeout;          /* and so long to find an attempt again, µs */
    guint finished_actions;           /* so many finished actions stay on the bus at the most */
    gint64 finished_age;              /* and for so long at the most, µs */
    gint64 history_actions;           /* so many finished actions stay in the database at the most */
    gint64 history_age;               /* and for so long at the most, µs */
    gint64 audit_entries;             /* so many calls stay in the audit at the most */
    gint64 audit_age;                 /* and for so long at the most, µs */
    gint64 min_duration;              /* of a simulated action, µs; <= max_duration */
    gint64 max_duration;              /* µs */
    double success_rate;              /* of simulated actions, 0.0 to 1.0 */
    double transient_rate;            /* of their failures, 0.0 to 1.0: another attempt may help */
    gboolean seed_set;                /* FALSE: another sequence of outcomes at every start */
    guint64 seed;                     /* of the simulation, if seed_set */
    int log_level;                    /* syslog's */
    FleetQuotas quotas;               /* what one user may have */
    FleetLogTarget log_target;        /* where to; auto by default */
    FleetActionTypes *action_types;   /* the built-in ones and those of the files; owned */
    GHashTable *type_drivers;         /* type of device -> name of its driver, both char *; owned, never NULL */
    FleetTolerance tolerance;         /* of devices whose type has none of its own */
    GHashTable *tolerances;           /* type of device (char *) -> FleetTolerance; owned, never NULL */
    FleetCommandSettings *command;    /* its programs; the rest of it is for the daemon to set; a reference */
    FleetRemoteSettings *remote_bus;  /* the same, with how machines are reached */
    FleetThinEdgeSettings *thin_edge; /* complete; the daemon gives it an identity; a reference */
} FleetConfig;

/*
 * Reads path and then path.d/ *.conf in the order of their names; later values win. A missing path is an error only if
 * it is required, a missing path.d never is; what is not set has its default. INVALID_ARGUMENT, "FILE:LINE: what is
 * wrong and what would be right", on the first fault.
 */
FleetConfig *fleet_config_load(const char *path, gboolean required, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void fleet_config_free(FleetConfig *config);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetConfig, fleet_config_free)
