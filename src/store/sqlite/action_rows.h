/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The table of actions, those that run and all of history.
 */

#include "model/action.h"
#include "model/action_filter.h"
#include "store/sqlite/database.h"
#include "store/store.h"

/* Changes, each of one row, inside a transaction. An update writes what can change after the action was initiated. */
gboolean fleet_action_rows_insert(
        FleetDatabase *database, const FleetAction *action, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean fleet_action_rows_update(
        FleetDatabase *database, const FleetAction *action, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Hands over what fleet_store_load() promises. On the main loop only: it interns. */
gboolean fleet_action_rows_load(FleetDatabase *database, gint64 finished_since, guint finished_max,
        FleetStoreActionFunc func, gpointer user_data, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The action of that id, *action = NULL if there is none. */
gboolean fleet_action_rows_find(
        FleetDatabase *database, FleetActionId id, FleetAction **action, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The action that a request initiated on a device, *action = NULL if there is none. */
gboolean fleet_action_rows_find_request(FleetDatabase *database, const char *device_id, const char *request_id,
        FleetAction **action, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The actions that the filter takes, newest first. NULL on error. */
GPtrArray *fleet_action_rows_query(
        FleetDatabase *database, const FleetActionFilter *filter, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The highest sequence ever stored; 0 = none. */
gboolean fleet_action_rows_last_sequence(
        FleetDatabase *database, gint64 *sequence, GError **error) G_GNUC_WARN_UNUSED_RESULT;
