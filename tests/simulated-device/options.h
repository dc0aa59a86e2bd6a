/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The command line.
 */

#include "broker.h"
#include "plan.h"

#include <glib.h>

typedef struct {
    SimBroker broker;
    SimPlan plan;
    char *id, *name; /* of one device, or what those of several begin with */
    guint count;
    guint per_connection; /* devices that share one */
    char *state, *record; /* paths; NULL = none */
} SimOptions;

/* NULL if the program is to end at once, with that exit status; what there was to say has been said. Owned by the
 * caller. */
SimOptions *sim_options_parse(int argc, char **argv, int *status) G_GNUC_WARN_UNUSED_RESULT;
void sim_options_free(SimOptions *options);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimOptions, sim_options_free)
