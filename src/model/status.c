/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/status.h"

static const char *const device_status_names[] = {
        "IDLE", "BUSY", "OFFLINE", "MAINTENANCE", "UPDATING", "RECOVERING", "ERROR", NULL};
static const char *const action_status_names[] = {"PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", NULL};
static const char *const result_names[] = {
        "", "success", "failed", "rejected", "timed-out", "cancelled", "lost", "superseded", NULL};
static const char *const presence_names[] = {"UNKNOWN", "ONLINE", "OFFLINE", NULL};

G_STATIC_ASSERT(G_N_ELEMENTS(device_status_names) == FLEET_DEVICE_STATUS_LAST_ + 1);
G_STATIC_ASSERT(G_N_ELEMENTS(action_status_names) == FLEET_ACTION_STATUS_LAST_ + 1);
G_STATIC_ASSERT(G_N_ELEMENTS(result_names) == FLEET_RESULT_LAST_ + 1);
G_STATIC_ASSERT(G_N_ELEMENTS(presence_names) == FLEET_PRESENCE_LAST_ + 1);

const FleetEnumTable fleet_device_statuses = FLEET_ENUM_TABLE("device status", device_status_names);
const FleetEnumTable fleet_action_statuses = FLEET_ENUM_TABLE("action status", action_status_names);
const FleetEnumTable fleet_results = FLEET_ENUM_TABLE("result", result_names);
const FleetEnumTable fleet_presences = FLEET_ENUM_TABLE("presence", presence_names);

gboolean fleet_device_status_from_string(const char *string, FleetDeviceStatus *status, GError **error)
{
    guint value;

    if (!fleet_enum_from_string(&fleet_device_statuses, string, &value, error))
        return FALSE;
    *status = (FleetDeviceStatus)value;
    return TRUE;
}
