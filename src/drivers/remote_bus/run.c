/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/remote_bus/run.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/timespan.h"

#include <string.h>

static const FleetRemoteWork *const works[] = {
        &fleet_remote_program_work,
        &fleet_remote_reboot_work,
        &fleet_remote_rauc_work,
};
G_STATIC_ASSERT(G_N_ELEMENTS(works) == FLEET_REMOTE_KINDS);

static const FleetRemoteLinkFuncs link_funcs;

/* What was closed by force is looked after as long as nothing else comes, which must not go to where the device was. */
static void make_way(FleetRemoteDriver *driver, const FleetDevice *device)
{
    g_autoptr(GList) runs = g_hash_table_get_keys(driver->runs);

    for (GList *i = runs; i != NULL; i = i->next) {
        FleetRemoteRun *run = i->data;

        if (run->attempt == NULL && g_str_equal(run->device_id, device->id) &&
                !fleet_remote_link_is_for(run->link, device))
            fleet_remote_run_free(run);
    }
}

FleetRemoteRun *fleet_remote_run_new(FleetRemoteDriver *driver, FleetAttempt *attempt, const FleetRemotePlan *plan)
{
    FleetRemoteRun *run = g_new0(FleetRemoteRun, 1);

    run->driver = driver;
    run->settings = fleet_remote_settings_ref(driver->settings);
    run->id = attempt->id;
    run->attempt = attempt;
    run->device_id = g_strdup(attempt->device->id);
    run->plan = *plan;
    run->work = works[plan->kind];
    for (guint i = 0; i < FLEET_REMOTE_DUES; i++)
        run->due[i] = FLEET_REMOTE_NEVER;
    make_way(driver, attempt->device);
    run->link = fleet_remote_pool_link(driver->pool, attempt->device);
    fleet_remote_link_join(run->link, &link_funcs, run);
    g_hash_table_add(driver->runs, run);
    return run;
}

void fleet_remote_run_free(FleetRemoteRun *run)
{
    g_hash_table_remove(run->driver->runs, run);
    run->work->let_go(run);
    run->work->free(run);
    fleet_remote_link_leave(run->link, run);
    fleet_remote_settings_unref(run->settings);
    g_free(run->device_id);
    g_free(run);
}

sd_bus *fleet_remote_run_bus(const FleetRemoteRun *run)
{
    return fleet_remote_link_bus(run->link);
}

const char *fleet_remote_run_where(const FleetRemoteRun *run)
{
    const char *host = fleet_remote_link_address(run->link)->host;

    return host != NULL ? host : "local";
}

gboolean fleet_remote_run_has_rebooted(const FleetRemoteRun *run)
{
    if (run->attempt == NULL || run->attempt->action->attempt_started.boot != fleet_clock_boot())
        return FALSE;
    return fleet_remote_link_booted_after(run->link) > run->attempt->started;
}

/* Reports. */

static gboolean may_report(const FleetRemoteRun *run)
{
    return run->attempt != NULL && !run->ended && !run->lost_trace;
}

void fleet_remote_run_phase(FleetRemoteRun *run, const char *phase)
{
    const FleetDriver *driver = &run->driver->driver;

    if (may_report(run))
        driver->host->phase(run->id, phase, driver->host_data);
}

void fleet_remote_run_progress(FleetRemoteRun *run, double progress)
{
    const FleetDriver *driver = &run->driver->driver;

    if (may_report(run))
        driver->host->progress(run->id, progress, driver->host_data);
}

void fleet_remote_run_message(FleetRemoteRun *run, const char *message)
{
    const FleetDriver *driver = &run->driver->driver;

    if (may_report(run))
        driver->host->message(run->id, message, driver->host_data);
}

void fleet_remote_run_point_of_no_return(FleetRemoteRun *run)
{
    const FleetDriver *driver = &run->driver->driver;

    if (may_report(run))
        driver->host->point_of_no_return(run->id, driver->host_data);
}

void fleet_remote_run_miss(FleetRemoteRun *run, const char *message)
{
    const FleetDriver *driver = &run->driver->driver;

    if (!may_report(run))
        return;
    run->lost_trace = TRUE;
    driver->host->unknown(run->id, message, driver->host_data);
}

void fleet_remote_run_found(FleetRemoteRun *run)
{
    if (!run->lost_trace)
        return;
    run->lost_trace = FALSE;
    fleet_remote_run_phase(run, run->work->phase);
}

/* Nothing happens to it any more. */
static void end(FleetRemoteRun *run)
{
    run->work->let_go(run);
    run->ended = TRUE;
    for (guint i = 0; i < FLEET_REMOTE_DUES; i++)
        run->due[i] = FLEET_REMOTE_NEVER;
}

void fleet_remote_run_finish(FleetRemoteRun *run, FleetOutcome outcome, const char *message)
{
    const FleetDriver *driver = &run->driver->driver;
    g_autofree char *text = g_strdup(message); /* it may be of what is let go */

    end(run);
    if (run->attempt != NULL) {
        driver->host->finished(run->id, outcome, text, "", driver->host_data);
        return;
    }
    if (run->work->clean != NULL)
        run->work->clean(run);
    fleet_remote_run_free(run);
}

void fleet_remote_run_fail_call(FleetRemoteRun *run, const char *what, int r)
{
    g_autofree char *message =
            g_strdup_printf("%s cannot be asked of '%s': %s", what, fleet_remote_run_where(run), g_strerror(-r));

    fleet_remote_run_finish(run, run->asked ? FLEET_OUTCOME_UNCERTAIN : FLEET_OUTCOME_TRANSIENT, message);
}

/* Moments. */

void fleet_remote_run_set_due(FleetRemoteRun *run, FleetRemoteDue due, gint64 when)
{
    const FleetDriver *driver = &run->driver->driver;
    gint64 first = FLEET_REMOTE_NEVER;

    run->due[due] = when;
    for (guint i = 0; i < FLEET_REMOTE_DUES; i++)
        first = MIN(first, run->due[i]);
    if (run->attempt != NULL && first != FLEET_REMOTE_NEVER)
        driver->host->wake_at(run->id, first, driver->host_data);
}

/* The intent. */

static gboolean is_intent_stored(const FleetRemoteRun *run)
{
    const FleetAction *action = run->attempt->action;

    return run->work->is_final ? action->past_return : g_str_equal(action->phase, run->work->phase);
}

static void report_intent(FleetRemoteRun *run)
{
    if (run->work->is_final)
        fleet_remote_run_point_of_no_return(run);
    else
        fleet_remote_run_phase(run, run->work->phase);
}

void fleet_remote_run_intend(FleetRemoteRun *run)
{
    run->intends = TRUE;
    if (is_intent_stored(run))
        fleet_remote_run_stored(run);
    else
        report_intent(run);
}

/* What could not be stored was taken back, and is said again. */
void fleet_remote_run_stored(FleetRemoteRun *run)
{
    if (run->ended || !run->intends || fleet_remote_run_bus(run) == NULL)
        return;
    if (!is_intent_stored(run)) {
        report_intent(run);
        return;
    }
    run->intends = FALSE;
    run->asked = TRUE;
    if (run->work->is_final)
        fleet_remote_run_phase(run, run->work->phase);
    run->work->ask(run);
}

/* The connection. */

static void go_on(FleetRemoteRun *run)
{
    if (run->asked)
        run->work->resume(run);
    else
        run->work->begin(run);
}

static void connect_in_turn(FleetRemoteRun *run)
{
    gint64 next = fleet_remote_link_next_try(run->link);

    if (fleet_remote_run_bus(run) != NULL) {
        go_on(run);
    } else if (next > fleet_clock_boottime()) {
        fleet_remote_run_set_due(run, FLEET_REMOTE_DUE_CONNECT, next);
    } else {
        fleet_remote_link_connect(run->link);
    }
}

static void ready(gpointer user_data)
{
    FleetRemoteRun *run = user_data;

    if (run->ended)
        return;
    fleet_remote_run_set_due(run, FLEET_REMOTE_DUE_CONNECT, FLEET_REMOTE_NEVER);
    fleet_remote_run_set_due(run, FLEET_REMOTE_DUE_EXPIRE, FLEET_REMOTE_NEVER);
    go_on(run);
}

static void lost(const FleetRemoteFailure *failure, gpointer user_data)
{
    FleetRemoteRun *run = user_data;

    if (run->ended)
        return;
    run->work->let_go(run);
    run->intends = FALSE;
    if (run->attempt == NULL) {
        fleet_remote_run_free(run);
        return;
    }
    if (!run->asked) {
        fleet_remote_run_finish(run, failure->outcome, failure->message);
        return;
    }
    g_autofree char *message = g_strdup_printf("%s; trying to reach it again", failure->message);
    fleet_remote_run_message(run, message);
    if (run->due[FLEET_REMOTE_DUE_EXPIRE] == FLEET_REMOTE_NEVER)
        fleet_remote_run_set_due(run, FLEET_REMOTE_DUE_EXPIRE,
                fleet_clock_boottime() + fleet_remote_link_access(run->link)->return_timeout);
    connect_in_turn(run);
}

static const FleetRemoteLinkFuncs link_funcs = {.ready = ready, .lost = lost};

/* What the engine asks for. */

void fleet_remote_run_start(FleetRemoteRun *run)
{
    fleet_remote_run_phase(run, FLEET_REMOTE_PHASE_CONNECTING);
    connect_in_turn(run);
}

/* All that is known of the fleetd before this one is what it has stored. */
void fleet_remote_run_reattach(FleetRemoteRun *run)
{
    const FleetAction *action = run->attempt->action;

    run->reattached = TRUE;
    run->asked = run->work->is_final ? action->past_return
                                     : !g_str_equal(action->phase, "") &&
                                               !g_str_equal(action->phase, FLEET_REMOTE_PHASE_CONNECTING);
    if (!run->asked) {
        fleet_remote_run_start(run);
        return;
    }
    fleet_remote_run_message(run, "connecting, to see what has become of it");
    connect_in_turn(run);
}

void fleet_remote_run_cancel(FleetRemoteRun *run)
{
    if (run->ended || run->stop_wanted)
        return;
    run->stop_wanted = TRUE;
    if (!run->asked)
        fleet_remote_run_finish(run, FLEET_OUTCOME_STOPPED, "stopped before the machine was asked for anything");
    else if (run->work->stop != NULL)
        run->work->stop(run);
}

static void expire(FleetRemoteRun *run)
{
    g_autofree char *limit = fleet_timespan_format(fleet_remote_link_access(run->link)->return_timeout);
    g_autofree char *message =
            g_strdup_printf("'%s' could not be reached for %s, so nobody knows what has become of it",
                    fleet_remote_run_where(run), limit);
    fleet_remote_run_finish(run, FLEET_OUTCOME_UNCERTAIN, message);
}

static void do_due(FleetRemoteRun *run, FleetRemoteDue due)
{
    switch (due) {
    case FLEET_REMOTE_DUE_CONNECT:
        connect_in_turn(run);
        break;
    case FLEET_REMOTE_DUE_EXPIRE:
        expire(run);
        break;
    case FLEET_REMOTE_DUE_WORK:
        run->work->wake(run);
        break;
    case FLEET_REMOTE_DUES:
    default:
        g_assert_not_reached();
    }
}

void fleet_remote_run_wake(FleetRemoteRun *run)
{
    gint64 now = fleet_clock_boottime();

    for (guint i = 0; i < FLEET_REMOTE_DUES && !run->ended; i++)
        if (run->due[i] <= now) {
            run->due[i] = FLEET_REMOTE_NEVER;
            do_due(run, (FleetRemoteDue)i);
        }
    if (!run->ended)
        fleet_remote_run_set_due(run, FLEET_REMOTE_DUE_WORK, run->due[FLEET_REMOTE_DUE_WORK]);
}

/* What was closed by force, and may still run on the machine, is looked after while the connection lasts. */
void fleet_remote_run_release(FleetRemoteRun *run, gboolean is_over)
{
    run->attempt = NULL;
    if (!run->ended && run->asked && is_over && fleet_remote_run_bus(run) != NULL)
        return;
    if (run->ended && is_over && run->work->clean != NULL)
        run->work->clean(run);
    fleet_remote_run_free(run);
}
