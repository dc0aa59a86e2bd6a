/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The calls that start and cancel actions. Each serves the Manager's method and that of the object itself.
 */

#include "bus/call.h"

extern const FleetCallKind fleet_calls_initiate;
extern const FleetCallKind fleet_calls_initiate_many;
extern const FleetCallKind fleet_calls_cancel;
