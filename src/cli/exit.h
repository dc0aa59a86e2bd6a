/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Why a command failed, as the exit status tells it. Within the CLI errors are GErrors of the domain FLEET_CLI_ERROR,
 * whose codes are these statuses; scripts depend on them, so they never change.
 */

#include <glib.h>

#define FLEET_CLI_ERROR (fleet_cli_error_quark())

typedef enum {
    FLEET_CLI_EXIT_DONE = 0,
    FLEET_CLI_EXIT_FAILED = 1,      /* the daemon refused, or the action that was followed failed */
    FLEET_CLI_EXIT_USAGE = 2,       /* bad command line */
    FLEET_CLI_EXIT_UNREACHABLE = 3, /* no bus, no daemon on it, or no answer */
    FLEET_CLI_EXIT_NOT_FOUND = 4,   /* no such device or action */
    FLEET_CLI_EXIT_DENIED = 5,      /* the caller may not do this */
} FleetCliExit;

/* The quark of the domain; use FLEET_CLI_ERROR. */
GQuark fleet_cli_error_quark(void);

/* The status for a D-Bus error name; FAILED for every name that has no status of its own. NULL is FAILED as well. */
FleetCliExit fleet_cli_exit_from_error_name(const char *name);

/* The status for an error: its code in our own domain, else FAILED. */
FleetCliExit fleet_cli_exit_from_error(const GError *error);
