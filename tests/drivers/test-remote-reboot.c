/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reboots of another machine, by the driver "remote-bus". It is a container: its login manager and its systemd shut it
 * down, and its kernel tells so, as elsewhere; but the kernel's boot id and uptime are those of the whole machine, so
 * tests/lib/box gives it a file in place of the one, and a time namespace for the other.
 */

#include "base/clock.h"
#include "remote_test.h"

#include <signal.h>
#include <string.h>

/* Makes a shutdown take so long that something can happen meanwhile, as services that have to be stopped do; before
 * sshd, which is a child of box.service, and the bus. */
#define SLOW_SHUTDOWN                                                                                                  \
    "systemd-run --no-block --quiet --unit=lingers --property=RemainAfterExit=yes --property='After=box.service "      \
    "dbus.service' "                                                                                                   \
    "--property='ExecStop=/bin/sleep 2' true\n"

static FleetTestAttempt *start_and_see_it_go_down(FleetRemoteTest *self)
{
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SYSTEM_REBOOT");

    fleet_test_attempt_wait_report(attempt, "message the machine is going down");
    return attempt;
}

static char *boot_id(FleetRemoteTest *self)
{
    return fleet_test_machine_run(self->machine, "cat /proc/sys/kernel/random/boot_id");
}

static void assert_rebooted_once(FleetRemoteTest *self, FleetTestAttempt *attempt, const char *before)
{
    g_autofree char *after = boot_id(self);
    g_autofree char *message = g_strdup_printf("'127.0.0.1' is back, in the boot %s", after);

    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    ck_assert_str_eq(attempt->message, message);
    ck_assert_str_ne(after, before);
    ck_assert_uint_eq(fleet_test_machine_boots(self->machine), 2);
}

START_TEST(it_is_back_in_another_boot)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    g_autofree char *before = boot_id(self);
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SYSTEM_REBOOT");

    fleet_test_attempt_wait(attempt);
    assert_rebooted_once(self, attempt, before);
    ck_assert(g_str_has_prefix(attempt->reports->str,
            "phase connecting\npoint-of-no-return\nphase rebooting\nmessage the machine is going down\n"));
    ck_assert(g_str_has_suffix(attempt->reports->str, "finished success\n"));
    fleet_test_attempt_release(self->test, attempt);
}
END_TEST

START_TEST(a_connection_that_is_cut_is_no_reboot)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new_with_setup(SLOW_SHUTDOWN);
    g_autofree char *before = boot_id(self);
    FleetTestAttempt *attempt = start_and_see_it_go_down(self);

    fleet_remote_test_kill_ssh(SIGKILL);
    fleet_test_attempt_wait_report(attempt, "message the machine has not gone down yet");
    ck_assert_uint_eq(attempt->finished, 0);
    fleet_test_attempt_wait(attempt);
    assert_rebooted_once(self, attempt, before);
}
END_TEST

START_TEST(a_restart_of_fleetd_while_it_goes_down)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new_with_setup(SLOW_SHUTDOWN);
    g_autofree char *before = boot_id(self);
    FleetTestAttempt *attempt = start_and_see_it_go_down(self);

    fleet_remote_test_restart(self);
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait_report(attempt, "unknown"); /* it still runs, and may not have been asked */
    fleet_test_attempt_wait(attempt);
    assert_rebooted_once(self, attempt, before);
}
END_TEST

START_TEST(a_restart_of_fleetd_while_it_is_away)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new_with_setup(SLOW_SHUTDOWN);
    g_autofree char *before = boot_id(self);
    FleetTestAttempt *attempt = start_and_see_it_go_down(self);

    fleet_remote_test_restart(self);
    fleet_test_machine_wait_boots(self->machine, 2);
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    assert_rebooted_once(self, attempt, before);
    ck_assert_ptr_null(strstr(attempt->reports->str, "unknown"));
}
END_TEST

START_TEST(a_restart_of_fleetd_before_it_is_asked)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    g_autofree char *before = boot_id(self);

    self->test->disk_full = TRUE;
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SYSTEM_REBOOT");
    fleet_test_attempt_wait_report(attempt, "point-of-no-return");
    fleet_remote_test_restart(self);
    ck_assert_uint_eq(fleet_test_machine_boots(self->machine), 1);
    self->test->disk_full = FALSE;
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    assert_rebooted_once(self, attempt, before);
}
END_TEST

/* It is on disk that it may have been asked; whether it was, nobody knows, and so it is not asked again. */
START_TEST(a_restart_of_fleetd_at_the_worst_moment)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    g_autofree char *before = boot_id(self);

    fleet_remote_test_set(self, "RemoteBus", "ReturnTimeout", "1s");
    FleetTestAttempt *attempt = fleet_test_attempt_new(self->test, 1, 1, "SYSTEM_REBOOT", NULL);
    ck_assert(fleet_test_attempt_plan(self->test, attempt, NULL));
    attempt->action->past_return = TRUE;
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait_report(attempt, "unknown");
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_UNCERTAIN);
    g_autofree char *after = boot_id(self);
    ck_assert_str_eq(after, before);
}
END_TEST

/* The time since the start cannot be told from the wall clock, and so a boot since then cannot either. */
START_TEST(a_restart_of_fleetds_machine)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempt = fleet_test_attempt_new(self->test, 1, 1, "SYSTEM_REBOOT", NULL);

    ck_assert(fleet_test_attempt_plan(self->test, attempt, NULL));
    attempt->action->past_return = TRUE;
    attempt->action->attempt_started.boot ^= 1;
    attempt->attempt.started -= 3600 * FLEET_USEC_PER_SEC;
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait_report(attempt, "unknown");
    ck_assert_uint_eq(attempt->finished, 0);
}
END_TEST

START_TEST(one_that_does_not_come_back)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new_with_setup(SLOW_SHUTDOWN);

    fleet_remote_test_set(self, "RemoteBus", "ReturnTimeout", "500ms");
    FleetTestAttempt *attempt = start_and_see_it_go_down(self);
    fleet_test_machine_kill(self->machine);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_UNCERTAIN);
    ck_assert_str_eq(attempt->message, "'127.0.0.1' was asked to reboot and is not back after 500ms");
}
END_TEST

START_TEST(one_that_does_not_go_down)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new_with_setup(
            "systemd-run --quiet --unit=holds systemd-inhibit --what=shutdown --mode=delay sleep 1000\n"
            "mkdir -p /run/systemd/logind.conf.d\n"
            "printf '[Login]\\nInhibitDelayMaxSec=1000\\n' >/run/systemd/logind.conf.d/delay.conf\n"
            "until systemd-inhibit --list | grep -q sleep; do sleep 0.05; done\n");

    fleet_remote_test_set(self, "RemoteBus", "ReturnTimeout", "1s");
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SYSTEM_REBOOT");
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    ck_assert_str_eq(attempt->message, "'127.0.0.1' was asked to reboot and has not done so within 1s");
}
END_TEST

START_TEST(one_that_has_no_login_manager)
{
    g_autoptr(FleetRemoteTest) self =
            fleet_remote_test_new_with_setup("systemctl mask --runtime --quiet systemd-logind\n");
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SYSTEM_REBOOT");

    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    fleet_test_assert_contains(attempt->message, "does not reboot it: Unit ");
}
END_TEST

START_TEST(a_user_without_rights)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new_with_setup(FLEET_REMOTE_TEST_OPERATOR);

    fleet_remote_test_set(self, "RemoteBus", "User", "operator");
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SYSTEM_REBOOT");
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    fleet_test_assert_contains(attempt->message, "does not reboot it");
    ck_assert_uint_eq(fleet_test_machine_boots(self->machine), 1);
}
END_TEST

START_TEST(a_stop_before_it_is_asked)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    self->test->disk_full = TRUE;
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SYSTEM_REBOOT");
    fleet_test_attempt_wait_report(attempt, "point-of-no-return");
    fleet_test_attempt_cancel(self->test, attempt);
    ck_assert_uint_eq(attempt->finished, 1);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
    ck_assert_uint_eq(fleet_test_machine_boots(self->machine), 1);
}
END_TEST

int main(void)
{
    g_autofree char *obstacle = fleet_test_machine_obstacle();
    Suite *suite = suite_create("remote-reboot");
    TCase *tcase = fleet_test_case(suite, "remote-reboot");

    tcase_add_test(tcase, it_is_back_in_another_boot);
    tcase_add_test(tcase, a_connection_that_is_cut_is_no_reboot);
    tcase_add_test(tcase, a_restart_of_fleetd_while_it_goes_down);
    tcase_add_test(tcase, a_restart_of_fleetd_while_it_is_away);
    tcase_add_test(tcase, a_restart_of_fleetd_before_it_is_asked);
    tcase_add_test(tcase, a_restart_of_fleetd_at_the_worst_moment);
    tcase_add_test(tcase, a_restart_of_fleetds_machine);
    tcase_add_test(tcase, one_that_does_not_come_back);
    tcase_add_test(tcase, one_that_does_not_go_down);
    tcase_add_test(tcase, one_that_has_no_login_manager);
    tcase_add_test(tcase, a_user_without_rights);
    tcase_add_test(tcase, a_stop_before_it_is_asked);
    return fleet_test_main_unless(obstacle, suite);
}
