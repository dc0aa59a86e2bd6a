/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verb that shows an action, and how actions are put for people.
 */

#include "cli/verbs.h"

gboolean fleet_cli_verb_action_status(FleetCli *cli, const char *const *args, GError **error);

/* Prints an action for people: info holds the properties of org.fleet.Action. */
void fleet_action_print(FleetOutput *output, JsonObject *info);

/* "42%", or "unknown" where the daemon does not know either. Owned by the caller. */
char *fleet_action_progress_text(gboolean known, double progress) G_GNUC_WARN_UNUSED_RESULT;

/* Why an action did not complete, for people. Owned by info, or static. */
const char *fleet_action_reason(JsonObject *info);
