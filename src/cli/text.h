/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Text as it is put on a terminal: cleaned, measured in columns, cut. No function here prints.
 */

#include <glib.h>

/*
 * A copy in one line that cannot command a terminal: control characters, line separators and the marks that reverse
 * the direction of writing become \xNN or \uNNNN, bytes that are not UTF-8 become \xNN. Owned by the caller.
 */
char *fleet_text_clean(const char *text) G_GNUC_WARN_UNUSED_RESULT;

/* Is this a character that fleet_text_clean() replaces? */
gboolean fleet_text_is_unsafe(gunichar c) G_GNUC_CONST;

/* The columns that a clean text takes: wide characters count two, combining ones none. */
guint fleet_text_width(const char *text);

/* A copy of a clean text that takes at most width columns; where it had to be cut it ends with the ellipsis, itself cut
 * where even that has no room. Owned by the caller. */
char *fleet_text_ellipsize(const char *text, guint width, const char *ellipsis) G_GNUC_WARN_UNUSED_RESULT;

/* Appends a clean text and then spaces, until it takes width columns; all of it where it takes more. */
void fleet_text_append_padded(GString *to, const char *text, guint width);

/* "2024-01-15 10:30:00", local. "None" for 0. The time is in µs since the epoch. Owned by the caller. */
char *fleet_text_time(gint64 usec) G_GNUC_WARN_UNUSED_RESULT;

/* "10:30:00", local. The time is in µs since the epoch. Owned by the caller. */
char *fleet_text_clock(gint64 usec) G_GNUC_WARN_UNUSED_RESULT;

/* "0:07", "12:30", "1:05:09". The span is in µs; a negative one counts as 0. Owned by the caller. */
char *fleet_text_elapsed(gint64 usec) G_GNUC_WARN_UNUSED_RESULT;
