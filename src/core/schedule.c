/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/run.h"

#include "base/clock.h"
#include "base/log.h"
#include "model/transition.h"

/* Actions started in one turn of the loop. */
#define STARTED_PER_TURN 256

/* How long to wait before a start that could not be stored is tried again. */
#define START_AGAIN_USEC (2 * FLEET_USEC_PER_SEC)

FleetLoad *fleet_load_new(const char *type)
{
    FleetLoad *load = g_new0(FleetLoad, 1);

    load->type = g_ref_string_new_intern(type);
    load->blocked = g_sequence_new(NULL);
    return load;
}

void fleet_load_free(gpointer data)
{
    FleetLoad *load = data;

    g_ref_string_release(load->type);
    g_sequence_free(load->blocked);
    g_free(load);
}

static FleetLoad *load_of(FleetEngine *engine, const char *type)
{
    FleetLoad *load = g_hash_table_lookup(engine->loads, type);

    if (load == NULL) {
        load = fleet_load_new(type);
        g_hash_table_insert(engine->loads, load->type, load);
    }
    return load;
}

void fleet_engine_count_running(FleetEngine *engine, const FleetAction *action, int change)
{
    if (action->status != FLEET_ACTION_RUNNING)
        return;
    load_of(engine, action->type)->running += (guint)change;
    engine->running += (guint)change;
}

gboolean fleet_engine_has_room(const FleetEngine *engine, const char *type)
{
    const FleetLoad *load = g_hash_table_lookup(engine->loads, type);
    const FleetActionType *known = fleet_action_types_lookup(engine->settings.types, type, NULL);

    return engine->running < engine->settings.running_max &&
           (load == NULL || known == NULL || load->running < known->running_max);
}

static int compare_runs(gconstpointer a, gconstpointer b, gpointer user_data)
{
    const FleetRun *x = a, *y = b;

    if (x->entry.priority != y->entry.priority)
        return x->entry.priority > y->entry.priority ? -1 : 1;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

void fleet_run_unblock(FleetRun *run)
{
    g_clear_pointer(&run->blocked, g_sequence_remove);
}

/* Why it waits is detail, for people. */
static void set_waiting(FleetRun *run, const char *phase)
{
    if (run->in_flight > 0 || g_str_equal(run->committed->phase, phase))
        return;
    FleetAction *image = fleet_run_next_image(run);
    fleet_action_set_text(&image->phase, phase);
    fleet_run_set_detail(run, image);
}

static void started(const GError *error, gpointer user_data)
{
    FleetRun *run = user_data;
    char id[FLEET_ACTION_ID_BUFFER];

    if (error == NULL)
        return;
    fleet_action_id_format(run->committed->id, id);
    fleet_log_about(LOG_WARNING, FLEET_LOG_SUBJECT(.action = id, .device = run->committed->device_id),
            "a queued action on device '%s' cannot start: %s", run->committed->device_id, error->message);
    fleet_run_set_due(run, FLEET_DUE_NOT_BEFORE, fleet_clock_boottime() + START_AGAIN_USEC);
}

static void start(FleetRun *run)
{
    FleetTransaction *transaction = fleet_transaction_new(run->engine->ledger);
    g_autoptr(GError) error = NULL;

    fleet_run_unblock(run);
    if (fleet_run_stage_attempt(run, transaction, &error)) {
        fleet_transaction_submit(transaction, started, run);
        return;
    }
    fleet_transaction_abandon(transaction);
    fleet_run_end(run, fleet_ending_new(FLEET_ACTION_FAILED, FLEET_RESULT_REJECTED, error->message));
}

/* What would start next on a device: the first whose time has come. NULL: nothing, or the device is not free. */
static FleetRun *candidate_of(FleetEngine *engine, const char *device_id)
{
    const FleetDevice *device = fleet_registry_lookup_staged(engine->registry, device_id, NULL);
    gint64 now = fleet_clock_realtime();

    if (device == NULL || !fleet_device_check_free(device, NULL))
        return NULL;
    for (FleetQueueEntry *entry = fleet_queue_first(engine->queue, device_id); entry != NULL;
            entry = fleet_queue_next(entry)) {
        FleetRun *run = entry->owner;

        if (run->committed->not_before <= now)
            return run;
    }
    return NULL;
}

void fleet_run_await_device(FleetRun *run)
{
    const FleetDevice *device = fleet_run_device(run);

    if (run->entry.place == NULL || device == NULL)
        return;
    if (!fleet_device_check_free(device, NULL) || !fleet_engine_is_ready(run->driver, device))
        set_waiting(run, "waiting-device");
}

static void consider_device(FleetEngine *engine, const char *device_id)
{
    FleetRun *run = candidate_of(engine, device_id);

    if (run == NULL || run->in_flight > 0 || run->ending != NULL)
        return;
    if (!fleet_engine_is_ready(run->driver, fleet_run_device(run))) {
        set_waiting(run, "waiting-device");
        return;
    }
    if (fleet_engine_has_room(engine, run->committed->type)) {
        start(run);
        return;
    }
    if (run->blocked == NULL) {
        set_waiting(run, "waiting-slot");
        run->blocked =
                g_sequence_insert_sorted(load_of(engine, run->committed->type)->blocked, run, compare_runs, NULL);
    }
}

/* The first of all that wait for nothing but room, and have it now. */
static FleetRun *next_blocked(FleetEngine *engine)
{
    FleetRun *best = NULL;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, engine->loads);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const FleetLoad *load = value;

        if (g_sequence_is_empty(load->blocked) || !fleet_engine_has_room(engine, load->type))
            continue;
        FleetRun *run = g_sequence_get(g_sequence_get_begin_iter(load->blocked));
        if (best == NULL || compare_runs(run, best, NULL) < 0)
            best = run;
    }
    return best;
}

static char *take_dirty(FleetEngine *engine)
{
    char *id = g_queue_pop_head(&engine->dirty_order);

    if (id != NULL)
        g_hash_table_steal(engine->dirty, id);
    return id;
}

void fleet_engine_schedule(FleetTimer *timer)
{
    FleetEngine *engine = timer->data;
    guint turns = STARTED_PER_TURN;
    FleetRun *run;
    char *id;

    for (; turns > 0 && (id = take_dirty(engine)) != NULL; turns--) {
        consider_device(engine, id);
        g_free(id);
    }
    for (; turns > 0 && (run = next_blocked(engine)) != NULL; turns--) {
        g_autofree char *device_id = g_strdup(run->committed->device_id);

        fleet_run_unblock(run);
        consider_device(engine, device_id);
    }
    if (turns == 0)
        fleet_engine_consider_blocked(engine);
}

void fleet_engine_consider(FleetEngine *engine, const char *device_id)
{
    if (fleet_queue_count(engine->queue, device_id) == 0)
        return;
    if (!g_hash_table_contains(engine->dirty, device_id)) {
        char *id = g_strdup(device_id);

        g_hash_table_add(engine->dirty, id);
        g_queue_push_tail(&engine->dirty_order, id);
    }
    fleet_engine_consider_blocked(engine);
}

void fleet_engine_consider_blocked(FleetEngine *engine)
{
    if (!engine->stopped && !fleet_timer_is_set(&engine->consider))
        fleet_timers_set(engine->timers, &engine->consider, fleet_clock_boottime());
}
