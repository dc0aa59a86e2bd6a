/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Somebody to ask for a password on the terminal, where no desktop does: pkttyagent of polkit, while fleetctl runs.
 */

#include <glib.h>

typedef struct FleetAgent FleetAgent;

/* Starts one and waits until polkit knows it. NULL where there is no use for it: root needs none, nobody can be asked
 * without a terminal, and polkit may be missing. */
FleetAgent *fleet_agent_start(void) G_GNUC_WARN_UNUSED_RESULT;

/* Ends it. */
void fleet_agent_free(FleetAgent *agent);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetAgent, fleet_agent_free)
