/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/run.h"

#include "base/clock.h"

/* How long a driver that was asked to find an attempt again has before a limit that is over counts. */
#define REATTACH_GRACE_USEC (2 * FLEET_USEC_PER_SEC)

/* How long to wait for an end that is on its way to the disk. */
#define LOOK_AGAIN_USEC FLEET_USEC_PER_SEC

/* Where a moment of the wall clock lies on CLOCK_BOOTTIME, as the clock stands now. */
static gint64 on_boottime(gint64 realtime)
{
    return fleet_clock_boottime() + (realtime - fleet_clock_realtime());
}

static gint64 after(const FleetInstant *since, gint64 usec)
{
    return fleet_instant_boottime(since) + usec;
}

static void arm_pending(FleetRun *run, const FleetAction *action)
{
    if (action->not_before > fleet_clock_realtime())
        run->due[FLEET_DUE_NOT_BEFORE] = on_boottime(action->not_before);
    if (action->start_deadline != 0)
        run->due[FLEET_DUE_START_DEADLINE] = on_boottime(action->start_deadline);
}

/* A limit that passed while fleetd was away leaves the driver the time to tell what became of it. */
static gint64 with_grace(const FleetRun *run, gint64 when)
{
    return run->reattach && when <= run->handed_over ? run->handed_over + REATTACH_GRACE_USEC : when;
}

static void arm_running(FleetRun *run, const FleetAction *action)
{
    const FleetPolicy *policy = &action->policy;

    if (action->cancel_requested.realtime != 0) {
        /* After a restart the driver is asked anew. */
        gint64 asked = MAX(fleet_instant_boottime(&action->cancel_requested), run->handed_over);

        run->due[FLEET_DUE_CANCEL_TIMEOUT] = asked + run->engine->settings.cancel_timeout;
        return;
    }
    if (policy->timeout != 0)
        run->due[FLEET_DUE_TIMEOUT] = with_grace(run, after(&action->started, policy->timeout));
    if (action->retry_at.realtime != 0)
        run->due[FLEET_DUE_RETRY] = fleet_instant_boottime_ahead(&action->retry_at, policy->retry_cap);
    else if (policy->step_timeout != 0 && run->attached)
        run->due[FLEET_DUE_STEP_TIMEOUT] = run->last_report + policy->step_timeout;
}

/* Which cause comes first. Before the driver has the attempt in hand (again) no limit on it counts: it may have ended
 * long ago. */
static FleetDue first_due(const FleetRun *run)
{
    guint first = FLEET_DUE_HANDOVER, last = FLEET_DUE_LAST_;

    if (run->due[FLEET_DUE_HANDOVER] != FLEET_DUE_NEVER)
        last = FLEET_DUE_SETTLE + 1;
    for (guint i = 1; i < last; i++)
        if (run->due[i] < run->due[first])
            first = i;
    return (FleetDue)first;
}

static void set_timer(FleetRun *run)
{
    gint64 first = run->due[first_due(run)];

    if (first == FLEET_DUE_NEVER || run->engine->stopped)
        fleet_timers_clear(run->engine->timers, &run->timer);
    else if (!fleet_timer_is_set(&run->timer) || run->timer.deadline != first)
        fleet_timers_set(run->engine->timers, &run->timer, first);
}

void fleet_run_set_due(FleetRun *run, FleetDue due, gint64 when)
{
    run->due[due] = when;
    set_timer(run);
}

void fleet_run_arm(FleetRun *run)
{
    for (guint i = FLEET_DUE_NOT_BEFORE; i <= FLEET_DUE_RETRY; i++)
        run->due[i] = FLEET_DUE_NEVER;
    if (run->ending != NULL) /* it only waits for the disk */
        run->due[FLEET_DUE_WAKE] = run->due[FLEET_DUE_RECOVERY] = run->due[FLEET_DUE_STORED] = FLEET_DUE_NEVER;
    else if (run->committed->status != run->staged->status)
        ; /* a move is on its way to the disk, and all limits end with it or begin after it */
    else if (run->committed->status == FLEET_ACTION_PENDING)
        arm_pending(run, run->staged);
    else if (run->committed->status == FLEET_ACTION_RUNNING)
        arm_running(run, run->staged);
    set_timer(run);
}

/* A deadline on the wall clock may come early or late if that was set; it is reckoned anew until it has really come. */
static gboolean has_come(gint64 realtime)
{
    return fleet_clock_realtime() >= realtime;
}

static void miss_start(FleetRun *run)
{
    if (run->staged->status != FLEET_ACTION_PENDING)
        return; /* its start is on its way to the disk */
    if (has_come(run->committed->start_deadline))
        fleet_run_end(run, fleet_ending_new(FLEET_ACTION_FAILED, FLEET_RESULT_TIMED_OUT,
                                   "it did not start before its start deadline"));
    else
        fleet_run_arm(run);
}

static void act(FleetRun *run, FleetDue due)
{
    switch (due) {
    case FLEET_DUE_HANDOVER:
        fleet_run_hand_over(run);
        break;
    case FLEET_DUE_SETTLE:
        fleet_run_end(run, g_steal_pointer(&run->ending));
        break;
    case FLEET_DUE_ASK_CANCEL:
        fleet_run_ask_cancel(run);
        break;
    case FLEET_DUE_NOT_BEFORE:
        fleet_run_arm(run);
        if (has_come(run->committed->not_before))
            fleet_run_await_device(run);
        fleet_engine_consider(run->engine, run->committed->device_id);
        break;
    case FLEET_DUE_START_DEADLINE:
        miss_start(run);
        break;
    case FLEET_DUE_TIMEOUT:
        fleet_run_time_out(run, "has not ended", run->committed->policy.timeout);
        break;
    case FLEET_DUE_STEP_TIMEOUT:
        fleet_run_time_out(run, "has shown no sign of life", run->committed->policy.step_timeout);
        break;
    case FLEET_DUE_CANCEL_TIMEOUT:
        fleet_run_cancel_timed_out(run);
        break;
    case FLEET_DUE_RETRY:
        fleet_run_retry(run);
        break;
    case FLEET_DUE_RECOVERY:
        fleet_run_give_up_recovery(run);
        break;
    case FLEET_DUE_STORED:
        run->driver->class->stored(run->driver, &run->attempt);
        break;
    case FLEET_DUE_WAKE:
        run->driver->class->wake(run->driver, &run->attempt);
        break;
    case FLEET_DUE_LAST_:
        g_assert_not_reached();
    }
}

void fleet_run_clock_was_set(FleetRun *run)
{
    gboolean scheduled = run->due[FLEET_DUE_NOT_BEFORE] != FLEET_DUE_NEVER;

    fleet_run_arm(run);
    /* The clock may have jumped past it, and then there is nothing left to wait for. */
    if (scheduled && run->staged->status == FLEET_ACTION_PENDING && has_come(run->committed->not_before))
        act(run, FLEET_DUE_NOT_BEFORE);
}

void fleet_run_arm_later(FleetRun *run, gint64 earliest)
{
    fleet_run_arm(run);
    for (guint i = FLEET_DUE_NOT_BEFORE; i <= FLEET_DUE_RETRY; i++)
        if (run->due[i] != FLEET_DUE_NEVER)
            run->due[i] = MAX(run->due[i], earliest);
    set_timer(run);
}

/* One cause at a time: what it does may change all the others. While an end is on its way to the disk nothing is done,
 * but nothing is forgotten either: it may not get there. */
void fleet_run_fire(FleetTimer *timer)
{
    FleetRun *run = timer->data;
    FleetDue first = first_due(run);

    if (first != FLEET_DUE_SETTLE && fleet_action_is_terminal(run->staged)) {
        fleet_run_set_due(run, first, fleet_clock_boottime() + LOOK_AGAIN_USEC);
        return;
    }
    run->due[first] = FLEET_DUE_NEVER;
    set_timer(run);
    act(run, first);
}
