/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What happens, one line each on stderr.
 */

#include <glib.h>

/* device = whom it is about, NULL = the program. */
void sim_log(const char *device, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* The same, and the program ends with 1. */
void sim_die(const char *format, ...) G_GNUC_NORETURN G_GNUC_PRINTF(1, 2);
