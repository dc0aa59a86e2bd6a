/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verb that follows an action to its end.
 *
 * Signals only say when to look: what is shown is always what the daemon answers when asked, at each signal and at each
 * interval. So a signal that was missed, or forged, and a daemon that was restarted do no harm.
 */

#include "cli/verbs.h"

gboolean fleet_verb_poll_action(FleetCli *cli, const char *const *args, GError **error);
