/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "depth.h"

gboolean sim_depth_is_safe(const char *text, gsize length)
{
    guint brackets = 0;

    for (gsize i = 0; i < length; i++)
        brackets += text[i] == '[' || text[i] == '{';
    return brackets <= SIM_BRACKETS_MAX;
}
