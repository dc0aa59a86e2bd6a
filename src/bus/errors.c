/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/errors.h"

#include "base/error.h"

GError *fleet_errors_unreadable(int r)
{
    return g_error_new(FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "the message cannot be read: %s; check its strings and its signature", g_strerror(-r));
}

GError *fleet_errors_shutting_down(void)
{
    return g_error_new_literal(
            FLEET_ERROR, FLEET_ERROR_SHUTTING_DOWN, "fleetd is shutting down; call again once it is back");
}
