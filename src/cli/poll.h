/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verb that follows an action to its end, which others do where --wait is given.
 *
 * Signals only say when to look: what is shown is always what the daemon answers when asked, at each signal and at each
 * interval. So a signal that was missed, or forged, and a daemon that was restarted do no harm.
 */

#include "cli/verbs.h"

gboolean fleet_cli_verb_poll_action(FleetCli *cli, const char *const *args, GError **error);

/* What the verb does, for other verbs that wait. Ends with success, and leaves the exit status as it is, if the action
 * ends with the status that was wanted: "COMPLETED" or "CANCELLED". */
gboolean fleet_poll_follow(FleetCli *cli, const char *id, const char *wanted, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* USAGE if options of following are given to a verb that is not to follow. */
gboolean fleet_poll_check_options(const FleetCliOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
