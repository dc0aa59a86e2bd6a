/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The place of one attempt on disk, by which it is found again after a restart: a directory DIRECTORY/SEQUENCE-NUMBER
 * with
 *
 *     attempt      what the attempt is (FleetCommandPlaceInfo)
 *     invocation   the unit's invocation id, once it is known
 *     environment  of a unit, until it has been read
 *     out, err     named pipes: the program's stdout and stderr
 *     end          a named pipe that closes when the keeper has written the result, or has died
 *     control      a named pipe to the keeper
 *     result.new   room for the result, so that a full disk is no obstacle to it
 *     result       how the program has ended (result.h), once it has
 *     stopping     when fleetd asked for a unit's stop, µs of CLOCK_MONOTONIC
 *     tail         the end of the log up to the last restart
 *
 * Named pipes, and not files, so that a program that prints without end is slowed down and does not fill the disk; the
 * kernel keeps what is in them as long as anybody has them open.
 */

#include "drivers/program/output.h"
#include "drivers/program/result.h"

typedef enum {
    FLEET_COMMAND_CHILD,
    FLEET_COMMAND_UNIT,
    FLEET_COMMAND_BACKENDS, /* not one: their number */
} FleetCommandBackendKind;

typedef struct {
    FleetCommandBackendKind backend;
    char *token;     /* equals the one in the plan */
    char *action_id; /* for messages */
    char *device_id; /* for messages */
} FleetCommandPlaceInfo;

typedef struct {
    char *path;
    int directory;
    int streams[FLEET_PROGRAM_STREAMS]; /* the ends to read from; they do not block */
    int end;                            /* likewise */
    FleetCommandPlaceInfo info;
} FleetCommandPlace;

/* Makes the place of an attempt, below a directory that is made when it is missing. An error of LIMIT_EXCEEDED names
 * what failed; nothing is left then. The info is copied. Owned by the caller. */
FleetCommandPlace *fleet_command_place_create(const char *directory, FleetAttemptId id,
        const FleetCommandPlaceInfo *info, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Opens a place that is there. An error of ACTION_NOT_FOUND if there is none, or if it was not finished. */
FleetCommandPlace *fleet_command_place_open(
        const char *directory, FleetAttemptId id, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Closes it; the directory stays. */
void fleet_command_place_free(FleetCommandPlace *place);

/* Removes the directory. */
void fleet_command_place_remove(FleetCommandPlace *place);

/* Removes the directory of one that cannot be opened. */
void fleet_command_place_discard(const char *directory, FleetAttemptId id);

/* The ends to write to for a program, open for reading as well. -1 with errno on failure. Owned by the caller. */
int fleet_command_place_open_stream(const FleetCommandPlace *place, FleetProgramStream stream);

/* Any other of the files, by open(2)'s flags; not inherited by programs. -1 with errno. Owned by the caller. */
int fleet_command_place_open_file(const FleetCommandPlace *place, const char *name, int flags);

/* Writes one of the small files. FALSE, and a line in the log, on failure. */
gboolean fleet_command_place_write(const FleetCommandPlace *place, const char *name, const char *text);

/* Reads one of the small files. NULL if it is not there. Owned by the caller. */
char *fleet_command_place_read(const FleetCommandPlace *place, const char *name) G_GNUC_WARN_UNUSED_RESULT;

/* The result, once there is one. */
gboolean fleet_command_place_read_result(
        const FleetCommandPlace *place, FleetProgramResult *result) G_GNUC_WARN_UNUSED_RESULT;

/* Keeps a result, in place of the keeper. */
void fleet_command_place_write_result(const FleetCommandPlace *place, const FleetProgramResult *result);

/* Is there a keeper that has not written its result yet? */
gboolean fleet_command_place_is_kept(const FleetCommandPlace *place);

/* Tells the keeper something (keeper.c). Nothing happens if there is none any more. */
void fleet_command_place_control(const FleetCommandPlace *place, char command);

/* The attempts that have a place below a directory, as an array of FleetAttemptId. Owned by the caller. */
GArray *fleet_command_place_list(const char *directory) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetCommandPlace, fleet_command_place_free)
