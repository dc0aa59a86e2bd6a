/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How a program has ended. A result is kept as one line in the place of its attempt (place.h), written by the keeper
 * or, for a unit, by fleetd, so that it is found again whatever happens in between.
 */

#include "drivers/driver.h"

typedef enum {
    FLEET_PROGRAM_EXITED,      /* number is the exit status */
    FLEET_PROGRAM_KILLED,      /* number is the signal */
    FLEET_PROGRAM_NOT_STARTED, /* number is the errno, 0 = not known */
    FLEET_PROGRAM_ENDS,        /* not an end: their number */
} FleetProgramEnd;

/* Who ended it, besides itself, us and other people. */
typedef enum {
    FLEET_PROGRAM_CAUSE_NONE,
    FLEET_PROGRAM_CAUSE_OOM,     /* the kernel or systemd, for it took too much memory */
    FLEET_PROGRAM_CAUSE_RUNTIME, /* systemd, for it ran longer than RuntimeMaxSec= */
    FLEET_PROGRAM_CAUSES,        /* not a cause: their number */
} FleetProgramCause;

typedef struct {
    FleetProgramEnd end;
    int number;
    gboolean stopped; /* it was told to stop before it ended */
    gboolean unit;    /* it ran as a unit, where some exit statuses are systemd's; not kept in the line */
    FleetProgramCause cause;
} FleetProgramResult;

#define FLEET_PROGRAM_RESULT_SIZE 64 /* bytes of the line, filled up with blanks, its end included */

/* The line. Owned by the caller. */
char *fleet_program_result_format(const FleetProgramResult *result) G_GNUC_WARN_UNUSED_RESULT;

/* Reads a line. FALSE on anything that is not one. */
gboolean fleet_program_result_parse(const char *line, FleetProgramResult *result) G_GNUC_WARN_UNUSED_RESULT;

/* What the engine is told: exit status 0 is success, even if it was told to stop; any other end after that is a stop;
 * 75 is transient, and all else permanent. */
FleetOutcome fleet_program_result_outcome(const FleetProgramResult *result);

/* A line for people, "exited with status 3". Owned by the caller. */
char *fleet_program_result_describe(const FleetProgramResult *result) G_GNUC_WARN_UNUSED_RESULT;

/* The same for an attempt that ends so, with what the program said last ("" = nothing): that says more than an exit
 * status, but does not replace the one of a failure. Owned by the caller. */
char *fleet_program_result_message(const FleetProgramResult *result, const char *said) G_GNUC_WARN_UNUSED_RESULT;
