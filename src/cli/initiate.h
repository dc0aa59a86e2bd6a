/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verbs that start actions.
 */

#include "cli/verbs.h"

gboolean fleet_cli_verb_initiate_action(FleetCli *cli, const char *const *args, GError **error);
gboolean fleet_cli_verb_initiate_actions(FleetCli *cli, const char *const *args, GError **error);

/* Appends the a{sv} of how an action is to be started: what was given, and nothing else. Negative errno on failure. */
int fleet_initiate_append_options(sd_bus_message *call, const FleetCliOptions *options);
