/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plan.h"

#include <string.h>

void sim_plan_clear(SimPlan *plan)
{
    g_free(plan->service);
    g_free(plan->type);
    g_clear_pointer(&plan->operations, g_ptr_array_unref);
    g_free(plan->fail_reason);
    memset(plan, 0, sizeof(*plan));
}

/* From 0 to less than 1. It must not depend on what came before, or it would be another one after a restart. */
static double lot(guint seed, const char *device, const SimCommand *command)
{
    g_autofree char *text = g_strdup_printf("%u %s %s %s", seed, device, command->operation, command->id);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize length = sizeof(digest);
    guint32 number;

    g_checksum_update(checksum, (const guchar *)text, -1);
    g_checksum_get_digest(checksum, digest, &length);
    memcpy(&number, digest, sizeof(number));
    return number / 4294967296.0;
}

const char *sim_plan_failure(const SimPlan *plan, const char *device, const SimCommand *command)
{
    const char *reason = plan->fail_reason != NULL ? plan->fail_reason : "a simulated failure";

    if (plan->fail_rate < 0)
        return plan->fail_reason;
    return lot(plan->seed, device, command) < plan->fail_rate ? reason : NULL;
}
