/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/engine.h"

#include "base/clock.h"
#include "core/run.h"

#include <unistd.h>

void fleet_engine_reconsider_device(FleetEngine *engine, const FleetDevice *device)
{
    FleetRun *run = g_hash_table_lookup(engine->runs, &device->action.sequence);

    if (run != NULL)
        fleet_run_device_changed(run);
    fleet_engine_consider(engine, device->id);
}

static void device_changed(const FleetDevice *before, const FleetDevice *after, gpointer user_data)
{
    FleetEngine *engine = user_data;

    if (engine->recovered)
        fleet_engine_tell_driver(engine, before, after);
    fleet_presence_watch_device_changed(engine->presence, before, after);
    if (before != NULL && after != NULL)
        fleet_engine_reconsider_device(engine, after);
}

FleetEngine *fleet_engine_new(FleetLedger *ledger, FleetRegistry *registry, FleetTimers *timers,
        FleetPresenceWatch *presence, const FleetObservers *observers, gint64 last_sequence)
{
    FleetEngine *engine = g_new0(FleetEngine, 1);

    engine->ledger = ledger;
    engine->registry = registry;
    engine->timers = timers;
    engine->presence = presence;
    engine->observers = observers;
    engine->last_sequence = last_sequence;
    engine->drivers = fleet_drivers_new(&fleet_engine_driver_host, engine);
    engine->queue = fleet_queue_new();
    engine->pending = fleet_usage_new(FLEET_QUOTA_PENDING_ACTIONS, geteuid());
    engine->loads = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, fleet_load_free);
    engine->dirty = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    engine->requests = g_hash_table_new(fleet_run_hash_request, fleet_run_same_request);
    engine->runs = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, fleet_run_free);
    engine->retention = (FleetTimer){.fire = fleet_engine_trim_finished, .data = engine};
    engine->consider = (FleetTimer){.fire = fleet_engine_schedule, .data = engine};
    engine->registering = (FleetTimer){.fire = fleet_engine_register_next, .data = engine};
    fleet_registry_set_watcher(registry, device_changed, engine);
    return engine;
}

void fleet_engine_free(FleetEngine *engine)
{
    fleet_registry_set_watcher(engine->registry, NULL, NULL);
    fleet_timers_clear(engine->timers, &engine->retention);
    fleet_timers_clear(engine->timers, &engine->consider);
    fleet_engine_forget_announced(engine);
    g_hash_table_unref(engine->requests);
    g_hash_table_unref(engine->runs);
    g_queue_clear(&engine->dirty_order);
    g_hash_table_unref(engine->dirty);
    g_hash_table_unref(engine->loads);
    fleet_queue_free(engine->queue);
    fleet_drivers_free(engine->drivers);
    fleet_usage_free(engine->pending);
    g_free(engine);
}

void fleet_engine_configure(FleetEngine *engine, const FleetEngineSettings *settings)
{
    engine->settings = *settings;
    fleet_usage_configure(engine->pending, &settings->quotas);
    fleet_engine_trim_finished(&engine->retention);
    fleet_engine_consider_blocked(engine);
}

void fleet_engine_hold_finished(FleetEngine *engine)
{
    engine->lookups++;
}

void fleet_engine_release_finished(FleetEngine *engine)
{
    if (--engine->lookups == 0)
        fleet_timers_set(engine->timers, &engine->retention, fleet_clock_boottime());
}

FleetDriver *fleet_engine_driver(FleetEngine *engine, const char *name)
{
    return fleet_drivers_lookup(engine->drivers, name);
}

const char *const *fleet_engine_driver_names(const FleetEngine *engine)
{
    return fleet_drivers_names();
}

void fleet_engine_load(FleetEngine *engine, FleetAction *action)
{
    FleetRun *run = fleet_run_new(engine, action);

    fleet_run_load(run);
    if (fleet_action_is_terminal(action)) {
        const FleetInstant completed = {.realtime = action->completed_at};

        run->ended = fleet_instant_boottime(&completed);
        g_queue_push_tail_link(&engine->finished, &run->finished);
    } else
        fleet_registry_load_action(engine->registry, action->device_id,
                action->status == FLEET_ACTION_RUNNING ? action->id : (FleetActionId){0});
    fleet_action_unref(action);
}

/* What waits for a retry, or in the queue, needs its deadlines only. */
static void recover_run(FleetRun *run)
{
    gint64 now = fleet_clock_boottime();

    if (run->committed->status == FLEET_ACTION_RUNNING && run->committed->retry_at.realtime == 0) {
        run->reattach = TRUE;
        run->due[FLEET_DUE_HANDOVER] = now;
        if (run->committed->cancel_requested.realtime != 0)
            run->due[FLEET_DUE_ASK_CANCEL] = now;
    }
    run->last_report = now;
    fleet_run_arm(run);
    if (run->entry.place != NULL)
        fleet_engine_consider(run->engine, run->committed->device_id);
}

void fleet_engine_recover(FleetEngine *engine)
{
    GHashTableIter iter;
    gpointer run;

    engine->recovered = TRUE;
    fleet_engine_adopt_all(engine);
    g_hash_table_iter_init(&iter, engine->runs);
    while (g_hash_table_iter_next(&iter, NULL, &run))
        if (!fleet_action_is_terminal(((FleetRun *)run)->committed))
            recover_run(run);
}

void fleet_engine_clock_was_set(FleetEngine *engine)
{
    GHashTableIter iter;
    gpointer run;

    g_hash_table_iter_init(&iter, engine->runs);
    while (g_hash_table_iter_next(&iter, NULL, &run))
        if (((FleetRun *)run)->entry.place != NULL)
            fleet_run_clock_was_set(run);
}

void fleet_engine_stop(FleetEngine *engine)
{
    GHashTableIter iter;
    gpointer run;

    engine->stopped = TRUE;
    fleet_timers_clear(engine->timers, &engine->consider);
    fleet_engine_forget_announced(engine);
    g_hash_table_iter_init(&iter, engine->runs);
    while (g_hash_table_iter_next(&iter, NULL, &run))
        fleet_timers_clear(engine->timers, &((FleetRun *)run)->timer);
}

const FleetAction *fleet_engine_lookup(const FleetEngine *engine, FleetActionId id)
{
    const FleetRun *run = g_hash_table_lookup(engine->runs, &id.sequence);

    return run != NULL && run->committed != NULL && run->committed->id.msec == id.msec ? run->committed : NULL;
}

void fleet_engine_visit(const FleetEngine *engine, FleetActionVisitor visitor, gpointer user_data)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, engine->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const FleetRun *run = value;

        if (run->committed != NULL && !visitor(run->committed, user_data))
            return;
    }
}

guint fleet_engine_count(const FleetEngine *engine)
{
    guint count = 0;

    for (guint i = 0; i < FLEET_ACTION_STATUS_LAST_; i++)
        count += engine->by_status[i];
    return count;
}

guint fleet_engine_count_status(const FleetEngine *engine, FleetActionStatus status)
{
    return engine->by_status[status];
}

const FleetActionTypes *fleet_engine_action_types(const FleetEngine *engine)
{
    return engine->settings.types;
}
