/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/device_filter.h"

#include <string.h>

gboolean fleet_device_filter_matches(const FleetDeviceFilter *filter, const FleetDevice *device)
{
    if (filter->statuses != 0 && (filter->statuses & (1u << device->status)) == 0)
        return FALSE;
    if (filter->types != NULL && !g_strv_contains((const char *const *)filter->types, device->type))
        return FALSE;
    if (filter->id_prefix != NULL && !g_str_has_prefix(device->id, filter->id_prefix))
        return FALSE;
    return filter->name_contains == NULL || strstr(device->name, filter->name_contains) != NULL;
}

void fleet_device_filter_clear(FleetDeviceFilter *filter)
{
    g_strfreev(filter->types);
    g_free(filter->id_prefix);
    g_free(filter->name_contains);
    *filter = (FleetDeviceFilter){0};
}
