/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The exit statuses of fleetd, as fleetd(8) documents them.
 */

typedef enum {
    FLEET_EXIT_SUCCESS = 0,
    FLEET_EXIT_FAILURE = 1,         /* anything that has no status of its own */
    FLEET_EXIT_USAGE = 2,           /* the command line */
    FLEET_EXIT_BUS = 3,             /* the bus cannot be reached, or the session's was lost */
    FLEET_EXIT_NAME = 4,            /* the name is taken, or may not be owned */
    FLEET_EXIT_STATE_DIRECTORY = 5, /* cannot be made or written */
    FLEET_EXIT_LOCKED = 6,          /* another instance holds the state directory */
    FLEET_EXIT_DATABASE = 7,        /* corrupt, foreign, or of a newer schema */
    FLEET_EXIT_CONFIGURATION = 8,
    FLEET_EXIT_SOCKET = 9, /* the private socket */
} FleetExitStatus;
