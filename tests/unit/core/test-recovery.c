/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of an attempt that was under way when fleetd ended: its driver finds it again, or does not, or late. */

#include "base/timespan.h"
#include "fixture.h"

/* So long that what should come before it does. */
#define LONGER ((gint64)(320 * fleet_test_slowness()) * FLEET_USEC_PER_MSEC)

/* What was initiated last. */
static FleetActionId last_id;

/* A device "a" whose action runs, with its driver at work. */
static void start(void)
{
    fleet_test_core_register(core, "add", "a");
    last_id = fleet_test_core_initiate(core, "start", "a");
    fleet_test_core_wait(core, "driver starts 1/1");
}

static void finish(FleetOutcome outcome)
{
    fleet_test_core_finish(core, 1, 1, outcome);
    fleet_test_core_rest(core);
}

static void report_progress(double progress)
{
    const FleetDriver *driver = fleet_test_core_driver(core);

    driver->host->progress((FleetAttemptId){1, 1}, progress, driver->host_data);
}

static void report_unknown(void)
{
    const FleetDriver *driver = fleet_test_core_driver(core);

    driver->host->unknown((FleetAttemptId){1, 1}, "there is no trace of it", driver->host_data);
    fleet_test_core_rest(core);
}

START_TEST(running_attempt_is_found_again)
{
    start();
    fleet_fixture_restart();
    fleet_test_core_assert_events(core, "driver finds 1/1");
    ck_assert_uint_eq(fleet_fixture_action_of("a")->attempt, 1);
    fleet_test_core_phase(core, 1, 1, "installing");
    fleet_test_core_rest(core);
    ck_assert_str_eq(fleet_fixture_action_of("a")->phase, "installing");
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_UPDATING);
    finish(FLEET_OUTCOME_SUCCESS);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_COMPLETED, FLEET_RESULT_SUCCESS, "so it was");
}
END_TEST

/* Its start is on disk and its driver may have heard of it or not: it is looked for, never started twice. */
START_TEST(attempt_that_was_only_stored_is_not_started_twice)
{
    const FleetActionRequest request = fleet_test_core_request(core, "a");

    fleet_test_core_register(core, "add", "a");
    last_id = fleet_test_core_initiate_as(core, "start", &request).id;
    fleet_engine_stop(core->engine);
    fleet_test_core_settle(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/1"), 0);
    fleet_fixture_restart();
    fleet_test_core_assert_events(core, "driver finds 1/1");
}
END_TEST

START_TEST(what_is_not_found_is_lost)
{
    core->settings.recovery_timeout = LONGER;
    fleet_test_core_configure(core);
    start();
    fleet_fixture_restart();
    gint64 since = fleet_clock_boottime();
    report_unknown();
    ck_assert_str_eq(fleet_fixture_action_of("a")->phase, "recovering");
    ck_assert_str_eq(fleet_fixture_action_of("a")->message, "there is no trace of it");
    ck_assert_int_eq(fleet_fixture_action_of("a")->status, FLEET_ACTION_RUNNING);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_RECOVERING);
    fleet_test_core_wait(core, "action changed 1 RUNNING->FAILED");
    fleet_test_core_rest(core);
    ck_assert_int_ge(fleet_clock_boottime(), since + LONGER);
    g_autofree char *span = fleet_timespan_format(LONGER);
    g_autofree char *message = g_strdup_printf("no trace of it was found within %s", span);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_FAILED, FLEET_RESULT_LOST, message);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_ERROR);
}
END_TEST

START_TEST(what_is_found_late_goes_on)
{
    start();
    fleet_fixture_restart();
    report_unknown();
    report_unknown(); /* as often as it likes */
    fleet_test_core_forget(core);
    report_progress(0.5);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "device changed a RECOVERING->UPDATING", "committed");
    ck_assert_str_eq(fleet_fixture_action_of("a")->phase, "");
    finish(FLEET_OUTCOME_SUCCESS);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_COMPLETED, FLEET_RESULT_SUCCESS, "so it was");
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_IDLE);
}
END_TEST

/* Its driver may go by the phase after a further crash, so there is no moment without one. */
START_TEST(what_is_found_at_something_is_at_nothing_else_before)
{
    start();
    fleet_test_core_phase(core, 1, 1, "downloading");
    fleet_test_core_rest(core);
    fleet_fixture_restart();
    report_unknown();
    g_ptr_array_set_size(core->details, 0);
    fleet_test_core_phase(core, 1, 1, "installing");
    fleet_test_core_rest(core);
    ck_assert_uint_eq(core->details->len, 1);
    ck_assert_str_eq(((const FleetAction *)core->details->pdata[0])->phase, "installing");
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_UPDATING);
}
END_TEST

START_TEST(what_had_ended_meanwhile_has_ended)
{
    start();
    fleet_fixture_restart();
    report_unknown();
    finish(FLEET_OUTCOME_SUCCESS);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_COMPLETED, FLEET_RESULT_SUCCESS, "so it was");
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_IDLE);
}
END_TEST

START_TEST(operators_status_stays_while_it_is_looked_for)
{
    start();
    fleet_test_core_status(core, "operator", "a", FLEET_DEVICE_MAINTENANCE);
    fleet_test_core_rest(core);
    fleet_fixture_restart();
    report_unknown();
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_MAINTENANCE);
    report_progress(0.5);
    fleet_test_core_rest(core);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_MAINTENANCE);
}
END_TEST

/* A further crash while it is looked for. */
START_TEST(search_begins_anew_with_each_start)
{
    core->settings.recovery_timeout = LONGER;
    fleet_test_core_configure(core);
    start();
    fleet_fixture_restart();
    report_unknown();
    fleet_fixture_restart();
    fleet_test_core_assert_events(core, "driver finds 1/1");
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_RECOVERING);
    report_unknown();
    fleet_test_core_wait(core, "action changed 1 RUNNING->FAILED");
    fleet_test_core_rest(core);
    ck_assert_int_eq(fleet_fixture_action(last_id)->result, FLEET_RESULT_LOST);
}
END_TEST

START_TEST(force_ends_the_search)
{
    start();
    fleet_fixture_restart();
    report_unknown();
    fleet_test_core_cancel(core, "force", last_id, TRUE);
    fleet_test_core_rest(core);
    fleet_fixture_assert_ended(last_id, FLEET_ACTION_CANCELLED, FLEET_RESULT_CANCELLED, "closed by force");
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_ERROR);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: recovery");
    TCase *recovery = fleet_test_case(suite, "recovery");

    tcase_add_checked_fixture(recovery, fleet_fixture_setup, fleet_fixture_teardown);
    tcase_add_test(recovery, running_attempt_is_found_again);
    tcase_add_test(recovery, attempt_that_was_only_stored_is_not_started_twice);
    tcase_add_test(recovery, what_is_not_found_is_lost);
    tcase_add_test(recovery, what_is_found_late_goes_on);
    tcase_add_test(recovery, what_is_found_at_something_is_at_nothing_else_before);
    tcase_add_test(recovery, what_had_ended_meanwhile_has_ended);
    tcase_add_test(recovery, operators_status_stays_while_it_is_looked_for);
    tcase_add_test(recovery, search_begins_anew_with_each_start);
    tcase_add_test(recovery, force_ends_the_search);
    return fleet_test_main(suite);
}
