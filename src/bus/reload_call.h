/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reload: the configuration is read anew, by who has it.
 */

#include "bus/call.h"

extern const FleetCallKind fleet_calls_reload;
