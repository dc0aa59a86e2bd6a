/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/reload_call.h"

static gboolean reload(FleetCall *call, GError **error)
{
    return call->api->reload(call->api->reload_data, error);
}

const FleetCallKind fleet_calls_reload = {.func = reload};
