/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The one error domain that travels between rooms. Each code stands for exactly one D-Bus error name, so that an error
 * made deep inside core reaches the caller under the name that the API documents.
 */

#include <glib.h>

#define FLEET_ERROR (fleet_error_quark())

typedef enum {
    FLEET_ERROR_INVALID_ARGUMENT,
    FLEET_ERROR_DEVICE_NOT_FOUND,
    FLEET_ERROR_DEVICE_EXISTS,
    FLEET_ERROR_DEVICE_BUSY,
    FLEET_ERROR_ACTION_NOT_FOUND,
    FLEET_ERROR_INVALID_TRANSITION,
    FLEET_ERROR_NOT_CANCELABLE,
    FLEET_ERROR_ALREADY_FINISHED,
    FLEET_ERROR_REQUEST_ID_REUSED,
    FLEET_ERROR_LIMIT_EXCEEDED,
    FLEET_ERROR_QUOTA_EXCEEDED,
    FLEET_ERROR_STORAGE_FAILED,
    FLEET_ERROR_UNSUPPORTED,
    FLEET_ERROR_SHUTTING_DOWN,
    FLEET_ERROR_ACCESS_DENIED,
    FLEET_ERROR_LAST_, /* not a code: their number */
} FleetError;

/* The quark of the domain; use FLEET_ERROR. */
GQuark fleet_error_quark(void);

/* The D-Bus name of a code, e.g. "org.fleet.Error.DeviceNotFound". Static. */
const char *fleet_error_name(FleetError code) G_GNUC_CONST;

/* The code that a D-Bus name stands for. FALSE, and *code untouched, if the name is not one of ours. */
gboolean fleet_error_from_name(const char *name, FleetError *code);
