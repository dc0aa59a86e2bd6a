/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Errors that only the bus knows, as GError.
 */

#include <glib.h>

/* An INVALID_ARGUMENT for a message whose contents sd-bus could not read (r is its negative errno). */
GError *fleet_errors_unreadable(int r);

/* What a call gets while fleetd ends. */
GError *fleet_errors_shutting_down(void);
