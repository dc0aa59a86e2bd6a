/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/run.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "model/transition.h"

/* How long to wait before an end that could not be stored is stored again. */
#define SETTLE_AGAIN_USEC (2 * FLEET_USEC_PER_SEC)

FleetEnding *fleet_ending_new(FleetActionStatus status, FleetResult result, const char *message)
{
    FleetEnding *ending = g_new0(FleetEnding, 1);

    ending->status = status;
    ending->result = result;
    ending->outcome = -1;
    ending->message = g_strdup(message);
    ending->at = fleet_clock_realtime();
    return ending;
}

void fleet_ending_free(FleetEnding *ending)
{
    g_free(ending->message);
    g_free(ending->output);
    g_free(ending);
}

/* Runs in memory. */

guint fleet_run_hash_request(gconstpointer data)
{
    const FleetAction *action = ((const FleetRun *)data)->staged;

    return g_str_hash(action->device_id) * 31 + g_str_hash(action->request_id);
}

gboolean fleet_run_same_request(gconstpointer a, gconstpointer b)
{
    const FleetAction *x = ((const FleetRun *)a)->staged, *y = ((const FleetRun *)b)->staged;

    return g_str_equal(x->request_id, y->request_id) && g_str_equal(x->device_id, y->device_id);
}

static void set_image(FleetAction **place, const FleetAction *image)
{
    FleetAction *old = *place;

    *place = image != NULL ? fleet_action_ref(image) : NULL;
    g_clear_pointer(&old, fleet_action_unref);
}

static void set_committed(FleetRun *run, const FleetAction *image)
{
    FleetEngine *engine = run->engine;

    if (run->committed != NULL)
        engine->by_status[run->committed->status]--;
    engine->by_status[image->status]++;
    set_image(&run->committed, image);
    run->attempt.action = run->committed;
}

/* It waits in the queue while it is PENDING on disk and nothing else is on its way. */
static void sync_queue(FleetRun *run)
{
    gboolean waits = run->committed != NULL && run->committed->status == FLEET_ACTION_PENDING &&
                     run->staged->status == FLEET_ACTION_PENDING;

    if (waits)
        fleet_queue_add(run->engine->queue, &run->entry);
    else {
        fleet_run_unblock(run);
        fleet_queue_remove(run->engine->queue, &run->entry);
    }
}

/* What the limits and the quotas go by. */
static void count(FleetEngine *engine, const FleetAction *image)
{
    fleet_engine_count_running(engine, image, +1);
    if (image->status == FLEET_ACTION_PENDING)
        fleet_usage_add(engine->pending, image->owner_uid);
}

static void uncount(FleetEngine *engine, const FleetAction *image)
{
    fleet_engine_count_running(engine, image, -1);
    if (image->status == FLEET_ACTION_PENDING)
        fleet_usage_remove(engine->pending, image->owner_uid);
}

static void set_staged(FleetRun *run, const FleetAction *image)
{
    g_assert(image != NULL);
    if (run->staged != NULL)
        uncount(run->engine, run->staged);
    set_image(&run->staged, image);
    count(run->engine, image);
}

FleetDriver *fleet_engine_find_driver(FleetEngine *engine, const char *name)
{
    FleetDriver *driver = fleet_drivers_lookup(engine->drivers, name);

    return driver != NULL ? driver : fleet_drivers_lookup(engine->drivers, FLEET_DRIVER_DEFAULT);
}

FleetRun *fleet_run_new(FleetEngine *engine, const FleetAction *image)
{
    FleetRun *run = g_new0(FleetRun, 1);

    run->sequence = image->id.sequence;
    run->engine = engine;
    run->driver = fleet_engine_find_driver(engine, image->driver);
    run->timer = (FleetTimer){.fire = fleet_run_fire, .data = run};
    run->finished.data = run;
    run->late_progress = -1.0;
    for (guint i = 0; i < FLEET_DUE_LAST_; i++)
        run->due[i] = FLEET_DUE_NEVER;
    set_staged(run, image);
    run->entry = (FleetQueueEntry){
            .device_id = image->device_id, .priority = image->priority, .sequence = run->sequence, .owner = run};
    g_hash_table_insert(engine->runs, &run->sequence, run);
    if (*image->request_id != '\0')
        g_hash_table_add(engine->requests, run);
    return run;
}

void fleet_run_free(gpointer data)
{
    FleetRun *run = data;

    fleet_run_unblock(run);
    fleet_queue_remove(run->engine->queue, &run->entry);
    fleet_timers_clear(run->engine->timers, &run->timer);
    fleet_run_detach(run);
    uncount(run->engine, run->staged);
    if (run->committed != NULL)
        run->engine->by_status[run->committed->status]--;
    g_clear_pointer(&run->committed, fleet_action_unref);
    g_clear_pointer(&run->staged, fleet_action_unref);
    g_clear_pointer(&run->ending, fleet_ending_free);
    g_free(run->late_message);
    g_free(run);
}

static void remove_run(FleetRun *run)
{
    if (*run->staged->request_id != '\0')
        g_hash_table_remove(run->engine->requests, run);
    g_hash_table_remove(run->engine->runs, &run->sequence);
}

/* Finished actions leave when there are too many or when the oldest is too old. */
void fleet_engine_trim_finished(FleetTimer *timer)
{
    FleetEngine *engine = timer->data;
    gint64 now = fleet_clock_boottime();
    FleetRun *oldest;

    while ((oldest = g_queue_peek_head(&engine->finished)) != NULL) {
        gint64 expires = oldest->ended + engine->settings.finished_age;

        if (engine->finished.length <= engine->settings.finished_max && expires > now) {
            fleet_timers_set(engine->timers, &engine->retention, expires);
            return;
        }
        if (engine->lookups > 0)
            return;
        g_queue_unlink(&engine->finished, &oldest->finished);
        FLEET_OBSERVE(engine->observers, action_removed, oldest->committed);
        remove_run(oldest);
    }
    fleet_timers_clear(engine->timers, &engine->retention);
}

static void keep_finished(FleetRun *run)
{
    FleetEngine *engine = run->engine;

    g_queue_push_tail_link(&engine->finished, &run->finished);
    /* On the next turn, for who has this run in hand now still needs it. */
    if (engine->finished.length > engine->settings.finished_max || !fleet_timer_is_set(&engine->retention))
        fleet_timers_set(engine->timers, &engine->retention, fleet_clock_boottime());
}

/* What follows once an image is on disk and announced. */

static void after_end(FleetRun *run)
{
    g_clear_pointer(&run->ending, fleet_ending_free);
    fleet_run_detach(run);
    for (guint i = 0; i < FLEET_DUE_LAST_; i++)
        run->due[i] = FLEET_DUE_NEVER;
    fleet_run_arm(run);
    run->ended = fleet_clock_boottime();
    keep_finished(run);
    fleet_engine_consider_blocked(run->engine);
}

static void after_move(FleetRun *run, const FleetAction *before)
{
    const FleetAction *action = run->committed;
    gint64 now = fleet_clock_boottime();

    if (action->retry_at.realtime != 0 && run->ending != NULL) { /* the attempt is over, the action is not */
        g_clear_pointer(&run->ending, fleet_ending_free);
        fleet_run_detach(run);
    }
    if (before == NULL || action->attempt != before->attempt)
        run->due[FLEET_DUE_HANDOVER] = action->status == FLEET_ACTION_RUNNING ? now : FLEET_DUE_NEVER;
    if (action->cancel_requested.realtime != 0 && (before == NULL || before->cancel_requested.realtime == 0))
        run->due[FLEET_DUE_ASK_CANCEL] = now;
    fleet_run_arm(run);
    if (run->in_flight == 0)
        fleet_run_show_late_reports(run);
    fleet_run_tell_stored(run, now);
}

static void apply(gpointer owner, gpointer data, FleetChangeKind kind, gconstpointer image)
{
    FleetEngine *engine = owner;
    FleetRun *run = data;
    const FleetAction *after = image;
    g_autoptr(FleetAction) before = run->committed != NULL ? fleet_action_ref(run->committed) : NULL;

    set_committed(run, after);
    run->in_flight--;
    sync_queue(run);
    if (before == NULL)
        FLEET_OBSERVE(engine->observers, action_added, after);
    else
        FLEET_OBSERVE(engine->observers, action_changed, before, after);

    if (fleet_action_is_terminal(after))
        after_end(run);
    else
        after_move(run, before);
    if (run->entry.place != NULL)
        fleet_engine_consider(engine, after->device_id);
}

static void roll_back(gpointer owner, gpointer data, gconstpointer before)
{
    FleetRun *run = data;

    run->in_flight--;
    fleet_engine_consider_blocked(run->engine); /* there may be room now that was taken */
    if (before == NULL) {                       /* its insertion, which all else of it follows */
        remove_run(run);
        return;
    }
    set_staged(run, before);
    sync_queue(run);
    if (run->committed == NULL)
        return;
    fleet_run_arm(run);
    if (run->entry.place != NULL)
        fleet_engine_consider(run->engine, run->committed->device_id);
    /* An end that was known, but stood behind one that has just failed. */
    if (run->ending != NULL)
        fleet_run_set_due(run, FLEET_DUE_SETTLE, fleet_clock_boottime());
}

static const FleetStepClass step_class = {.apply = apply, .roll_back = roll_back};

FleetAction *fleet_run_next_image(const FleetRun *run)
{
    FleetAction *image = fleet_action_copy(run->staged);

    image->moved_at = fleet_clock_realtime();
    return image;
}

static gboolean is_legal(const FleetAction *from, const FleetAction *to)
{
    if (from->status == to->status)
        return !fleet_action_is_terminal(from);
    return fleet_action_may_move(from->status, to->status, to->result);
}

void fleet_run_load(FleetRun *run)
{
    set_committed(run, run->staged);
    sync_queue(run);
}

/* Takes the image. The first one is staged already: it makes the run. */
static void stage(FleetRun *run, FleetTransaction *transaction, FleetChangeKind kind, FleetAction *image)
{
    gboolean first = kind == FLEET_CHANGE_INSERT_ACTION;
    const FleetStep step = {.class = &step_class,
            .owner = run->engine,
            .slot = run,
            .kind = kind,
            .before = first ? NULL : run->staged,
            .image = image,
            .persist = TRUE};

    fleet_transaction_stage(transaction, &step);
    run->in_flight++;
    if (first)
        return;
    set_staged(run, image);
    sync_queue(run);
}

void fleet_run_stage(FleetRun *run, FleetTransaction *transaction, FleetAction *image)
{
    g_assert(is_legal(run->staged, image));
    stage(run, transaction, FLEET_CHANGE_UPDATE_ACTION, image);
}

void fleet_run_stage_first(FleetRun *run, FleetTransaction *transaction)
{
    stage(run, transaction, FLEET_CHANGE_INSERT_ACTION, fleet_action_ref(run->staged));
}

const FleetDevice *fleet_run_device(const FleetRun *run)
{
    return fleet_registry_lookup_staged(run->engine->registry, run->staged->device_id, NULL);
}

void fleet_run_set_detail(FleetRun *run, FleetAction *image)
{
    g_autoptr(FleetAction) before = fleet_action_ref(run->committed);
    g_autoptr(FleetAction) after = image;

    g_assert(run->in_flight == 0 && before->status == after->status);
    set_staged(run, after);
    set_committed(run, after);
    FLEET_OBSERVE(run->engine->observers, action_changed, before, after);
}

/* The end. */

static const char *error_name_of(FleetResult result)
{
    switch (result) {
    case FLEET_RESULT_FAILED:
    case FLEET_RESULT_LOST:
        return "org.freedesktop.DBus.Error.Failed";
    case FLEET_RESULT_TIMED_OUT:
        return "org.freedesktop.DBus.Error.Timeout";
    case FLEET_RESULT_REJECTED:
        return fleet_error_name(FLEET_ERROR_UNSUPPORTED);
    case FLEET_RESULT_NONE:
    case FLEET_RESULT_SUCCESS:
    case FLEET_RESULT_CANCELLED:
    case FLEET_RESULT_SUPERSEDED:
    case FLEET_RESULT_LAST_:
    default:
        return "";
    }
}

static void end_attempt(FleetRun *run, FleetTransaction *transaction, const FleetEnding *ending)
{
    const FleetAction *action = run->staged;

    if (action->attempt == 0 || action->retry_at.realtime != 0)
        return;
    FleetAttemptRecord *record =
            fleet_attempt_record_new(run->sequence, action->attempt, &action->attempt_started, action->plan);
    record->ended_at = ending->at;
    record->outcome = ending->outcome;
    fleet_action_set_text(&record->message, ending->message);
    if (ending->output != NULL)
        fleet_action_set_text(&record->output, ending->output);
    fleet_transaction_add_attempt(transaction, FLEET_CHANGE_UPDATE_ATTEMPT, record);
}

/* The action's last image. */
static FleetAction *new_last_image(const FleetRun *run, const FleetEnding *ending)
{
    FleetAction *image = fleet_run_next_image(run);

    image->status = ending->status;
    image->result = ending->result;
    image->completed_at = image->moved_at = ending->at;
    image->retry_at = image->cancel_requested = (FleetInstant){0};
    image->cancel_result = FLEET_RESULT_NONE;
    fleet_action_set_text(&image->phase, "");
    fleet_action_set_text(&image->message, ending->message);
    if (ending->status == FLEET_ACTION_COMPLETED) {
        image->progress = 1.0;
        image->progress_known = TRUE;
    } else if (ending->status == FLEET_ACTION_FAILED) {
        fleet_action_set_text(&image->error_name, error_name_of(ending->result));
        fleet_action_set_text(&image->error_message, ending->message);
    }
    return image;
}

void fleet_run_stage_end(FleetRun *run, FleetTransaction *transaction, const FleetEnding *ending)
{
    FleetRegistry *registry = run->engine->registry;
    gboolean was_queued = run->staged->status == FLEET_ACTION_PENDING;
    const FleetDevice *device = fleet_run_device(run);

    end_attempt(run, transaction, ending);
    fleet_run_stage(run, transaction, new_last_image(run, ending));
    if (device == NULL)
        return;
    if (was_queued)
        fleet_registry_stage_action(
                registry, transaction, device, device->own_status, device->action, device->queued - 1);
    else if (device->action.sequence == run->sequence)
        fleet_registry_stage_action(registry, transaction, device,
                fleet_device_status_after(device->own_status, ending->status, ending->forced), (FleetActionId){0},
                device->queued);
}

/* The attempt has ended, and another follows. */
static void stage_retry(FleetRun *run, FleetTransaction *transaction, const FleetEnding *ending)
{
    const FleetPolicy *policy = &run->staged->policy;
    gint64 delay = fleet_policy_retry_delay(policy, run->staged->attempt, g_random_double());

    end_attempt(run, transaction, ending);
    FleetAction *image = fleet_run_next_image(run);
    image->retry_at = fleet_clock_now();
    image->retry_at.realtime += delay;
    image->retry_at.boottime += delay;
    fleet_action_set_text(&image->phase, "waiting-retry");
    fleet_action_set_text(&image->message, ending->message);
    fleet_run_stage(run, transaction, image);
}

static void settled(const GError *error, gpointer user_data)
{
    FleetRun *run = user_data;
    char id[FLEET_ACTION_ID_BUFFER];

    if (error == NULL)
        return;
    fleet_action_id_format(run->committed->id, id);
    fleet_log_about(LOG_WARNING, FLEET_LOG_SUBJECT(.action = id, .device = run->committed->device_id),
            "what became of action '%s' is kept in memory until it can be stored: %s", id, error->message);
    fleet_run_set_due(run, FLEET_DUE_SETTLE, fleet_clock_boottime() + SETTLE_AGAIN_USEC);
}

void fleet_run_end(FleetRun *run, FleetEnding *ending)
{
    g_assert(run->ending == NULL);
    run->ending = ending;
    fleet_run_arm(run);
    /* Another end is on its way; if that cannot be stored, this one counts (roll_back). */
    if (fleet_action_is_terminal(run->staged))
        return;

    FleetTransaction *transaction = fleet_transaction_new(run->engine->ledger);
    if (ending->status == FLEET_ACTION_RUNNING)
        stage_retry(run, transaction, ending);
    else
        fleet_run_stage_end(run, transaction, ending);
    fleet_transaction_submit(transaction, settled, run);
}
