/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The calls that start and cancel actions. Each serves the Manager's method and that of the object itself.
 */

#include "bus/call.h"

void fleet_calls_initiate(FleetCall *call);
gboolean fleet_calls_initiate_many(FleetCall *call, GError **error);
void fleet_calls_cancel(FleetCall *call);
