/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/quotas.h"

#include "base/error.h"

static const struct {
    const char *key;
    const char *counted; /* after "COUNT of LIMIT" */
    const char *remedy;  /* before "or have it raised" */
    gboolean binds_all;
} rows[] = {
        [FLEET_QUOTA_CALLS] = {"CallsPerUser", "calls are in flight", "wait until some are answered", TRUE},
        [FLEET_QUOTA_CONNECTIONS] = {"ConnectionsPerUser", "connections are open", "close some", TRUE},
        [FLEET_QUOTA_PENDING_ACTIONS] = {"PendingActionsPerUser", "actions are pending",
                "wait until some have started, cancel some", FALSE},
        [FLEET_QUOTA_DEVICES] = {"DevicesPerUser", "devices are registered", "unregister some", FALSE},
};

const FleetQuotas fleet_quotas_default = {.limits = {
                                                  [FLEET_QUOTA_CALLS] = 1024,
                                                  [FLEET_QUOTA_CONNECTIONS] = 64,
                                                  [FLEET_QUOTA_PENDING_ACTIONS] = 10000,
                                                  [FLEET_QUOTA_DEVICES] = 100000,
                                          }};

gboolean fleet_quota_binds(FleetQuota quota, uid_t uid, uid_t own)
{
    return rows[quota].binds_all || (uid != 0 && uid != own);
}

void fleet_quota_set_exceeded(FleetQuota quota, uid_t uid, guint count, guint limit, GError **error)
{
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_QUOTA_EXCEEDED,
            "user %u has reached the quota %s=: %u of %u %s; %s, or have it raised in fleetd.conf", (guint)uid,
            rows[quota].key, count, limit, rows[quota].counted, rows[quota].remedy);
}
