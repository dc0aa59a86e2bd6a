/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The daemon: everything wired together, its life from the first line of the log to the exit status.
 */

#include "daemon/exit_status.h"
#include "daemon/options.h"

#include <glib.h>

typedef struct FleetDaemon FleetDaemon;

/* Options are borrowed for its life. */
FleetDaemon *fleet_daemon_new(const FleetOptions *options) G_GNUC_WARN_UNUSED_RESULT;
void fleet_daemon_free(FleetDaemon *daemon);

/*
 * Loads the configuration and the store, publishes everything, takes the name, tells the service manager, and serves
 * until SIGTERM or SIGINT, or until the session's bus is lost. Why it could not start, or ended, has been logged in one
 * line.
 */
FleetExitStatus fleet_daemon_run(FleetDaemon *daemon) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetDaemon, fleet_daemon_free)
