/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Programs on another machine, by the driver "remote-bus".
 */

#include "base/clock.h"
#include "lib/loop.h"
#include "remote_test.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define WAITS "systemd-notify --status='PHASE up'; until test -e /run/go; do sleep 0.05; done; "

static void let_go_on(FleetRemoteTest *self)
{
    g_free(fleet_test_machine_run(self->machine, "touch /run/go"));
}

/* One whose program has said that it is up. */
static FleetTestAttempt *start_waiting(FleetRemoteTest *self, const char *then)
{
    g_autofree char *script = g_strconcat(WAITS, then, NULL);

    fleet_remote_test_set_script(self, script);
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait_report(attempt, "phase up");
    return attempt;
}

START_TEST(one_that_succeeds)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempt = fleet_remote_test_run_script(self, "true");

    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    ck_assert_str_eq(attempt->reports->str, "phase connecting\nphase starting\nfinished success\n");
    ck_assert_str_eq(attempt->message, "done");
    ck_assert_uint_eq(self->test->seen, 1);
    fleet_test_attempt_release(self->test, attempt);
    fleet_remote_test_assert_nothing_is_left(self);
}
END_TEST

START_TEST(ends)
{
    static const struct {
        const char *script;
        FleetOutcome outcome;
        const char *message;
    } cases[] = {
            {"exit 3", FLEET_OUTCOME_PERMANENT, "exited with status 3"},
            {"exit 75", FLEET_OUTCOME_TRANSIENT, "exited with status 75"},
            {"kill -9 $$", FLEET_OUTCOME_PERMANENT, "killed by SIGKILL"},
            {"systemd-notify --status='almost there'; exit 4", FLEET_OUTCOME_PERMANENT,
                    "exited with status 4: almost there"},
            {"systemd-notify --status='STATUS all is well'", FLEET_OUTCOME_SUCCESS, "all is well"},
    };
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        FleetTestAttempt *attempt = fleet_remote_test_run_script(self, cases[i].script);

        ck_assert_int_eq(attempt->outcome, cases[i].outcome);
        ck_assert_str_eq(attempt->message, cases[i].message);
        fleet_test_attempt_release(self->test, attempt);
    }
    fleet_remote_test_assert_nothing_is_left(self);
}
END_TEST

START_TEST(one_that_is_not_there)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    FleetProgram *program = fleet_remote_test_set_script(self, "true");
    g_free(program->argv[0]);
    program->argv[0] = g_strdup("/nowhere/update");
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    ck_assert_str_eq(attempt->message, "could not be started");
    fleet_test_attempt_release(self->test, attempt);
    fleet_remote_test_assert_nothing_is_left(self);
}
END_TEST

START_TEST(what_it_says)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempt = start_waiting(self,
            "systemd-notify --status='PROGRESS 0.5'; until test -e /run/more; do sleep 0.05; done; "
            "systemd-notify --status='PHASE connecting'; systemd-notify --status='POINT-OF-NO-RETURN'; "
            "until test -e /run/end; do sleep 0.05; done; systemd-notify --status=bye");

    let_go_on(self);
    fleet_test_attempt_wait_report(attempt, "progress 0.50");
    g_free(fleet_test_machine_run(self->machine, "touch /run/more"));
    fleet_test_attempt_wait_report(attempt, "point-of-no-return");
    g_free(fleet_test_machine_run(self->machine, "touch /run/end"));
    fleet_test_attempt_wait(attempt);
    ck_assert_str_eq(attempt->message, "bye");
    /* Only our own, at the beginning. */
    ck_assert_ptr_null(strstr(attempt->reports->str + 1, "phase connecting"));
}
END_TEST

START_TEST(what_it_is_told)
{
    static const char awkward[] = "a'b\"c\\d$e`f\ng h";
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set_script(self, "env >/run/env; printf %s \"$FLEET_PARAM_SECRET\" >/run/secret; until test -e "
                                       "/run/go; do sleep 0.05; done");
    FleetTestAttempt *attempt = fleet_test_attempt_new(
            self->test, 7, 1, "SOFTWARE_UPDATE", (const char *const[]){"secret", awkward, "other", "s3cret", NULL});
    fleet_test_attempt_start(self->test, attempt);
    fleet_remote_test_wait_file(self, "/run/secret");

    g_autofree char *secret = fleet_test_machine_run(self->machine, "cat /run/secret");
    g_autofree char *environment = fleet_test_machine_run(self->machine, "cat /run/env");
    g_autofree char *files = fleet_test_machine_run(self->machine, "stat -c '%U %a' /run/fleet-action-7-1-*");
    g_autofree char *shown = fleet_test_machine_run(self->machine,
            "systemctl show --all 'fleet-action-*'; cat /proc/[0-9]*/cmdline | tr '\\0' ' '; journalctl --no-pager");
    ck_assert_str_eq(secret, awkward);
    fleet_test_assert_contains(environment, "FLEET_DEVICE_ID=router-1\n");
    fleet_test_assert_contains(environment, "FLEET_ACTION_ID=action_1700000000000_7\n");
    fleet_test_assert_contains(environment, "FLEET_ATTEMPT=1\n");
    fleet_test_assert_contains(environment, "FLEET_PARAM_OTHER=s3cret\n");
    ck_assert_str_eq(files, "root 600");
    fleet_test_assert_contains(shown, "FLEET_DEVICE_ID=router-1");
    ck_assert_ptr_null(strstr(shown, "s3cret"));

    let_go_on(self);
    fleet_test_attempt_wait(attempt);
    fleet_test_attempt_release(self->test, attempt);
    fleet_remote_test_assert_nothing_is_left(self);
}
END_TEST

START_TEST(properties_hold)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    FleetProgram *program =
            fleet_remote_test_set_script(self, "systemd-notify --status=\"$(id -un) $(nice) $FLEET_PARAM_X\"");
    ck_assert(fleet_program_set(program, "User", "daemon", NULL));
    ck_assert(fleet_program_set(program, "Nice", "5", NULL));
    FleetTestAttempt *attempt =
            fleet_test_attempt_new(self->test, 1, 1, "SOFTWARE_UPDATE", (const char *const[]){"x", "y", NULL});
    fleet_test_attempt_start(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_str_eq(attempt->message, "daemon 5 y");
    fleet_test_attempt_release(self->test, attempt);
    fleet_remote_test_assert_nothing_is_left(self);
}
END_TEST

/* systemd takes nothing of it; what it was to be told is taken away again. */
START_TEST(one_that_systemd_refuses)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    FleetProgram *program = fleet_remote_test_set_script(self, "true");
    ck_assert(fleet_program_set(program, "User", "no/user", NULL));
    FleetTestAttempt *attempt =
            fleet_test_attempt_new(self->test, 1, 1, "SOFTWARE_UPDATE", (const char *const[]){"x", "y", NULL});
    fleet_test_attempt_start(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    ck_assert(g_str_has_prefix(attempt->message, "systemd of '127.0.0.1' did not start the program: "));
    fleet_remote_test_assert_nothing_is_left(self);
}
END_TEST

START_TEST(one_that_is_stopped)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempt = start_waiting(self, "true");

    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
    ck_assert_str_eq(attempt->message, "stopped");
    fleet_test_attempt_release(self->test, attempt);
    fleet_remote_test_assert_nothing_is_left(self);
}
END_TEST

START_TEST(one_that_has_to_be_killed)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    FleetProgram *program = fleet_remote_test_set_script(
            self, "trap '' TERM; systemd-notify --status='PHASE up'; while :; do sleep 1; done");
    ck_assert(fleet_program_set(program, "KillTimeout", "200ms", NULL));
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
    fleet_test_assert_contains(attempt->message, "SIGKILL");
}
END_TEST

START_TEST(one_that_succeeds_in_spite_of_a_stop)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set_script(
            self, "trap 'exit 0' TERM; systemd-notify --status='PHASE up'; while :; do sleep 0.05; done");
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
}
END_TEST

START_TEST(one_that_somebody_else_stops)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempt = start_waiting(self, "true");

    g_free(fleet_test_machine_run(self->machine, "systemctl stop 'fleet-action-*'"));
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    ck_assert_str_eq(attempt->message, "killed by SIGTERM");
}
END_TEST

/* It goes on, and is found again. */
static void check_goes_on(FleetRemoteTest *self, FleetTestAttempt *attempt)
{
    let_go_on(self);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    g_autofree char *runs = fleet_test_machine_run(self->machine, "cat /run/runs");
    ck_assert_str_eq(runs, "x");
    fleet_test_attempt_release(self->test, attempt);
    fleet_remote_test_assert_nothing_is_left(self);
}

START_TEST(a_connection_that_is_cut)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempt = start_waiting(self, "echo x >>/run/runs");

    fleet_remote_test_kill_ssh(SIGKILL);
    fleet_test_attempt_wait_report(attempt,
            "message the connection to '127.0.0.1' was lost: ssh was killed by signal 9; trying to reach it again");
    check_goes_on(self, attempt);
    ck_assert_uint_eq(self->test->seen, 2);
}
END_TEST

START_TEST(a_connection_that_is_cut_while_it_ends)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set(self, "RemoteBus", "ReconnectDelay", "1s");
    fleet_remote_test_set(self, "RemoteBus", "ReconnectCap", "1s");
    FleetTestAttempt *attempt = start_waiting(self, "echo x >>/run/runs; exit 75");
    fleet_remote_test_kill_ssh(SIGKILL);
    fleet_remote_test_wait_ssh(0);
    let_go_on(self);
    fleet_test_machine_wait(self->machine, "systemctl list-units --plain | grep 'fleet-action-.*exited'");
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_TRANSIENT);
}
END_TEST

/* The connection is there, and nothing comes of it. */
static void check_hangs(FleetRemoteTest *self, const char *keep_alive)
{
    g_autofree char *report =
            g_strdup_printf("message '127.0.0.1' did not answer within %s; trying to reach it again", keep_alive);

    fleet_remote_test_set(self, "RemoteBus", "KeepAlive", keep_alive);
    FleetTestAttempt *attempt = start_waiting(self, "echo x >>/run/runs");
    fleet_remote_test_kill_ssh(SIGSTOP);
    fleet_test_attempt_wait_report(attempt, report);
    check_goes_on(self, attempt);
}

START_TEST(a_connection_that_hangs)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    check_hangs(self, "200ms");
}
END_TEST

START_TEST(a_connection_that_hangs_for_longer_than_a_call_may_take)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set(self, "RemoteBus", "ConnectTimeout", "4s");
    check_hangs(self, "5s");
}
END_TEST

static gboolean looks_again_soon(gpointer data)
{
    const FleetTestAttempt *attempt = data;

    return attempt->wake_at != 0 && attempt->wake_at < fleet_clock_boottime() + 60 * FLEET_USEC_PER_SEC;
}

/* systemd answers nobody as long as one of its generators runs, and has told of the program's end before. */
START_TEST(a_systemd_that_is_busy)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set(self, "RemoteBus", "ConnectTimeout", "4s");
    fleet_remote_test_set(self, "RemoteBus", "ReconnectDelay", "2s");
    FleetTestAttempt *attempt = start_waiting(self, "echo x >>/run/runs");
    fleet_remote_test_kill_ssh(SIGKILL);
    fleet_remote_test_wait_ssh(0);
    g_free(fleet_test_machine_run(self->machine,
            "touch /run/go; until systemctl list-units --plain | grep 'fleet-action-.*exited'; do sleep 0.05; done; "
            "mkdir -p /run/systemd/system-generators; cd /run/systemd/system-generators; "
            "printf '#!/bin/sh\\ntouch /run/busy\\nuntil test -e /run/free; do sleep 0.05; done\\n' >busy; "
            "chmod +x busy; systemctl daemon-reload --no-block >/dev/null 2>&1 &"));
    fleet_test_machine_wait(self->machine, "test -e /run/busy");
    fleet_remote_test_wait_seen(self, 2);
    if (!fleet_test_run_until(looks_again_soon, attempt))
        fleet_test_fail("what was not answered is not asked again");
    g_free(fleet_test_machine_run(self->machine, "touch /run/free"));
    check_goes_on(self, attempt);
}
END_TEST

START_TEST(a_stop_while_it_is_out_of_reach)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set(self, "RemoteBus", "ReconnectDelay", "1s");
    fleet_remote_test_set(self, "RemoteBus", "ReconnectCap", "1s");
    FleetTestAttempt *attempt = start_waiting(self, "true");
    fleet_remote_test_kill_ssh(SIGKILL);
    fleet_remote_test_wait_ssh(0);
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
}
END_TEST

START_TEST(a_restart_of_fleetd)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempt = start_waiting(self, "echo x >>/run/runs");

    fleet_remote_test_restart(self);
    fleet_remote_test_wait_ssh(0);
    fleet_test_attempt_reattach(self->test, attempt);
    check_goes_on(self, attempt);
}
END_TEST

START_TEST(a_restart_of_fleetd_while_it_ends)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempt = start_waiting(self, "echo x >>/run/runs; exit 3");

    fleet_remote_test_restart(self);
    let_go_on(self);
    fleet_test_machine_wait(self->machine, "systemctl list-units --plain | grep 'fleet-action-.*exited'");
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    ck_assert_str_eq(attempt->message, "exited with status 3");
}
END_TEST

START_TEST(a_stop_that_a_restart_of_fleetd_interrupts)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set_script(self, "trap 'echo yes >/run/told' TERM; systemd-notify --status='PHASE up'; "
                                       "until test -e /run/go; do sleep 0.05; done; exit 7");
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_remote_test_wait_file(self, "/run/told");
    fleet_remote_test_restart(self);
    let_go_on(self);
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
}
END_TEST

/* As long as it is not on disk that the machine is asked, it is not. */
START_TEST(a_restart_of_fleetd_before_it_is_asked)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set_script(self, "echo x >>/run/runs");
    self->test->disk_full = TRUE;
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait_report(attempt, "phase starting");
    g_autofree char *units = fleet_test_machine_run(self->machine, "systemctl list-units --all 'fleet-action-*'");
    fleet_test_assert_contains(units, "0 loaded units");
    fleet_remote_test_restart(self);
    self->test->disk_full = FALSE;
    fleet_test_attempt_reattach(self->test, attempt);
    check_goes_on(self, attempt);
}
END_TEST

START_TEST(a_disk_that_has_room_again)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set_script(self, "echo x >>/run/runs");
    self->test->disk_full = TRUE;
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait_report(attempt, "phase starting");
    self->test->disk_full = FALSE;
    check_goes_on(self, attempt);
}
END_TEST

START_TEST(a_stop_before_it_is_asked)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set_script(self, "echo x >>/run/runs");
    self->test->disk_full = TRUE;
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait_report(attempt, "phase starting");
    fleet_test_attempt_cancel(self->test, attempt);
    ck_assert_uint_eq(attempt->finished, 1);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
    g_autofree char *units = fleet_test_machine_run(self->machine, "systemctl list-units --all 'fleet-action-*'");
    fleet_test_assert_contains(units, "0 loaded units");
}
END_TEST

/* What was sent may still arrive on the connection that was lost, so it is not sent again. */
START_TEST(one_of_which_nobody_knows_whether_it_was_started)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set_script(self, "echo x >>/run/runs");
    fleet_remote_test_set(self, "RemoteBus", "KeepAlive", "200ms");
    self->test->disk_full = TRUE;
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait_report(attempt, "phase starting");
    fleet_remote_test_kill_ssh(SIGSTOP);
    self->test->disk_full = FALSE;
    fleet_test_attempt_wait_report(attempt, "unknown");
    ck_assert_uint_eq(attempt->finished, 0);
    g_autofree char *units = fleet_test_machine_run(self->machine, "systemctl list-units --all 'fleet-action-*'");
    fleet_test_assert_contains(units, "0 loaded units");

    /* Now it arrives. */
    g_autofree char *start = g_strdup_printf(
            "systemd-run --unit=%s --property=RemainAfterExit=yes --property=Type=exec sh -c 'echo x >>/run/runs'",
            strchr(attempt->action->plan, '=') + 1);
    g_free(fleet_test_machine_run(self->machine, start));
    check_goes_on(self, attempt);
}
END_TEST

START_TEST(a_machine_that_loses_its_power)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempt = start_waiting(self, "true");

    fleet_test_machine_kill(self->machine);
    fleet_test_machine_boot(self->machine);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_UNCERTAIN);
    fleet_test_assert_contains(attempt->message, "has been rebooted");
}
END_TEST

START_TEST(a_machine_that_is_away_for_too_long)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set(self, "RemoteBus", "ReturnTimeout", "500ms");
    FleetTestAttempt *attempt = start_waiting(self, "true");
    fleet_test_machine_kill(self->machine);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_UNCERTAIN);
    ck_assert_str_eq(
            attempt->message, "'127.0.0.1' could not be reached for 500ms, so nobody knows what has become of it");
    ck_assert_int_eq(self->test->presence, FLEET_PRESENCE_UNKNOWN);
}
END_TEST

START_TEST(a_unit_that_is_gone_after_a_restart)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempt = start_waiting(self, "true");

    fleet_remote_test_restart(self);
    fleet_remote_test_wait_ssh(0);
    g_free(fleet_test_machine_run(self->machine, "systemctl stop 'fleet-action-*'"));
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait_report(attempt, "unknown");
    ck_assert_uint_eq(attempt->finished, 0);
}
END_TEST

START_TEST(a_unit_that_somebody_starts_anew)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempt = start_waiting(self, "true");

    g_free(fleet_test_machine_run(self->machine, "systemctl restart --no-block 'fleet-action-*'"));
    fleet_test_attempt_wait(attempt);
    ck_assert_int_ne(attempt->outcome, FLEET_OUTCOME_SUCCESS);
}
END_TEST

START_TEST(one_that_was_closed_by_force)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempt = start_waiting(self, "echo x >>/run/runs");

    fleet_test_attempt_release(self->test, attempt);
    let_go_on(self);
    fleet_remote_test_wait_units(self, 0);
    ck_assert_uint_eq(attempt->finished, 0);
    g_autofree char *runs = fleet_test_machine_run(self->machine, "cat /run/runs");
    ck_assert_str_eq(runs, "x");
}
END_TEST

/* The user is let in, and may start nothing. */
START_TEST(a_user_without_rights)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new_with_setup(FLEET_REMOTE_TEST_OPERATOR);

    fleet_remote_test_set(self, "RemoteBusDevice router-1", "User", "operator");
    FleetTestAttempt *attempt = fleet_remote_test_run_script(self, "true");
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    fleet_test_assert_contains(attempt->message, "the right to manage units");
}
END_TEST

/* With a rule of polkit like the one in fleet-driver-remote-bus(7). What it may write to is its own. */
START_TEST(a_user_with_rights)
{
    FleetTestMachine *machine = fleet_test_machine_new();
    g_autofree char *path = fleet_test_machine_path(machine, "sshd_config");
    g_autofree char *config = fleet_test_read(path);
    g_autofree char *with_pam = g_strdup_printf("UsePAM yes\n%s", config);

    if (access("/usr/lib/polkit-1/polkitd", X_OK) < 0) {
        fleet_test_machine_free(machine);
        return;
    }
    fleet_test_machine_add_file(machine, "sshd_config", with_pam);
    fleet_test_machine_add_file(machine, "setup",
            "rm -f /run/nologin\n" FLEET_REMOTE_TEST_OPERATOR "cat >/etc/polkit-1/rules.d/10-operator.rules <<X\n"
            "polkit.addRule(function(action, subject) {\n"
            "    if (subject.user == 'operator' && action.id == 'org.freedesktop.systemd1.manage-units')\n"
            "        return polkit.Result.YES;\n"
            "});\nX\n");
    fleet_test_machine_boot(machine);
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new_for(machine);
    fleet_remote_test_set(self, "RemoteBus", "User", "operator");
    fleet_remote_test_set_script(self, "systemd-notify --status=\"$(id -un) $FLEET_PARAM_X\"");
    FleetTestAttempt *attempt =
            fleet_test_attempt_new(self->test, 1, 1, "SOFTWARE_UPDATE", (const char *const[]){"x", "y", NULL});
    fleet_test_attempt_start(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_str_eq(attempt->message, "root y");
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    fleet_test_attempt_release(self->test, attempt);
    fleet_remote_test_assert_nothing_is_left(self);
}
END_TEST

int main(void)
{
    g_autofree char *obstacle = fleet_test_machine_obstacle();
    Suite *suite = suite_create("remote-programs");
    TCase *tcase = fleet_test_case(suite, "remote-programs");

    tcase_add_test(tcase, one_that_succeeds);
    tcase_add_test(tcase, ends);
    tcase_add_test(tcase, one_that_is_not_there);
    tcase_add_test(tcase, what_it_says);
    tcase_add_test(tcase, what_it_is_told);
    tcase_add_test(tcase, properties_hold);
    tcase_add_test(tcase, one_that_systemd_refuses);
    tcase_add_test(tcase, one_that_is_stopped);
    tcase_add_test(tcase, one_that_has_to_be_killed);
    tcase_add_test(tcase, one_that_succeeds_in_spite_of_a_stop);
    tcase_add_test(tcase, one_that_somebody_else_stops);
    tcase_add_test(tcase, a_connection_that_is_cut);
    tcase_add_test(tcase, a_connection_that_is_cut_while_it_ends);
    tcase_add_test(tcase, a_connection_that_hangs);
    tcase_add_test(tcase, a_connection_that_hangs_for_longer_than_a_call_may_take);
    tcase_add_test(tcase, a_systemd_that_is_busy);
    tcase_add_test(tcase, a_stop_while_it_is_out_of_reach);
    tcase_add_test(tcase, a_restart_of_fleetd);
    tcase_add_test(tcase, a_restart_of_fleetd_while_it_ends);
    tcase_add_test(tcase, a_stop_that_a_restart_of_fleetd_interrupts);
    tcase_add_test(tcase, a_restart_of_fleetd_before_it_is_asked);
    tcase_add_test(tcase, a_disk_that_has_room_again);
    tcase_add_test(tcase, a_stop_before_it_is_asked);
    tcase_add_test(tcase, one_of_which_nobody_knows_whether_it_was_started);
    tcase_add_test(tcase, a_machine_that_loses_its_power);
    tcase_add_test(tcase, a_machine_that_is_away_for_too_long);
    tcase_add_test(tcase, a_unit_that_is_gone_after_a_restart);
    tcase_add_test(tcase, a_unit_that_somebody_starts_anew);
    tcase_add_test(tcase, one_that_was_closed_by_force);
    tcase_add_test(tcase, a_user_without_rights);
    tcase_add_test(tcase, a_user_with_rights);
    return fleet_test_main_unless(obstacle, suite);
}
