/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of an action while it runs: limits of time, further attempts, and late reports. */

#include "base/error.h"
#include "base/timespan.h"
#include "fixture.h"

#include <sqlite3.h>

/* Long enough for nobody to wait for it. */
#define FAR (3600 * FLEET_USEC_PER_SEC)

/* Short, and long enough to be told from nothing; and so long that what should come before it does. */
#define SHORT ((gint64)(40 * fleet_test_slowness()) * FLEET_USEC_PER_MSEC)
#define LONGER (8 * SHORT)

static int append_row(void *user_data, int n, char **columns, char **names)
{
    for (int i = 0; i < n; i++)
        g_string_append_printf(user_data, "%s%c", columns[i], i < n - 1 ? ' ' : '\n');
    return 0;
}

/* Runs SQL on the database, past the store, while nobody has it open. What it selects, a row a line, columns with
 * blanks between. Owned by the caller. */
static char *sql(const char *text)
{
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    GString *rows = g_string_new(NULL);
    sqlite3 *handle = NULL;

    ck_assert_int_eq(sqlite3_open(path, &handle), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(handle, text, append_row, rows, NULL), SQLITE_OK);
    sqlite3_close(handle);
    return g_string_free(rows, FALSE);
}

/* The next start of fleetd; before it, that SQL is run. */
static void restart_with(const char *text)
{
    fleet_fixture_stop();
    g_free(sql(text));
    fleet_fixture_start();
}

/* What was initiated last. */
static FleetActionId last_id;

/* A device "a" on which that policy's action runs, with its driver at work. */
static void start(const FleetPolicy *policy)
{
    FleetActionRequest request = fleet_test_core_request(core, "a");

    request.policy = *policy;
    fleet_test_core_register(core, "add", "a");
    last_id = fleet_test_core_initiate_as(core, "start", &request).id;
    fleet_test_core_wait(core, "driver starts 1/1");
}

/* The same, with nothing left to do, and forgotten. */
static void start_and_rest(const FleetPolicy *policy)
{
    start(policy);
    fleet_test_core_rest(core);
    fleet_test_core_forget(core);
}

/* That of an action that is tried so often, after so long. */
static FleetPolicy retries(guint max_attempts, gint64 delay)
{
    FleetPolicy policy = fleet_policy_default;

    policy.max_attempts = max_attempts;
    policy.retry_delay = delay;
    policy.retry_cap = FAR;
    policy.retry_factor = 1.0;
    policy.retry_jitter = 0.0;
    return policy;
}

static void finish(guint attempt, FleetOutcome outcome)
{
    fleet_test_core_finish(core, 1, attempt, outcome);
    fleet_test_core_rest(core);
}

static void report_progress(guint attempt, double progress)
{
    const FleetDriver *driver = fleet_test_core_driver(core);

    driver->host->progress((FleetAttemptId){1, attempt}, progress, driver->host_data);
}

static void pass_the_point_of_no_return(void)
{
    const FleetDriver *driver = fleet_test_core_driver(core);

    driver->host->point_of_no_return((FleetAttemptId){1, 1}, driver->host_data);
    fleet_test_core_rest(core);
}

/* In the message, "@" stands for that limit. */
static void assert_timed_out(FleetResult result, const char *message, gint64 limit)
{
    g_autofree char *span = fleet_timespan_format(limit);
    g_autoptr(GString) text = g_string_new(message);

    g_string_replace(text, "@", span, 0);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_FAILED, result, text->str);
}

/* Limits of time. */

START_TEST(run_that_takes_too_long_is_stopped)
{
    FleetPolicy policy = fleet_policy_default;

    policy.timeout = SHORT;
    start(&policy);
    fleet_test_core_wait(core, "driver stops 1/1");
    fleet_test_core_rest(core);
    ck_assert_int_ge(fleet_clock_boottime(), fleet_fixture_action(last_id)->started.boottime + SHORT);
    ck_assert_int_eq(fleet_fixture_action(last_id)->status, FLEET_ACTION_RUNNING);
    ck_assert_str_eq(fleet_fixture_action(last_id)->phase, "cancelling");
    finish(1, FLEET_OUTCOME_STOPPED);
    assert_timed_out(FLEET_RESULT_TIMED_OUT, "it has not ended within @", policy.timeout);
    ck_assert_str_eq(fleet_fixture_action(last_id)->error_name, "org.freedesktop.DBus.Error.Timeout");
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_ERROR);
}
END_TEST

/* It has done it after all. */
START_TEST(success_after_the_limit_is_a_success)
{
    FleetPolicy policy = fleet_policy_default;

    policy.timeout = SHORT;
    start(&policy);
    fleet_test_core_wait(core, "driver stops 1/1");
    finish(1, FLEET_OUTCOME_SUCCESS);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_COMPLETED, FLEET_RESULT_SUCCESS, "so it was");
}
END_TEST

START_TEST(driver_that_does_not_stop_is_not_waited_for)
{
    FleetPolicy policy = fleet_policy_default;

    core->settings.cancel_timeout = SHORT;
    fleet_test_core_configure(core);
    policy.timeout = SHORT;
    start(&policy);
    fleet_test_core_wait(core, "driver lets go 1/1");
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver stops 1/1"), 1);
    assert_timed_out(FLEET_RESULT_TIMED_OUT, "it has not ended within @, and its driver has not stopped within @",
            policy.timeout);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_ERROR);
    fleet_test_core_forget(core);
    finish(1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_assert_events(core, NULL);
}
END_TEST

/* Nobody knows what goes on there. */
START_TEST(driver_that_cannot_stop_is_not_waited_for)
{
    FleetPolicy policy = fleet_policy_default;

    policy.timeout = LONGER;
    start(&policy);
    pass_the_point_of_no_return();
    fleet_test_core_wait(core, "driver lets go 1/1");
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver stops 1/1"), 0);
    assert_timed_out(FLEET_RESULT_TIMED_OUT, "it has not ended within @", policy.timeout);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_ERROR);
}
END_TEST

/* No limit runs while it waits; then each runs from its start. */
START_TEST(limits_begin_with_the_start)
{
    FleetActionRequest request = fleet_test_core_request(core, "a");

    start(&fleet_policy_default);
    request.if_busy = FLEET_IF_BUSY_QUEUE;
    request.policy.timeout = SHORT;
    request.policy.step_timeout = SHORT;
    last_id = fleet_test_core_initiate_as(core, "queue", &request).id;
    fleet_test_core_run_until(core, fleet_clock_boottime() + 2 * SHORT);
    ck_assert_int_eq(fleet_fixture_action(last_id)->status, FLEET_ACTION_PENDING);
    finish(1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_wait(core, "driver stops 2/1");
    ck_assert_int_ge(fleet_clock_boottime(), fleet_fixture_action(last_id)->started.boottime + SHORT);
    fleet_test_core_rest(core);
}
END_TEST

START_TEST(silence_is_stopped)
{
    FleetPolicy policy = fleet_policy_default;

    policy.step_timeout = SHORT;
    start(&policy);
    fleet_test_core_wait(core, "driver stops 1/1");
    finish(1, FLEET_OUTCOME_STOPPED);
    assert_timed_out(FLEET_RESULT_TIMED_OUT, "it has shown no sign of life within @", policy.step_timeout);
}
END_TEST

static void give_progress(void)
{
    report_progress(1, 0.5);
}

/* Even if there is nothing new in it. */
static void give_the_same_progress(void)
{
    report_progress(1, 0.25);
}

static void give_phase(void)
{
    fleet_test_core_phase(core, 1, 1, "installing");
}

static void give_message(void)
{
    const FleetDriver *driver = fleet_test_core_driver(core);

    driver->host->message((FleetAttemptId){1, 1}, "half of it", driver->host_data);
}

static void (*const signs_of_life[])(void) = {
        give_progress, give_the_same_progress, give_phase, give_message, pass_the_point_of_no_return};

START_TEST(report_ends_the_silence)
{
    FleetPolicy policy = fleet_policy_default;

    policy.step_timeout = LONGER;
    start(&policy);
    report_progress(1, 0.25);
    fleet_test_core_run_until(core, fleet_clock_boottime() + SHORT);
    gint64 reported = fleet_clock_boottime();
    signs_of_life[_i]();
    /* Past the point of no return it is not stopped, but closed. */
    fleet_test_core_wait(
            core, signs_of_life[_i] == pass_the_point_of_no_return ? "driver lets go 1/1" : "driver stops 1/1");
    ck_assert_int_ge(fleet_clock_boottime(), reported + LONGER);
}
END_TEST

START_TEST(limit_is_kept_through_a_restart)
{
    FleetPolicy policy = fleet_policy_default;

    policy.timeout = 2 * LONGER;
    start(&policy);
    gint64 limit = fleet_fixture_action(last_id)->started.boottime + policy.timeout;
    fleet_fixture_restart();
    ck_assert_uint_eq(fleet_test_core_count(core, "driver finds 1/1"), 1);
    fleet_test_core_wait(core, "driver stops 1/1");
    ck_assert_int_ge(fleet_clock_boottime(), limit);
    ck_assert_int_lt(fleet_clock_boottime(), limit + policy.timeout / 2); /* it did not begin anew */
}
END_TEST

/* It may have been in time: the driver is heard before the limit counts. */
START_TEST(limit_that_passed_meanwhile_lets_the_driver_tell)
{
    FleetPolicy policy = fleet_policy_default;

    policy.timeout = FAR;
    start(&policy);
    restart_with("UPDATE actions SET timeout = 1");
    fleet_test_core_assert_events(core, "driver finds 1/1");
    ck_assert_int_eq(fleet_fixture_action_of("a")->status, FLEET_ACTION_RUNNING);
    finish(1, FLEET_OUTCOME_SUCCESS);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_COMPLETED, FLEET_RESULT_SUCCESS, "so it was");
    ck_assert_uint_eq(fleet_test_core_count(core, "driver stops 1/1"), 0);
}
END_TEST

/* But it has passed: who does not tell is stopped after a grace of some seconds. */
START_TEST(limit_that_passed_meanwhile_has_passed)
{
    FleetPolicy policy = fleet_policy_default;

    policy.timeout = FAR;
    start(&policy);
    restart_with("UPDATE actions SET timeout = 1");
    fleet_test_core_wait(core, "driver stops 1/1");
}
END_TEST

/* The driver is asked to stop anew, and has as long for it as the first time. */
START_TEST(time_to_stop_begins_anew)
{
    start(&fleet_policy_default);
    fleet_test_core_cancel(core, "cancel", last_id, FALSE);
    fleet_test_core_wait(core, "driver stops 1/1");
    core->settings.cancel_timeout = FAR;
    g_autofree char *text = g_strdup_printf("UPDATE actions SET cancel_requested_boot = cancel_requested_boot + 1, "
                                            "cancel_requested_realtime = cancel_requested_realtime - %" G_GINT64_FORMAT,
            2 * FAR);
    restart_with(text);
    fleet_test_core_assert_events(core, "driver finds 1/1", "driver stops 1/1");
    ck_assert_str_eq(fleet_fixture_action_of("a")->phase, "cancelling");
    finish(1, FLEET_OUTCOME_STOPPED);
    ck_assert_int_eq(fleet_fixture_action(last_id)->status, FLEET_ACTION_CANCELLED);
}
END_TEST

/* Further attempts. */

START_TEST(transient_failure_is_tried_again)
{
    const FleetPolicy policy = retries(3, LONGER);

    start_and_rest(&policy);
    report_progress(1, 0.5);
    fleet_test_core_phase(core, 1, 1, "installing");
    fleet_test_core_rest(core);
    gint64 failed = fleet_clock_boottime();
    finish(1, FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_assert_events(core, "driver lets go 1/1");
    ck_assert_int_eq(fleet_fixture_action_of("a")->status, FLEET_ACTION_RUNNING);
    ck_assert_str_eq(fleet_fixture_action_of("a")->phase, "waiting-retry");
    ck_assert_str_eq(fleet_fixture_action_of("a")->message, "so it was");
    ck_assert_uint_eq(fleet_fixture_action_of("a")->attempt, 1);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_UPDATING); /* it holds its device */

    fleet_test_core_wait(core, "driver starts 1/2");
    fleet_test_core_rest(core);
    ck_assert_int_ge(fleet_clock_boottime(), failed + LONGER);
    ck_assert_uint_eq(fleet_fixture_action_of("a")->attempt, 2);
    ck_assert_str_eq(fleet_fixture_action_of("a")->phase, "");
    ck_assert_str_eq(fleet_fixture_action_of("a")->message, "");
    ck_assert_double_eq(fleet_fixture_action_of("a")->progress, 0.0);
    ck_assert(!fleet_fixture_action_of("a")->progress_known);
    ck_assert_int_gt(
            fleet_fixture_action_of("a")->attempt_started.realtime, fleet_fixture_action_of("a")->started.realtime);
    finish(2, FLEET_OUTCOME_SUCCESS);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_COMPLETED, FLEET_RESULT_SUCCESS, "so it was");
    ck_assert_uint_eq(fleet_fixture_action(last_id)->attempt, 2);
}
END_TEST

START_TEST(attempts_are_exhausted)
{
    const FleetPolicy policy = retries(3, 0);

    start(&policy);
    for (guint attempt = 1; attempt <= 3; attempt++) {
        g_autofree char *started = g_strdup_printf("driver starts 1/%u", attempt);
        if (attempt > 1)
            fleet_test_core_wait(core, started);
        finish(attempt, FLEET_OUTCOME_TRANSIENT);
    }
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_FAILED, FLEET_RESULT_FAILED, "so it was");
    ck_assert_uint_eq(fleet_fixture_action(last_id)->attempt, 3);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_ERROR);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/4"), 0);

    /* Each attempt has a row of its own. */
    g_clear_pointer(&core, fleet_test_core_free);
    g_autofree char *rows = sql("SELECT number, outcome, ended_at > started_realtime, plan, message FROM attempts");
    ck_assert_str_eq(rows, "1 1 1 by hand so it was\n2 1 1 by hand so it was\n3 1 1 by hand so it was\n");
}
END_TEST

static const struct {
    FleetOutcome outcome;
    FleetResult result;
} final[] = {{FLEET_OUTCOME_PERMANENT, FLEET_RESULT_FAILED}, {FLEET_OUTCOME_UNCERTAIN, FLEET_RESULT_LOST},
        {FLEET_OUTCOME_REJECTED, FLEET_RESULT_REJECTED}};

START_TEST(other_failures_are_final)
{
    const FleetPolicy policy = retries(3, 0);

    start(&policy);
    finish(1, final[_i].outcome);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_FAILED, final[_i].result, "so it was");
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/2"), 0);
}
END_TEST

/* A driver that has stopped though nobody has asked it to. */
START_TEST(stop_by_itself_is_a_cancel)
{
    const FleetPolicy policy = retries(3, 0);

    start(&policy);
    finish(1, FLEET_OUTCOME_STOPPED);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_CANCELLED, FLEET_RESULT_CANCELLED, "so it was");
}
END_TEST

START_TEST(delays_grow_up_to_their_cap)
{
    static const gint64 delays[] = {10, 20, 25, 25};
    FleetPolicy policy = retries(5, 10 * FLEET_USEC_PER_MSEC);

    policy.retry_factor = 2.0;
    policy.retry_cap = 25 * FLEET_USEC_PER_MSEC;
    start(&policy);
    for (guint attempt = 1; attempt <= G_N_ELEMENTS(delays); attempt++) {
        g_autofree char *next = g_strdup_printf("driver starts 1/%u", attempt + 1);
        gint64 before = fleet_clock_boottime();
        fleet_test_core_finish(core, 1, attempt, FLEET_OUTCOME_TRANSIENT);
        gint64 after = fleet_clock_boottime();
        g_ptr_array_set_size(core->details, 0);
        fleet_test_core_wait(core, next);
        gint64 due = ((const FleetAction *)core->details->pdata[0])->retry_at.boottime;
        ck_assert_int_ge(due, before + delays[attempt - 1] * FLEET_USEC_PER_MSEC);
        ck_assert_int_le(due, after + delays[attempt - 1] * FLEET_USEC_PER_MSEC);
    }
}
END_TEST

START_TEST(jitter_shortens_a_delay)
{
    FleetPolicy policy = retries(2, FAR);

    policy.retry_jitter = 1.0;
    start(&policy);
    finish(1, FLEET_OUTCOME_TRANSIENT);
    gint64 delay = fleet_fixture_action_of("a")->retry_at.boottime - fleet_clock_boottime();
    ck_assert_int_le(delay, FAR);
    ck_assert_int_ne(fleet_fixture_action_of("a")->retry_at.boottime, 0);
}
END_TEST

START_TEST(limit_passes_while_it_waits_for_a_retry)
{
    FleetPolicy policy = retries(3, FAR);

    policy.timeout = LONGER;
    start(&policy);
    finish(1, FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_wait(core, "action changed 1 RUNNING->FAILED");
    fleet_test_core_rest(core);
    assert_timed_out(FLEET_RESULT_TIMED_OUT, "it has not ended within @", policy.timeout);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver stops 1/1"), 0);
}
END_TEST

/* Silence is the driver's, and there is none at work. */
START_TEST(waiting_for_a_retry_is_no_silence)
{
    FleetPolicy policy = retries(3, FAR);

    policy.step_timeout = SHORT;
    start(&policy);
    finish(1, FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_run_until(core, fleet_clock_boottime() + 2 * SHORT);
    ck_assert_int_eq(fleet_fixture_action_of("a")->status, FLEET_ACTION_RUNNING);
    ck_assert_str_eq(fleet_fixture_action_of("a")->phase, "waiting-retry");
}
END_TEST

START_TEST(retry_waits_for_a_device_out_of_service)
{
    const FleetPolicy policy = retries(3, SHORT);
    FleetDeviceStatus status = _i == 0 ? FLEET_DEVICE_OFFLINE : FLEET_DEVICE_MAINTENANCE;

    start(&policy);
    fleet_test_core_status(core, "out", "a", status);
    finish(1, FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_run_until(core, fleet_fixture_action_of("a")->retry_at.boottime + SHORT);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/2"), 0);
    ck_assert_str_eq(fleet_fixture_action_of("a")->phase, "waiting-retry");
    fleet_fixture_restart();
    fleet_test_core_assert_events(core, NULL);

    fleet_test_core_status(core, "back", "a", FLEET_DEVICE_UPDATING);
    fleet_test_core_wait(core, "driver starts 1/2");
    ck_assert_uint_eq(fleet_fixture_action_of("a")->attempt, 2);
}
END_TEST

START_TEST(retry_is_kept_through_a_restart)
{
    const FleetPolicy policy = retries(3, 2 * LONGER);

    start(&policy);
    finish(1, FLEET_OUTCOME_TRANSIENT);
    gint64 due = fleet_fixture_action_of("a")->retry_at.boottime;
    fleet_fixture_restart();
    fleet_test_core_assert_events(core, NULL);
    ck_assert_str_eq(fleet_fixture_action_of("a")->phase, "waiting-retry");
    ck_assert_int_eq(fleet_fixture_action_of("a")->retry_at.boottime, due);
    fleet_test_core_wait(core, "driver starts 1/2");
    ck_assert_int_ge(fleet_clock_boottime(), due);
}
END_TEST

/* The machine was started anew: the moment is found by the wall clock. */
START_TEST(retry_is_kept_through_another_boot)
{
    const FleetPolicy policy = retries(3, FAR);

    start(&policy);
    finish(1, FLEET_OUTCOME_TRANSIENT);
    restart_with("UPDATE actions SET retry_at_boot = retry_at_boot + 1, retry_at_boottime = 5");
    fleet_test_core_assert_events(core, NULL);
    fleet_test_core_run_until(core, fleet_clock_boottime() + SHORT);
    fleet_test_core_assert_events(core, NULL);
    ck_assert_str_eq(fleet_fixture_action_of("a")->phase, "waiting-retry");

    gint64 soon = fleet_clock_realtime() + 2 * LONGER;
    g_autofree char *text = g_strdup_printf("UPDATE actions SET retry_at_realtime = %" G_GINT64_FORMAT, soon);
    restart_with(text);
    fleet_test_core_assert_events(core, NULL);
    fleet_test_core_wait(core, "driver starts 1/2");
    ck_assert_int_ge(fleet_clock_realtime(), soon);
}
END_TEST

START_TEST(retry_outlives_a_failing_store)
{
    const FleetPolicy policy = retries(3, 0);

    start(&policy);
    fleet_test_core_break_disk();
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    fleet_test_core_wait(core, "driver starts 1/2");
    ck_assert_uint_eq(fleet_fixture_action_of("a")->attempt, 2);
}
END_TEST

/* The attempt is over and nobody can be asked to stop: the cancel ends it. */
START_TEST(cancel_before_a_failure_is_stored_ends_it)
{
    const FleetPolicy policy = retries(3, 0);

    start(&policy);
    fleet_test_core_break_disk();
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    fleet_test_core_cancel(core, "cancel", last_id, FALSE);
    fleet_test_core_wait(core, "action changed 1 RUNNING->CANCELLED");
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "done cancel"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/2"), 0);
    ck_assert_int_eq(fleet_fixture_action(last_id)->result, FLEET_RESULT_CANCELLED);
}
END_TEST

/* In the turn in which an attempt has failed, and before that is stored. */
START_TEST(replacement_of_what_has_just_failed_starts)
{
    const FleetPolicy policy = retries(3, FAR);
    FleetActionRequest request = fleet_test_core_request(core, "a");

    start(&policy);
    request.if_busy = FLEET_IF_BUSY_REPLACE;
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_initiate_as(core, "replace", &request);
    fleet_test_core_wait(core, "driver starts 2/1");
    ck_assert_int_eq(fleet_fixture_action(last_id)->status, FLEET_ACTION_CANCELLED);
    ck_assert_int_eq(fleet_fixture_action(last_id)->result, FLEET_RESULT_SUPERSEDED);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver stops 1/1"), 0);
}
END_TEST

/* What the driver no longer does when it is tried again. */
START_TEST(retry_that_is_refused_is_rejected)
{
    const FleetPolicy policy = retries(3, 0);

    start(&policy);
    core->refuses = TRUE;
    finish(1, FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_wait(core, "action changed 1 RUNNING->FAILED");
    fleet_test_core_rest(core);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_FAILED, FLEET_RESULT_REJECTED, "the driver does not do this");
}
END_TEST

/* The simulation, whose failures are all transient. */
START_TEST(simulation_is_tried_again)
{
    const FleetSimulation simulation = {.success_rate = 0.0, .transient_rate = _i == 0 ? 1.0 : 0.0};
    FleetActionRequest request;

    g_clear_pointer(&core, fleet_test_core_free);
    core = fleet_test_core_new(directory);
    fleet_simulated_driver_configure(fleet_test_core_driver(core), &simulation);
    request = fleet_test_core_request(core, "a");
    request.policy = retries(4, 0);
    fleet_test_core_register(core, "add", "a");
    last_id = fleet_test_core_initiate_as(core, "start", &request).id;
    fleet_test_core_wait(core, "action changed 1 RUNNING->FAILED");
    fleet_test_core_rest(core);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_FAILED, FLEET_RESULT_FAILED, "simulated failure while verifying");
    ck_assert_uint_eq(fleet_fixture_action(last_id)->attempt, _i == 0 ? 4 : 1);
}
END_TEST

/* Reports of what is over. */

START_TEST(report_of_an_older_attempt_is_dropped)
{
    const FleetPolicy policy = retries(3, 0);

    start(&policy);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_wait(core, "driver starts 1/2");
    fleet_test_core_rest(core);
    fleet_test_core_forget(core);
    fleet_test_core_phase(core, 1, 1, "installing");
    report_progress(1, 0.9);
    finish(1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_assert_events(core, NULL);
    ck_assert_int_eq(fleet_fixture_action_of("a")->status, FLEET_ACTION_RUNNING);
    ck_assert_str_eq(fleet_fixture_action_of("a")->phase, "");
    ck_assert(!fleet_fixture_action_of("a")->progress_known);
    finish(2, FLEET_OUTCOME_PERMANENT);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_FAILED, FLEET_RESULT_FAILED, "so it was");
}
END_TEST

/* Nor of one that is to come, of none, or of another action. */
START_TEST(report_of_no_attempt_is_dropped)
{
    start_and_rest(&fleet_policy_default);
    fleet_test_core_finish(core, 1, 2, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_finish(core, 1, 0, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_finish(core, 2, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, NULL);
    ck_assert_int_eq(fleet_fixture_action_of("a")->status, FLEET_ACTION_RUNNING);
}
END_TEST

/* A driver that says it twice: in one turn, and later. */
START_TEST(end_counts_once)
{
    start_and_rest(&fleet_policy_default);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_PERMANENT);
    fleet_test_core_rest(core);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_PERMANENT);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "action changed 1 RUNNING->COMPLETED", "driver lets go 1/1",
            "device changed a UPDATING->IDLE", "committed");
}
END_TEST

START_TEST(progress_stays_within_its_bounds)
{
    start(&fleet_policy_default);
    report_progress(1, 7.0);
    ck_assert_double_eq(fleet_fixture_action_of("a")->progress, 1.0);
    report_progress(1, -7.0);
    ck_assert_double_eq(fleet_fixture_action_of("a")->progress, 0.0);
    ck_assert(fleet_fixture_action_of("a")->progress_known);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: attempts");
    TCase *limits = fleet_test_case(suite, "limits");
    TCase *again = fleet_test_case(suite, "again");
    TCase *late = fleet_test_case(suite, "late");

    tcase_add_checked_fixture(limits, fleet_fixture_setup, fleet_fixture_teardown);
    tcase_add_test(limits, run_that_takes_too_long_is_stopped);
    tcase_add_test(limits, success_after_the_limit_is_a_success);
    tcase_add_test(limits, driver_that_does_not_stop_is_not_waited_for);
    tcase_add_test(limits, driver_that_cannot_stop_is_not_waited_for);
    tcase_add_test(limits, limits_begin_with_the_start);
    tcase_add_test(limits, silence_is_stopped);
    tcase_add_loop_test(limits, report_ends_the_silence, 0, G_N_ELEMENTS(signs_of_life));
    tcase_add_test(limits, limit_is_kept_through_a_restart);
    tcase_add_test(limits, limit_that_passed_meanwhile_lets_the_driver_tell);
    tcase_add_test(limits, limit_that_passed_meanwhile_has_passed);
    tcase_add_test(limits, time_to_stop_begins_anew);

    tcase_add_checked_fixture(again, fleet_fixture_setup, fleet_fixture_teardown);
    tcase_add_test(again, transient_failure_is_tried_again);
    tcase_add_test(again, attempts_are_exhausted);
    tcase_add_loop_test(again, other_failures_are_final, 0, G_N_ELEMENTS(final));
    tcase_add_test(again, stop_by_itself_is_a_cancel);
    tcase_add_test(again, delays_grow_up_to_their_cap);
    tcase_add_test(again, jitter_shortens_a_delay);
    tcase_add_test(again, limit_passes_while_it_waits_for_a_retry);
    tcase_add_test(again, waiting_for_a_retry_is_no_silence);
    tcase_add_loop_test(again, retry_waits_for_a_device_out_of_service, 0, 2);
    tcase_add_test(again, retry_is_kept_through_a_restart);
    tcase_add_test(again, retry_is_kept_through_another_boot);
    tcase_add_test(again, retry_outlives_a_failing_store);
    tcase_add_test(again, cancel_before_a_failure_is_stored_ends_it);
    tcase_add_test(again, replacement_of_what_has_just_failed_starts);
    tcase_add_test(again, retry_that_is_refused_is_rejected);
    tcase_add_loop_test(again, simulation_is_tried_again, 0, 2);

    tcase_add_checked_fixture(late, fleet_fixture_setup, fleet_fixture_teardown);
    tcase_add_test(late, report_of_an_older_attempt_is_dropped);
    tcase_add_test(late, report_of_no_attempt_is_dropped);
    tcase_add_test(late, end_counts_once);
    tcase_add_test(late, progress_stays_within_its_bounds);

    return fleet_test_main(suite);
}
