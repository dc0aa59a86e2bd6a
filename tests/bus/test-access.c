/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Everybody may read; only root and the daemon's own user may change anything, on the bus and on the private socket. */

#include "bus_test.h"

#include <stdio.h>
#include <unistd.h>

#define NOBODY "65534"

/* What follows "busctl call org.fleet.Manager". */
static const char *const readings[] = {
        "/org/fleet/Manager org.fleet.Manager ListDevices",
        "/org/fleet/Manager org.fleet.Manager GetDeviceInfo s router",
        "/org/fleet/Manager org.fleet.Manager GetDeviceActionStatus s @ACTION@",
        "/org/fleet/Manager org.fleet.Manager QueryDevices a{sv}su 0 '' 0",
        "/org/fleet/Manager org.fleet.Manager QueryActions a{sv}su 0 '' 0",
        "/org/fleet/Manager org.freedesktop.DBus.Properties GetAll s org.fleet.Manager",
        "/org/fleet/Manager org.freedesktop.DBus.ObjectManager GetManagedObjects",
        "/org/fleet/Manager/device/router org.freedesktop.DBus.Properties GetAll s org.fleet.Device",
        "/org/fleet/Manager/device/router org.freedesktop.DBus.Introspectable Introspect",
};

/* What follows "gdbus call --object-path": busctl would say "Access denied", whatever the message is. */
static const struct {
    const char *call, *part;
} changes[] = {
        {"/org/fleet/Manager --method org.fleet.Manager.RegisterDevice n '' '' '' {}", "may not manage devices"},
        {"/org/fleet/Manager --method org.fleet.Manager.RegisterDevices '[(\"n\", \"\", \"\", \"\")]' {}",
                "may not manage devices"},
        {"/org/fleet/Manager --method org.fleet.Manager.SetDeviceStatus free ERROR {}", "may not manage devices"},
        {"/org/fleet/Manager --method org.fleet.Manager.SetDevicesStatus '[\"free\"]' ERROR {}",
                "may not manage devices"},
        {"/org/fleet/Manager --method org.fleet.Manager.UpdateDevice free '{\"Name\": <\"x\">}' {}",
                "may not manage devices"},
        {"/org/fleet/Manager --method org.fleet.Manager.UnregisterDevice free {}", "may not manage devices"},
        {"/org/fleet/Manager --method org.fleet.Manager.Heartbeat free {}", "may not report that devices are there"},
        {"/org/fleet/Manager --method org.fleet.Manager.Heartbeats '[\"free\"]'",
                "may not report that devices are there"},
        {"/org/fleet/Manager --method org.fleet.Manager.InitiateDeviceAction free SYSTEM_REBOOT {} {}",
                "may not run actions on devices"},
        {"/org/fleet/Manager/device/free --method org.fleet.Device.SetStatus ERROR {}", "may not manage devices"},
        {"/org/fleet/Manager/device/free --method org.fleet.Device.Unregister {}", "may not manage devices"},
        {"/org/fleet/Manager/device/free --method org.fleet.Device.InitiateAction SYSTEM_REBOOT {} {}",
                "may not run actions on devices"},
        /* Who may not is not told what there is to do it to. */
        {"/org/fleet/Manager --method org.fleet.Manager.UnregisterDevice nobody {}", "may not manage devices"},
};

/* Runs a program as another user. Its exit status; what it wrote to stderr. */
static int run_as_nobody(const char *command, const char *arguments, char **err)
{
    g_autofree char *line =
            g_strconcat("setpriv --reuid=" NOBODY " --regid=" NOBODY " --clear-groups ", command, " ", arguments, NULL);
    g_auto(GStrv) argv = NULL;
    g_autoptr(GError) error = NULL;

    ck_assert_msg(g_shell_parse_argv(line, NULL, &argv, &error), "%s", line);
    return fleet_test_run((const char *const *)argv, NULL, NULL, err);
}

START_TEST(others_may_read_and_not_change)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    g_autofree char *socket = fleet_test_fleet_address(fleet);
    const char *address = _i == 0 ? fleet_test_bus_address(fleet->bus) : socket;
    g_autofree char *busctl = g_strconcat("busctl --address=", address, " call org.fleet.Manager", NULL);
    g_autofree char *gdbus =
            g_strconcat("gdbus call --address ", address, " --dest org.fleet.Manager --object-path", NULL);
    g_autofree char *path = NULL;

    fleet_test_register(fleet->connection, "router");
    fleet_test_register(fleet->connection, "free");
    g_autofree char *action = fleet_test_initiate(fleet->connection, "router", "SYSTEM_REBOOT", &path);
    fleet_test_wait_for(fleet->connection, path, FLEET_TEST_ACTION, "Phase", "preparing");
    g_autoptr(GVariant) before = fleet_test_snapshot(fleet->connection);
    for (guint i = 0; i < G_N_ELEMENTS(readings); i++) {
        g_autoptr(GString) call = g_string_new(readings[i]);
        g_autofree char *err = NULL;

        g_string_replace(call, "@ACTION@", action, 0);
        ck_assert_msg(run_as_nobody(busctl, call->str, &err) == 0, "%s: %s", call->str, err);
    }
    for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autofree char *err = NULL;
        int status = run_as_nobody(gdbus, changes[i].call, &err);

        ck_assert_msg(status == 1, "%s exits with %d", changes[i].call, status);
        fleet_test_assert_contains(err, FLEET_TEST_DENIED ": user " NOBODY " ");
        fleet_test_assert_contains(err, changes[i].part);
    }
    g_autoptr(GVariant) after = fleet_test_snapshot(fleet->connection);
    ck_assert(g_variant_equal(before, after));
}
END_TEST

int main(void)
{
    if (geteuid() != 0) {
        puts("1..0 # SKIP only root can become another user");
        return 0;
    }

    Suite *suite = suite_create("bus: access");
    TCase *tcase = fleet_test_case(suite, "access");

    tcase_add_loop_test(tcase, others_may_read_and_not_change, 0, 2);
    return fleet_test_main(suite);
}
