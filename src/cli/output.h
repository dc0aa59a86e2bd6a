/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All that fleetctl prints goes through here: it knows whether anybody looks at it, how wide and in which colours they
 * see, and it cleans every line, since most of what is printed came from a daemon and may hold anything.
 */

#include "cli/options.h"

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdio.h>

typedef struct {
    FILE *file;        /* where results go; not owned */
    FILE *error_file;  /* where errors go; not owned */
    gboolean terminal; /* file is a terminal that obeys escape sequences */
    gboolean colour;
    gboolean error_colour;
    gboolean utf8; /* the locale can show what is not ASCII */
    gboolean quiet;
    gboolean legend;
    FleetJsonMode json;
} FleetOutput;

/* Output to stdout and stderr, as the options, the environment (NO_COLOR, TERM) and the locale have it. */
void fleet_output_init(FleetOutput *output, const FleetCliOptions *options);

/* The columns of a line on the terminal, COLUMNS first; 0 where results do not go to a terminal, so nothing is cut. */
guint fleet_output_width(const FleetOutput *output);

/* What stands where a text was cut. Static. */
const char *fleet_output_ellipsis(const FleetOutput *output);

/* A line of the result. */
void fleet_output_line(FleetOutput *output, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Text that is whole lines already, and clean. */
void fleet_output_text(FleetOutput *output, const char *text);

/* "✓ ..." in green. Nothing if quiet or JSON. */
void fleet_output_success(FleetOutput *output, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* "✗ ..." in red, as a result: on the same file as the lines. */
void fleet_output_failure(FleetOutput *output, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* "✗ ..." in red on the error file. */
void fleet_output_error(FleetOutput *output, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* A plain line on the error file: what is worth a note but no error. */
void fleet_output_note(FleetOutput *output, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* "  Label:    value", with the value at column 18; an empty value is shown as "-". A status may bring its colour. */
void fleet_output_field(FleetOutput *output, const char *label, const char *value);
void fleet_output_status_field(FleetOutput *output, const char *label, const char *status);

/* A whole JSON value, in the mode that was asked for, and a line's end. Takes the node. */
void fleet_output_json(FleetOutput *output, JsonNode *node);

/* Hands everything to the kernel. FAILED if any of it, now or before, could not be written; where the reader has gone
 * the message is empty, since nobody misses anything. */
gboolean fleet_output_flush(FleetOutput *output, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The error of having no reader any more: FAILED, without a message. */
void fleet_output_set_closed(GError **error);
