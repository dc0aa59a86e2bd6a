/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Another machine as a device, and fleetd killed while something is done to it: it is done once, and told once.
 */

#include "fixture.h"

#include <string.h>

static FleetTestMachine *machine;

#define PATH FLEET_TEST_ROOT "/device/box"

static void setup(void)
{
    fleet_test_fixture_setup();
    machine = fleet_test_machine_new();
    /* A shutdown that takes a while, sshd and the bus last. */
    fleet_test_machine_add_file(machine, "setup",
            "systemd-run --no-block --quiet --unit=lingers --property=RemainAfterExit=yes "
            "--property='After=box.service dbus.service' --property='ExecStop=/bin/sleep 2' true\n");
    fleet_test_machine_add_file(machine, "update",
            "#!/bin/sh\necho x >>/run/runs\nsystemd-notify --status='PHASE up'\n"
            "until test -e /run/go; do sleep 0.05; done\nsystemd-notify --status=\"STATUS $FLEET_PARAM_GREETING\"\n");
    fleet_test_machine_boot(machine);
    g_autofree char *config =
            g_strdup_printf("[RemoteBus]\nIdentityFile=%s\nKnownHostsFile=%s\nReconnectDelay=50ms\n"
                            "ReconnectCap=200ms\n[RemoteBus SOFTWARE_UPDATE]\n"
                            "Exec=/bin/sh /box/files/update\n[DeviceType machine]\nDriver=remote-bus\n",
                    fleet_test_machine_identity(machine), fleet_test_machine_known_hosts(machine));
    fleet_test_daemon_set_config(fleetd, config);
    fleet_test_daemon_start(fleetd);
}

static void teardown(void)
{
    fleet_test_machine_free(machine);
    fleet_test_fixture_teardown();
}

static void add_device(void)
{
    g_autofree char *address = g_strconcat("--address=", fleet_test_machine_address(machine), NULL);

    g_free(fleet_test_run_ok(fleet_test_env("FLEETCTL"), "register", "box", "--type=machine", address));
}

/* Starts an action with one parameter; its path. Owned by the caller. */
static char *initiate(const char *type, const char *key, const char *value)
{
    GVariantBuilder parameters;

    g_variant_builder_init(&parameters, G_VARIANT_TYPE("a{ss}"));
    g_variant_builder_add(&parameters, "{ss}", key, value);
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}a{sv})", "box", type, &parameters, NULL), "(sos)");
    char *path;

    g_variant_get(reply, "(sos)", NULL, &path, NULL);
    return path;
}

/* One that the machine is at. Its path. Owned by the caller. */
static char *initiate_reboot(void)
{
    add_device();
    char *path = initiate("SYSTEM_REBOOT", "reason", "a test");
    fleet_test_signals_wait_property(signals, 0, path, "Message", "'the machine is going down'");
    return path;
}

static void wait_end(const char *path, const char *result)
{
    g_autofree char *quoted = g_strdup_printf("'%s'", result);

    fleet_test_signals_wait_property(signals, 0, path, "Result", quoted);
    g_autoptr(GVariant) status = fleet_test_get(connection, PATH, FLEET_TEST_DEVICE, "Status");
    ck_assert_str_eq(g_variant_get_string(status, NULL), g_str_equal(result, "success") ? "IDLE" : "ERROR");
    fleet_test_signals_settle(signals);
    guint ends = 0;
    for (guint i = 0; i < fleet_test_signals_count(signals); i++) {
        const FleetTestSignal *signal = fleet_test_signals_get(signals, i);
        const char *value;

        if (!g_str_equal(signal->path, path) || !g_str_equal(signal->member, "PropertiesChanged"))
            continue;
        g_autoptr(GVariant) changed = g_variant_get_child_value(signal->arguments, 1);
        ends += g_variant_lookup(changed, "Result", "&s", &value);
    }
    ck_assert_uint_eq(ends, 1);
}

static void assert_message(const char *path, const char *part)
{
    g_autoptr(GVariant) message = fleet_test_get(connection, path, FLEET_TEST_ACTION, "Message");

    fleet_test_assert_contains(g_variant_get_string(message, NULL), part);
}

START_TEST(an_update_that_outlives_fleetd)
{
    add_device();
    g_autofree char *path = initiate("SOFTWARE_UPDATE", "greeting", "hello");
    fleet_test_signals_wait_property(signals, 0, path, "Phase", "'up'");
    g_autoptr(GVariant) presence = fleet_test_get(connection, PATH, FLEET_TEST_DEVICE, "Presence");
    ck_assert_str_eq(g_variant_get_string(presence, NULL), "ONLINE");
    fleet_test_daemon_kill(fleetd);
    fleet_test_daemon_start(fleetd);
    g_free(fleet_test_machine_run(machine, "touch /run/go"));
    wait_end(path, "success");
    assert_message(path, "hello");
    g_autofree char *runs = fleet_test_machine_run(machine, "cat /run/runs");
    ck_assert_str_eq(runs, "x");
    fleet_test_machine_wait(machine, "test -z \"$(systemctl list-units --all --plain --no-legend 'fleet-action-*')\"");
}
END_TEST

START_TEST(a_reboot_that_outlives_fleetd)
{
    g_autofree char *path = initiate_reboot();

    fleet_test_daemon_kill(fleetd);
    fleet_test_machine_wait_boots(machine, 2);
    fleet_test_daemon_start(fleetd);
    wait_end(path, "success");
    assert_message(path, "'127.0.0.1' is back, in the boot ");
    ck_assert_uint_eq(fleet_test_machine_boots(machine), 2);
}
END_TEST

START_TEST(a_reboot_that_fleetd_is_killed_in)
{
    g_autofree char *path = initiate_reboot();

    fleet_test_daemon_kill(fleetd);
    fleet_test_daemon_start(fleetd);
    wait_end(path, "success");
    ck_assert_uint_eq(fleet_test_machine_boots(machine), 2);
}
END_TEST

START_TEST(an_orderly_restart_in_between)
{
    g_autofree char *path = initiate_reboot();

    fleet_test_daemon_restart(fleetd);
    wait_end(path, "success");
    ck_assert_uint_eq(fleet_test_machine_boots(machine), 2);
}
END_TEST

/* After the point of no return it is not stopped. */
START_TEST(a_reboot_cannot_be_cancelled)
{
    g_autofree char *path = initiate_reboot();

    fleet_test_call_fails(connection, path, FLEET_TEST_ACTION, "Cancel", g_variant_new("(a{sv})", NULL),
            "org.fleet.Error.NotCancelable", "rebooting");
    wait_end(path, "success");
}
END_TEST

START_TEST(what_is_refused)
{
    const char *fleetctl = fleet_test_env("FLEETCTL");

    fleet_test_run_fails(1, "is not the address of a machine; use [user@]host[:port]", fleetctl, "register", "box",
            "--driver=remote-bus", "--address=-oProxyCommand=id");
    add_device();
    fleet_test_run_fails(1, "has no program for CONFIGURATION_CHANGE on devices of the type 'machine'", fleetctl,
            "initiate-action", "box", "CONFIGURATION_CHANGE");
    fleet_test_run_fails(
            1, "give the bundle as the parameter 'url'", fleetctl, "initiate-action", "box", "FIRMWARE_UPDATE");
}
END_TEST

/* Neither the key nor a parameter is in what fleetd says, or in what anybody sees of its programs. */
START_TEST(secrets_are_kept)
{
    add_device();
    g_autofree char *path = initiate("SOFTWARE_UPDATE", "password", "s3cret");
    g_autofree char *key = fleet_test_read(fleet_test_machine_identity(machine));
    g_auto(GStrv) lines = g_strsplit(key, "\n", 4);

    fleet_test_signals_wait_property(signals, 0, path, "Phase", "'up'");
    g_autofree char *processes = fleet_test_run_ok("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
    g_free(fleet_test_machine_run(machine, "touch /run/go"));
    wait_end(path, "success");
    g_autofree char *log = fleet_test_daemon_stderr(fleetd);
    fleet_test_assert_contains(processes, "StrictHostKeyChecking=yes");
    ck_assert_ptr_null(strstr(processes, "s3cret"));
    ck_assert_ptr_null(strstr(log, "s3cret"));
    ck_assert_ptr_null(strstr(log, lines[1]));
}
END_TEST

int main(void)
{
    g_autofree char *obstacle = fleet_test_machine_obstacle();
    Suite *suite = suite_create("remote-bus");
    TCase *tcase = fleet_test_case(suite, "remote-bus");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_update_that_outlives_fleetd);
    tcase_add_test(tcase, a_reboot_that_outlives_fleetd);
    tcase_add_test(tcase, a_reboot_that_fleetd_is_killed_in);
    tcase_add_test(tcase, an_orderly_restart_in_between);
    tcase_add_test(tcase, a_reboot_cannot_be_cancelled);
    tcase_add_test(tcase, what_is_refused);
    tcase_add_test(tcase, secrets_are_kept);
    return fleet_test_main_unless(obstacle, suite);
}
