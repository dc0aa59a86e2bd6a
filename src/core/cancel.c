/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/run.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/timespan.h"

/* How long to wait before what could not be stored is stored again. */
#define STORE_AGAIN_USEC (2 * FLEET_USEC_PER_SEC)

void fleet_run_stage_stop(FleetRun *run, FleetTransaction *transaction, FleetResult result, const char *message)
{
    if (run->staged->cancel_result != FLEET_RESULT_NONE)
        return;
    FleetAction *image = fleet_run_next_image(run);

    image->cancel_requested = fleet_clock_now();
    image->cancel_result = result;
    fleet_action_set_text(&image->phase, "cancelling");
    if (*message != '\0')
        fleet_action_set_text(&image->message, message);
    fleet_run_stage(run, transaction, image);
}

static void stop_stored(const GError *error, gpointer user_data)
{
    FleetRun *run = user_data;

    /* The limit is passed all the same, so the next try follows soon. */
    if (error != NULL)
        fleet_run_arm_later(run, fleet_clock_boottime() + STORE_AGAIN_USEC);
}

/* A driver that can no longer stop is not waited for: the action ends, and what the driver says later is logged. */
void fleet_run_time_out(FleetRun *run, const char *what, gint64 limit)
{
    g_autofree char *span = fleet_timespan_format(limit);
    g_autofree char *message = g_strdup_printf("it %s within %s", what, span);

    if (run->staged->past_return || fleet_run_is_between_attempts(run)) {
        fleet_run_end(run, fleet_ending_new(FLEET_ACTION_FAILED, FLEET_RESULT_TIMED_OUT, message));
        return;
    }
    FleetTransaction *transaction = fleet_transaction_new(run->engine->ledger);
    fleet_run_stage_stop(run, transaction, FLEET_RESULT_TIMED_OUT, message);
    fleet_transaction_submit(transaction, stop_stored, run);
}

/* It is not stopped: after a time limit it ends all the same, after a cancel it goes on. The reason becomes its
 * message. */
static void give_up_stop(FleetRun *run, const char *reason)
{
    if (run->staged->cancel_result == FLEET_RESULT_TIMED_OUT) {
        g_autofree char *message = g_strdup_printf("%s, and %s", run->staged->message, reason);

        fleet_run_end(run, fleet_ending_new(FLEET_ACTION_FAILED, FLEET_RESULT_TIMED_OUT, message));
        return;
    }

    g_autofree char *message = g_strdup_printf("%s, so it goes on", reason);
    FleetTransaction *transaction = fleet_transaction_new(run->engine->ledger);
    FleetAction *image = fleet_run_next_image(run);
    image->cancel_requested = (FleetInstant){0};
    image->cancel_result = FLEET_RESULT_NONE;
    fleet_action_set_text(&image->phase, "");
    fleet_action_set_text(&image->message, message);
    fleet_run_stage(run, transaction, image);
    fleet_transaction_submit(transaction, stop_stored, run);
}

void fleet_run_ask_cancel(FleetRun *run)
{
    if (!run->attached || run->ending != NULL || run->staged->cancel_result == FLEET_RESULT_NONE)
        return;
    if (run->staged->past_return) /* reached while the wish was on its way to the disk */
        give_up_stop(run, "its driver is past the point of no return");
    else
        run->driver->class->cancel(run->driver, &run->attempt);
}

void fleet_run_cancel_timed_out(FleetRun *run)
{
    g_autofree char *span = fleet_timespan_format(run->engine->settings.cancel_timeout);
    g_autofree char *reason = g_strdup_printf("its driver has not stopped within %s", span);

    give_up_stop(run, reason);
}

gboolean fleet_run_is_between_attempts(const FleetRun *run)
{
    return run->staged->retry_at.realtime != 0 || (run->ending != NULL && run->ending->status == FLEET_ACTION_RUNNING);
}

/* What is staged came first, and counts; else its end is known and waits for the disk. */
static gboolean set_finished(const FleetRun *run, GError **error)
{
    const FleetAction *action = run->staged;
    gboolean is_staged = fleet_action_is_terminal(action);
    char id[FLEET_ACTION_ID_BUFFER];

    g_set_error(error, FLEET_ERROR, FLEET_ERROR_ALREADY_FINISHED, "action '%s' has ended already: %s (%s)",
            fleet_action_id_format(action->id, id),
            fleet_action_status_to_string(is_staged ? action->status : run->ending->status),
            fleet_result_to_string(is_staged ? action->result : run->ending->result));
    return FALSE;
}

static gboolean set_not_cancelable(const FleetRun *run, GError **error)
{
    char id[FLEET_ACTION_ID_BUFFER];

    g_set_error(error, FLEET_ERROR, FLEET_ERROR_NOT_CANCELABLE,
            "action '%s' cannot be stopped without harm any more (phase '%s'); wait for its end, or use Force",
            fleet_action_id_format(run->staged->id, id), run->staged->phase);
    return FALSE;
}

/* Has it ended, or is its end known and on its way? */
static gboolean is_over(const FleetRun *run)
{
    return fleet_action_is_terminal(run->staged) ||
           (run->ending != NULL && run->ending->status != FLEET_ACTION_RUNNING);
}

gboolean fleet_engine_stage_cancel(FleetEngine *engine, FleetTransaction *transaction, FleetActionId id, gboolean force,
        FleetActionStatus *status, GError **error)
{
    FleetRun *run = g_hash_table_lookup(engine->runs, &id.sequence);

    if (run == NULL || run->staged == NULL || run->staged->id.msec != id.msec) {
        char text[FLEET_ACTION_ID_BUFFER];
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_ACTION_NOT_FOUND, "action '%s' is not known",
                fleet_action_id_format(id, text));
        return FALSE;
    }
    if (is_over(run))
        return set_finished(run, error);

    gboolean runs = run->staged->status == FLEET_ACTION_RUNNING && !fleet_run_is_between_attempts(run);
    if (force || !runs) {
        const char *message = runs                                          ? "closed by force"
                              : run->staged->status == FLEET_ACTION_PENDING ? "cancelled before it ran"
                                                                            : "cancelled between two attempts";
        g_autoptr(FleetEnding) ending = fleet_ending_new(FLEET_ACTION_CANCELLED, FLEET_RESULT_CANCELLED, message);
        ending->forced = runs;
        fleet_run_stage_end(run, transaction, ending);
        *status = FLEET_ACTION_CANCELLED;
        return TRUE;
    }
    if (run->staged->past_return)
        return set_not_cancelable(run, error);
    fleet_run_stage_stop(run, transaction, FLEET_RESULT_CANCELLED, "");
    *status = FLEET_ACTION_RUNNING;
    return TRUE;
}

gboolean fleet_run_check_replaceable(const FleetRun *run, GError **error)
{
    return !run->staged->past_return || set_not_cancelable(run, error);
}
