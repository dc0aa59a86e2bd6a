/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/history.h"

#include "base/error.h"

struct FleetHistory {
    FleetStore *store;
    const FleetEngine *engine;
    guint open; /* questions */
};

typedef struct {
    FleetHistory *history;
    char *id;
    FleetHistoryFoundFunc found;
    FleetHistoryListFunc listed;
    gpointer user_data;
} Query;

FleetHistory *fleet_history_new(FleetStore *store, const FleetEngine *engine)
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
