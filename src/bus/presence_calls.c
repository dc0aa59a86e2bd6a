/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/presence_calls.h"

#include "bus/arguments.h"
#include "bus/batch.h"
#include "bus/batch_calls.h"
#include "bus/device_calls.h"
#include "bus/options.h"

static gboolean heartbeat(FleetCall *call, GError **error)
{
    const char *id;

    call->silent = TRUE;
    return fleet_arguments_object(call, &id, error) && fleet_options_read_none(call->message, error) &&
           fleet_presence_watch_beat(call->api->presence, call->transaction, id, error);
}

const FleetCallKind fleet_calls_heartbeat = {.func = heartbeat, .targets = fleet_calls_find_device};

static gboolean heartbeats(FleetCall *call, GError **error)
{
    g_autoptr(FleetBatch) batch = fleet_batch_new("ua(uss)", NULL);
    g_auto(GStrv) ids = fleet_arguments_ids(call->message, error);

    call->silent = TRUE;
    for (guint i = 0; ids != NULL && ids[i] != NULL; i++) {
        g_autoptr(GError) failure = NULL;

        if (!fleet_call_is_refused(call, i, &failure) &&
                fleet_presence_watch_beat(call->api->presence, call->transaction, ids[i], &failure))
            fleet_batch_add_result(batch, i, NULL);
        else
            fleet_batch_add_failure(batch, i, g_steal_pointer(&failure));
    }
    if (ids == NULL)
        return FALSE;
    fleet_batch_keep(g_steal_pointer(&batch), call);
    return TRUE;
}

const FleetCallKind fleet_calls_heartbeats = {.func = heartbeats, .targets = fleet_calls_find_devices};
