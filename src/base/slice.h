/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A slice of the main loop's time: how much is done of something that may be endless before all others have their turn.
 */

#include <glib.h>

#define FLEET_SLICE_STEPS 64
#define FLEET_SLICE_USEC 50

typedef struct {
    gint64 end;  /* µs of g_get_monotonic_time() */
    guint steps; /* that are left */
} FleetSlice;

static inline FleetSlice fleet_slice_begin(void)
{
    return (FleetSlice){.end = g_get_monotonic_time() + FLEET_SLICE_USEC, .steps = FLEET_SLICE_STEPS};
}

/* To be asked after each step: whether there may be another one. */
static inline gboolean fleet_slice_goes_on(FleetSlice *slice)
{
    return --slice->steps > 0 && g_get_monotonic_time() < slice->end;
}
