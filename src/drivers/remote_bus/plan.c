/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/remote_bus/plan.h"

#include <string.h>

#define UNIT_PREFIX "fleet-action-"
#define UNIT_SUFFIX ".service"

static const char *const kinds[] = {"program", "reboot", "rauc"};
G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == FLEET_REMOTE_KINDS);

/* Of each kind, what follows its name. */
static const char *const keys[] = {" unit=", " boot=", ""};
G_STATIC_ASSERT(G_N_ELEMENTS(keys) == FLEET_REMOTE_KINDS);

/* Machines may be managed by several fleetd, and one by a fleetd that has lost its database: numbers alone would come
 * again. */
void fleet_remote_plan_draw_unit(FleetRemotePlan *plan, gint64 sequence, guint attempt)
{
    g_snprintf(plan->unit, sizeof(plan->unit), UNIT_PREFIX "%" G_GINT64_FORMAT "-%u-%08x%08x" UNIT_SUFFIX, sequence,
            attempt, g_random_int(), g_random_int());
}

char *fleet_remote_plan_format(const FleetRemotePlan *plan)
{
    const char *value = plan->kind == FLEET_REMOTE_PROGRAM ? plan->unit : plan->boot;

    return g_strconcat(kinds[plan->kind], keys[plan->kind], plan->kind == FLEET_REMOTE_RAUC ? "" : value, NULL);
}

static gboolean is_unit(const char *name)
{
    return strlen(name) < FLEET_REMOTE_UNIT_SIZE && g_str_has_prefix(name, UNIT_PREFIX) &&
           g_str_has_suffix(name, UNIT_SUFFIX) && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0';
}

static gboolean read_value(const char *value, FleetRemotePlan *plan)
{
    switch (plan->kind) {
    case FLEET_REMOTE_PROGRAM:
        g_strlcpy(plan->unit, value, sizeof(plan->unit));
        return is_unit(value);
    case FLEET_REMOTE_REBOOT:
        g_strlcpy(plan->boot, value, sizeof(plan->boot));
        return *value == '\0' || fleet_remote_greeting_is_boot_id(value);
    case FLEET_REMOTE_RAUC:
        return *value == '\0';
    case FLEET_REMOTE_KINDS:
    default:
        g_assert_not_reached();
    }
}

gboolean fleet_remote_plan_parse(const char *text, FleetRemotePlan *plan)
{
    for (int i = 0; i < FLEET_REMOTE_KINDS; i++) {
        g_autofree char *head = g_strconcat(kinds[i], keys[i], NULL);

        *plan = (FleetRemotePlan){.kind = (FleetRemoteKind)i};
        if (g_str_has_prefix(text, head))
            return read_value(text + strlen(head), plan);
    }
    return FALSE;
}
