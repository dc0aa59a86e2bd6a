/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the driver "command" is told: which program carries out which type of action on which type of device.
 */

#include "drivers/program/programs.h"

#include <glib.h>

typedef struct {
    FleetPrograms *programs; /* of the kind "Command" */
    char *directory;         /* where attempts have their places; made when it is missing */
    char *keeper;            /* path of fleet-command-keeper */
    gboolean user_manager;   /* units are started by the user's own systemd */
    gint64 sweep_after;      /* µs after which places that nobody has asked for since the start are cleared; 1 min */
} FleetCommandSettings;

/* No program; NULL for directory; the keeper that FLEET_COMMAND_KEEPER in the environment names, for a fleetd that is
 * not installed, else the installed one. A reference of the caller's. Once the driver has them, they must not be
 * changed any more. */
FleetCommandSettings *fleet_command_settings_new(void) G_GNUC_WARN_UNUSED_RESULT;
FleetCommandSettings *fleet_command_settings_ref(FleetCommandSettings *settings);
void fleet_command_settings_unref(FleetCommandSettings *settings);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetCommandSettings, fleet_command_settings_unref)
