/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One image of a device: what it was at one moment. Images are immutable once they are shared and counted by reference
 * (atomically), so the registry, a transaction on its way to the disk and the writer thread can hold the same one. A
 * change makes a copy, alters that, and puts it in the old one's place.
 */

#include "model/identifier.h"
#include "model/status.h"

#include <glib.h>
#include <sys/types.h>

typedef struct {
    gatomicrefcount refs;
    FleetDeviceStatus status; /* what it is, as far as anybody can see */
    FleetDeviceStatus
            own_status; /* what it is when it is there: another one only while it is OFFLINE for its silence */
    FleetPresence presence;
    gint64 key; /* the store's integer key, > 0, never reused while the daemon runs */
    GRefString *id;
    char *name;           /* of this image alone: a counted string would take more memory than most names */
    GRefString *type;     /* interned */
    GRefString *driver;   /* interned */
    GRefString *address;  /* where its driver finds it; "" = where one with its id would be */
    gint64 registered_at; /* µs since the epoch */
    gint64 updated_at;    /* µs since the epoch; of the last change of name, type, address or status */
    gint64 last_seen_at;  /* µs since the epoch; 0 = never; the one part of a shared image that changes: see below */
    FleetActionId action; /* the action that it is busy with; not persisted: the actions say it */
    guint queued;         /* actions that wait for it; not persisted either */
    uid_t owner_uid;      /* who has registered it; never changes */
} FleetDevice;

/* A device with the given texts; all numbers 0, status IDLE. Not checked here: see identifier.h. */
FleetDevice *fleet_device_new(
        const char *id, const char *name, const char *type, const char *driver) G_GNUC_WARN_UNUSED_RESULT;

/* A copy to alter before it is shared. */
FleetDevice *fleet_device_copy(const FleetDevice *device) G_GNUC_WARN_UNUSED_RESULT;

FleetDevice *fleet_device_ref(const FleetDevice *device);
void fleet_device_unref(const FleetDevice *device);

/* Replace a text of a copy that is not shared yet. */
void fleet_device_set_name(FleetDevice *device, const char *name);
void fleet_device_set_type(FleetDevice *device, const char *type);
void fleet_device_set_address(FleetDevice *device, const char *address);

/* When it was seen last. A sign of life is no change, so it makes no new image: the main loop sets it in the one that
 * is there, while the writer may read it. Setting an earlier time than it has does nothing. */
void fleet_device_see(const FleetDevice *device, gint64 now);
gint64 fleet_device_last_seen(const FleetDevice *device);

/* Reckons what status it shows, for a copy that is not shared yet: its own, or OFFLINE if it is away. That it is away
 * hides neither what an operator has taken out of service, nor what an action that runs makes of it. */
void fleet_device_show_status(FleetDevice *device);

/* Is it OFFLINE only because it is away? */
static inline gboolean fleet_device_is_hidden(const FleetDevice *device)
{
    return device->status != device->own_status;
}

/* Where its driver finds it: its address, or its id if it has none. */
static inline const char *fleet_device_where(const FleetDevice *device)
{
    return *device->address != '\0' ? device->address : device->id;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetDevice, fleet_device_unref)
