/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verb that stops an action.
 */

#include "cli/verbs.h"

gboolean fleet_cli_verb_cancel_action(FleetCli *cli, const char *const *args, GError **error);
