/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/device.h"

/* Most have none, and share that. */
static GRefString *new_address(const char *address)
{
    return *address == '\0' ? g_ref_string_new_intern("") : g_ref_string_new(address);
}

FleetDevice *fleet_device_new(const char *id, const char *name, const char *type, const char *driver)
{
    FleetDevice *device = g_new0(FleetDevice, 1);

    g_atomic_ref_count_init(&device->refs);
    device->id = g_ref_string_new(id);
    device->name = g_strdup(name);
    device->type = g_ref_string_new_intern(type);
    device->driver = g_ref_string_new_intern(driver);
    device->address = new_address("");
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
    g_ref_string_acquire(copy->address);
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
    g_ref_string_release(counted->address);
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

void fleet_device_set_address(FleetDevice *device, const char *address)
{
    GRefString *old = device->address;

    device->address = new_address(address);
    g_ref_string_release(old);
}

void fleet_device_see(const FleetDevice *device, gint64 now)
{
    gint64 *seen = &((FleetDevice *)device)->last_seen_at; /* as it says there, it is not part of the image */

    if (now > __atomic_load_n(seen, __ATOMIC_RELAXED))
        __atomic_store_n(seen, now, __ATOMIC_RELAXED);
}

gint64 fleet_device_last_seen(const FleetDevice *device)
{
    return __atomic_load_n(&device->last_seen_at, __ATOMIC_RELAXED);
}

void fleet_device_show_status(FleetDevice *device)
{
    gboolean stays = device->action.sequence != 0 || device->own_status == FLEET_DEVICE_MAINTENANCE;

    device->status = device->presence == FLEET_PRESENCE_OFFLINE && !stays ? FLEET_DEVICE_OFFLINE : device->own_status;
}
