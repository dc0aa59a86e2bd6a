/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The legal moves of an action, and what an action does to its device's status. Pure rules: core/engine applies them.
 */

#include "model/action.h"
#include "model/device.h"

/* One legal move (action_moves.def). */
typedef struct {
    FleetActionStatus from, to;
    guint32 results;  /* bit 1 << FleetResult: what it may end with by this move */
    const char *when; /* for people */
} FleetActionMove;

/* All of them, and their number. */
extern const FleetActionMove fleet_action_moves[];
extern const guint fleet_action_moves_count;

/* May an action go from one status to the other, and then have that result? Staying RUNNING, with another attempt or
 * phase, is no move and always allowed. */
gboolean fleet_action_may_move(FleetActionStatus from, FleetActionStatus to, FleetResult result) G_GNUC_PURE;

/* May an action start on this device now? DEVICE_BUSY with the reason and the remedy: it has an action already, or its
 * status is neither IDLE nor ERROR. */
gboolean fleet_device_check_free(const FleetDevice *device, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* May an operator set this status now? INVALID_TRANSITION while an action runs, except for OFFLINE and MAINTENANCE,
 * which outlast the action, and UPDATING and BUSY, which take those two back. */
gboolean fleet_device_check_set_status(
        const FleetDevice *device, FleetDeviceStatus status, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Gives a copy that is not shared yet the status that an operator has set, and reckons what it shows. If it is OFFLINE
 * only because it is away, and set to what lets it work, his word counts: that it is away is forgotten until it is
 * heard or missed again. In MAINTENANCE it is not: what is away shows again once that is over. */
void fleet_device_set_status(FleetDevice *device, FleetDeviceStatus status);

/* Does nothing start on it, because it is away or an operator has taken it out of service? */
gboolean fleet_device_is_out_of_service(const FleetDevice *device) G_GNUC_PURE;

/* The device's status once its action has ended: IDLE if it completed or was stopped in order, ERROR if it failed; but
 * an operator's OFFLINE or MAINTENANCE stays. Forced: an operator has closed the action while the work may go on, which
 * is ERROR in any case. */
FleetDeviceStatus fleet_device_status_after(
        FleetDeviceStatus now, FleetActionStatus outcome, gboolean forced) G_GNUC_CONST;
