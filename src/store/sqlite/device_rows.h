/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The table of devices.
 */

#include "model/device.h"
#include "store/sqlite/database.h"
#include "store/store.h"

/* Changes, each of one row, inside a transaction. An update writes all but key, id and registered_at. */
gboolean fleet_device_rows_insert(
        FleetDatabase *database, const FleetDevice *device, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean fleet_device_rows_update(
        FleetDatabase *database, const FleetDevice *device, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean fleet_device_rows_see(FleetDatabase *database, const FleetDevice *device,
        GError **error) G_GNUC_WARN_UNUSED_RESULT; /* when it was seen, and nothing else */
gboolean fleet_device_rows_delete(
        FleetDatabase *database, const FleetDevice *device, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Hands over a new image of each device, in order of id. On the main loop only: it interns. */
gboolean fleet_device_rows_load(FleetDatabase *database, FleetStoreDeviceFunc func, gpointer user_data,
        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The highest key; 0 = no device. */
gboolean fleet_device_rows_last_key(FleetDatabase *database, gint64 *key, GError **error) G_GNUC_WARN_UNUSED_RESULT;
