/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which program carries out which type of action on which type of device, as the configuration has it for a driver that
 * runs programs: groups [KIND ACTION-TYPE] and [KIND DEVICE-TYPE ACTION-TYPE].
 */

#include <glib.h>

/* The program gets so long between SIGTERM and SIGKILL where the configuration does not say. */
#define FLEET_PROGRAM_KILL_TIMEOUT (10 * G_USEC_PER_SEC)

typedef struct {
    char *device_type; /* "*" = any */
    char *action_type;
    char **argv;           /* argv[0] is a path, or a name that is looked up in PATH */
    gint64 kill_timeout;   /* µs */
    GPtrArray *properties; /* of the unit: name, value, name, value, ... */
} FleetProgram;

typedef struct {
    const char *kind; /* what the names of their groups begin with, "Command" */
    GPtrArray *list;  /* FleetProgram */
} FleetPrograms;

/* None yet. kind is static. Owned by the caller. */
FleetPrograms *fleet_programs_new(const char *kind) G_GNUC_WARN_UNUSED_RESULT;
void fleet_programs_free(FleetPrograms *programs);

/*
 * The program that a group of the configuration is about: "KIND ACTION-TYPE" for devices of any type, or "KIND
 * DEVICE-TYPE ACTION-TYPE"; a device type may hold blanks, an action type does not. It is added if it is not there yet.
 * INVALID_ARGUMENT if the group's name is not such a one. Owned by the table.
 */
FleetProgram *fleet_programs_add(FleetPrograms *programs, const char *group, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Sets what one key of such a group says: Exec, KillTimeout, or a property of property.h; an empty value of a property
 * takes it back. INVALID_ARGUMENT with what would be right. */
gboolean fleet_program_set(
        FleetProgram *program, const char *key, const char *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Has each program what it needs? INVALID_ARGUMENT that names the first group without Exec. */
gboolean fleet_programs_check(const FleetPrograms *programs, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The program for a device and an action: the one for that very type of device, else the one for any; NULL if there is
 * none. Owned by the table. */
const FleetProgram *fleet_programs_lookup(
        const FleetPrograms *programs, const char *device_type, const char *action_type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetPrograms, fleet_programs_free)
