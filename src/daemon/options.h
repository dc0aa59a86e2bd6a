/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The command line of fleetd.
 */

#include "base/log_settings.h"
#include "daemon/exit_status.h"

#include <glib.h>

typedef enum {
    FLEET_BUS_SYSTEM,
    FLEET_BUS_USER,
    FLEET_BUS_NONE,
} FleetBusChoice;

typedef struct {
    FleetBusChoice bus;
    char *socket;          /* path of the private socket; NULL = none, or one that is passed */
    char *state_directory; /* always set; absolute, for systemd is told of what lies in it */
    char *config;          /* always set */
    gboolean config_given; /* on the command line, so that it must exist */
    gboolean log_level_given;
    int log_level; /* syslog's */
    gboolean log_target_given;
    FleetLogTarget log_target;
} FleetOptions;

/*
 * Reads the command line. Returns NULL if there is nothing to run: then *status is what to exit with, and --help,
 * --version or an error has been printed.
 */
FleetOptions *fleet_options_parse(int argc, char **argv, FleetExitStatus *status) G_GNUC_WARN_UNUSED_RESULT;
void fleet_options_free(FleetOptions *options);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetOptions, fleet_options_free)
