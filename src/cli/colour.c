/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/colour.h"

const char *fleet_colour_of_status(const char *status)
{
    static const char *const good[] = {"IDLE", "COMPLETED", NULL};
    static const char *const bad[] = {"ERROR", "FAILED", NULL};
    static const char *const going[] = {"BUSY", "UPDATING", "RECOVERING", "PENDING", "RUNNING", NULL};
    static const char *const away[] = {"OFFLINE", "MAINTENANCE", "CANCELLED", NULL};

    if (g_strv_contains(good, status))
        return FLEET_COLOUR_GREEN;
    if (g_strv_contains(bad, status))
        return FLEET_COLOUR_RED;
    if (g_strv_contains(going, status))
        return FLEET_COLOUR_YELLOW;
    return g_strv_contains(away, status) ? FLEET_COLOUR_GREY : NULL;
}
