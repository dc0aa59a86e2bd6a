/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The progress of an action as one line of a terminal.
 */

#include <glib.h>

typedef struct {
    const char *status;
    const char *phase; /* "" = none */
    double fraction;   /* 0.0 to 1.0 */
    gboolean known;    /* is the fraction? */
    gint64 elapsed;    /* µs */
} FleetProgress;

/* "RUNNING [#####-----]  50%  installing  0:12" in less than width columns, so that the cursor stays in the line; the
 * bar grows with the width and is left out where it is too small. Owned by the caller. */
char *fleet_progress_render(const FleetProgress *progress, guint width, gboolean utf8) G_GNUC_WARN_UNUSED_RESULT;
