/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/transition.h"

#include "base/error.h"

#define BIT(result) (1u << FLEET_RESULT_##result)
#define FLEET_MOVE(from_, to_, results_, when_)                                                                        \
    {.from = FLEET_ACTION_##from_, .to = FLEET_ACTION_##to_, .results = (results_), .when = (when_)},

const FleetActionMove fleet_action_moves[] = {
#include "model/action_moves.def"
};
const guint fleet_action_moves_count = G_N_ELEMENTS(fleet_action_moves);

gboolean fleet_action_may_move(FleetActionStatus from, FleetActionStatus to, FleetResult result)
{
    for (guint i = 0; i < G_N_ELEMENTS(fleet_action_moves); i++) {
        const FleetActionMove *move = &fleet_action_moves[i];

        if (move->from == from && move->to == to)
            return (move->results & 1u << result) != 0;
    }
    return FALSE;
}

gboolean fleet_device_check_free(const FleetDevice *device, GError **error)
{
    if (device->action.sequence != 0) {
        char id[FLEET_ACTION_ID_BUFFER];

        g_set_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_BUSY,
                "device '%s' is busy with action '%s'; wait until it ends, or let the action be queued", device->id,
                fleet_action_id_format(device->action, id));
        return FALSE;
    }
    if (fleet_device_is_hidden(device)) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_BUSY,
                "device '%s' is OFFLINE, for it is not heard; wait until it is back, or let the action be queued",
                device->id);
        return FALSE;
    }
    if (device->status != FLEET_DEVICE_IDLE && device->status != FLEET_DEVICE_ERROR) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_BUSY,
                "device '%s' is %s; an action starts only on a device that is IDLE or ERROR, so set its status first",
                device->id, fleet_device_status_to_string(device->status));
        return FALSE;
    }
    return TRUE;
}

gboolean fleet_device_check_set_status(const FleetDevice *device, FleetDeviceStatus status, GError **error)
{
    if (device->action.sequence == 0 || status == FLEET_DEVICE_OFFLINE || status == FLEET_DEVICE_MAINTENANCE ||
            status == FLEET_DEVICE_UPDATING || status == FLEET_DEVICE_BUSY)
        return TRUE;

    char id[FLEET_ACTION_ID_BUFFER];
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_TRANSITION,
            "device '%s' cannot become %s while action '%s' runs; wait until it ends, or use OFFLINE or "
            "MAINTENANCE, and UPDATING or BUSY to take those back",
            device->id, fleet_device_status_to_string(status), fleet_action_id_format(device->action, id));
    return FALSE;
}

void fleet_device_set_status(FleetDevice *device, FleetDeviceStatus status)
{
    if (fleet_device_is_hidden(device) && status != FLEET_DEVICE_OFFLINE && status != FLEET_DEVICE_MAINTENANCE)
        device->presence = FLEET_PRESENCE_UNKNOWN;
    device->own_status = status;
    fleet_device_show_status(device);
}

gboolean fleet_device_is_out_of_service(const FleetDevice *device)
{
    return device->presence == FLEET_PRESENCE_OFFLINE || device->own_status == FLEET_DEVICE_OFFLINE ||
           device->own_status == FLEET_DEVICE_MAINTENANCE;
}

FleetDeviceStatus fleet_device_status_after(FleetDeviceStatus now, FleetActionStatus outcome, gboolean forced)
{
    if (forced)
        return FLEET_DEVICE_ERROR;
    if (now == FLEET_DEVICE_OFFLINE || now == FLEET_DEVICE_MAINTENANCE)
        return now;
    return outcome == FLEET_ACTION_FAILED ? FLEET_DEVICE_ERROR : FLEET_DEVICE_IDLE;
}
