/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How much of a quota each user has used up: a count by uid. Whoever gives something to a user asks first with
 * fleet_usage_check(), then counts it with fleet_usage_add(), and with fleet_usage_remove() once it is gone. Each is a
 * lookup in a table that has an entry only for users who have something.
 */

#include "model/quotas.h"

#include <glib.h>
#include <sys/types.h>

typedef struct FleetUsage FleetUsage;

/* Nobody has anything, and the limit is the default's. own is the user that the daemon runs as. */
FleetUsage *fleet_usage_new(FleetQuota quota, uid_t own) G_GNUC_WARN_UNUSED_RESULT;
void fleet_usage_free(FleetUsage *usage);

/* Takes its limit from what is configured. What users have beyond a limit that is lowered stays theirs. */
void fleet_usage_configure(FleetUsage *usage, const FleetQuotas *quotas);

/* May the user have one more? QUOTA_EXCEEDED. */
gboolean fleet_usage_check(const FleetUsage *usage, uid_t uid, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The user has one more, whatever the limit; or one less. */
void fleet_usage_add(FleetUsage *usage, uid_t uid);
void fleet_usage_remove(FleetUsage *usage, uid_t uid);

/* How many the user has. */
guint fleet_usage_count(const FleetUsage *usage, uid_t uid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetUsage, fleet_usage_free)
