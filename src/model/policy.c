/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/policy.h"

#include "base/clock.h"

#include <math.h>

const FleetPolicy fleet_policy_default = {
        .max_attempts = 1,
        .retry_delay = 10 * FLEET_USEC_PER_SEC,
        .retry_factor = 2.0,
        .retry_cap = 600 * FLEET_USEC_PER_SEC,
        .retry_jitter = 0.1,
};

gint64 fleet_policy_retry_delay(const FleetPolicy *policy, guint failed, double random)
{
    double delay = (double)policy->retry_delay * pow(policy->retry_factor, failed - 1);

    /* Also where the power is beyond all numbers. */
    if (!(delay < (double)policy->retry_cap))
        delay = (double)policy->retry_cap;
    return (gint64)(delay * (1.0 - policy->retry_jitter * random));
}
