/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/history.h"

#include "base/error.h"

struct FleetHistory {
    FleetStore *store;
    FleetEngine *engine;
    guint open; /* questions */
};

typedef struct {
    FleetHistory *history;
    char *id;
    FleetHistoryFoundFunc found;
    FleetHistoryListFunc listed;
    FleetHistoryMovesFunc moves_found;
    FleetHistoryAuditFunc audit_listed;
    FleetActionRequest request;
    FleetRequestFoundFunc request_found;
    gpointer user_data;
} Query;

FleetHistory *fleet_history_new(FleetStore *store, FleetEngine *engine)
{
    FleetHistory *history = g_new0(FleetHistory, 1);

    history->store = store;
    history->engine = engine;
    return history;
}

void fleet_history_free(FleetHistory *history)
{
    g_free(history);
}

gboolean fleet_history_is_busy(const FleetHistory *history)
{
    return history->open > 0;
}

static Query *new_query(FleetHistory *history, gpointer user_data)
{
    Query *query = g_new0(Query, 1);

    history->open++;
    query->history = history;
    query->user_data = user_data;
    return query;
}

static void end_query(Query *query)
{
    query->history->open--;
    g_free(query->id);
    g_free(query);
}

static GError *not_found(const char *id)
{
    g_autofree char *shown = fleet_quotable(id);

    return g_error_new(FLEET_ERROR, FLEET_ERROR_ACTION_NOT_FOUND, "action '%s' is not known", shown);
}

/* A stored row of an action that has not ended lacks the detail that memory has. */
static const FleetAction *newest(const FleetHistory *history, const FleetAction *stored)
{
    const FleetAction *known =
            fleet_action_is_terminal(stored) ? NULL : fleet_engine_lookup(history->engine, stored->id);

    return known != NULL ? known : stored;
}

static void found_one(FleetAction *action, const GError *error, gpointer user_data)
{
    Query *query = user_data;
    g_autoptr(FleetAction) stored = action;
    g_autoptr(GError) missing = NULL;

    if (stored == NULL && error == NULL)
        error = missing = not_found(query->id);
    query->found(stored != NULL ? newest(query->history, stored) : NULL, error, query->user_data);
    end_query(query);
}

void fleet_history_find(FleetHistory *history, const char *id, FleetHistoryFoundFunc found, gpointer user_data)
{
    FleetActionId parsed;

    if (!fleet_action_id_parse(id, &parsed)) {
        g_autoptr(GError) error = not_found(id);
        found(NULL, error, user_data);
        return;
    }

    const FleetAction *action = fleet_engine_lookup(history->engine, parsed);
    if (action != NULL) {
        found(action, NULL, user_data);
        return;
    }

    Query *query = new_query(history, user_data);
    query->id = g_strdup(id);
    query->found = found;
    fleet_store_find_action(history->store, parsed, found_one, query);
}

static void found_list(GPtrArray *actions, const GError *error, gpointer user_data)
{
    Query *query = user_data;
    g_autoptr(GPtrArray) shown = NULL;

    if (actions != NULL) {
        shown = g_ptr_array_sized_new(actions->len);
        for (guint i = 0; i < actions->len; i++)
            g_ptr_array_add(shown, (gpointer)newest(query->history, g_ptr_array_index(actions, i)));
    }
    query->listed(shown, error, query->user_data);
    end_query(query);
}

void fleet_history_list(
        FleetHistory *history, const FleetActionFilter *filter, FleetHistoryListFunc listed, gpointer user_data)
{
    Query *query = new_query(history, user_data);

    query->listed = listed;
    fleet_store_query_actions(history->store, filter, found_list, query);
}

static void request_found(FleetAction *action, const GError *error, gpointer user_data)
{
    Query *query = user_data;
    FleetEngine *engine = query->history->engine;
    g_autoptr(FleetAction) stored = action;
    g_autoptr(GError) reused = NULL;
    FleetInitiated initiated;
    gboolean known = FALSE;

    /* Meanwhile the same request may have come again, and have been carried out. */
    if (error == NULL)
        known = stored != NULL ? fleet_engine_check_request(stored, &query->request, &initiated, &reused)
                               : fleet_engine_find_request(engine, &query->request, &initiated, &reused);
    fleet_engine_release_finished(engine);
    query->request_found(
            known && reused == NULL ? &initiated : NULL, reused != NULL ? reused : error, query->user_data);
    end_query(query);
}

void fleet_history_find_request(
        FleetHistory *history, const FleetActionRequest *request, FleetRequestFoundFunc found, gpointer user_data)
{
    g_autoptr(GError) reused = NULL;
    FleetInitiated initiated;

    if (fleet_engine_find_request(history->engine, request, &initiated, &reused)) {
        found(reused == NULL ? &initiated : NULL, reused, user_data);
        return;
    }
    Query *query = new_query(history, user_data);
    query->request = *request;
    query->request_found = found;
    fleet_engine_hold_finished(history->engine);
    fleet_store_find_request(history->store, request->device_id, request->request_id, request_found, query);
}

static void moves_found(GArray *moves, const GError *error, gpointer user_data)
{
    Query *query = user_data;
    g_autoptr(GError) missing = NULL;

    if (moves != NULL && moves->len == 0) {
        error = missing = not_found(query->id);
        moves = NULL;
    }
    query->moves_found(moves, error, query->user_data);
    end_query(query);
}

void fleet_history_find_moves(FleetHistory *history, const char *id, FleetHistoryMovesFunc found, gpointer user_data)
{
    FleetActionId parsed;

    if (!fleet_action_id_parse(id, &parsed)) {
        g_autoptr(GError) error = not_found(id);
        found(NULL, error, user_data);
        return;
    }
    Query *query = new_query(history, user_data);
    query->id = g_strdup(id);
    query->moves_found = found;
    fleet_store_find_transitions(history->store, parsed, moves_found, query);
}

static void audit_listed(GPtrArray *records, gint64 last, const GError *error, gpointer user_data)
{
    Query *query = user_data;

    query->audit_listed(records, last, error, query->user_data);
    end_query(query);
}

void fleet_history_list_audit(
        FleetHistory *history, gint64 before, guint limit, FleetHistoryAuditFunc listed, gpointer user_data)
{
    Query *query = new_query(history, user_data);

    query->audit_listed = listed;
    fleet_store_query_audit(history->store, before, limit, audit_listed, query);
}
