/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verbs on the daemon itself.
 */

#include "cli/verbs.h"

gboolean fleet_cli_verb_reload(FleetCli *cli, const char *const *args, GError **error);
gboolean fleet_cli_verb_status(FleetCli *cli, const char *const *args, GError **error);

/* Prints the daemon's state for people: info holds the properties of org.fleet.Manager. */
void fleet_manager_print(FleetOutput *output, JsonObject *info);
