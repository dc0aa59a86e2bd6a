/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What drivers read off an attempt.
 */

#include "drivers/driver.h"

/* Is its end on disk? As long as it is not, what a driver keeps for it has to stay, for after a restart the attempt
 * will be looked for. */
static inline gboolean fleet_attempt_is_over(const FleetAttempt *attempt)
{
    const FleetAction *action = attempt->action;

    return fleet_action_is_terminal(action) || action->attempt != attempt->id.number || action->retry_at.realtime != 0;
}
