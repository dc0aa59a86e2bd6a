/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The devices, in memory: found by id in constant time, listed in order of id (bytewise). What can be read is what is
 * on disk; changes are staged into a transaction and show once it is through.
 */

#include "core/ledger.h"
#include "core/observer.h"
#include "model/device.h"
#include "model/device_filter.h"
#include "model/quotas.h"

#include <glib.h>

typedef struct FleetRegistry FleetRegistry;

/* last_key: the highest device key in use, from the store. The observers outlive the registry. */
FleetRegistry *fleet_registry_new(gint64 last_key, const FleetObservers *observers) G_GNUC_WARN_UNUSED_RESULT;
void fleet_registry_free(FleetRegistry *registry);

/* Takes a device read from the store; tells nobody. */
void fleet_registry_load(FleetRegistry *registry, FleetDevice *device);

/* Marks a loaded device as carrying out an action that was found running, or, for sequence 0, as having one more that
 * waits. Does nothing if the device is gone. */
void fleet_registry_load_action(FleetRegistry *registry, const char *device_id, FleetActionId action);

/* The device as it is on disk. Owned by the registry until the loop turns. DEVICE_NOT_FOUND. */
const FleetDevice *fleet_registry_lookup(
        const FleetRegistry *registry, const char *id, GError **error) G_GNUC_WARN_UNUSED_RESULT;

guint fleet_registry_count(const FleetRegistry *registry);
guint fleet_registry_count_status(const FleetRegistry *registry, FleetDeviceStatus status);

/* Visits devices in order of id until the visitor returns FALSE: from start on if inclusive, else from the first id
 * after it ("" is before all). O(log n) to begin. */
typedef gboolean (*FleetDeviceVisitor)(const FleetDevice *device, gpointer user_data);
void fleet_registry_visit(const FleetRegistry *registry, const char *start, gboolean inclusive,
        FleetDeviceVisitor visitor, gpointer user_data);

/* Which driver a device gets for which nobody chose one: by its type (char * -> char *, borrowed until the next call;
 * NULL: none is configured), else FLEET_DRIVER_DEFAULT. */
void fleet_registry_set_type_drivers(FleetRegistry *registry, GHashTable *drivers);

/* How many devices each user may register. Those that are in flight count, and those on their way out do not. */
void fleet_registry_set_quotas(FleetRegistry *registry, const FleetQuotas *quotas);

/*
 * Staging. Each looks at what is staged, not at what is committed, adds its step to the transaction and returns TRUE;
 * or changes nothing and returns FALSE with an error that the API documents. Arguments are checked here.
 */

/* What a device is registered as; empty texts take the API's defaults. */
typedef struct {
    const char *id, *name, *type, *status, *driver, *address;
    uid_t owner_uid; /* who registers it; it counts for that user's quota */
} FleetDeviceSpec;

/* INVALID_ARGUMENT, DEVICE_EXISTS (the id, or the address where its driver has one device at each), QUOTA_EXCEEDED. */
gboolean fleet_registry_stage_register(FleetRegistry *registry, FleetTransaction *transaction,
        const FleetDeviceSpec *spec, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a device showed, and what it shows now: not what was set, if it is away. */
typedef struct {
    FleetDeviceStatus previous, current;
} FleetStatusChange;

/* An operator sets a status, as fleet_device_set_status() has it. Setting what is set already stages nothing.
 * DEVICE_NOT_FOUND, INVALID_TRANSITION. */
gboolean fleet_registry_stage_status(FleetRegistry *registry, FleetTransaction *transaction, const char *id,
        FleetDeviceStatus status, FleetStatusChange *change, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What is changed of a device, each where it is not NULL. */
typedef struct {
    const char *name, *type, *address;
} FleetDeviceUpdate;

/* INVALID_ARGUMENT, DEVICE_NOT_FOUND, DEVICE_EXISTS for an address, DEVICE_BUSY for the address of one on which an
 * action runs. */
gboolean fleet_registry_stage_update(FleetRegistry *registry, FleetTransaction *transaction, const char *id,
        const FleetDeviceUpdate *update, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* DEVICE_NOT_FOUND, DEVICE_BUSY while an action runs or waits. */
gboolean fleet_registry_stage_unregister(FleetRegistry *registry, FleetTransaction *transaction, const char *id,
        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* For the engine: the device as the next change will find it. DEVICE_NOT_FOUND. */
const FleetDevice *fleet_registry_lookup_staged(
        const FleetRegistry *registry, const char *id, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* For the engine: what an action makes of a device that _lookup_staged() found: its own status, its action, and how
 * many wait for it. Stages nothing if that is what it is, and writes nothing if only what is not persisted changes. */
void fleet_registry_stage_action(FleetRegistry *registry, FleetTransaction *transaction, const FleetDevice *device,
        FleetDeviceStatus status, FleetActionId action, guint queued);

/* For the presence: whether a device that _lookup_staged() found is there. What has nothing to do with OFFLINE is not
 * written: it would not be true after a restart. Stages nothing if that is known already. */
void fleet_registry_stage_presence(
        FleetRegistry *registry, FleetTransaction *transaction, const FleetDevice *device, FleetPresence presence);

/* For the presence: the device has shown that it is there (now: µs since the epoch). That is no change, and is told to
 * nobody. */
void fleet_registry_see(FleetRegistry *registry, const char *id, gint64 now);

/* For the engine: is told of each device that was added (before is NULL), changed or removed (after is NULL), after it
 * was, or whose change was rolled back (before and after are the same). Stages nothing. */
typedef void (*FleetDeviceWatcher)(const FleetDevice *before, const FleetDevice *after, gpointer user_data);
void fleet_registry_set_watcher(FleetRegistry *registry, FleetDeviceWatcher watcher, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetRegistry, fleet_registry_free)
