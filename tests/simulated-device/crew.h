/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All devices of one run.
 */

#include "loop.h"
#include "memory.h"
#include "options.h"

#include <glib.h>

typedef struct SimCrew SimCrew;

/* The devices that the options ask for, not connected yet. All is weak. Owned by the caller. */
SimCrew *sim_crew_new(SimLoop *loop, const SimOptions *options, SimMemory *memory) G_GNUC_WARN_UNUSED_RESULT;
void sim_crew_free(SimCrew *crew);

/* Connects all. Once all are up, says so on stdout. */
void sim_crew_start(SimCrew *crew);

/* Has all say that they are down, and then the loop end; the latter soon, even if the broker does not listen. */
void sim_crew_end(SimCrew *crew);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimCrew, sim_crew_free)
