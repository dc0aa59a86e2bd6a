/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verbs that tell what happened: to an action, and by whom.
 */

#include "cli/table.h"
#include "cli/verbs.h"

gboolean fleet_cli_verb_history(FleetCli *cli, const char *const *args, GError **error);
gboolean fleet_cli_verb_audit(FleetCli *cli, const char *const *args, GError **error);

/* Empty tables of the two, and one row of each: the object has the members that a row of JSON has. */
FleetTable *fleet_history_table(void) G_GNUC_WARN_UNUSED_RESULT;
void fleet_history_add(FleetTable *table, JsonObject *row);
FleetTable *fleet_audit_table(void) G_GNUC_WARN_UNUSED_RESULT;
void fleet_audit_add(FleetTable *table, JsonObject *row);

/* An outcome as the table shows it: the name of an error without what all of them begin with. Owned by outcome. */
const char *fleet_audit_outcome(const char *outcome);
