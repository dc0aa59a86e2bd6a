/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The table of the moves of actions, which is written along with the actions themselves.
 */

#include "model/action.h"
#include "store/sqlite/database.h"
#include "store/store.h"

/* Writes the first move of an action that is new, inside a transaction. */
gboolean fleet_transition_rows_insert(
        FleetDatabase *database, const FleetAction *action, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes the move that led to this image of an action, if it differs from the last one that was written. */
gboolean fleet_transition_rows_append(
        FleetDatabase *database, const FleetAction *action, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Every move of an action, oldest first; none if there is no such action. NULL on error. */
GArray *fleet_transition_rows_find(FleetDatabase *database, FleetActionId id, GError **error) G_GNUC_WARN_UNUSED_RESULT;
