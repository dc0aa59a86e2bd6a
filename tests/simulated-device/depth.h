/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * JSON from outside. json-glib calls itself for each array in an array, so that a message of some ten thousand brackets
 * is the end of its reader's stack; what it thinks is a string or a comment cannot be told without being it.
 */

#include <glib.h>

/* How many arrays and objects a text from outside may have, and so how deep they are at the most. */
#define SIM_BRACKETS_MAX 10000

/* Whether json-glib can be trusted with so many bytes of text. */
gboolean sim_depth_is_safe(const char *text, gsize length);
