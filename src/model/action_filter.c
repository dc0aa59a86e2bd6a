/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/action_filter.h"

void fleet_action_filter_clear(FleetActionFilter *filter)
{
    g_strfreev(filter->types);
    g_free(filter->device_id);
    *filter = (FleetActionFilter)FLEET_ACTION_FILTER_INIT;
}
