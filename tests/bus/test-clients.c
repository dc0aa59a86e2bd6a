/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients that were made for a message bus, as they are, on the private socket: calls, errors and signals. */

#include "bus_test.h"

#define ROUTER FLEET_TEST_ROOT "/device/router"

static FleetTestFleet *fleet;
static char *address, *address_option, *peer_option;

static void setup(void)
{
    fleet = fleet_test_fleet_new("");
    address = fleet_test_fleet_address(fleet);
    address_option = g_strconcat("--address=", address, NULL);
    peer_option = g_strconcat("--peer=", address, NULL);
    fleet_test_register(fleet->connection, "router");
}

static void teardown(void)
{
    fleet_test_fleet_free(fleet);
    g_free(address);
    g_free(address_option);
    g_free(peer_option);
}

/* Changes what is to be seen until the program has shown it: it may not listen yet. */
static void assert_sees_change(const char *const *argv, const char *pattern)
{
    g_autoptr(FleetTestProcess) process = fleet_test_process_start(argv, NULL);
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    for (guint i = 0; !fleet_test_process_wait_output(process, FLEET_TEST_STDOUT, pattern, 0.1); i++) {
        g_autofree char *errors = fleet_test_process_output(process, FLEET_TEST_STDERR);
        ck_assert_msg(g_get_monotonic_time() < deadline, "%s does not show '%s': %s", argv[0], pattern, errors);
        fleet_test_set_status(fleet->connection, "router", i % 2 == 0 ? "ERROR" : "IDLE");
    }
}

START_TEST(busctl)
{
    const char *const monitor[] = {"busctl", address_option, "monitor", "org.fleet.Manager", NULL};

    fleet_test_run_fails(1, "Failed to get property Nothing", "busctl", address_option, "get-property",
            "org.fleet.Manager", ROUTER, FLEET_TEST_DEVICE, "Nothing");
    fleet_test_run_fails(1, "Failed to set property Status", "busctl", address_option, "set-property",
            "org.fleet.Manager", ROUTER, FLEET_TEST_DEVICE, "Status", "s", "ERROR");
    fleet_test_run_fails(1, "device 'nobody' is not registered", "busctl", address_option, "call", "org.fleet.Manager",
            FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "GetDeviceInfo", "s", "nobody");
    g_autofree char *all = fleet_test_run_ok("busctl", address_option, "call", "org.fleet.Manager", FLEET_TEST_ROOT,
            "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
    fleet_test_assert_contains(all, ROUTER);
    assert_sees_change(monitor, "Member=PropertiesChanged");
}
END_TEST

START_TEST(gdbus)
{
    const char *const monitor[] = {
            "gdbus", "monitor", "--address", address, "--dest", "org.fleet.Manager", "--object-path", ROUTER, NULL};

    g_autofree char *info = fleet_test_run_ok("gdbus", "call", "--address", address, "--dest", "org.fleet.Manager",
            "--object-path", FLEET_TEST_ROOT, "--method", "org.fleet.Manager.GetDeviceInfo", "router");
    fleet_test_assert_contains(info, "'Status': <'IDLE'>");
    fleet_test_run_fails(1, "org.fleet.Error.DeviceNotFound: device 'nobody' is not registered", "gdbus", "call",
            "--address", address, "--dest", "org.fleet.Manager", "--object-path", FLEET_TEST_ROOT, "--method",
            "org.fleet.Manager.GetDeviceInfo", "nobody");
    assert_sees_change(monitor, "PropertiesChanged .*'Status': <'(ERROR|IDLE)'>");
}
END_TEST

/* libdbus sends its first call together with BEGIN. */
START_TEST(dbus_send)
{
    g_autofree char *info = fleet_test_run_ok("dbus-send", peer_option, "--print-reply", "--dest=org.fleet.Manager",
            FLEET_TEST_ROOT, "org.fleet.Manager.GetDeviceInfo", "string:router");
    fleet_test_assert_contains(info, "string \"IDLE\"");
    g_autofree char *status = fleet_test_run_ok("dbus-send", peer_option, "--print-reply=literal", ROUTER,
            "org.freedesktop.DBus.Properties.Get", "string:org.fleet.Device", "string:Status");
    fleet_test_assert_matches(status, "variant +IDLE");
    fleet_test_run_fails(1, "org.fleet.Error.DeviceNotFound: device 'nobody' is not registered", "dbus-send",
            peer_option, "--print-reply", FLEET_TEST_ROOT, "org.fleet.Manager.GetDeviceInfo", "string:nobody");
}
END_TEST

static const char python[] =
        "import sys, dbus, dbus.mainloop.glib\n"
        "from gi.repository import GLib\n"
        "dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)\n"
        "bus = dbus.bus.BusConnection(sys.argv[1])\n"
        "manager = dbus.Interface(bus.get_object('org.fleet.Manager', '/org/fleet/Manager'), 'org.fleet.Manager')\n"
        "assert manager.GetDeviceInfo('router')['Id'] == 'router'\n"
        "try:\n"
        "    manager.GetDeviceInfo('nobody')\n"
        "    sys.exit('nobody is found')\n"
        "except dbus.DBusException as e:\n"
        "    assert e.get_dbus_name() == 'org.fleet.Error.DeviceNotFound', e\n"
        "bus.add_signal_receiver(lambda i, c, gone: print('changed to', c['Status'], flush=True) if 'Status' in c else "
        "0,\n"
        "    'PropertiesChanged', 'org.freedesktop.DBus.Properties', path='/org/fleet/Manager/device/router')\n"
        "GLib.MainLoop().run()\n";

START_TEST(python_dbus)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *script = g_build_filename(directory, "client.py", NULL);
    const char *const argv[] = {"/usr/bin/python3", script, address, NULL};

    fleet_test_write(script, python);
    assert_sees_change(argv, "^changed to (ERROR|IDLE)$");
}
END_TEST

START_TEST(gio)
{
    g_autoptr(GDBusConnection) connection = fleet_test_connect(address);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusProxy) proxy = g_dbus_proxy_new_sync(
            connection, G_DBUS_PROXY_FLAGS_NONE, NULL, FLEET_TEST_NAME, ROUTER, FLEET_TEST_DEVICE, NULL, &error);

    fleet_test_assert_no_error(error);
    g_autoptr(GVariant) before = g_dbus_proxy_get_cached_property(proxy, "Status");
    ck_assert_str_eq(g_variant_get_string(before, NULL), "IDLE");
    g_autofree char *owner = g_dbus_proxy_get_name_owner(proxy);
    ck_assert_ptr_nonnull(owner);
    fleet_test_set_status(fleet->connection, "router", "ERROR");
    for (gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);;) {
        g_autoptr(GVariant) after = g_dbus_proxy_get_cached_property(proxy, "Status");

        if (g_str_equal(g_variant_get_string(after, NULL), "ERROR"))
            break;
        ck_assert_int_lt(g_get_monotonic_time(), deadline);
        g_main_context_iteration(NULL, FALSE);
    }
}
END_TEST

START_TEST(fleetctl)
{
    const char *const monitor[] = {fleet_test_env("FLEETCTL"), address_option, "monitor", NULL};
    g_autofree char *list = fleet_test_run_ok(fleet_test_env("FLEETCTL"), address_option, "list", "--no-legend");

    fleet_test_assert_matches(list, "^router ");
    fleet_test_run_fails(4, "is not registered", fleet_test_env("FLEETCTL"), address_option, "get-info", "nobody");
    assert_sees_change(monitor, "router.*(ERROR|IDLE)");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: clients");
    TCase *tcase = fleet_test_case(suite, "private socket");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, busctl);
    tcase_add_test(tcase, gdbus);
    tcase_add_test(tcase, dbus_send);
    tcase_add_test(tcase, python_dbus);
    tcase_add_test(tcase, gio);
    tcase_add_test(tcase, fleetctl);
    return fleet_test_main(suite);
}
