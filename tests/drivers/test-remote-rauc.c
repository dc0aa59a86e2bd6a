/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Bundles that RAUC of another machine installs: the real one, with a certificate of its own and files for slots.
 */

#include "lib/run.h"
#include "remote_test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* An installation waits before it writes as long as /run/hold is there. Loop devices, for RAUC mounts bundles. */
#define SETUP                                                                                                          \
    "mkdir -p /etc/rauc /run/systemd/system/rauc.service.d\n"                                                          \
    "cat >/etc/rauc/system.conf <<X\n"                                                                                 \
    "[system]\ncompatible=box\nbootloader=noop\nstatusfile=/run/rauc.status\n[keyring]\npath=/box/files/cert.pem\n"    \
    "[handlers]\npre-install=/run/hold-on\n"                                                                           \
    "[slot.rootfs.0]\ndevice=/run/slot0\ntype=raw\nbootname=A\n"                                                       \
    "[slot.rootfs.1]\ndevice=/run/slot1\ntype=raw\nbootname=B\n"                                                       \
    "X\n"                                                                                                              \
    "printf '#!/bin/sh\\nwhile test -e /run/hold; do sleep 0.05; done\\n' >/run/hold-on\n"                             \
    "chmod +x /run/hold-on\n"                                                                                          \
    "truncate -s 8M /run/slot0 /run/slot1\n"                                                                           \
    "printf '[Service]\\nExecStart=\\nExecStart=/usr/bin/rauc --mount=/run/rauc --override-boot-slot=A service\\n' "   \
    ">/run/systemd/system/rauc.service.d/box.conf\n"                                                                   \
    "mknod /dev/loop-control c 10 237\n"                                                                               \
    "for i in 0 1 2 3 4 5 6 7; do mknod /dev/loop$i b 7 $i; done\n"                                                    \
    "systemctl daemon-reload\n"                                                                                        \
    "cp /box/files/bundle.raucb /run/\n"

static void make_bundle(FleetTestMachine *machine)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *manifest = g_build_filename(directory, "manifest.raucm", NULL);
    g_autofree char *image = g_build_filename(directory, "rootfs.img", NULL);
    g_autofree char *key = g_strconcat(directory, ".key", NULL);
    g_autofree char *cert = fleet_test_machine_path(machine, "cert.pem");
    g_autofree char *bundle = fleet_test_machine_path(machine, "bundle.raucb");
    g_autofree char *content = g_strnfill(100000, 'x');

    g_free(fleet_test_run_ok("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert,
            "-subj", "/CN=test", "-days", "3650"));
    fleet_test_write(manifest, "[update]\ncompatible=box\nversion=7\n\n[image.rootfs]\nfilename=rootfs.img\n");
    fleet_test_write(image, content);
    g_free(fleet_test_run_ok("rauc", "--cert", cert, "--key", key, "bundle", directory, bundle));
}

static FleetRemoteTest *new_with(const char *setup)
{
    FleetTestMachine *machine = fleet_test_machine_new();
    g_autofree char *whole = g_strconcat(SETUP, setup, NULL);

    make_bundle(machine);
    fleet_test_machine_add_file(machine, "setup", whole);
    fleet_test_machine_boot(machine);
    return fleet_remote_test_new_for(machine);
}

static FleetTestAttempt *start(FleetRemoteTest *self, const char *key, const char *value)
{
    FleetTestAttempt *attempt =
            fleet_test_attempt_new(self->test, 1, 1, "FIRMWARE_UPDATE", (const char *const[]){key, value, NULL});

    fleet_test_attempt_start(self->test, attempt);
    return attempt;
}

/* One that holds on before it writes. */
static FleetTestAttempt *start_held(FleetRemoteTest *self)
{
    g_free(fleet_test_machine_run(self->machine, "touch /run/hold"));
    FleetTestAttempt *attempt = start(self, "path", "/run/bundle.raucb");
    fleet_test_attempt_wait_report(attempt, "message Checking bundle done.");
    return attempt;
}

static void let_go_on(FleetRemoteTest *self)
{
    g_free(fleet_test_machine_run(self->machine, "rm /run/hold"));
}

static void assert_installed(FleetRemoteTest *self)
{
    g_autofree char *written = fleet_test_machine_run(self->machine, "tr -d '\\0' </run/slot1 | wc -c");
    g_autofree char *times = fleet_test_machine_run(self->machine, "journalctl -u rauc | grep -c ': started$'");

    ck_assert_str_eq(written, "100000");
    ck_assert_str_eq(times, "1");
}

START_TEST(a_bundle)
{
    g_autoptr(FleetRemoteTest) self = new_with("");
    FleetTestAttempt *attempt = start(self, "path", "/run/bundle.raucb");

    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    ck_assert_str_eq(attempt->message, "RAUC has installed the bundle; it is in force after a reboot");
    ck_assert(g_str_has_prefix(
            attempt->reports->str, "phase connecting\npoint-of-no-return\nphase installing\nprogress 0.00\n"));
    fleet_test_assert_contains(attempt->reports->str, "\nprogress 0.20\nmessage Determining slot states done.\n");
    assert_installed(self);
    fleet_test_attempt_release(self->test, attempt);
}
END_TEST

/* The attempt that it was is returned. */
static FleetTestAttempt *check_fails(
        FleetRemoteTest *self, const char *key, const char *value, FleetOutcome outcome, const char *message)
{
    FleetTestAttempt *attempt = start(self, key, value);

    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, outcome);
    fleet_test_assert_contains(attempt->message, message);
    return attempt;
}

START_TEST(a_bundle_that_is_not_there)
{
    g_autoptr(FleetRemoteTest) self = new_with("");
    const FleetTestAttempt *attempt = check_fails(
            self, "path", "/run/none.raucb", FLEET_OUTCOME_PERMANENT, "/run/none.raucb: No such file or directory");

    ck_assert(g_str_has_prefix(attempt->message, "RAUC could not install the bundle: "));
}
END_TEST

START_TEST(a_bundle_of_somebody_else)
{
    g_autoptr(FleetRemoteTest) self = new_with("sed -i 's/compatible=box/compatible=other/' /etc/rauc/system.conf\n");

    check_fails(self, "path", "/run/bundle.raucb", FLEET_OUTCOME_PERMANENT, "Compatible mismatch");
}
END_TEST

/* RAUC gets the bundle by itself, with what it has for that. */
START_TEST(a_bundle_of_the_network)
{
    g_autoptr(FleetRemoteTest) self = new_with("");
    const FleetTestAttempt *attempt = check_fails(self, "url", "http://127.0.0.1:1/secret.raucb",
            FLEET_OUTCOME_PERMANENT, "RAUC could not install the bundle: ");
    g_autofree char *log = fleet_test_machine_run(self->machine, "journalctl -u rauc");

    ck_assert(g_str_has_prefix(attempt->message, "RAUC could not install the bundle: "));
    fleet_test_assert_contains(log, "http://127.0.0.1:1/secret.raucb");
}
END_TEST

START_TEST(a_machine_without_rauc)
{
    g_autoptr(FleetRemoteTest) self =
            new_with("mount --bind /dev/null /usr/share/dbus-1/system-services/de.pengutronix.rauc.service\n"
                     "systemctl restart dbus\n");

    check_fails(self, "path", "/run/bundle.raucb", FLEET_OUTCOME_REJECTED,
            "'127.0.0.1' has no RAUC, and no program is configured for this");
}
END_TEST

START_TEST(one_that_does_not_start)
{
    g_autoptr(FleetRemoteTest) self = new_with("rm /etc/rauc/system.conf\n");
    const FleetTestAttempt *attempt = check_fails(
            self, "path", "/run/bundle.raucb", FLEET_OUTCOME_TRANSIENT, "RAUC of '127.0.0.1' does not answer");

    ck_assert_ptr_null(strstr(attempt->reports->str, "point-of-no-return"));
}
END_TEST

START_TEST(a_connection_that_is_cut_before_it_has_started)
{
    g_autoptr(FleetRemoteTest) self =
            new_with("printf '[Service]\\nExecStartPre=/bin/sh -c \"touch /run/starting; exec sleep 1000\"\\n' "
                     ">/run/systemd/system/rauc.service.d/slow.conf\nsystemctl daemon-reload\n");
    FleetTestAttempt *attempt = start(self, "path", "/run/bundle.raucb");

    fleet_remote_test_wait_for(self, "test -e /run/starting");
    fleet_remote_test_kill_ssh(SIGKILL);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_TRANSIENT);
    ck_assert_str_eq(attempt->message, "the connection to '127.0.0.1' was lost: ssh was killed by signal 9");
}
END_TEST

START_TEST(one_that_is_busy)
{
    g_autoptr(FleetRemoteTest) self = new_with("touch /run/hold\nrauc install /run/bundle.raucb >/dev/null &\n");

    fleet_remote_test_wait_for(self,
            "busctl get-property de.pengutronix.rauc / de.pengutronix.rauc.Installer Operation | "
            "grep installing");
    FleetTestAttempt *attempt = start(self, "path", "/run/bundle.raucb");
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_TRANSIENT);
    ck_assert_str_eq(attempt->message, "RAUC is at another installation");
    ck_assert_ptr_null(strstr(attempt->reports->str, "point-of-no-return"));
}
END_TEST

START_TEST(a_connection_that_is_cut)
{
    g_autoptr(FleetRemoteTest) self = new_with("");
    FleetTestAttempt *attempt = start_held(self);

    fleet_remote_test_kill_ssh(SIGKILL);
    fleet_test_attempt_wait_report(attempt,
            "message the connection to '127.0.0.1' was lost: ssh was killed by signal 9; trying to reach it again");
    let_go_on(self);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    assert_installed(self);
}
END_TEST

/* What it has come to is known from the service, which is the one that was asked. */
START_TEST(a_connection_that_is_cut_while_it_ends)
{
    g_autoptr(FleetRemoteTest) self = new_with("");

    fleet_remote_test_set(self, "RemoteBus", "ReconnectDelay", "2s");
    fleet_remote_test_set(self, "RemoteBus", "ReconnectCap", "2s");
    FleetTestAttempt *attempt = start_held(self);
    fleet_remote_test_kill_ssh(SIGKILL);
    fleet_remote_test_wait_ssh(0);
    let_go_on(self);
    fleet_test_machine_wait(self->machine, "journalctl -u rauc | grep 'succeeded$'");
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    assert_installed(self);
}
END_TEST

START_TEST(a_service_that_is_another_one_by_then)
{
    g_autoptr(FleetRemoteTest) self = new_with("");

    fleet_remote_test_set(self, "RemoteBus", "ReconnectDelay", "2s");
    fleet_remote_test_set(self, "RemoteBus", "ReconnectCap", "2s");
    FleetTestAttempt *attempt = start_held(self);
    fleet_remote_test_kill_ssh(SIGKILL);
    fleet_remote_test_wait_ssh(0);
    g_free(fleet_test_machine_run(self->machine, "systemctl kill --signal=KILL rauc; rm /run/hold"));
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_UNCERTAIN);
    ck_assert_str_eq(attempt->message, "RAUC is idle by now, and nobody knows how the installation has gone");
}
END_TEST

START_TEST(a_service_that_dies)
{
    g_autoptr(FleetRemoteTest) self = new_with("");
    FleetTestAttempt *attempt = start_held(self);

    g_free(fleet_test_machine_run(self->machine, "systemctl kill --signal=KILL rauc"));
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_UNCERTAIN);
    ck_assert_str_eq(attempt->message, "RAUC has ended, and nobody knows how the installation has gone");
}
END_TEST

START_TEST(a_restart_of_fleetd)
{
    g_autoptr(FleetRemoteTest) self = new_with("");
    FleetTestAttempt *attempt = start_held(self);

    fleet_remote_test_restart(self);
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_remote_test_wait_ssh(1);
    fleet_test_attempt_wait_report(attempt, "message connecting, to see what has become of it");
    fleet_remote_test_wait_seen(self, 2);
    let_go_on(self);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    assert_installed(self);
}
END_TEST

START_TEST(a_restart_of_fleetd_while_it_ends)
{
    g_autoptr(FleetRemoteTest) self = new_with("");
    FleetTestAttempt *attempt = start_held(self);

    fleet_remote_test_restart(self);
    let_go_on(self);
    fleet_test_machine_wait(self->machine, "journalctl -u rauc | grep 'succeeded$'");
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_UNCERTAIN);
    assert_installed(self);
}
END_TEST

START_TEST(a_restart_of_fleetd_before_it_is_asked)
{
    g_autoptr(FleetRemoteTest) self = new_with("");

    self->test->disk_full = TRUE;
    FleetTestAttempt *attempt = start(self, "path", "/run/bundle.raucb");
    fleet_test_attempt_wait_report(attempt, "point-of-no-return");
    fleet_remote_test_restart(self);
    self->test->disk_full = FALSE;
    fleet_test_attempt_reattach(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    assert_installed(self);
}
END_TEST

START_TEST(a_machine_that_loses_its_power)
{
    g_autoptr(FleetRemoteTest) self = new_with("");
    FleetTestAttempt *attempt = start_held(self);

    fleet_test_machine_kill(self->machine);
    fleet_test_machine_boot(self->machine);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_UNCERTAIN);
    fleet_test_assert_contains(attempt->message, "the machine has been rebooted");
}
END_TEST

static char *find_obstacle(void)
{
    static const char *const programs[] = {"/usr/bin/rauc", "/usr/bin/mksquashfs", "/usr/bin/openssl",
            "/usr/share/dbus-1/system-services/de.pengutronix.rauc.service"};

    for (guint i = 0; i < G_N_ELEMENTS(programs); i++)
        if (access(programs[i], R_OK) < 0)
            return g_strdup_printf("there is no %s", programs[i]);
    if (access("/dev/loop-control", W_OK) < 0)
        return g_strdup("there are no loop devices");
    return fleet_test_machine_obstacle();
}

int main(void)
{
    g_autofree char *obstacle = find_obstacle();
    Suite *suite = suite_create("remote-rauc");
    TCase *tcase = fleet_test_case(suite, "remote-rauc");

    tcase_add_test(tcase, a_bundle);
    tcase_add_test(tcase, a_bundle_that_is_not_there);
    tcase_add_test(tcase, a_bundle_of_somebody_else);
    tcase_add_test(tcase, a_bundle_of_the_network);
    tcase_add_test(tcase, a_machine_without_rauc);
    tcase_add_test(tcase, one_that_does_not_start);
    tcase_add_test(tcase, a_connection_that_is_cut_before_it_has_started);
    tcase_add_test(tcase, one_that_is_busy);
    tcase_add_test(tcase, a_connection_that_is_cut);
    tcase_add_test(tcase, a_connection_that_is_cut_while_it_ends);
    tcase_add_test(tcase, a_service_that_is_another_one_by_then);
    tcase_add_test(tcase, a_service_that_dies);
    tcase_add_test(tcase, a_restart_of_fleetd);
    tcase_add_test(tcase, a_restart_of_fleetd_while_it_ends);
    tcase_add_test(tcase, a_restart_of_fleetd_before_it_is_asked);
    tcase_add_test(tcase, a_machine_that_loses_its_power);
    return fleet_test_main_unless(obstacle, suite);
}
