/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * QueryAudit: it reads, but not for everybody, so it is a call that access decides on.
 */

#include "bus/call.h"

extern const FleetCallKind fleet_calls_query_audit;
