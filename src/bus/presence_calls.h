/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The calls by which devices, or who speaks for them, say that they are there. They come often and store nothing, so
 * they leave no row in the audit and no line in the journal, unless access refuses them.
 */

#include "bus/call.h"

extern const FleetCallKind fleet_calls_heartbeat;
extern const FleetCallKind fleet_calls_heartbeats;
