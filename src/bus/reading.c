/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/reading.h"

#include "bus/errors.h"

gboolean fleet_reading_allowed(const FleetApi *api, GError **error)
{
    if (api->stopping)
        g_propagate_error(error, fleet_errors_shutting_down());
    return !api->stopping;
}

gboolean fleet_reading_string(sd_bus_message *message, const char **string, GError **error)
{
    int r = sd_bus_message_read_basic(message, 's', string);

    if (r < 0)
        g_propagate_error(error, fleet_errors_unreadable(r));
    return r >= 0;
}
