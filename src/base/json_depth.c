/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/json_depth.h"

gboolean fleet_json_depth_is_safe(const char *text, gsize length)
{
    guint brackets = 0;

    for (gsize i = 0; i < length; i++)
        brackets += text[i] == '[' || text[i] == '{';
    return brackets <= FLEET_JSON_BRACKETS_MAX;
}
