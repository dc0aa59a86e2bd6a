/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is peculiar to units. Where systemd does not run the machine, or we are not root there, this is skipped.
 */

#include "base/clock.h"
#include "command_test.h"
#include "lib/run.h"

#include <string.h>
#include <unistd.h>

#define UNIT "fleet-action-1-1.service"

static char *show(const char *property)
{
    g_autofree char *out = fleet_test_run_ok("systemctl", "show", "--value", "-p", property, UNIT);

    return g_strdup(g_strchomp(out));
}

static FleetProgram *program_of(FleetCommandTest *self, const char *script)
{
    FleetProgram *program;

    fleet_command_settings_unref(self->settings);
    self->settings = fleet_command_settings_new();
    self->settings->directory = g_strdup(self->directory);
    program = fleet_programs_add(self->settings->programs, "Command router X", NULL);
    program->argv = g_strdupv((char *[]){(char *)"/bin/sh", (char *)"-c", (char *)script, NULL});
    return program;
}

static void set(FleetProgram *program, const char *key, const char *value)
{
    g_autoptr(GError) error = NULL;

    if (!fleet_program_set(program, key, value, &error))
        fleet_test_fail("%s", error->message);
}

static FleetTestAttempt *start(FleetCommandTest *self)
{
    FleetTestAttempt *attempt =
            fleet_test_attempt_new(self->test, 1, 1, "X", (const char *const[]){"secret", "s3cret", NULL});

    fleet_command_driver_configure(self->test->driver, self->settings);
    fleet_test_attempt_start(self->test, attempt);
    return attempt;
}

START_TEST(it_is_a_unit)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1, "echo PHASE up; sleep 1000");

    fleet_test_attempt_wait_report(attempt, "phase up");
    g_autofree char *slice = show("Slice");
    g_autofree char *description = show("Description");
    ck_assert_str_eq(slice, "fleet-actions.slice");
    ck_assert_str_eq(description, "X of device 'router-1', attempt 1 of action_1700000000000_1");
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    fleet_test_attempt_release(self->test, attempt);
}
END_TEST

/* The driver lets go of a unit and does not wait for systemd to hear of it, which systemctl may be faster to ask. */
static void assert_no_unit_is_left(void)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);
    g_autofree char *units = NULL;

    do {
        g_free(units);
        units = fleet_test_run_ok("systemctl", "list-units", "--all", "--plain", "--no-legend", "fleet-action-*");
    } while (*units != '\0' && fleet_test_remaining(deadline) > 0);
    ck_assert_str_eq(units, "");
}

START_TEST(nothing_of_it_is_left)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();

    fleet_command_test_run(self, "exit 3");
    assert_no_unit_is_left();
}
END_TEST

START_TEST(parameters_do_not_show_on_the_bus)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();

    program_of(self, "echo PHASE up; sleep 1000");
    FleetTestAttempt *attempt = start(self);
    fleet_test_attempt_wait_report(attempt, "phase up");
    g_autofree char *all = fleet_test_run_ok("systemctl", "show", "--all", UNIT);
    fleet_test_assert_contains(all, "FLEET_TOKEN=");
    ck_assert_ptr_null(strstr(all, "s3cret"));
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
}
END_TEST

START_TEST(properties_hold)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetProgram *program = program_of(self,
            "id -un; pwd; umask; nice; ulimit -Sn; echo \"$FLEET_PARAM_SECRET\"; echo PHASE ok; echo x >/dev/stderr");

    set(program, "User", "nobody");
    set(program, "WorkingDirectory", "/usr");
    set(program, "UMask", "0027");
    set(program, "Nice", "7");
    set(program, "LimitNOFILE", "512");
    set(program, "MemoryMax", "64M");
    set(program, "NoNewPrivileges", "yes");
    set(program, "ReadOnlyPaths", "/usr /etc");
    FleetTestAttempt *attempt = start(self);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    ck_assert_str_eq(attempt->output, "nobody\n/usr\n0027\n7\n512\ns3cret\nx\n");
}
END_TEST

START_TEST(one_that_runs_too_long)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetProgram *program = program_of(self, "sleep 1000");

    set(program, "RuntimeMaxSec", "1s");
    FleetTestAttempt *attempt = start(self);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    ck_assert_str_eq(attempt->message, "killed by SIGTERM: it ran longer than RuntimeMaxSec allows");
    assert_no_unit_is_left();
}
END_TEST

START_TEST(a_user_that_does_not_exist)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetProgram *program = program_of(self, "true");

    set(program, "User", "no-such-user");
    FleetTestAttempt *attempt = start(self);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    fleet_test_assert_contains(attempt->message, "217");
}
END_TEST

START_TEST(one_that_has_to_be_killed_leaves_nothing)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();

    self->kill_timeout = 300 * FLEET_USEC_PER_MSEC;
    FleetTestAttempt *attempt =
            fleet_command_test_start(self, 1, "trap '' TERM; echo PHASE up; while :; do sleep 1000; done");
    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
    assert_no_unit_is_left();
}
END_TEST

START_TEST(one_that_somebody_else_stops)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1, "echo PHASE up; sleep 1000");

    fleet_test_attempt_wait_report(attempt, "phase up");
    g_free(fleet_test_run_ok("systemctl", "stop", UNIT));
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    ck_assert_str_eq(attempt->message, "killed by SIGTERM");
}
END_TEST

START_TEST(one_that_was_stopped_meanwhile_is_unknown)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1, "echo PHASE up; sleep 1000");

    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_command_test_restart(self);
    g_free(fleet_test_run_ok("systemctl", "stop", UNIT));
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait_report(attempt, "unknown");
    ck_assert_uint_eq(attempt->finished, 0);
}
END_TEST

START_TEST(one_that_somebody_started_anew_is_not_ours)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1, "echo PHASE up; sleep 1000");

    fleet_test_attempt_wait_report(attempt, "phase up");
    g_autofree char *invocation = g_build_filename(self->directory, "1-1", "invocation", NULL);
    fleet_test_wait_file(invocation, TRUE);
    fleet_command_test_restart(self);
    fleet_test_write(invocation, "0123456789abcdef0123456789abcdef");
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait_report(attempt, "unknown");
    g_free(fleet_test_run_ok("systemctl", "stop", UNIT));
}
END_TEST

START_TEST(a_daemon_reload_does_no_harm)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(
            self, 1, "echo PHASE up; until [ -e $FILES/go ]; do sleep 0.05; done; echo PROGRESS 0.9; exit 75");
    g_autofree char *go = fleet_command_test_path(self, "go");

    fleet_test_attempt_wait_report(attempt, "phase up");
    g_free(fleet_test_run_ok("systemctl", "daemon-reload"));
    fleet_test_write(go, "");
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_TRANSIENT);
    fleet_test_assert_contains(attempt->reports->str, "progress 0.90\n");
}
END_TEST

START_TEST(a_bus_that_cannot_be_reached_makes_children_of_them)
{
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere", TRUE);
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_run(self, "echo ${INVOCATION_ID:-none}; exit 75");

    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_TRANSIENT);
}
END_TEST

int main(void)
{
    gboolean can = fleet_command_test_has_units() && geteuid() == 0;
    Suite *suite = suite_create("units");
    TCase *tcase = fleet_test_case(suite, "units");

    tcase_add_test(tcase, it_is_a_unit);
    tcase_add_test(tcase, nothing_of_it_is_left);
    tcase_add_test(tcase, parameters_do_not_show_on_the_bus);
    tcase_add_test(tcase, properties_hold);
    tcase_add_test(tcase, one_that_runs_too_long);
    tcase_add_test(tcase, a_user_that_does_not_exist);
    tcase_add_test(tcase, one_that_has_to_be_killed_leaves_nothing);
    tcase_add_test(tcase, one_that_somebody_else_stops);
    tcase_add_test(tcase, one_that_was_stopped_meanwhile_is_unknown);
    tcase_add_test(tcase, one_that_somebody_started_anew_is_not_ours);
    tcase_add_test(tcase, a_daemon_reload_does_no_harm);
    tcase_add_test(tcase, a_bus_that_cannot_be_reached_makes_children_of_them);
    return fleet_test_main_unless(can ? NULL : "systemd does not run this machine, or this is not root there", suite);
}
