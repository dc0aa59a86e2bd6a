/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a program prints: its stdout is the protocol of fleet-driver-command(7), and whatever is not protocol there, and
 * all of stderr, is log. Memory is bounded whatever comes: one line of FLEET_COMMAND_LINE_MAX for each stream, and the
 * end of the log.
 */

#include <glib.h>

#define FLEET_COMMAND_LINE_MAX 4096   /* bytes; longer lines are log, cut into pieces of this length */
#define FLEET_COMMAND_PHASES_MAX 1000 /* changes of phase in one attempt; each is stored */

typedef enum {
    FLEET_COMMAND_STDOUT,
    FLEET_COMMAND_STDERR,
    FLEET_COMMAND_STREAMS, /* not a stream: their number */
} FleetCommandStream;

/* Texts are valid UTF-8 without control characters but the tabulator, and belong to the caller. */
typedef struct {
    void (*progress)(double progress, gpointer user_data);
    void (*phase)(const char *phase, gpointer user_data);
    void (*status)(const char *text, gpointer user_data);
    void (*point_of_no_return)(gpointer user_data);
    void (*log)(const char *line, gpointer user_data);
} FleetCommandOutputFuncs;

typedef struct FleetCommandOutput FleetCommandOutput;

FleetCommandOutput *fleet_command_output_new(
        const FleetCommandOutputFuncs *funcs, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
void fleet_command_output_free(FleetCommandOutput *output);

/* Takes in what was read from a stream. Of several PROGRESS, or several STATUS, in one call only the last one is
 * reported. */
void fleet_command_output_feed(FleetCommandOutput *output, FleetCommandStream stream, const char *bytes, gsize length);

/* The streams have ended: what has no line's end is a line, too. */
void fleet_command_output_finish(FleetCommandOutput *output);

/* The last STATUS, "" at first. Owned by the output. */
const char *fleet_command_output_status(const FleetCommandOutput *output);

/* The end of the log, at most FLEET_OUTPUT_MAX bytes, from the beginning of a line where that is possible. Owned by the
 * caller. */
char *fleet_command_output_tail(const FleetCommandOutput *output) G_GNUC_WARN_UNUSED_RESULT;

/* Puts a text before the log, from before a restart. */
void fleet_command_output_restore(FleetCommandOutput *output, const char *tail);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetCommandOutput, fleet_command_output_free)
