/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Time spans as systemd.time(7) writes them, in µs.
 */

#include <glib.h>

/*
 * Reads "10s", "5min 30s", "1.5h", "250ms", "90" (bare numbers are seconds). Units: us ms s m min h d w and their long
 * forms. INVALID_ARGUMENT on anything else, on negative values and on spans of 2^61 µs and more, so that
 * a span can be added to any time without an overflow.
 */
gboolean fleet_timespan_parse(const char *string, gint64 *usec, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes a span for people, in at most two units: "1min 5s", "250ms", "0". Owned by the caller. */
char *fleet_timespan_format(gint64 usec);
