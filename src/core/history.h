/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Actions, whether they are still in memory or only in the store. Questions are answered on the main loop, at once or
 * later; what runs shows its newest progress, which the store does not have.
 */

#include "core/engine.h"
#include "model/action_filter.h"
#include "store/store.h"

typedef struct FleetHistory FleetHistory;

/* Both outlive it. */
FleetHistory *fleet_history_new(FleetStore *store, FleetEngine *engine) G_GNUC_WARN_UNUSED_RESULT;
void fleet_history_free(FleetHistory *history);

/* Whether a question is still open. */
gboolean fleet_history_is_busy(const FleetHistory *history);

/* Finds one action by its id's string. Either action is not NULL, or error is ACTION_NOT_FOUND or STORAGE_FAILED. The
 * image belongs to the history. */
typedef void (*FleetHistoryFoundFunc)(const FleetAction *action, const GError *error, gpointer user_data);
void fleet_history_find(FleetHistory *history, const char *id, FleetHistoryFoundFunc found, gpointer user_data);

/* Lists actions, newest first. Either actions (of FleetAction, owned by the history) is not NULL, or error is
 * STORAGE_FAILED. The filter is copied. */
typedef void (*FleetHistoryListFunc)(const GPtrArray *actions, const GError *error, gpointer user_data);
void fleet_history_list(
        FleetHistory *history, const FleetActionFilter *filter, FleetHistoryListFunc listed, gpointer user_data);

/* Has a request with this id been made before? Looks in memory, then in the store. Calls back, at once or later, with
 * what came of it, or with NULL if there was none, or with REQUEST_ID_REUSED or STORAGE_FAILED. The request's texts
 * must live until then. */
typedef void (*FleetRequestFoundFunc)(const FleetInitiated *initiated, const GError *error, gpointer user_data);
void fleet_history_find_request(
        FleetHistory *history, const FleetActionRequest *request, FleetRequestFoundFunc found, gpointer user_data);

/* Every move of an action, oldest first, of FleetTransition. Either moves is not NULL, or error is ACTION_NOT_FOUND or
 * STORAGE_FAILED. */
typedef void (*FleetHistoryMovesFunc)(const GArray *moves, const GError *error, gpointer user_data);
void fleet_history_find_moves(FleetHistory *history, const char *id, FleetHistoryMovesFunc found, gpointer user_data);

/* The audit, newest first, of FleetAuditRecord; last is where the next page goes on. Either records is not NULL, or
 * error is STORAGE_FAILED. */
typedef void (*FleetHistoryAuditFunc)(const GPtrArray *records, gint64 last, const GError *error, gpointer user_data);
void fleet_history_list_audit(
        FleetHistory *history, gint64 before, guint limit, FleetHistoryAuditFunc listed, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetHistory, fleet_history_free)
