/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The driver against a host that writes down what it is told. Time is made by moving the attempt's start. */

#include "drivers/drivers.h"
#include "drivers/simulated.h"
#include "lib/main.h"

#include <stdio.h>

#define DRAWS 1000
#define STEPS 20

/* Long enough that the time a check takes is nothing in it. */
#define LONG (1000 * 3600 * FLEET_USEC_PER_SEC)

/* What the host was told. One attempt at a time is looked at. */
static struct {
    GPtrArray *phases; /* of char * */
    double progress;   /* the last one; -1 = none */
    guint finished;    /* how often */
    FleetOutcome outcome;
    char *message;
    gint64 wake; /* the last wish; 0 = none */
} told;

static void progress(FleetAttempt *attempt, double value)
{
    ck_assert_uint_eq(told.finished, 0);
    ck_assert_double_ge(value, told.progress);
    ck_assert_double_le(value, 1.0);
    told.progress = value;
}

static void phase(FleetAttempt *attempt, const char *name)
{
    ck_assert_uint_eq(told.finished, 0);
    g_ptr_array_add(told.phases, g_strdup(name));
}

static void finished(FleetAttempt *attempt, FleetOutcome outcome, const char *message)
{
    told.finished++;
    told.outcome = outcome;
    g_free(told.message);
    told.message = g_strdup(message);
}

static void wake_at(FleetAttempt *attempt, gint64 when)
{
    ck_assert_uint_eq(told.finished, 0);
    told.wake = when;
}

static const FleetDriverHost host = {.progress = progress, .phase = phase, .finished = finished, .wake_at = wake_at};
static FleetDrivers *drivers;
static FleetDriver *driver;

static void forget(void)
{
    g_ptr_array_set_size(told.phases, 0);
    told.progress = -1;
    told.finished = 0;
    told.wake = 0;
}

static void setup(void)
{
    told.phases = g_ptr_array_new_with_free_func(g_free);
    forget();
    drivers = fleet_drivers_new(&host);
    driver = fleet_drivers_lookup(drivers, "simulated");
}

static void teardown(void)
{
    fleet_drivers_free(drivers);
    g_ptr_array_unref(told.phases);
    g_clear_pointer(&told.message, g_free);
}

static void configure(gint64 min, gint64 max, double success_rate, guint64 seed)
{
    const FleetSimulation simulation = {
            .min_duration = min, .max_duration = max, .success_rate = success_rate, .seeded = seed != 0, .seed = seed};

    fleet_simulated_driver_configure(driver, &simulation);
}

static FleetAction *new_action(gint64 sequence, const char *type_name)
{
    GRefString *device = g_ref_string_new("router-1");
    GRefString *type = g_ref_string_new_intern(type_name);
    GRefString *name = g_ref_string_new_intern("simulated");
    g_autoptr(FleetParameters) parameters = fleet_parameters_new_empty();
    FleetAction *action = fleet_action_new((FleetActionId){1705312200000, sequence}, device, type, name, parameters);

    g_ref_string_release(device);
    g_ref_string_release(type);
    g_ref_string_release(name);
    return action;
}

/* The plan of an action, into it too. */
static const char *make_plan(FleetAction *action)
{
    g_ref_string_release(action->plan);
    action->plan = driver->class->plan(driver, action);
    return action->plan;
}

static void read_plan(const char *plan, gint64 *duration, gboolean *success)
{
    ck_assert_int_eq(sscanf(plan, "duration=%" G_GINT64_FORMAT " success=%d", duration, success), 2);
}

/* The plans of the first so many sequences, one a line. */
static char *plans(guint n)
{
    GString *text = g_string_new(NULL);

    for (guint i = 1; i <= n; i++) {
        g_autoptr(FleetAction) action = new_action(i, "SOFTWARE_UPDATE");

        g_string_append_printf(text, "%s\n", make_plan(action));
    }
    return g_string_free(text, FALSE);
}

START_TEST(drivers_are_found_by_name)
{
    ck_assert_ptr_nonnull(driver);
    ck_assert(driver->class == &fleet_simulated_driver_class);
    ck_assert(driver->host == &host);
    ck_assert_ptr_eq(fleet_drivers_lookup(drivers, FLEET_DRIVER_DEFAULT), driver);
    ck_assert_ptr_null(fleet_drivers_lookup(drivers, "telepathy"));
    ck_assert_ptr_null(fleet_drivers_lookup(drivers, ""));
}
END_TEST

START_TEST(seed_makes_runs_repeatable)
{
    configure(1000, 1000000, 0.5, 7);
    g_autofree char *first = plans(50);
    g_autofree char *again = plans(50);
    ck_assert_str_eq(first, again);

    /* In another process too. */
    g_autoptr(FleetDrivers) others = fleet_drivers_new(&host);
    driver = fleet_drivers_lookup(others, "simulated");
    configure(1000, 1000000, 0.5, 7);
    g_autofree char *other = plans(50);
    ck_assert_str_eq(first, other);

    configure(1000, 1000000, 0.5, 8);
    g_autofree char *seed = plans(50);
    ck_assert_str_ne(first, seed);
}
END_TEST

START_TEST(without_seed_each_process_draws_its_own)
{
    g_autoptr(FleetDrivers) others = fleet_drivers_new(&host);

    configure(1000, 1000000000, 0.5, 0);
    g_autofree char *first = plans(5);
    driver = fleet_drivers_lookup(others, "simulated");
    configure(1000, 1000000000, 0.5, 0);
    g_autofree char *second = plans(5);
    ck_assert_str_ne(first, second);
}
END_TEST

/* The index is the percentage that succeeds. */
START_TEST(draws_keep_to_their_bounds_and_rate)
{
    gint64 min = 10 * FLEET_USEC_PER_SEC, max = 30 * FLEET_USEC_PER_SEC, least = G_MAXINT64, most = 0;
    guint successes = 0;

    configure(min, max, _i / 100.0, 20240115);
    for (guint i = 1; i <= DRAWS; i++) {
        g_autoptr(FleetAction) action = new_action(i, "SOFTWARE_UPDATE");
        gint64 duration;
        gboolean success;

        read_plan(make_plan(action), &duration, &success);
        ck_assert_int_ge(duration, min);
        ck_assert_int_le(duration, max);
        least = MIN(least, duration);
        most = MAX(most, duration);
        successes += success != 0;
    }
    /* All of the span is drawn from: each end within a twentieth of it. */
    ck_assert_int_le(least, min + (max - min) / 20);
    ck_assert_int_ge(most, max - (max - min) / 20);
    /* Five standard deviations at the most, and none at the ends. */
    double spread = _i == 0 || _i == 100 ? 0 : 80;
    ck_assert_double_ge(successes, DRAWS * _i / 100.0 - spread);
    ck_assert_double_le(successes, DRAWS * _i / 100.0 + spread);
}
END_TEST

START_TEST(duration_without_span_is_exact)
{
    g_autoptr(FleetAction) action = new_action(1, "SOFTWARE_UPDATE");
    gint64 duration;
    gboolean success;

    configure(123456, 123456, 1.0, 0);
    read_plan(make_plan(action), &duration, &success);
    ck_assert_int_eq(duration, 123456);
    ck_assert(success);
}
END_TEST

static const struct {
    const char *type;
    const char *phases;
} scripts[] = {
        {"SOFTWARE_UPDATE", "preparing downloading installing verifying"},
        {"FIRMWARE_UPDATE", "preparing downloading installing rebooting verifying"},
        {"SYSTEM_REBOOT", "preparing rebooting verifying"},
        {"CONFIGURATION_CHANGE", "preparing applying verifying"},
        {"OWN_TYPE", "preparing running verifying"},
};

static void release(FleetAttempt *attempt)
{
    driver->class->release(driver, attempt);
    ck_assert_ptr_null(attempt->data);
}

/* Step by step, through all of an action; what is reported in each step follows from the clock alone. */
START_TEST(phases_and_progress_go_forward)
{
    g_autoptr(FleetAction) action = new_action(1, scripts[_i].type);
    FleetAttempt attempt = {.action = action};

    configure(LONG, LONG, 1.0, 0);
    make_plan(action);
    for (guint step = 0; step < STEPS; step++) {
        gint64 now = fleet_clock_boottime();

        attempt.started = now - LONG / STEPS * step - LONG / STEPS / 2;
        if (step == 0)
            driver->class->start(driver, &attempt);
        else
            driver->class->wake(driver, &attempt);
        ck_assert_double_eq_tol(told.progress, (double)step / STEPS, 1e-9);
        /* It asks to be woken when the next step begins. */
        ck_assert_int_gt(told.wake, now);
        ck_assert_int_le(told.wake, attempt.started + LONG / STEPS * (step + 1) + 1000);
    }
    attempt.started = fleet_clock_boottime() - LONG;
    driver->class->wake(driver, &attempt);
    ck_assert_uint_eq(told.finished, 1);
    ck_assert_int_eq(told.outcome, FLEET_OUTCOME_SUCCESS);
    ck_assert_str_eq(told.message, "simulated success");
    g_ptr_array_add(told.phases, NULL);
    g_autofree char *phases = g_strjoinv(" ", (char **)told.phases->pdata);
    ck_assert_str_eq(phases, scripts[_i].phases);
    release(&attempt);
}
END_TEST

START_TEST(failure_says_while_what)
{
    g_autoptr(FleetAction) action = new_action(1, "SYSTEM_REBOOT");
    FleetAttempt attempt = {.action = action, .started = fleet_clock_boottime()};

    configure(0, 0, 0.0, 0);
    make_plan(action);
    driver->class->start(driver, &attempt);
    ck_assert_uint_eq(told.finished, 1);
    ck_assert_int_eq(told.outcome, FLEET_OUTCOME_FAILURE);
    ck_assert_str_eq(told.message, "simulated failure while verifying");
    ck_assert_int_eq(told.wake, 0);
    release(&attempt);
}
END_TEST

START_TEST(late_wake_skips_what_is_past)
{
    g_autoptr(FleetAction) action = new_action(1, "SOFTWARE_UPDATE");
    FleetAttempt attempt = {.action = action, .started = fleet_clock_boottime()};

    configure(LONG, LONG, 1.0, 0);
    make_plan(action);
    driver->class->start(driver, &attempt);
    attempt.started -= LONG / 2 + LONG / STEPS / 2;
    driver->class->wake(driver, &attempt);
    ck_assert_double_eq_tol(told.progress, 0.5, 1e-9);
    ck_assert_uint_eq(told.phases->len, 2);
    ck_assert_str_eq(told.phases->pdata[1], "installing");
    release(&attempt);
}
END_TEST

START_TEST(reattached_attempt_goes_on_where_it_is)
{
    g_autoptr(FleetAction) action = new_action(1, "SOFTWARE_UPDATE");
    FleetAttempt before = {.action = action, .started = fleet_clock_boottime() - LONG / 4 * 3 - LONG / STEPS / 2};
    FleetAttempt after = {.action = action, .started = before.started};

    configure(LONG, LONG, 1.0, 0);
    make_plan(action);
    driver->class->start(driver, &before);
    release(&before);
    forget();

    configure(1, 1, 0.0, 0); /* no longer of any matter */
    driver->class->reattach(driver, &after);
    ck_assert_double_eq_tol(told.progress, 0.75, 1e-9);
    ck_assert_str_eq(told.phases->pdata[0], "verifying");
    after.started = fleet_clock_boottime() - LONG;
    driver->class->wake(driver, &after);
    ck_assert_uint_eq(told.finished, 1);
    ck_assert_int_eq(told.outcome, FLEET_OUTCOME_SUCCESS);
    release(&after);
}
END_TEST

START_TEST(reattached_attempt_whose_time_is_over_ends_at_once)
{
    g_autoptr(FleetAction) action = new_action(1, "SOFTWARE_UPDATE");
    FleetAttempt attempt = {.action = action, .started = fleet_clock_boottime() - 2 * LONG};

    configure(LONG, LONG, 0.0, 0);
    make_plan(action);
    driver->class->reattach(driver, &attempt);
    ck_assert_uint_eq(told.finished, 1);
    ck_assert_int_eq(told.outcome, FLEET_OUTCOME_FAILURE);
    release(&attempt);
}
END_TEST

/* The clock of an earlier boot, reckoned badly. */
START_TEST(start_in_the_future_counts_as_now)
{
    g_autoptr(FleetAction) action = new_action(1, "SOFTWARE_UPDATE");
    FleetAttempt attempt = {.action = action, .started = fleet_clock_boottime() + LONG};

    configure(LONG, LONG, 1.0, 0);
    make_plan(action);
    driver->class->reattach(driver, &attempt);
    ck_assert_double_eq(told.progress, 0);
    ck_assert_uint_eq(told.finished, 0);
    release(&attempt);
}
END_TEST

static const char *const bad_plans[] = {"", "duration=", "duration=5", "duration=x success=1", "success=1 duration=5",
        "duration=-5 success=1", "duration=5 success=yes"};

START_TEST(plan_that_cannot_be_read_fails)
{
    for (guint restarted = 0; restarted < 2; restarted++) {
        g_autoptr(FleetAction) action = new_action(1, "SOFTWARE_UPDATE");
        FleetAttempt attempt = {.action = action, .started = fleet_clock_boottime()};

        forget();
        fleet_action_set_text(&action->plan, bad_plans[_i]);
        if (restarted)
            driver->class->reattach(driver, &attempt);
        else
            driver->class->start(driver, &attempt);
        ck_assert_uint_eq(told.finished, 1);
        ck_assert_int_eq(told.outcome, FLEET_OUTCOME_FAILURE);
        ck_assert_str_eq(told.message, "the stored plan of the simulation cannot be read");
        release(&attempt);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drivers: simulated");
    TCase *tcase = fleet_test_case(suite, "simulated");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, drivers_are_found_by_name);
    tcase_add_test(tcase, seed_makes_runs_repeatable);
    tcase_add_test(tcase, without_seed_each_process_draws_its_own);
    tcase_add_loop_test(tcase, draws_keep_to_their_bounds_and_rate, 0, 1);
    tcase_add_loop_test(tcase, draws_keep_to_their_bounds_and_rate, 50, 51);
    tcase_add_loop_test(tcase, draws_keep_to_their_bounds_and_rate, 90, 91);
    tcase_add_loop_test(tcase, draws_keep_to_their_bounds_and_rate, 100, 101);
    tcase_add_test(tcase, duration_without_span_is_exact);
    tcase_add_loop_test(tcase, phases_and_progress_go_forward, 0, G_N_ELEMENTS(scripts));
    tcase_add_test(tcase, failure_says_while_what);
    tcase_add_test(tcase, late_wake_skips_what_is_past);
    tcase_add_test(tcase, reattached_attempt_goes_on_where_it_is);
    tcase_add_test(tcase, reattached_attempt_whose_time_is_over_ends_at_once);
    tcase_add_test(tcase, start_in_the_future_counts_as_now);
    tcase_add_loop_test(tcase, plan_that_cannot_be_read_fails, 0, G_N_ELEMENTS(bad_plans));
    return fleet_test_main(suite);
}
