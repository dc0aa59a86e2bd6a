/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The driver "remote-bus" on this machine, without ssh. Where systemd does not run it, or we are not root there, this
 * is skipped. It is not rebooted: tests/system/test-remote-bus does that.
 */

#include "drivers/remote_bus/remote_bus.h"
#include "drivers_test.h"
#include "lib/main.h"
#include "lib/run.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    FleetTestDriver *test;
    char *directory;
    FleetRemoteSettings *settings;
} Local;

static void local_free(Local *self)
{
    fleet_test_driver_free(self->test);
    fleet_remote_settings_unref(self->settings);
    g_free(self->directory);
    g_free(self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Local, local_free)

static Local *local_new(const char *script)
{
    Local *self = g_new0(Local, 1);
    g_autoptr(GError) error = NULL;

    self->test = fleet_test_driver_new(&fleet_remote_bus_driver_class);
    self->test->lives = TRUE;
    self->test->address = "local";
    self->directory = fleet_test_directory_new();
    self->settings = fleet_remote_settings_new();
    self->settings->directory = g_build_filename(self->directory, "remote-bus", NULL);
    FleetProgram *program = fleet_remote_settings_add_program(self->settings, "RemoteBus SOFTWARE_UPDATE", &error);
    fleet_test_assert_no_error(error);
    program->argv = g_strdupv((char *[]){(char *)"/bin/sh", (char *)"-c", (char *)script, NULL});
    fleet_remote_bus_driver_configure(self->test->driver, self->settings);
    return self;
}

static FleetTestAttempt *start(Local *self)
{
    FleetTestAttempt *attempt = fleet_test_attempt_new(self->test, 1, 1, "SOFTWARE_UPDATE",
            (const char *const[]){"files", self->directory, "secret", "s3cret", NULL});

    fleet_test_attempt_start(self->test, attempt);
    return attempt;
}

/* What was left is stopped without anybody waiting for it. */
static void assert_nothing_is_left(const Local *self)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);
    g_autofree char *left = NULL;
    g_autofree char *command = g_strdup_printf(
            "systemctl list-units --all --plain --no-legend 'fleet-action-*'; ls '%s/remote-bus'", self->directory);

    do {
        while (g_main_context_iteration(NULL, FALSE))
            ;
        g_free(left);
        left = fleet_test_run_ok("sh", "-c", command);
    } while (*left != '\0' && fleet_test_remaining(deadline) > 0);
    ck_assert_str_eq(left, "");
}

START_TEST(a_program)
{
    g_autoptr(Local) self =
            local_new("echo \"$FLEET_PARAM_SECRET\" >$FLEET_PARAM_FILES/out; "
                      "systemctl show --all \"fleet-action-*\" >$FLEET_PARAM_FILES/shown; "
                      "stat -c '%U %a' $FLEET_PARAM_FILES/remote-bus/fleet-action-* >$FLEET_PARAM_FILES/mode; "
                      "systemd-notify --status='STATUS bye'");
    FleetTestAttempt *attempt = start(self);
    g_autofree char *out = g_build_filename(self->directory, "out", NULL);
    g_autofree char *shown = g_build_filename(self->directory, "shown", NULL);
    g_autofree char *mode = g_build_filename(self->directory, "mode", NULL);

    fleet_test_attempt_wait(attempt);
    ck_assert_str_eq(attempt->reports->str, "phase connecting\nphase starting\nmessage bye\nfinished success\n");
    ck_assert_str_eq(attempt->message, "bye");
    ck_assert_uint_eq(self->test->seen, 1);
    g_autofree char *secret = fleet_test_read(out);
    g_autofree char *properties = fleet_test_read(shown);
    g_autofree char *access = fleet_test_read(mode);
    ck_assert_str_eq(secret, "s3cret\n");
    ck_assert_str_eq(access, "root 600\n");
    fleet_test_assert_contains(properties, "FLEET_DEVICE_ID=router-1");
    ck_assert_ptr_null(strstr(properties, "s3cret"));
    fleet_test_attempt_release(self->test, attempt);
    assert_nothing_is_left(self);
}
END_TEST

START_TEST(one_that_fails)
{
    g_autoptr(Local) self = local_new("exit 5");
    FleetTestAttempt *attempt = start(self);

    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    ck_assert_str_eq(attempt->message, "exited with status 5");
    fleet_test_attempt_release(self->test, attempt);
    assert_nothing_is_left(self);
}
END_TEST

START_TEST(one_that_systemd_refuses)
{
    g_autoptr(Local) self = local_new("true");
    FleetProgram *program = g_ptr_array_index(self->settings->programs->list, 0);

    ck_assert(fleet_program_set(program, "User", "no/user", NULL));
    FleetTestAttempt *attempt = start(self);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    ck_assert(g_str_has_prefix(attempt->message, "systemd of 'local' did not start the program: "));
    assert_nothing_is_left(self);
}
END_TEST

START_TEST(a_directory_that_cannot_be_made)
{
    g_autoptr(Local) self = local_new("true");

    g_free(self->settings->directory);
    self->settings->directory = g_strdup("/proc/nowhere");
    FleetTestAttempt *attempt = start(self);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_TRANSIENT);
    ck_assert(g_str_has_prefix(attempt->message, "'/proc/nowhere/fleet-action-1-1-"));
}
END_TEST

START_TEST(one_that_is_stopped)
{
    g_autoptr(Local) self = local_new("systemd-notify --status='PHASE up'; sleep 1000");
    FleetTestAttempt *attempt = start(self);

    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
    fleet_test_attempt_release(self->test, attempt);
    assert_nothing_is_left(self);
}
END_TEST

START_TEST(a_restart_of_fleetd)
{
    g_autoptr(Local) self = local_new("systemd-notify --status='PHASE up'; echo x >>$FLEET_PARAM_FILES/runs; "
                                      "until test -e $FLEET_PARAM_FILES/go; do sleep 0.05; done");
    FleetTestAttempt *attempt = start(self);
    g_autofree char *go = g_build_filename(self->directory, "go", NULL);
    g_autofree char *runs = g_build_filename(self->directory, "runs", NULL);

    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_test_driver_restart(self->test);
    fleet_remote_bus_driver_configure(self->test->driver, self->settings);
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_write(go, "");
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    g_autofree char *times = fleet_test_read(runs);
    ck_assert_str_eq(times, "x\n");
    fleet_test_attempt_release(self->test, attempt);
    assert_nothing_is_left(self);
}
END_TEST

/* The plan has the boot that is to end, so it is known even of a fleetd whose clock tells nothing. */
START_TEST(a_boot_since_then)
{
    g_autoptr(Local) self = local_new("true");
    FleetTestAttempt *attempt = fleet_test_attempt_new(self->test, 1, 1, "SYSTEM_REBOOT", NULL);

    fleet_action_set_text(&attempt->action->plan, "reboot boot=00000000-0000-0000-0000-000000000000");
    attempt->action->past_return = TRUE;
    attempt->action->attempt_started.boot ^= 1;
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    ck_assert(g_str_has_prefix(attempt->message, "'local' is back, in the boot "));
}
END_TEST

START_TEST(a_bus_that_cannot_be_reached)
{
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere", TRUE);
    g_autoptr(Local) self = local_new("true");
    FleetTestAttempt *attempt = start(self);

    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_TRANSIENT);
    fleet_test_assert_contains(attempt->message, "the system bus cannot be reached");
}
END_TEST

int main(void)
{
    gboolean can = access("/run/systemd/system", F_OK) == 0 && geteuid() == 0;
    Suite *suite = suite_create("remote-local");
    TCase *tcase = fleet_test_case(suite, "remote-local");

    tcase_add_test(tcase, a_program);
    tcase_add_test(tcase, one_that_fails);
    tcase_add_test(tcase, one_that_systemd_refuses);
    tcase_add_test(tcase, a_directory_that_cannot_be_made);
    tcase_add_test(tcase, one_that_is_stopped);
    tcase_add_test(tcase, a_restart_of_fleetd);
    tcase_add_test(tcase, a_boot_since_then);
    tcase_add_test(tcase, a_bus_that_cannot_be_reached);
    return fleet_test_main_unless(can ? NULL : "systemd does not run this machine, or this is not root there", suite);
}
