/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the driver "command" is told: which program carries out which type of action on which type of device.
 */

#include <glib.h>

/* The program gets so long between SIGTERM and SIGKILL where the configuration does not say. */
#define FLEET_COMMAND_KILL_TIMEOUT (10 * G_USEC_PER_SEC)

typedef struct {
    char *device_type; /* "*" = any */
    char *action_type;
    char **argv;           /* argv[0] is a path, or a name that is looked up in PATH */
    gint64 kill_timeout;   /* µs */
    GPtrArray *properties; /* of the unit: name, value, name, value, ... */
} FleetCommandProgram;

typedef struct {
    GPtrArray *programs;   /* FleetCommandProgram */
    char *directory;       /* where attempts have their places; made when it is missing */
    char *keeper;          /* path of fleet-command-keeper */
    gboolean user_manager; /* units are started by the user's own systemd */
    gint64 sweep_after;    /* µs after which places that nobody has asked for since the start are cleared; 1 min */
} FleetCommandSettings;

/* No program; NULL for directory; the keeper that FLEET_COMMAND_KEEPER in the environment names, for a fleetd that is
 * not installed, else the installed one. A reference of the caller's. Once the driver has them, they must not be
 * changed any more. */
FleetCommandSettings *fleet_command_settings_new(void) G_GNUC_WARN_UNUSED_RESULT;
FleetCommandSettings *fleet_command_settings_ref(FleetCommandSettings *settings);
void fleet_command_settings_unref(FleetCommandSettings *settings);

/*
 * The program that a group of the configuration is about: "Command ACTION-TYPE" for devices of any type, or "Command
 * DEVICE-TYPE ACTION-TYPE"; a device type may hold blanks, an action type does not. It is added if it is not there yet.
 * INVALID_ARGUMENT if the group's name is not such a one. Owned by the settings.
 */
FleetCommandProgram *fleet_command_settings_add(
        FleetCommandSettings *settings, const char *group, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Sets what one key of such a group says: Exec, KillTimeout, or a property of property.h; an empty value of a property
 * takes it back. INVALID_ARGUMENT with what would be right. */
gboolean fleet_command_program_set(
        FleetCommandProgram *program, const char *key, const char *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Has each program what it needs? INVALID_ARGUMENT that names the first group without Exec. */
gboolean fleet_command_settings_check(const FleetCommandSettings *settings, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The program for a device and an action: the one for that very type of device, else the one for any; NULL if there is
 * none. Owned by the settings. */
const FleetCommandProgram *fleet_command_settings_lookup(
        const FleetCommandSettings *settings, const char *device_type, const char *action_type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetCommandSettings, fleet_command_settings_unref)
