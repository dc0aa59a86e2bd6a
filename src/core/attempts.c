/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/run.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/timespan.h"
#include "model/transition.h"

/* How long to wait before a move that could not be stored is tried again. */
#define STORE_AGAIN_USEC (2 * FLEET_USEC_PER_SEC)

/* What a device is while an action of that type runs; a type that is no longer configured has no say. */
static FleetDeviceStatus status_while_running(const FleetEngine *engine, const char *type)
{
    const FleetActionType *known = fleet_action_types_lookup(engine->settings.types, type, NULL);

    return known != NULL ? known->device_status : FLEET_DEVICE_BUSY;
}

/* An image in which the next attempt runs; its plan is not made yet. */
static FleetAction *new_attempt_image(const FleetRun *run)
{
    FleetAction *image = fleet_run_next_image(run);

    image->status = FLEET_ACTION_RUNNING;
    image->attempt++;
    image->attempt_started = fleet_clock_now();
    if (image->started.realtime == 0)
        image->started = image->attempt_started;
    image->retry_at = (FleetInstant){0};
    image->past_return = FALSE;
    image->progress = 0.0;
    image->progress_known = FALSE;
    fleet_action_set_text(&image->phase, "");
    fleet_action_set_text(&image->message, "");
    return image;
}

gboolean fleet_run_stage_attempt(FleetRun *run, FleetTransaction *transaction, GError **error)
{
    const FleetDevice *device = fleet_run_device(run);
    gboolean was_queued = run->committed != NULL && run->staged->status == FLEET_ACTION_PENDING;
    g_autoptr(FleetAction) image = new_attempt_image(run);

    if (device == NULL) {
        g_set_error(
                error, FLEET_ERROR, FLEET_ERROR_DEVICE_NOT_FOUND, "device '%s' is not registered", image->device_id);
        return FALSE;
    }
    if (!g_str_equal(run->driver->class->name, image->driver)) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED,
                "this fleetd has no driver '%s', which device '%s' needs; install one that was built with it",
                image->driver, image->device_id);
        return FALSE;
    }
    GRefString *plan = run->driver->class->plan(run->driver, image, device, error);
    if (plan == NULL)
        return FALSE;
    g_ref_string_release(image->plan);
    image->plan = plan;

    FleetDeviceStatus status = status_while_running(run->engine, run->staged->type);
    fleet_transaction_add_attempt(transaction, FLEET_CHANGE_INSERT_ATTEMPT,
            fleet_attempt_record_new(run->sequence, image->attempt, &image->attempt_started, plan));
    fleet_run_stage(run, transaction, fleet_action_ref(image));
    fleet_registry_stage_action(run->engine->registry, transaction, device, status, image->id,
            was_queued ? device->queued - 1 : device->queued);
    return TRUE;
}

void fleet_run_hand_over(FleetRun *run)
{
    if (run->ending != NULL)
        return; /* its time was over before it began */

    const FleetDriverClass *class = run->driver->class;
    const FleetDevice *device = fleet_registry_lookup(run->engine->registry, run->committed->device_id, NULL);

    run->attempt.id = (FleetAttemptId){.sequence = run->sequence, .number = run->committed->attempt};
    run->attempt.started = fleet_instant_boottime(&run->committed->attempt_started);
    run->attempt.device = device != NULL ? fleet_device_ref(device) : NULL;
    run->attached = TRUE;
    run->last_report = run->handed_over = fleet_clock_boottime();
    fleet_run_arm(run);
    if (run->reattach)
        class->reattach(run->driver, &run->attempt);
    else
        class->start(run->driver, &run->attempt);
}

void fleet_run_detach(FleetRun *run)
{
    if (run->attached)
        run->driver->class->release(run->driver, &run->attempt);
    run->attached = FALSE;
    g_clear_pointer(&run->attempt.device, fleet_device_unref);
    run->due[FLEET_DUE_WAKE] = run->due[FLEET_DUE_RECOVERY] = run->due[FLEET_DUE_STORED] = FLEET_DUE_NEVER;
}

static void retry_stored(const GError *error, gpointer user_data)
{
    FleetRun *run = user_data;

    if (error != NULL)
        fleet_run_set_due(run, FLEET_DUE_RETRY, fleet_clock_boottime() + STORE_AGAIN_USEC);
}

void fleet_run_retry(FleetRun *run)
{
    const FleetDevice *device = fleet_run_device(run);

    if (device != NULL && (fleet_device_is_out_of_service(device) || !fleet_engine_is_ready(run->driver, device)))
        return; /* fleet_run_device_changed() comes back to it */

    FleetTransaction *transaction = fleet_transaction_new(run->engine->ledger);
    g_autoptr(GError) error = NULL;

    run->reattach = FALSE;
    if (fleet_run_stage_attempt(run, transaction, &error)) {
        fleet_transaction_submit(transaction, retry_stored, run);
        return;
    }
    fleet_transaction_abandon(transaction);
    fleet_run_end(run, fleet_ending_new(FLEET_ACTION_FAILED, FLEET_RESULT_REJECTED, error->message));
}

void fleet_run_device_changed(FleetRun *run)
{
    if (run->committed != NULL && run->committed->retry_at.realtime != 0 && run->in_flight == 0 && run->ending == NULL)
        fleet_run_arm(run);
}

/* The reports. */

static FleetRun *find_run(FleetEngine *engine, FleetAttemptId id)
{
    FleetRun *run = g_hash_table_lookup(engine->runs, &id.sequence);

    if (run != NULL && run->attached && run->ending == NULL && run->committed->attempt == id.number)
        return run;
    fleet_log_info("a late report of attempt %u of the action with the sequence %" G_GINT64_FORMAT " is dropped",
            id.number, id.sequence);
    return NULL;
}

void fleet_run_tell_stored(FleetRun *run, gint64 when)
{
    if (run->attached && run->ending == NULL && run->driver->class->stored != NULL)
        fleet_run_set_due(run, FLEET_DUE_STORED, when);
}

/* The driver may have to say it again. */
static void stored(const GError *error, gpointer user_data)
{
    if (error == NULL)
        return;
    fleet_log_warning("a detail of a running action could not be stored: %s", error->message);
    fleet_run_tell_stored(user_data, fleet_clock_boottime() + STORE_AGAIN_USEC);
}

/* Stores an image that changes no status. Takes it. */
static void store_image(FleetRun *run, FleetAction *image)
{
    FleetTransaction *transaction = fleet_transaction_new(run->engine->ledger);

    fleet_run_stage(run, transaction, image);
    fleet_transaction_submit(transaction, stored, run);
}

/* The driver has found it again after all, and tells with that what it is at, or "". */
static void recover(FleetRun *run, const char *phase)
{
    FleetTransaction *transaction = fleet_transaction_new(run->engine->ledger);
    FleetAction *image = fleet_run_next_image(run);
    const FleetDevice *device = fleet_run_device(run);

    run->due[FLEET_DUE_RECOVERY] = FLEET_DUE_NEVER;
    fleet_action_set_text(&image->phase, image->cancel_result != FLEET_RESULT_NONE ? "cancelling" : phase);
    fleet_run_stage(run, transaction, image);
    if (device != NULL && device->status == FLEET_DEVICE_RECOVERING)
        fleet_registry_stage_action(run->engine->registry, transaction, device,
                status_while_running(run->engine, run->staged->type), device->action, device->queued);
    fleet_transaction_submit(transaction, stored, run);
}

/* The run that a report is about, which is a sign of life; NULL if it comes too late. */
static FleetRun *take_report(FleetEngine *engine, FleetAttemptId id, const char *phase)
{
    FleetRun *run = find_run(engine, id);

    if (run == NULL || fleet_action_is_terminal(run->staged)) /* an end that somebody asked for is on its way */
        return NULL;
    run->last_report = fleet_clock_boottime();
    if (run->due[FLEET_DUE_STEP_TIMEOUT] != FLEET_DUE_NEVER)
        fleet_run_set_due(run, FLEET_DUE_STEP_TIMEOUT, run->last_report + run->committed->policy.step_timeout);
    if (run->due[FLEET_DUE_RECOVERY] != FLEET_DUE_NEVER)
        recover(run, phase);
    return run;
}

/* Progress and messages live in memory. While something is on its way to the disk they wait for that. */
void fleet_run_show_late_reports(FleetRun *run)
{
    double progress = run->late_progress;
    g_autofree char *message = g_steal_pointer(&run->late_message);

    run->late_progress = -1.0;
    if (!run->attached || run->ending != NULL || (progress < 0.0 && message == NULL))
        return;
    FleetAction *image = fleet_action_copy(run->staged);
    if (progress >= 0.0) {
        image->progress = progress;
        image->progress_known = TRUE;
    }
    if (message != NULL)
        fleet_action_set_text(&image->message, message);
    fleet_run_set_detail(run, image);
}

static void report_progress(FleetAttemptId id, double progress, gpointer host_data)
{
    FleetRun *run = take_report(host_data, id, "");

    if (run == NULL || (run->staged->progress_known && run->staged->progress == progress))
        return;
    run->late_progress = CLAMP(progress, 0.0, 1.0);
    if (run->in_flight == 0)
        fleet_run_show_late_reports(run);
}

static void report_message(FleetAttemptId id, const char *message, gpointer host_data)
{
    FleetRun *run = take_report(host_data, id, "");

    if (run == NULL || g_str_equal(run->staged->message, message))
        return;
    g_free(run->late_message);
    run->late_message = g_strdup(message);
    if (run->in_flight == 0)
        fleet_run_show_late_reports(run);
}

/* Once it is to stop, "cancelling" says more than what it was doing. */
static void report_phase(FleetAttemptId id, const char *phase, gpointer host_data)
{
    FleetRun *run = take_report(host_data, id, phase);

    if (run == NULL || run->staged->cancel_result != FLEET_RESULT_NONE || g_str_equal(run->staged->phase, phase))
        return;
    FleetAction *image = fleet_run_next_image(run);
    fleet_action_set_text(&image->phase, phase);
    store_image(run, image);
}

static void report_point_of_no_return(FleetAttemptId id, gpointer host_data)
{
    FleetRun *run = take_report(host_data, id, "");

    if (run == NULL || run->staged->past_return)
        return;
    FleetAction *image = fleet_action_copy(run->staged); /* no move: history has no row for it */
    image->past_return = TRUE;
    store_image(run, image);
}

/* What a stop that was asked for leads to. */
static FleetEnding *ending_of_stop(const FleetRun *run, const char *message)
{
    switch (run->staged->cancel_result) {
    case FLEET_RESULT_TIMED_OUT:
        return fleet_ending_new(FLEET_ACTION_FAILED, FLEET_RESULT_TIMED_OUT, run->staged->message);
    case FLEET_RESULT_SUPERSEDED:
        return fleet_ending_new(FLEET_ACTION_CANCELLED, FLEET_RESULT_SUPERSEDED, message);
    case FLEET_RESULT_NONE:
    case FLEET_RESULT_SUCCESS:
    case FLEET_RESULT_FAILED:
    case FLEET_RESULT_REJECTED:
    case FLEET_RESULT_CANCELLED:
    case FLEET_RESULT_LOST:
    case FLEET_RESULT_LAST_:
    default:
        return fleet_ending_new(FLEET_ACTION_CANCELLED, FLEET_RESULT_CANCELLED, message);
    }
}

/* Only a transient failure is tried again, and not if the action is to stop anyway. */
static FleetEnding *ending_of_transient(const FleetRun *run, const char *message)
{
    if (run->staged->cancel_result != FLEET_RESULT_NONE)
        return ending_of_stop(run, message);
    if (run->staged->attempt < run->staged->policy.max_attempts)
        return fleet_ending_new(FLEET_ACTION_RUNNING, FLEET_RESULT_NONE, message);
    return fleet_ending_new(FLEET_ACTION_FAILED, FLEET_RESULT_FAILED, message);
}

static FleetEnding *ending_of(const FleetRun *run, FleetOutcome outcome, const char *message)
{
    switch (outcome) {
    case FLEET_OUTCOME_SUCCESS:
        return fleet_ending_new(FLEET_ACTION_COMPLETED, FLEET_RESULT_SUCCESS, message);
    case FLEET_OUTCOME_STOPPED:
        return ending_of_stop(run, message);
    case FLEET_OUTCOME_TRANSIENT:
        return ending_of_transient(run, message);
    case FLEET_OUTCOME_UNCERTAIN:
        return fleet_ending_new(FLEET_ACTION_FAILED, FLEET_RESULT_LOST, message);
    case FLEET_OUTCOME_REJECTED:
        return fleet_ending_new(FLEET_ACTION_FAILED, FLEET_RESULT_REJECTED, message);
    case FLEET_OUTCOME_PERMANENT:
    case FLEET_OUTCOME_LAST_:
    default:
        return fleet_ending_new(FLEET_ACTION_FAILED, FLEET_RESULT_FAILED, message);
    }
}

static void report_finished(
        FleetAttemptId id, FleetOutcome outcome, const char *message, const char *output, gpointer host_data)
{
    FleetRun *run = find_run(host_data, id);

    if (run == NULL)
        return;
    FleetEnding *ending = ending_of(run, outcome, message);
    ending->outcome = (gint)outcome;
    ending->output = g_strdup(output);
    run->due[FLEET_DUE_RECOVERY] = FLEET_DUE_NEVER;
    fleet_run_end(run, ending);
}

static void report_unknown(FleetAttemptId id, const char *message, gpointer host_data)
{
    FleetRun *run = find_run(host_data, id);

    if (run == NULL || fleet_action_is_terminal(run->staged) || run->due[FLEET_DUE_RECOVERY] != FLEET_DUE_NEVER)
        return;
    FleetTransaction *transaction = fleet_transaction_new(run->engine->ledger);
    FleetAction *image = fleet_run_next_image(run);
    const FleetDevice *device = fleet_run_device(run);

    fleet_action_set_text(&image->phase, "recovering");
    fleet_action_set_text(&image->message, message);
    fleet_run_stage(run, transaction, image);
    if (device != NULL && device->own_status != FLEET_DEVICE_OFFLINE && device->own_status != FLEET_DEVICE_MAINTENANCE)
        fleet_registry_stage_action(
                run->engine->registry, transaction, device, FLEET_DEVICE_RECOVERING, device->action, device->queued);
    fleet_run_set_due(run, FLEET_DUE_RECOVERY, fleet_clock_boottime() + run->engine->settings.recovery_timeout);
    fleet_transaction_submit(transaction, stored, run);
}

void fleet_run_give_up_recovery(FleetRun *run)
{
    g_autofree char *limit = fleet_timespan_format(run->engine->settings.recovery_timeout);
    g_autofree char *message = g_strdup_printf("no trace of it was found within %s", limit);

    fleet_run_end(run, fleet_ending_new(FLEET_ACTION_FAILED, FLEET_RESULT_LOST, message));
}

static void wake_at(FleetAttemptId id, gint64 when, gpointer host_data)
{
    FleetRun *run = find_run(host_data, id);

    if (run != NULL)
        fleet_run_set_due(run, FLEET_DUE_WAKE, when);
}

static void report_presence(const char *device_id, FleetPresence presence, gpointer host_data)
{
    fleet_presence_watch_report(((const FleetEngine *)host_data)->presence, device_id, presence);
}

static void report_ready(FleetDriver *driver, const char *device_id, gpointer host_data)
{
    fleet_engine_driver_changed(host_data, driver, device_id);
}

static void announce(FleetDriver *driver, const FleetAnnouncement *announcement, gpointer host_data)
{
    fleet_engine_register_announced(host_data, driver, announcement);
}

const FleetDriverHost fleet_engine_driver_host = {
        .progress = report_progress,
        .phase = report_phase,
        .message = report_message,
        .point_of_no_return = report_point_of_no_return,
        .finished = report_finished,
        .presence = report_presence,
        .ready_changed = report_ready,
        .announced = announce,
        .unknown = report_unknown,
        .wake_at = wake_at,
};
