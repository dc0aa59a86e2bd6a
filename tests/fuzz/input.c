/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "input.h"

guint8 fleet_fuzz_byte(FleetFuzzInput *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->next++;
}

guint fleet_fuzz_below(FleetFuzzInput *input, guint n)
{
    return fleet_fuzz_byte(input) % n;
}

guint64 fleet_fuzz_number(FleetFuzzInput *input, guint bytes)
{
    guint64 number = 0;

    for (guint i = 0; i < bytes; i++)
        number = number << 8 | fleet_fuzz_byte(input);
    return number;
}
