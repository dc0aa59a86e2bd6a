/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/simulated.h"
#include "drivers_test.h"
#include "lib/main.h"

#include <string.h>

static FleetTestDriver *new_driver(gint64 duration, double success_rate, double transient_rate)
{
    FleetTestDriver *test = fleet_test_driver_new(&fleet_simulated_driver_class);
    const FleetSimulation simulation = {.min_duration = duration,
            .max_duration = duration,
            .success_rate = success_rate,
            .transient_rate = transient_rate,
            .seeded = TRUE,
            .seed = 1};

    fleet_simulated_driver_configure(test->driver, &simulation);
    return test;
}

/* Lets time pass, in the eyes of the driver, and wakes it. */
static void pass(FleetTestDriver *test, FleetTestAttempt *attempt, gint64 usec)
{
    attempt->attempt.started -= usec;
    test->class->wake(test->driver, &attempt->attempt);
}

START_TEST(a_run_to_its_end)
{
    g_autoptr(FleetTestDriver) test = new_driver(1000 * FLEET_USEC_PER_SEC, 1, 0);
    FleetTestAttempt *attempt = fleet_test_attempt_new(test, 1, 1, "SOFTWARE_UPDATE", NULL);

    fleet_test_attempt_start(test, attempt);
    ck_assert_str_eq(attempt->reports->str, "phase preparing\nprogress 0.00\n");
    ck_assert_int_gt(attempt->wake_at, fleet_clock_boottime());
    pass(test, attempt, 500 * FLEET_USEC_PER_SEC);
    ck_assert_str_eq(attempt->reports->str, "phase preparing\nprogress 0.00\nphase installing\nprogress 0.50\n");
    pass(test, attempt, 500 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    ck_assert_uint_eq(attempt->finished, 1);
    ck_assert_uint_eq(test->seen, 2); /* each step of the work shows the device */
    ck_assert_str_eq(attempt->output, "");
}
END_TEST

START_TEST(failures_are_permanent_unless_told_otherwise)
{
    for (guint i = 0; i < 2; i++) {
        g_autoptr(FleetTestDriver) test = new_driver(0, 0, i);
        FleetTestAttempt *attempt = fleet_test_attempt_new(test, 1, 1, "SYSTEM_REBOOT", NULL);

        fleet_test_attempt_start(test, attempt);
        ck_assert_int_eq(attempt->outcome, i == 0 ? FLEET_OUTCOME_PERMANENT : FLEET_OUTCOME_TRANSIENT);
        ck_assert_str_eq(attempt->message, "simulated failure while verifying");
    }
}
END_TEST

START_TEST(each_attempt_is_drawn_anew)
{
    g_autoptr(FleetTestDriver) test = new_driver(0, 0.5, 1);
    guint differ = 0;

    for (gint64 sequence = 1; sequence <= 100; sequence++) {
        FleetTestAttempt *first = fleet_test_attempt_new(test, sequence, 1, "X", NULL);
        ck_assert(fleet_test_attempt_plan(test, first, NULL));
        g_autofree char *plan = g_strdup(first->action->plan);
        FleetTestAttempt *second = fleet_test_attempt_new(test, sequence, 2, "X", NULL);
        ck_assert(fleet_test_attempt_plan(test, second, NULL));
        differ += !g_str_equal(plan, second->action->plan);
    }
    ck_assert_uint_gt(differ, 25);
    ck_assert_uint_lt(differ, 75);
}
END_TEST

START_TEST(a_seed_repeats_it)
{
    g_autoptr(FleetTestDriver) a = new_driver(0, 0.5, 0.5);
    g_autoptr(FleetTestDriver) b = new_driver(0, 0.5, 0.5);

    for (gint64 sequence = 1; sequence <= 20; sequence++) {
        FleetTestAttempt *x = fleet_test_attempt_new(a, sequence, 1, "X", NULL);
        FleetTestAttempt *y = fleet_test_attempt_new(b, sequence, 1, "X", NULL);

        ck_assert(fleet_test_attempt_plan(a, x, NULL) && fleet_test_attempt_plan(b, y, NULL));
        ck_assert_str_eq(x->action->plan, y->action->plan);
    }
}
END_TEST

START_TEST(a_cancel_stops_at_once)
{
    g_autoptr(FleetTestDriver) test = new_driver(1000 * FLEET_USEC_PER_SEC, 1, 0);
    FleetTestAttempt *attempt = fleet_test_attempt_new(test, 1, 1, "SOFTWARE_UPDATE", NULL);

    fleet_test_attempt_start(test, attempt);
    fleet_test_attempt_cancel(test, attempt);
    ck_assert_uint_eq(attempt->finished, 1);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
}
END_TEST

START_TEST(firmware_has_a_point_of_no_return)
{
    g_autoptr(FleetTestDriver) test = new_driver(1000 * FLEET_USEC_PER_SEC, 1, 0);
    FleetTestAttempt *attempt = fleet_test_attempt_new(test, 1, 1, "FIRMWARE_UPDATE", NULL);

    fleet_test_attempt_start(test, attempt);
    pass(test, attempt, 550 * FLEET_USEC_PER_SEC);
    ck_assert_ptr_null(strstr(attempt->reports->str, "point-of-no-return"));
    pass(test, attempt, 100 * FLEET_USEC_PER_SEC);
    ck_assert_ptr_nonnull(strstr(attempt->reports->str, "phase rebooting\npoint-of-no-return\n"));
    g_string_truncate(attempt->reports, 0);
    pass(test, attempt, 200 * FLEET_USEC_PER_SEC);
    ck_assert_str_eq(attempt->reports->str, "phase verifying\nprogress 0.85\n");
}
END_TEST

START_TEST(a_late_step_does_not_miss_it)
{
    g_autoptr(FleetTestDriver) test = new_driver(1000 * FLEET_USEC_PER_SEC, 1, 0);
    FleetTestAttempt *attempt = fleet_test_attempt_new(test, 1, 1, "FIRMWARE_UPDATE", NULL);

    fleet_test_attempt_start(test, attempt);
    g_string_truncate(attempt->reports, 0);
    pass(test, attempt, 900 * FLEET_USEC_PER_SEC);
    ck_assert_str_eq(attempt->reports->str, "phase verifying\npoint-of-no-return\nprogress 0.90\n");
}
END_TEST

START_TEST(a_reboot_has_none)
{
    g_autoptr(FleetTestDriver) test = new_driver(1000 * FLEET_USEC_PER_SEC, 1, 0);
    FleetTestAttempt *attempt = fleet_test_attempt_new(test, 1, 1, "SYSTEM_REBOOT", NULL);

    fleet_test_attempt_start(test, attempt);
    pass(test, attempt, 900 * FLEET_USEC_PER_SEC);
    ck_assert_ptr_null(strstr(attempt->reports->str, "point-of-no-return"));
}
END_TEST

START_TEST(it_goes_on_after_a_restart)
{
    g_autoptr(FleetTestDriver) test = new_driver(1000 * FLEET_USEC_PER_SEC, 1, 0);
    FleetTestAttempt *attempt = fleet_test_attempt_new(test, 1, 1, "SOFTWARE_UPDATE", NULL);

    fleet_test_attempt_start(test, attempt);
    fleet_test_driver_restart(test);
    g_string_truncate(attempt->reports, 0);
    attempt->attempt.started -= 300 * FLEET_USEC_PER_SEC;
    fleet_test_attempt_reattach(test, attempt);
    ck_assert_str_eq(attempt->reports->str, "phase downloading\nprogress 0.30\n");
    pass(test, attempt, 700 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
}
END_TEST

START_TEST(plans_of_the_first_release_are_read)
{
    g_autoptr(FleetTestDriver) test = new_driver(0, 1, 0);
    FleetTestAttempt *attempt = fleet_test_attempt_new(test, 1, 1, "SOFTWARE_UPDATE", NULL);

    fleet_action_set_text(&attempt->action->plan, "duration=0 success=0");
    fleet_test_attempt_reattach(test, attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
}
END_TEST

START_TEST(a_plan_that_is_none_is_said_so)
{
    g_autoptr(FleetTestDriver) test = new_driver(0, 1, 0);
    FleetTestAttempt *attempt = fleet_test_attempt_new(test, 1, 1, "SOFTWARE_UPDATE", NULL);

    fleet_action_set_text(&attempt->action->plan, "something");
    fleet_test_attempt_reattach(test, attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    fleet_test_assert_contains(attempt->message, "plan");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulated");
    TCase *tcase = fleet_test_case(suite, "simulated");

    tcase_add_test(tcase, a_run_to_its_end);
    tcase_add_test(tcase, failures_are_permanent_unless_told_otherwise);
    tcase_add_test(tcase, each_attempt_is_drawn_anew);
    tcase_add_test(tcase, a_seed_repeats_it);
    tcase_add_test(tcase, a_cancel_stops_at_once);
    tcase_add_test(tcase, firmware_has_a_point_of_no_return);
    tcase_add_test(tcase, a_late_step_does_not_miss_it);
    tcase_add_test(tcase, a_reboot_has_none);
    tcase_add_test(tcase, it_goes_on_after_a_restart);
    tcase_add_test(tcase, plans_of_the_first_release_are_read);
    tcase_add_test(tcase, a_plan_that_is_none_is_said_so);
    return fleet_test_main(suite);
}
