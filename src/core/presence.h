/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which devices are there. A device that was heard once and then is silent for longer than its type may be becomes
 * OFFLINE, and gets back the status that it had when it is heard again (model/device.h says what that does to the
 * status). What was heard lives in memory; LastSeen is written now and then, and what is written at once is only that
 * a device is OFFLINE, or is not any more.
 *
 * A beat costs a look into a table, whatever the size of the fleet: the devices of a type are kept in the order in
 * which they were heard last, so there is one timer, for the one that has been silent for the longest, and it is not
 * moved by a beat.
 */

#include "core/ledger.h"
#include "core/registry.h"
#include "core/timers.h"
#include "model/status.h"

#include <glib.h>

typedef struct FleetPresenceWatch FleetPresenceWatch;

/* How long a silence may be, for the devices of a type. All are µs. */
typedef struct {
    gint64 offline_after; /* so long a silence makes it OFFLINE; 0 = none does */
    gint64 online_after;  /* it must have been back for so long, without such a silence, to be ONLINE; 0 = at once */
} FleetTolerance;

/* LastSeen is on disk so long after a beat at the latest. */
#define FLEET_PRESENCE_WRITE_USEC (300 * G_USEC_PER_SEC)

/* All that it works with outlives it. */
FleetPresenceWatch *fleet_presence_watch_new(
        FleetLedger *ledger, FleetRegistry *registry, FleetTimers *timers) G_GNUC_WARN_UNUSED_RESULT;
void fleet_presence_watch_free(FleetPresenceWatch *watch);

/* The tolerance of each type of device (char * -> FleetTolerance *), and that of all others. Silences that began before
 * count. Borrowed until the next call. */
void fleet_presence_watch_configure(FleetPresenceWatch *watch, GHashTable *by_type, const FleetTolerance *other);

/* From now on the devices that were heard before the start are waited for; their silence begins now. */
void fleet_presence_watch_start(FleetPresenceWatch *watch);

/* A device has shown that it is there. What that changes is staged, most often nothing. DEVICE_NOT_FOUND. O(1). */
gboolean fleet_presence_watch_beat(FleetPresenceWatch *watch, FleetTransaction *transaction, const char *id,
        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a driver knows of a device: ONLINE is a beat; OFFLINE takes effect without regard to any tolerance; UNKNOWN ends
 * the wait for an ONLINE one, for nobody would hear it, and leaves one that is OFFLINE what it is. One that is not
 * registered is passed over. */
void fleet_presence_watch_report(FleetPresenceWatch *watch, const char *id, FleetPresence presence);

/* A device was changed or removed, or (both are the same) a change of it was taken back. */
void fleet_presence_watch_device_changed(
        FleetPresenceWatch *watch, const FleetDevice *before, const FleetDevice *after);

/* Has all that was heard written, for the end. No presence changes any more. */
void fleet_presence_watch_stop(FleetPresenceWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetPresenceWatch, fleet_presence_watch_free)
