/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Bytes out of which choices are made, one after the other. Once they are used up every choice is the first one, so
 * that whatever is made of them comes to an end.
 */

#include <glib.h>

typedef struct {
    const guint8 *next;
    gsize left;
} FleetFuzzInput;

guint8 fleet_fuzz_byte(FleetFuzzInput *input);

/* A number below n, which is 1 to 256. */
guint fleet_fuzz_below(FleetFuzzInput *input, guint n);

/* A number of so many bytes, 1 to 8. */
guint64 fleet_fuzz_number(FleetFuzzInput *input, guint bytes);
