/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Programs outlive fleetd, and are found again.
 */

#include "base/clock.h"
#include "command_test.h"
#include "drivers/command/place.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Starts a script, restarts fleetd when it has said so, and lets it go on while fleetd is away if it shall. */
static FleetTestAttempt *start_and_restart(FleetCommandTest *self, const char *script, gboolean go_on_meanwhile)
{
    g_autofree char *text = g_strconcat("echo PHASE up; until [ -e $FILES/go ]; do sleep 0.05; done; ", script, NULL);
    g_autofree char *go = fleet_command_test_path(self, "go");
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1, text);

    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_test_driver_restart(self->test);
    g_string_truncate(attempt->reports, 0);
    if (go_on_meanwhile)
        fleet_test_write(go, "");
    fleet_command_driver_configure(self->test->driver, self->settings);
    return attempt;
}

START_TEST(one_that_runs_is_found)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = start_and_restart(self, "echo PROGRESS 0.75; exit 75", FALSE);
    g_autofree char *go = fleet_command_test_path(self, "go");

    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_write(go, "");
    fleet_test_attempt_wait(attempt);
    ck_assert_str_eq(attempt->reports->str, "progress 0.75\nfinished transient\n");
    fleet_test_attempt_release(self->test, attempt);
}
END_TEST

START_TEST(the_end_of_one_that_has_ended_is_known)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = start_and_restart(self,
            "echo PROGRESS 0.75; echo some log; echo STATUS bad; (sleep 0.5; touch $FILES/done) & sleep 0.2; wait; "
            "exit 3",
            TRUE);
    g_autofree char *done = fleet_command_test_path(self, "done");

    fleet_test_wait_file(done, TRUE);
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    fleet_test_assert_contains(attempt->reports->str, "progress 0.75\n");
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    ck_assert_str_eq(attempt->message, "exited with status 3: bad");
    ck_assert_str_eq(attempt->output, "some log\n");
}
END_TEST

START_TEST(the_same_end_twice)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_run(self, "echo x; exit 3");

    /* It has ended, but that did not get to the disk. */
    fleet_command_test_restart(self);
    fleet_test_attempt_reattach(self->test, attempt);
    while (attempt->finished < 2)
        g_main_context_iteration(NULL, TRUE);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    ck_assert_str_eq(attempt->message, "exited with status 3");
}
END_TEST

START_TEST(what_it_printed_before_is_remembered)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(
            self, 1, "echo first; echo PHASE up; until [ -e $FILES/go ]; do sleep 0.05; done; echo second");
    g_autofree char *go = fleet_command_test_path(self, "go");

    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_command_test_restart(self);
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_write(go, "");
    fleet_test_attempt_wait(attempt);
    ck_assert_str_eq(attempt->output, "first\nsecond\n");
}
END_TEST

START_TEST(what_it_printed_meanwhile_is_not_lost)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = start_and_restart(self,
            "i=0; while [ $i -lt 20000 ]; do echo \"line $i of many\"; i=$((i + 1)); done; echo PROGRESS 1", TRUE);

    /* More than a pipe holds: the program has to wait for us, and neither fails nor is killed. */
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    fleet_test_assert_contains(attempt->reports->str, "progress 1.00\n");
    ck_assert(g_str_has_suffix(attempt->output, "line 19999 of many\n"));
}
END_TEST

START_TEST(one_is_stopped_after_a_restart)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = start_and_restart(self, "sleep 1000", FALSE);

    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
}
END_TEST

START_TEST(a_stop_goes_on_through_a_restart)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(
            self, 1, "trap ': >$FILES/asked; sleep 0.5; exit 9' TERM; echo PHASE up; while :; do sleep 0.05; done");
    g_autofree char *asked = fleet_command_test_path(self, "asked");

    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_wait_file(asked, TRUE);
    fleet_command_test_restart(self);
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
}
END_TEST

START_TEST(one_without_a_trace_is_unknown)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_test_attempt_new(self->test, 5, 1, "X", NULL);

    fleet_action_set_text(&attempt->action->plan, "token=0123");
    fleet_test_attempt_reattach(self->test, attempt);
    ck_assert_str_eq(attempt->reports->str, "unknown\n");
    fleet_test_assert_contains(attempt->message, "no trace");
    fleet_test_attempt_cancel(self->test, attempt);
    ck_assert_uint_eq(attempt->finished, 0);
}
END_TEST

START_TEST(anothers_place_is_not_ours)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = start_and_restart(self, "exit 0", TRUE);

    fleet_action_set_text(&attempt->action->plan, "token=0123");
    fleet_test_attempt_reattach(self->test, attempt);
    ck_assert_str_eq(attempt->reports->str, "unknown\n");
    fleet_test_assert_contains(attempt->message, "another attempt's");
}
END_TEST

/* The keeper is the parent of the program. */
static pid_t keeper_of(const FleetCommandTest *self)
{
    g_autofree char *pid = fleet_command_test_wait_text(self, "pid");
    g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid);
    g_autofree char *stat = fleet_test_read(path);
    int parent;

    ck_assert_int_eq(sscanf(strrchr(stat, ')') + 1, " %*c %d", &parent), 1);
    return (pid_t)parent;
}

START_TEST(a_keeper_that_is_killed_takes_the_result_with_it)
{
    if (fleet_command_test_has_units())
        return;
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1,
            "echo $$ > $FILES/pid.new; mv $FILES/pid.new $FILES/pid; until [ -e $FILES/go ]; do sleep 0.05; done");
    g_autofree char *go = fleet_command_test_path(self, "go");

    ck_assert_int_eq(kill(keeper_of(self), SIGKILL), 0);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_UNCERTAIN);
    fleet_test_write(go, "");
}
END_TEST

START_TEST(a_keeper_that_was_killed_meanwhile_leaves_it_unknown)
{
    if (fleet_command_test_has_units())
        return;
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt =
            start_and_restart(self, "echo $$ > $FILES/pid.new; mv $FILES/pid.new $FILES/pid; sleep 3", TRUE);
    g_autoptr(FleetCommandPlace) place = fleet_command_place_open(self->directory, attempt->attempt.id, NULL);
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);
    FleetProgramResult result;

    ck_assert_int_eq(kill(keeper_of(self), SIGKILL), 0);
    while (fleet_command_place_is_kept(place))
        ck_assert_int_gt(fleet_test_remaining(deadline), 0);
    ck_assert(!fleet_command_place_read_result(place, &result));
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait_report(attempt, "unknown");
    ck_assert_uint_eq(attempt->finished, 0);
    fleet_test_attempt_cancel(self->test, attempt);
}
END_TEST

/* Restarts a fleetd that clears places at once. */
static void restart_and_sweep(FleetCommandTest *self)
{
    self->settings->sweep_after = 0;
    fleet_command_test_restart(self);
}

START_TEST(what_nobody_asks_for_is_cleared)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_run(self, "echo x; exit 3");
    g_autofree char *place = g_build_filename(self->directory, "1-1", NULL);
    g_autofree char *broken = g_build_filename(self->directory, "2-1", NULL);

    ck_assert_int_eq(g_mkdir_with_parents(broken, 0700), 0);
    restart_and_sweep(self);
    fleet_test_wait_file(place, FALSE);
    fleet_test_wait_file(broken, FALSE);
    ck_assert_uint_eq(attempt->finished, 1);
}
END_TEST

START_TEST(what_nobody_asks_for_may_go_on_to_its_end)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1,
            "echo PHASE up; until [ -e $FILES/go ]; do sleep 0.05; done; yes | head -c 1000000; touch $FILES/done");
    g_autofree char *place = g_build_filename(self->directory, "1-1", NULL);
    g_autofree char *go = fleet_command_test_path(self, "go");
    g_autofree char *done = fleet_command_test_path(self, "done");

    fleet_test_attempt_wait_report(attempt, "phase up");
    restart_and_sweep(self);
    fleet_test_write(go, "");
    fleet_test_wait_file(done, TRUE);
    fleet_test_wait_file(place, FALSE);
    ck_assert_uint_eq(attempt->finished, 0);
}
END_TEST

START_TEST(what_is_asked_for_is_not_cleared)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1, "echo PHASE up; sleep 1000");
    g_autofree char *broken = g_build_filename(self->directory, "2-1", NULL);

    fleet_test_attempt_wait_report(attempt, "phase up");
    ck_assert_int_eq(g_mkdir_with_parents(broken, 0700), 0);
    restart_and_sweep(self);
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_wait_file(broken, FALSE);
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("restart");
    TCase *tcase = fleet_test_case(suite, "restart");

    tcase_add_test(tcase, one_that_runs_is_found);
    tcase_add_test(tcase, the_end_of_one_that_has_ended_is_known);
    tcase_add_test(tcase, the_same_end_twice);
    tcase_add_test(tcase, what_it_printed_before_is_remembered);
    tcase_add_test(tcase, what_it_printed_meanwhile_is_not_lost);
    tcase_add_test(tcase, one_is_stopped_after_a_restart);
    tcase_add_test(tcase, a_stop_goes_on_through_a_restart);
    tcase_add_test(tcase, one_without_a_trace_is_unknown);
    tcase_add_test(tcase, anothers_place_is_not_ours);
    tcase_add_test(tcase, a_keeper_that_is_killed_takes_the_result_with_it);
    tcase_add_test(tcase, a_keeper_that_was_killed_meanwhile_leaves_it_unknown);
    tcase_add_test(tcase, what_nobody_asks_for_is_cleared);
    tcase_add_test(tcase, what_nobody_asks_for_may_go_on_to_its_end);
    tcase_add_test(tcase, what_is_asked_for_is_not_cleared);
    return fleet_test_main(suite);
}
