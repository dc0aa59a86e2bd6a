/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/usage.h"

struct FleetUsage {
    FleetQuota quota;
    uid_t own;
    guint limit;
    GHashTable *counts; /* uid -> count, both in the pointers themselves; never 0 */
};

FleetUsage *fleet_usage_new(FleetQuota quota, uid_t own)
{
    FleetUsage *usage = g_new0(FleetUsage, 1);

    usage->quota = quota;
    usage->own = own;
    usage->counts = g_hash_table_new(NULL, NULL);
    fleet_usage_configure(usage, &fleet_quotas_default);
    return usage;
}

void fleet_usage_free(FleetUsage *usage)
{
    g_hash_table_unref(usage->counts);
    g_free(usage);
}

void fleet_usage_configure(FleetUsage *usage, const FleetQuotas *quotas)
{
    usage->limit = quotas->limits[usage->quota];
}

guint fleet_usage_count(const FleetUsage *usage, uid_t uid)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(usage->counts, GUINT_TO_POINTER(uid)));
}

gboolean fleet_usage_check(const FleetUsage *usage, uid_t uid, GError **error)
{
    if (usage->limit == 0 || !fleet_quota_binds(usage->quota, uid, usage->own))
        return TRUE;
    guint count = fleet_usage_count(usage, uid);
    if (count < usage->limit)
        return TRUE;
    fleet_quota_set_exceeded(usage->quota, uid, count, usage->limit, error);
    return FALSE;
}

void fleet_usage_add(FleetUsage *usage, uid_t uid)
{
    guint count = fleet_usage_count(usage, uid);

    g_hash_table_insert(usage->counts, GUINT_TO_POINTER(uid), GUINT_TO_POINTER(count + 1));
}

void fleet_usage_remove(FleetUsage *usage, uid_t uid)
{
    guint count = fleet_usage_count(usage, uid);

    g_assert(count > 0);
    if (count > 1)
        g_hash_table_insert(usage->counts, GUINT_TO_POINTER(uid), GUINT_TO_POINTER(count - 1));
    else
        g_hash_table_remove(usage->counts, GUINT_TO_POINTER(uid));
}
