/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a program prints: its stdout is the protocol of fleet-driver-command(7), and whatever is not protocol there, and
 * all of stderr, is log. Memory is bounded whatever comes: one line of FLEET_PROGRAM_LINE_MAX for each stream, and the
 * end of the log.
 */

#include <glib.h>

#define FLEET_PROGRAM_LINE_MAX 4096   /* bytes; longer lines are log, cut into pieces of this length */
#define FLEET_PROGRAM_PHASES_MAX 1000 /* changes of phase in one attempt; each is stored */

typedef enum {
    FLEET_PROGRAM_STDOUT,
    FLEET_PROGRAM_STDERR,
    FLEET_PROGRAM_STREAMS, /* not a stream: their number */
} FleetProgramStream;

/* Texts are valid UTF-8 without control characters but the tabulator, and belong to the caller. */
typedef struct {
    void (*progress)(double progress, gpointer user_data);
    void (*phase)(const char *phase, gpointer user_data);
    void (*status)(const char *text, gpointer user_data);
    void (*point_of_no_return)(gpointer user_data);
    void (*log)(const char *line, gpointer user_data);
} FleetProgramOutputFuncs;

typedef struct FleetProgramOutput FleetProgramOutput;

FleetProgramOutput *fleet_program_output_new(
        const FleetProgramOutputFuncs *funcs, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
void fleet_program_output_free(FleetProgramOutput *output);

/* Takes in what was read from a stream. Of several PROGRESS, or several STATUS, in one call only the last one is
 * reported. */
void fleet_program_output_feed(FleetProgramOutput *output, FleetProgramStream stream, const char *bytes, gsize length);

/* The streams have ended: what has no line's end is a line, too. */
void fleet_program_output_finish(FleetProgramOutput *output);

/* The last STATUS, "" at first. Owned by the output. */
const char *fleet_program_output_status(const FleetProgramOutput *output);

/* The end of the log, at most FLEET_OUTPUT_MAX bytes, from the beginning of a line where that is possible. Owned by the
 * caller. */
char *fleet_program_output_tail(const FleetProgramOutput *output) G_GNUC_WARN_UNUSED_RESULT;

/* Puts a text before the log, from before a restart. */
void fleet_program_output_restore(FleetProgramOutput *output, const char *tail);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetProgramOutput, fleet_program_output_free)
