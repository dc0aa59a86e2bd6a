/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/device.h"

FleetDevice *fleet_device_new(const char *id, const char *name, const char *type, const char *driver)
{
    FleetDevice *device = g_new0(FleetDevice, 1);

    g_atomic_ref_count_init(&device->refs);
    device->id = g_ref_string_new(id);
    device->name = g_strdup(name);
    device->type = g_ref_string_new_intern(type);
    device->driver = g_ref_string_new_intern(driver);
    return device;
}

FleetDevice *fleet_device_copy(const FleetDevice *device)
{
    FleetDevice *copy = g_memdup2(device, sizeof(*device));

    g_atomic_ref_count_init(&copy->refs);
    g_ref_string_acquire(copy->id);
    copy->name = g_strdup(device->name);
    g_ref_string_acquire(copy->type);
    g_ref_string_acquire(copy->driver);
    return copy;
}

FleetDevice *fleet_device_ref(const FleetDevice *device)
{
    FleetDevice *counted = (FleetDevice *)device; /* the count is not part of the image */

    g_atomic_ref_count_inc(&counted->refs);
    return counted;
}

void fleet_device_unref(const FleetDevice *device)
{
    FleetDevice *counted = (FleetDevice *)device;

    if (!g_atomic_ref_count_dec(&counted->refs))
        return;
    g_ref_string_release(counted->id);
    g_free(counted->name);
    g_ref_string_release(counted->type);
    g_ref_string_release(counted->driver);
    g_free(counted);
}

void fleet_device_set_name(FleetDevice *device, const char *name)
{
    char *old = device->name;

    device->name = g_strdup(name);
    g_free(old);
}

void fleet_device_set_type(FleetDevice *device, const char *type)
{
    GRefString *old = device->type;

    device->type = g_ref_string_new_intern(type);
    g_ref_string_release(old);
}
