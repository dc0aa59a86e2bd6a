/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An end meets another end of the same action, or a moment that would have been one. */

#include "fixture.h"

static FleetActionId start(gint64 timeout)
{
    FleetActionRequest request = fleet_test_core_request(core, "a");

    request.policy.timeout = timeout;
    fleet_test_core_register(core, "add", "a");
    FleetActionId id = fleet_test_core_initiate_as(core, "start", &request).id;
    fleet_test_core_wait(core, "driver starts 1/1");
    fleet_test_core_rest(core);
    return id;
}

/* The driver's word comes after that of a caller, while that is on its way to the disk: it is not what counts. */
START_TEST(refusal_tells_of_the_end_that_counts)
{
    FleetActionId id = start(0);

    fleet_test_core_cancel(core, "force", id, TRUE);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_cancel(core, "late", id, FALSE);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "done force"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "late: AlreadyFinished"), 1);
    fleet_test_assert_contains(core->failure->message, "CANCELLED (cancelled)");
    ck_assert_int_eq(fleet_engine_lookup(core->engine, id)->status, FLEET_ACTION_CANCELLED);
}
END_TEST

/* It is over by a limit of time, which cannot be stored; that nobody finds it any more changes nothing then. */
START_TEST(search_is_over_when_the_time_is)
{
    const gint64 span = (gint64)(200 * fleet_test_slowness()) * FLEET_USEC_PER_MSEC;
    FleetActionId id = start(3 * span);
    gint64 started = fleet_clock_boottime();
    const FleetDriver *driver = fleet_test_core_driver(core);

    driver->host->point_of_no_return((FleetAttemptId){1, 1}, driver->host_data);
    fleet_test_core_rest(core);
    core->settings.recovery_timeout = started + 4 * span - fleet_clock_boottime();
    fleet_fixture_restart();
    driver = fleet_test_core_driver(core);
    driver->host->unknown((FleetAttemptId){1, 1}, "there is no trace of it", driver->host_data);
    fleet_test_core_rest(core);

    fleet_test_core_break_disk();
    fleet_test_core_wait(core, "storage failed");
    fleet_test_core_mend_disk();
    fleet_test_core_wait(core, "action changed 1 RUNNING->FAILED");
    fleet_test_core_rest(core);
    ck_assert_int_eq(fleet_engine_lookup(core->engine, id)->result, FLEET_RESULT_TIMED_OUT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: two ends");
    TCase *tcase = fleet_test_case(suite, "two ends");

    tcase_add_checked_fixture(tcase, fleet_fixture_setup, fleet_fixture_teardown);
    tcase_add_test(tcase, refusal_tells_of_the_end_that_counts);
    tcase_add_test(tcase, search_is_over_when_the_time_is);
    return fleet_test_main(suite);
}
