/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/action.h"

FleetAction *fleet_action_new(
        FleetActionId id, GRefString *device_id, GRefString *type, GRefString *driver, FleetParameters *parameters)
{
    FleetAction *action = g_new0(FleetAction, 1);

    g_atomic_ref_count_init(&action->refs);
    action->id = id;
    action->device_id = g_ref_string_acquire(device_id);
    action->type = g_ref_string_acquire(type);
    action->driver = g_ref_string_acquire(driver);
    action->parameters = fleet_parameters_ref(parameters);
    action->phase = g_ref_string_new_intern("");
    action->message = g_ref_string_acquire(action->phase);
    action->error_name = g_ref_string_acquire(action->phase);
    action->error_message = g_ref_string_acquire(action->phase);
    action->plan = g_ref_string_acquire(action->phase);
    action->request_id = g_ref_string_acquire(action->phase);
    action->policy = fleet_policy_default;
    return action;
}

FleetAction *fleet_action_copy(const FleetAction *action)
{
    FleetAction *copy = g_memdup2(action, sizeof(*action));

    g_atomic_ref_count_init(&copy->refs);
    g_ref_string_acquire(copy->device_id);
    g_ref_string_acquire(copy->type);
    g_ref_string_acquire(copy->driver);
    fleet_parameters_ref(copy->parameters);
    g_ref_string_acquire(copy->phase);
    g_ref_string_acquire(copy->message);
    g_ref_string_acquire(copy->error_name);
    g_ref_string_acquire(copy->error_message);
    g_ref_string_acquire(copy->plan);
    g_ref_string_acquire(copy->request_id);
    return copy;
}

FleetAction *fleet_action_ref(const FleetAction *action)
{
    FleetAction *counted = (FleetAction *)action; /* the count is not part of the image */

    g_atomic_ref_count_inc(&counted->refs);
    return counted;
}

void fleet_action_unref(const FleetAction *action)
{
    FleetAction *counted = (FleetAction *)action;

    if (!g_atomic_ref_count_dec(&counted->refs))
        return;
    g_ref_string_release(counted->device_id);
    g_ref_string_release(counted->type);
    g_ref_string_release(counted->driver);
    fleet_parameters_unref(counted->parameters);
    g_ref_string_release(counted->phase);
    g_ref_string_release(counted->message);
    g_ref_string_release(counted->error_name);
    g_ref_string_release(counted->error_message);
    g_ref_string_release(counted->plan);
    g_ref_string_release(counted->request_id);
    g_free(counted);
}

void fleet_action_set_text(GRefString **text, const char *value)
{
    GRefString *old = *text;

    *text = g_ref_string_new(value);
    g_ref_string_release(old);
}
