/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/thin_edge/limit.h"

gboolean fleet_thin_edge_limit_take(FleetThinEdgeLimit *limit, guint64 *left_out)
{
    gint64 now = g_get_monotonic_time();

    if (limit->then == 0)
        limit->budget = limit->burst;
    else
        limit->budget += (double)(now - limit->then) / (double)limit->interval;
    limit->budget = MIN(limit->budget, (double)limit->burst);
    limit->then = now;
    if (limit->budget < 1.0) {
        limit->left_out++;
        return FALSE;
    }
    limit->budget -= 1.0;
    *left_out = limit->left_out;
    limit->left_out = 0;
    return TRUE;
}
