/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verbs that list. However many rows there are, they are fetched page by page.
 */

#include "cli/table.h"
#include "cli/verbs.h"

gboolean fleet_cli_verb_list(FleetCli *cli, const char *const *args, GError **error);
gboolean fleet_cli_verb_list_actions(FleetCli *cli, const char *const *args, GError **error);

/* Empty tables of the two lists, and one row of each: the object has the members that a row of JSON has. */
FleetTable *fleet_list_table_of_devices(void) G_GNUC_WARN_UNUSED_RESULT;
void fleet_list_add_device(FleetTable *table, JsonObject *row);
FleetTable *fleet_list_table_of_actions(void) G_GNUC_WARN_UNUSED_RESULT;
void fleet_list_add_action(FleetTable *table, JsonObject *row);

/* The line above the actions: so many, or the newest so many where there are more. Owned by the caller. */
char *fleet_list_heading_of_actions(guint n, gboolean more) G_GNUC_WARN_UNUSED_RESULT;
