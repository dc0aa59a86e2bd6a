/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The parameters of an action: at most FLEET_PARAMETERS_MAX pairs of strings, sorted by key. Immutable and counted by
 * reference, so that every image of an action shares them, across threads.
 */

#include <glib.h>

typedef struct FleetParameters FleetParameters;

/* None. A new reference. */
FleetParameters *fleet_parameters_new_empty(void) G_GNUC_WARN_UNUSED_RESULT;

/*
 * A copy of n pairs, keys at [2i] and values at [2i + 1]. INVALID_ARGUMENT on an empty or duplicate key, on a key with
 * control characters, on text that is not UTF-8; LIMIT_EXCEEDED past FLEET_PARAMETERS_MAX or FLEET_PARAMETERS_SIZE_MAX.
 */
FleetParameters *fleet_parameters_new(const char *const *pairs, guint n, GError **error) G_GNUC_WARN_UNUSED_RESULT;

FleetParameters *fleet_parameters_ref(FleetParameters *parameters);
void fleet_parameters_unref(FleetParameters *parameters);

guint fleet_parameters_count(const FleetParameters *parameters);
const char *fleet_parameters_key(const FleetParameters *parameters, guint i);
const char *fleet_parameters_value(const FleetParameters *parameters, guint i);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetParameters, fleet_parameters_unref)
