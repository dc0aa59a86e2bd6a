/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Moments as they are written on a command line.
 */

#include <glib.h>

/*
 * Reads "2026-11-25 18:00:00", "2026-11-25 18:00" or "2026-11-25" as local time, with a "T" in place of the space if
 * one likes, and "+SPAN" or "-SPAN" (timespan.h) as so long after or before now. Times are in µs since the epoch. USAGE
 * on anything else, and on what lies before the epoch.
 */
gboolean fleet_when_parse(const char *text, gint64 now, gint64 *usec, GError **error) G_GNUC_WARN_UNUSED_RESULT;
