/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The calls that change many devices in one transaction.
 */

#include "bus/call.h"

extern const FleetCallKind fleet_calls_register_many;
extern const FleetCallKind fleet_calls_set_status_many;
