/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Command lines of the configuration. There is no shell: nothing is expanded, and no character but blanks, quotes and
 * the backslash means anything.
 */

#include <glib.h>

/*
 * Splits at blanks. 'single quotes' keep all as it is; "double quotes" and words without quotes take a backslash before
 * any character for that character. INVALID_ARGUMENT if there is no word, if a quote is not closed, or if the line ends
 * with a backslash. Owned by the caller.
 */
char **fleet_program_split_words(const char *line, GError **error) G_GNUC_WARN_UNUSED_RESULT;
