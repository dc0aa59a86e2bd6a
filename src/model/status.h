/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The enumerations of the API, in the order in which the store numbers them: append only, never reorder.
 */

#include "base/enum.h"

#include <glib.h>

typedef enum {
    FLEET_DEVICE_IDLE,
    FLEET_DEVICE_BUSY,
    FLEET_DEVICE_OFFLINE,
    FLEET_DEVICE_MAINTENANCE,
    FLEET_DEVICE_UPDATING,
    FLEET_DEVICE_RECOVERING,
    FLEET_DEVICE_ERROR,
    FLEET_DEVICE_STATUS_LAST_, /* not a status: their number */
} FleetDeviceStatus;

typedef enum {
    FLEET_ACTION_PENDING,
    FLEET_ACTION_RUNNING,
    FLEET_ACTION_COMPLETED,
    FLEET_ACTION_FAILED,
    FLEET_ACTION_CANCELLED,
    FLEET_ACTION_STATUS_LAST_, /* not a status: their number */
} FleetActionStatus;

typedef enum {
    FLEET_RESULT_NONE, /* not terminal yet; "" on the bus */
    FLEET_RESULT_SUCCESS,
    FLEET_RESULT_FAILED,
    FLEET_RESULT_REJECTED,
    FLEET_RESULT_TIMED_OUT,
    FLEET_RESULT_CANCELLED,
    FLEET_RESULT_LOST,
    FLEET_RESULT_SUPERSEDED,
    FLEET_RESULT_LAST_, /* not a result: their number */
} FleetResult;

/* What is known of whether a device is there. */
typedef enum {
    FLEET_PRESENCE_UNKNOWN, /* it was never heard, or nobody can say at the moment */
    FLEET_PRESENCE_ONLINE,
    FLEET_PRESENCE_OFFLINE, /* it was heard once, and is silent now, or is known to be away */
    FLEET_PRESENCE_LAST_,   /* not a presence: their number */
} FleetPresence;

extern const FleetEnumTable fleet_device_statuses; /* "IDLE", ... */
extern const FleetEnumTable fleet_action_statuses; /* "PENDING", ... */
extern const FleetEnumTable fleet_results;         /* "", "success", ..., "timed-out", ... */
extern const FleetEnumTable fleet_presences;       /* "UNKNOWN", "ONLINE", "OFFLINE" */

/* The string of a value, static. */
static inline const char *fleet_device_status_to_string(FleetDeviceStatus status)
{
    return fleet_enum_to_string(&fleet_device_statuses, status);
}

static inline const char *fleet_action_status_to_string(FleetActionStatus status)
{
    return fleet_enum_to_string(&fleet_action_statuses, status);
}

static inline const char *fleet_result_to_string(FleetResult result)
{
    return fleet_enum_to_string(&fleet_results, result);
}

static inline const char *fleet_presence_to_string(FleetPresence presence)
{
    return fleet_enum_to_string(&fleet_presences, presence);
}

/* The value of an upper-case string; INVALID_ARGUMENT names what would have been right. */
gboolean fleet_device_status_from_string(
        const char *string, FleetDeviceStatus *status, GError **error) G_GNUC_WARN_UNUSED_RESULT;
