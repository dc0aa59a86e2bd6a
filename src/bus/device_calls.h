/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The calls that change one device. Each serves both the Manager's method, which names the device in its first
 * argument, and the Device's own, whose path does.
 */

#include "bus/call.h"

extern const FleetCallKind fleet_calls_register;
extern const FleetCallKind fleet_calls_set_status;
extern const FleetCallKind fleet_calls_update;
extern const FleetCallKind fleet_calls_unregister;

/* The targets of a call that is about a device which is there. */
gboolean fleet_calls_find_device(FleetCall *call, FleetTargets *targets, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Is this a driver of this build, or ""? INVALID_ARGUMENT, naming all. */
gboolean fleet_calls_check_driver(FleetCall *call, const char *driver, GError **error) G_GNUC_WARN_UNUSED_RESULT;
