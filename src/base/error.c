/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"

/* clang-format off */
G_DEFINE_QUARK(fleet_error_quark, fleet_error)
/* clang-format on */

static const char *const names[] = {
        [FLEET_ERROR_INVALID_ARGUMENT] = "org.fleet.Error.InvalidArgument",
        [FLEET_ERROR_DEVICE_NOT_FOUND] = "org.fleet.Error.DeviceNotFound",
        [FLEET_ERROR_DEVICE_EXISTS] = "org.fleet.Error.DeviceExists",
        [FLEET_ERROR_DEVICE_BUSY] = "org.fleet.Error.DeviceBusy",
        [FLEET_ERROR_ACTION_NOT_FOUND] = "org.fleet.Error.ActionNotFound",
        [FLEET_ERROR_INVALID_TRANSITION] = "org.fleet.Error.InvalidTransition",
        [FLEET_ERROR_NOT_CANCELABLE] = "org.fleet.Error.NotCancelable",
        [FLEET_ERROR_ALREADY_FINISHED] = "org.fleet.Error.AlreadyFinished",
        [FLEET_ERROR_REQUEST_ID_REUSED] = "org.fleet.Error.RequestIdReused",
        [FLEET_ERROR_LIMIT_EXCEEDED] = "org.fleet.Error.LimitExceeded",
        [FLEET_ERROR_QUOTA_EXCEEDED] = "org.fleet.Error.QuotaExceeded",
        [FLEET_ERROR_STORAGE_FAILED] = "org.fleet.Error.StorageFailed",
        [FLEET_ERROR_UNSUPPORTED] = "org.fleet.Error.Unsupported",
        [FLEET_ERROR_SHUTTING_DOWN] = "org.fleet.Error.ShuttingDown",
        [FLEET_ERROR_ACCESS_DENIED] = "org.freedesktop.DBus.Error.AccessDenied",
};
G_STATIC_ASSERT(G_N_ELEMENTS(names) == FLEET_ERROR_LAST_);

const char *fleet_error_name(FleetError code)
{
    g_return_val_if_fail((guint)code < G_N_ELEMENTS(names), "org.freedesktop.DBus.Error.Failed");
    return names[code];
}

gboolean fleet_error_from_name(const char *name, FleetError *code)
{
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_strcmp0(names[i], name) == 0) {
            *code = (FleetError)i;
            return TRUE;
        }
    return FALSE;
}
