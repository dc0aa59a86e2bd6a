/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/store.h"

void fleet_change_ref(const FleetChange *change)
{
    switch (change->kind) {
    case FLEET_CHANGE_INSERT_DEVICE:
    case FLEET_CHANGE_UPDATE_DEVICE:
    case FLEET_CHANGE_DELETE_DEVICE:
    case FLEET_CHANGE_SEE_DEVICE:
        fleet_device_ref(change->device);
        break;
    case FLEET_CHANGE_INSERT_ACTION:
    case FLEET_CHANGE_UPDATE_ACTION:
        fleet_action_ref(change->action);
        break;
    case FLEET_CHANGE_INSERT_ATTEMPT:
    case FLEET_CHANGE_UPDATE_ATTEMPT:
        fleet_attempt_record_ref(change->attempt);
        break;
    case FLEET_CHANGE_INSERT_AUDIT:
        fleet_audit_record_ref(change->audit);
        break;
    default:
        g_assert_not_reached();
    }
}

void fleet_change_unref(const FleetChange *change)
{
    switch (change->kind) {
    case FLEET_CHANGE_INSERT_DEVICE:
    case FLEET_CHANGE_UPDATE_DEVICE:
    case FLEET_CHANGE_DELETE_DEVICE:
    case FLEET_CHANGE_SEE_DEVICE:
        fleet_device_unref(change->device);
        break;
    case FLEET_CHANGE_INSERT_ACTION:
    case FLEET_CHANGE_UPDATE_ACTION:
        fleet_action_unref(change->action);
        break;
    case FLEET_CHANGE_INSERT_ATTEMPT:
    case FLEET_CHANGE_UPDATE_ATTEMPT:
        fleet_attempt_record_unref(change->attempt);
        break;
    case FLEET_CHANGE_INSERT_AUDIT:
        fleet_audit_record_unref(change->audit);
        break;
    default:
        g_assert_not_reached();
    }
}
