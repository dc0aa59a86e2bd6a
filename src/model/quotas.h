/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What one user may have at the same time. Users are told apart by their uid, whatever number of connections or
 * processes they use.
 */

#include <glib.h>
#include <sys/types.h>

typedef enum {
    FLEET_QUOTA_CALLS,           /* calls that are not answered yet */
    FLEET_QUOTA_CONNECTIONS,     /* connections to the private socket */
    FLEET_QUOTA_PENDING_ACTIONS, /* actions that are PENDING */
    FLEET_QUOTA_DEVICES,         /* devices that the user has registered */
    FLEET_QUOTA_LAST_,           /* not a quota: their number */
} FleetQuota;

typedef struct {
    guint limits[FLEET_QUOTA_LAST_]; /* by FleetQuota; 0 = no limit */
} FleetQuotas;

/* Those of a daemon that is not configured otherwise. */
extern const FleetQuotas fleet_quotas_default;

/*
 * Whether a quota binds root and the user that the daemon runs as (own), too. Those of calls and connections do, for a
 * program of root's that floods the daemon starves others like any other program. Those of devices and actions do not:
 * these two users look after a fleet that is not theirs alone, and what they keep is what the fleet needs.
 */
gboolean fleet_quota_binds(FleetQuota quota, uid_t uid, uid_t own) G_GNUC_CONST;

/* Sets QUOTA_EXCEEDED with a message that names quota, user, count and limit, and what can be done. */
void fleet_quota_set_exceeded(FleetQuota quota, uid_t uid, guint count, guint limit, GError **error);
