/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How often something may be said that others bring about, so that they cannot fill the log: so many times at once, and
 * then once in an interval.
 */

#include <glib.h>

typedef struct {
    guint burst;
    gint64 interval; /* µs */
    double budget;   /* what is left, as of then */
    gint64 then;     /* µs of g_get_monotonic_time(); 0 = nothing was said yet */
    guint64 left_out;
} FleetThinEdgeLimit;

#define FLEET_THIN_EDGE_LIMIT_INIT(burst_, interval_)                                                                  \
    {                                                                                                                  \
        .burst = (burst_), .interval = (interval_)                                                                     \
    }

/* May it be said? Then *left_out tells how often it was not since the last time. */
gboolean fleet_thin_edge_limit_take(FleetThinEdgeLimit *limit, guint64 *left_out) G_GNUC_WARN_UNUSED_RESULT;
