/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which devices a list is asked for. All conditions must hold; an empty filter takes every device.
 */

#include "model/device.h"

#include <glib.h>

typedef struct {
    guint32 statuses;    /* bit 1 << FleetDeviceStatus; 0 = any */
    char **types;        /* any of these, exactly; NULL = any */
    char *id_prefix;     /* bytes that the id starts with; NULL = any */
    char *name_contains; /* bytes that the name contains, to the letter; NULL = any */
} FleetDeviceFilter;

gboolean fleet_device_filter_matches(const FleetDeviceFilter *filter, const FleetDevice *device);

/* Frees what the filter holds and empties it. */
void fleet_device_filter_clear(FleetDeviceFilter *filter);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetDeviceFilter, fleet_device_filter_clear)
