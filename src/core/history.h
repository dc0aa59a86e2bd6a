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
FleetHistory *fleet_history_new(FleetStore *store, const FleetEngine *engine) G_GNUC_WARN_UNUSED_RESULT;
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

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetHistory, fleet_history_free)
