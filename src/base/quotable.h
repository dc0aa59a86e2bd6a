/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Strings from outside, made fit to stand in a message.
 */

#include <glib.h>

/* A copy of any string that is fit for a message: valid UTF-8, one line, at most 64 characters of it and then "…",
 * control characters as \xNN. Owned by the caller. */
char *fleet_quotable(const char *string) G_GNUC_WARN_UNUSED_RESULT;

/* The same without a limit, for a message that may have quoted what it should not have. Owned by the caller. */
char *fleet_printable(const char *string) G_GNUC_WARN_UNUSED_RESULT;
