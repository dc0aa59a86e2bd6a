/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verb by which devices, or who hears them, say that they are there.
 */

#include "cli/verbs.h"

gboolean fleet_cli_verb_heartbeat(FleetCli *cli, const char *const *args, GError **error);
