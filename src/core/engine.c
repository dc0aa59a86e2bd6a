/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/engine.h"

#include "base/clock.h"
#include "base/log.h"
#include "model/transition.h"

/* How long to wait before an outcome that could not be stored is stored again. */
#define SETTLE_AGAIN_USEC (2 * FLEET_USEC_PER_SEC)

/* What a run's timer stands for. */
typedef enum {
    NEXT_START,    /* tell the driver to start */
    NEXT_REATTACH, /* tell the driver to find it again */
    NEXT_WAKE,     /* the driver wanted to be woken */
    NEXT_SETTLE,   /* store the outcome, which failed before */
} Next;

/* An action in memory. As in the registry, a slot with a committed and a staged image. */
typedef struct {
    FleetAttempt attempt; /* first, so that what a driver holds leads here */
    gint64 sequence;      /* the action's, and its key in the engine's table */
    FleetEngine *engine;
    FleetDriver *driver;
    FleetAction *committed; /* NULL: not on disk yet */
    FleetAction *staged;
    guint in_flight; /* steps that are staged and not through */
    FleetTimer timer;
    Next next;
    gboolean attached; /* the driver knows of it */
    gboolean reported; /* the driver has said how it ended, below */
    FleetOutcome outcome;
    char *message;
    gint64 ended_at; /* when it said so, µs since the epoch */
    gint64 ended;    /* the same moment in µs of CLOCK_BOOTTIME: its retention counts from here */
    GList finished;  /* in the engine's queue once it is terminal */
} Run;

struct FleetEngine {
    FleetLedger *ledger;
    FleetRegistry *registry;
    FleetTimers *timers;
    const FleetObservers *observers;
    FleetDrivers *drivers;
    const FleetActionTypes *types; /* weak: the configuration's */
    GHashTable *runs;              /* &run->sequence -> Run */
    guint by_status[FLEET_ACTION_STATUS_LAST_];
    gint64 last_sequence;
    GQueue finished; /* of Run, oldest first */
    guint finished_max;
    gint64 finished_age;
    FleetTimer retention;
    gboolean stopped;
};

static void set_image(FleetAction **place, const FleetAction *image)
{
    FleetAction *old = *place;

    *place = image != NULL ? fleet_action_ref(image) : NULL;
    g_clear_pointer(&old, fleet_action_unref);
}

static void set_committed(Run *run, const FleetAction *image)
{
    FleetEngine *engine = run->engine;

    if (run->committed != NULL)
        engine->by_status[run->committed->status]--;
    engine->by_status[image->status]++;
    set_image(&run->committed, image);
    run->attempt.action = run->committed;
}

static void detach(Run *run)
{
    fleet_timers_clear(run->engine->timers, &run->timer);
    if (run->attached)
        run->driver->class->release(run->driver, &run->attempt);
    run->attached = FALSE;
}

static void free_run(gpointer data)
{
    Run *run = data;

    detach(run);
    if (run->committed != NULL)
        run->engine->by_status[run->committed->status]--;
    g_clear_pointer(&run->committed, fleet_action_unref);
    g_clear_pointer(&run->staged, fleet_action_unref);
    g_free(run->message);
    g_free(run);
}

static void schedule(Run *run, Next next, gint64 when)
{
    if (run->engine->stopped)
        return;
    run->next = next;
    fleet_timers_set(run->engine->timers, &run->timer, when);
}

/* A driver named in the database that this build does not have must not lose its actions: the default takes them, and
 * says that it cannot read their plan. */
static FleetDriver *find_driver(FleetEngine *engine, const char *name)
{
    FleetDriver *driver = fleet_drivers_lookup(engine->drivers, name);

    return driver != NULL ? driver : fleet_drivers_lookup(engine->drivers, FLEET_DRIVER_DEFAULT);
}

static void fire(FleetTimer *timer);

static Run *add_run(FleetEngine *engine, const FleetAction *action)
{
    Run *run = g_new0(Run, 1);

    run->sequence = action->id.sequence;
    run->engine = engine;
    run->driver = find_driver(engine, action->driver);
    run->timer = (FleetTimer){.fire = fire, .data = run};
    run->finished.data = run;
    g_hash_table_insert(engine->runs, &run->sequence, run);
    return run;
}

static void remove_run(Run *run)
{
    g_hash_table_remove(run->engine->runs, &run->sequence);
}

/* Finished actions leave when there are too many or when the oldest is too old. */
static void trim_finished(FleetEngine *engine)
{
    gint64 now = fleet_clock_boottime();
    Run *oldest;

    while ((oldest = g_queue_peek_head(&engine->finished)) != NULL) {
        if (engine->finished.length <= engine->finished_max && oldest->ended + engine->finished_age > now) {
            fleet_timers_set(engine->timers, &engine->retention, oldest->ended + engine->finished_age);
            return;
        }
        g_queue_unlink(&engine->finished, &oldest->finished);
        FLEET_OBSERVE(engine->observers, action_removed, oldest->committed);
        remove_run(oldest);
    }
    fleet_timers_clear(engine->timers, &engine->retention);
}

static void retention_over(FleetTimer *timer)
{
    trim_finished(timer->data);
}

static void apply(gpointer owner, gpointer data, FleetChangeKind kind, gconstpointer image)
{
    FleetEngine *engine = owner;
    Run *run = data;
    const FleetAction *after = image;
    g_autoptr(FleetAction) before = run->committed != NULL ? fleet_action_ref(run->committed) : NULL;

    set_committed(run, after);
    run->in_flight--;
    if (before == NULL)
        FLEET_OBSERVE(engine->observers, action_added, after);
    else
        FLEET_OBSERVE(engine->observers, action_changed, before, after);

    if (after->status == FLEET_ACTION_RUNNING)
        schedule(run, NEXT_START, fleet_clock_boottime());
}

static void roll_back(gpointer owner, gpointer data, gconstpointer before)
{
    Run *run = data;

    run->in_flight--;
    set_image(&run->staged, before);
    if (run->committed == NULL && run->in_flight == 0)
        remove_run(run);
}

static const FleetStepClass step_class = {.apply = apply, .roll_back = roll_back};

/* Takes the image. */
static void stage(Run *run, FleetTransaction *transaction, FleetChangeKind kind, FleetAction *image)
{
    const FleetStep step = {.class = &step_class,
            .owner = run->engine,
            .slot = run,
            .kind = kind,
            .before = run->staged,
            .image = image};

    g_assert(run->staged == NULL || fleet_action_may_move(run->staged->status, image->status));
    fleet_transaction_stage(transaction, &step);
    run->in_flight++;
    set_image(&run->staged, image);
}

static void settled(const GError *error, gpointer user_data)
{
    Run *run = user_data;
    FleetEngine *engine = run->engine;
    char id[FLEET_ACTION_ID_BUFFER];

    if (error != NULL) {
        fleet_log_warning("the outcome of action '%s' is kept in memory until it can be stored: %s",
                fleet_action_id_format(run->committed->id, id), error->message);
        schedule(run, NEXT_SETTLE, fleet_clock_boottime() + SETTLE_AGAIN_USEC);
        return;
    }
    fleet_log_info("action '%s' on device '%s' ended: %s%s%s", fleet_action_id_format(run->committed->id, id),
            run->committed->device_id, fleet_result_to_string(run->committed->result),
            *run->message != '\0' ? ", " : "", run->message);
    detach(run);
    g_queue_push_tail_link(&engine->finished, &run->finished);
    trim_finished(engine);
}

/* The terminal move: the action, and its device with it, in one transaction. */
static void settle(Run *run)
{
    FleetEngine *engine = run->engine;
    FleetAction *action = fleet_action_copy(run->staged);
    gboolean success = run->outcome == FLEET_OUTCOME_SUCCESS;
    FleetTransaction *transaction = fleet_transaction_new(engine->ledger);

    action->status = success ? FLEET_ACTION_COMPLETED : FLEET_ACTION_FAILED;
    action->result = success ? FLEET_RESULT_SUCCESS : FLEET_RESULT_FAILED;
    action->completed_at = run->ended_at;
    fleet_action_set_text(&action->phase, "");
    fleet_action_set_text(&action->message, run->message);
    if (success) {
        action->progress = 1.0;
        action->progress_known = TRUE;
    } else {
        fleet_action_set_text(&action->error_name, "org.freedesktop.DBus.Error.Failed");
        fleet_action_set_text(&action->error_message, run->message);
    }
    stage(run, transaction, FLEET_CHANGE_UPDATE_ACTION, action);

    const FleetDevice *device = fleet_registry_lookup_staged(engine->registry, action->device_id, NULL);
    if (device != NULL && device->action.sequence == run->sequence)
        fleet_registry_stage_action(engine->registry, transaction, device,
                fleet_device_status_after(device->status, action->status), (FleetActionId){0});
    fleet_transaction_submit(transaction, settled, run);
}

static void fire(FleetTimer *timer)
{
    Run *run = timer->data;
    const FleetDriverClass *class = run->driver->class;

    switch (run->next) {
    case NEXT_START:
        run->attached = TRUE;
        class->start(run->driver, &run->attempt);
        break;
    case NEXT_REATTACH:
        run->attached = TRUE;
        class->reattach(run->driver, &run->attempt);
        break;
    case NEXT_WAKE:
        class->wake(run->driver, &run->attempt);
        break;
    case NEXT_SETTLE:
        settle(run);
        break;
    }
}

/* What a running action tells between its start and its end lives in memory only: the store learns of moves, not of
 * detail. */
static void change_detail(Run *run, FleetAction *changed)
{
    g_autoptr(FleetAction) before = fleet_action_ref(run->committed);
    g_autoptr(FleetAction) after = changed;

    set_image(&run->staged, after);
    set_committed(run, after);
    FLEET_OBSERVE(run->engine->observers, action_changed, before, after);
}

static void report_progress(FleetAttempt *attempt, double progress)
{
    Run *run = (Run *)attempt;

    if (run->reported || (run->committed->progress_known && run->committed->progress == progress))
        return;
    FleetAction *changed = fleet_action_copy(run->committed);
    changed->progress = CLAMP(progress, 0.0, 1.0);
    changed->progress_known = TRUE;
    change_detail(run, changed);
}

static void report_phase(FleetAttempt *attempt, const char *phase)
{
    Run *run = (Run *)attempt;

    if (run->reported || g_str_equal(run->committed->phase, phase))
        return;
    FleetAction *changed = fleet_action_copy(run->committed);
    fleet_action_set_text(&changed->phase, phase);
    change_detail(run, changed);
}

static void report_finished(FleetAttempt *attempt, FleetOutcome outcome, const char *message)
{
    Run *run = (Run *)attempt;

    g_return_if_fail(!run->reported);
    run->reported = TRUE;
    run->outcome = outcome;
    run->message = g_strdup(message);
    run->ended_at = fleet_clock_realtime();
    run->ended = fleet_clock_boottime();
    settle(run);
}

static void wake_at(FleetAttempt *attempt, gint64 when)
{
    schedule((Run *)attempt, NEXT_WAKE, when);
}

FleetEngine *fleet_engine_new(FleetLedger *ledger, FleetRegistry *registry, FleetTimers *timers,
        const FleetObservers *observers, gint64 last_sequence)
{
    static const FleetDriverHost host = {
            .progress = report_progress, .phase = report_phase, .finished = report_finished, .wake_at = wake_at};
    FleetEngine *engine = g_new0(FleetEngine, 1);

    engine->ledger = ledger;
    engine->registry = registry;
    engine->timers = timers;
    engine->observers = observers;
    engine->last_sequence = last_sequence;
    engine->drivers = fleet_drivers_new(&host);
    engine->runs = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_run);
    engine->retention = (FleetTimer){.fire = retention_over, .data = engine};
    return engine;
}

void fleet_engine_free(FleetEngine *engine)
{
    fleet_timers_clear(engine->timers, &engine->retention);
    g_hash_table_unref(engine->runs);
    fleet_drivers_free(engine->drivers);
    g_free(engine);
}

void fleet_engine_configure(FleetEngine *engine, const FleetActionTypes *types, guint finished_max, gint64 finished_age)
{
    engine->types = types;
    engine->finished_max = finished_max;
    engine->finished_age = finished_age;
    trim_finished(engine);
}

FleetDriver *fleet_engine_driver(FleetEngine *engine, const char *name)
{
    return fleet_drivers_lookup(engine->drivers, name);
}

void fleet_engine_load(FleetEngine *engine, FleetAction *action)
{
    Run *run = add_run(engine, action);

    set_committed(run, action);
    set_image(&run->staged, action);
    if (fleet_action_is_terminal(action)) {
        const FleetInstant completed = {.realtime = action->completed_at};

        run->ended = fleet_instant_boottime(&completed);
        g_queue_push_tail_link(&engine->finished, &run->finished);
    } else {
        fleet_registry_load_action(engine->registry, action->device_id, action->id);
        run->attempt.started = fleet_instant_boottime(&action->started);
    }
    fleet_action_unref(action);
}

void fleet_engine_recover(FleetEngine *engine)
{
    GHashTableIter iter;
    gpointer run;

    g_hash_table_iter_init(&iter, engine->runs);
    while (g_hash_table_iter_next(&iter, NULL, &run))
        if (!fleet_action_is_terminal(((Run *)run)->committed))
            schedule(run, NEXT_REATTACH, fleet_clock_boottime());
}

void fleet_engine_stop(FleetEngine *engine)
{
    GHashTableIter iter;
    gpointer run;

    engine->stopped = TRUE;
    g_hash_table_iter_init(&iter, engine->runs);
    while (g_hash_table_iter_next(&iter, NULL, &run))
        fleet_timers_clear(engine->timers, &((Run *)run)->timer);
}

/* PENDING and RUNNING in one transaction, so that starting costs one sync; both moves are announced all the same. */
static void stage_start(Run *run, FleetTransaction *transaction)
{
    FleetAction *running = fleet_action_copy(run->staged);

    running->status = FLEET_ACTION_RUNNING;
    running->attempt = 1;
    running->started = fleet_clock_now();
    g_ref_string_release(running->plan);
    running->plan = run->driver->class->plan(run->driver, running);
    run->attempt.started = running->started.boottime;
    stage(run, transaction, FLEET_CHANGE_UPDATE_ACTION, running);
}

gboolean fleet_engine_stage_initiate(FleetEngine *engine, FleetTransaction *transaction,
        const FleetActionRequest *request, FleetActionId *id, GError **error)
{
    const FleetActionType *type = fleet_action_types_lookup(engine->types, request->type, error);
    if (type == NULL)
        return FALSE;
    const FleetDevice *device = fleet_registry_lookup_staged(engine->registry, request->device_id, error);
    if (device == NULL || !fleet_device_check_free(device, error))
        return FALSE;

    gint64 now = fleet_clock_realtime();
    *id = (FleetActionId){.msec = now / FLEET_USEC_PER_MSEC, .sequence = ++engine->last_sequence};
    FleetAction *action = fleet_action_new(*id, device->id, type->name, device->driver, request->parameters);
    action->initiated_at = now;
    action->owner_uid = request->owner_uid;

    Run *run = add_run(engine, action);
    stage(run, transaction, FLEET_CHANGE_INSERT_ACTION, action);
    stage_start(run, transaction);
    fleet_registry_stage_action(engine->registry, transaction, device, type->device_status, *id);
    return TRUE;
}

const FleetAction *fleet_engine_lookup(const FleetEngine *engine, FleetActionId id)
{
    const Run *run = g_hash_table_lookup(engine->runs, &id.sequence);

    return run != NULL && run->committed != NULL && run->committed->id.msec == id.msec ? run->committed : NULL;
}

void fleet_engine_visit(const FleetEngine *engine, FleetActionVisitor visitor, gpointer user_data)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, engine->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Run *run = value;

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

const char *const *fleet_engine_action_types(const FleetEngine *engine)
{
    return fleet_action_types_names(engine->types);
}
