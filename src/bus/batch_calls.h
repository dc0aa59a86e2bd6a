/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The calls that change many devices in one transaction.
 */

#include "bus/call.h"

extern const FleetCallKind fleet_calls_register_many;
extern const FleetCallKind fleet_calls_set_status_many;

/* The targets of a call about devices which are there, and whose ids come first. */
gboolean fleet_calls_find_devices(FleetCall *call, FleetTargets *targets, GError **error) G_GNUC_WARN_UNUSED_RESULT;
