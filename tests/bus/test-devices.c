/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of devices: each method that concerns them, and the signals that it causes. */

#include "bus_test.h"

#include <string.h>

/* Ids that a path must not hold as they are. The longest one is made at the start. */
static const char *const special_ids[] = {
        "gerät-ö1", "a/b", "__", "0leading", "9", "with space", "quote'\"\\", "{}", "路由器", "a.b", "-", "...", "A"};

START_TEST(registration_takes_defaults)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *path = fleet_test_device_path("router-1");
    gint64 before = g_get_real_time();
    g_autoptr(GVariant) reply = fleet_test_manager(
            fleet->connection, "RegisterDevice", g_variant_new_parsed("('router-1', '', '', '', @a{sv} {})"), "(o)");
    const char *object;

    g_variant_get(reply, "(&o)", &object);
    ck_assert_str_eq(object, path);
    g_autoptr(GVariant) info = fleet_test_device_info(fleet->connection, "router-1");
    fleet_test_assert_entry(info, "Id", "'router-1'");
    fleet_test_assert_entry(info, "Name", "'router-1'");
    fleet_test_assert_entry(info, "Type", "''");
    fleet_test_assert_entry(info, "Status", "'IDLE'");
    fleet_test_assert_entry(info, "LastSeen", "0");
    fleet_test_assert_entry(info, "CurrentAction", "'/'");
    fleet_test_assert_entry(info, "CurrentActionId", "''");
    fleet_test_assert_entry(info, "QueuedActions", "0");
    fleet_test_assert_entry(info, "Driver", "'simulated'");
    fleet_test_assert_entry(info, "Address", "''");
    fleet_test_assert_entry(info, "Presence", "'UNKNOWN'");
    guint64 registered, updated;
    ck_assert(g_variant_lookup(info, "RegisteredAt", "t", &registered));
    ck_assert(g_variant_lookup(info, "UpdatedAt", "t", &updated));
    ck_assert_uint_eq(registered, updated);
    ck_assert_int_ge((gint64)registered, before);
    ck_assert_int_le((gint64)registered, g_get_real_time());
}
END_TEST

START_TEST(registration_takes_what_is_given)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");

    fleet_test_manager_void(fleet->direct, "RegisterDevice",
            g_variant_new_parsed("('r', 'Main Router', 'router', 'MAINTENANCE', {'Driver': <'command'>, 'Address': "
                                 "<'device/router-1//'>})"));
    g_autoptr(GVariant) info = fleet_test_device_info(fleet->connection, "r");
    fleet_test_assert_entry(info, "Driver", "'command'");
    fleet_test_assert_entry(info, "Address", "'device/router-1//'");
    fleet_test_assert_entry(info, "Name", "'Main Router'");
    fleet_test_assert_entry(info, "Type", "'router'");
    fleet_test_assert_entry(info, "Status", "'MAINTENANCE'");
}
END_TEST

static void assert_special(GDBusConnection *connection, const char *id)
{
    g_autofree char *path = fleet_test_device_path(id);
    g_autoptr(GVariant) reply =
            fleet_test_manager(connection, "RegisterDevice", g_variant_new("(ssssa{sv})", id, "", "", "", NULL), "(o)");
    const char *object;

    g_variant_get(reply, "(&o)", &object);
    ck_assert_str_eq(object, path);
    g_autoptr(GVariant) read = fleet_test_get(connection, path, FLEET_TEST_DEVICE, "Id");
    ck_assert_str_eq(g_variant_get_string(read, NULL), id);
    fleet_test_call_void(connection, path, FLEET_TEST_DEVICE, "SetStatus", g_variant_new("(sa{sv})", "OFFLINE", NULL));
    fleet_test_set_status(connection, id, "IDLE");
    fleet_test_call_void(connection, path, FLEET_TEST_DEVICE, "Unregister", g_variant_new("(a{sv})", NULL));
    fleet_test_manager_fails(
            connection, "GetDeviceInfo", g_variant_new("(s)", id), FLEET_TEST_ERROR "DeviceNotFound", "not registered");
}

START_TEST(any_id_has_an_object)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *longest = g_strnfill(255, 'x');
    g_autofree char *longest_path = g_strnfill(255, '/');

    for (guint i = 0; i < G_N_ELEMENTS(special_ids); i++)
        assert_special(i % 2 == 0 ? fleet->connection : fleet->direct, special_ids[i]);
    assert_special(fleet->connection, longest);
    assert_special(fleet->connection, longest_path);
}
END_TEST

/* All signals, one a line, without times. */
static char *story(FleetTestSignals *signals)
{
    g_autoptr(GRegex) times = g_regex_new("uint64 [1-9][0-9]*", 0, 0, NULL);

    fleet_test_signals_settle(signals);
    g_autofree char *text = fleet_test_signals_print(signals);
    fleet_test_signals_clear(signals);
    return g_regex_replace_literal(times, text, -1, 0, "TIME", 0, NULL);
}

#define ROUTER "/org/fleet/Manager/device/router_2d1"
#define CHANGED(properties)                                                                                            \
    "\n  " ROUTER " org.freedesktop.DBus.Properties.PropertiesChanged('org.fleet.Device', {" properties "}, [])"

/* A call answered means that its signals are here: story() makes one round trip on the same connection, and that would
 * bring late ones, so the call's own reply is the moment to look. */
static char *story_of(GDBusConnection *connection, FleetTestSignals *signals, const char *path, const char *interface,
        const char *method, const char *arguments)
{
    g_autoptr(GVariant) parsed = g_variant_ref_sink(g_variant_new_parsed(arguments));

    fleet_test_call_void(connection, path, interface, method, parsed);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_autofree char *at_reply = fleet_test_signals_print(signals);
    fleet_test_signals_settle(signals);
    g_autofree char *later = fleet_test_signals_print(signals);
    ck_assert_str_eq(at_reply, later);
    return story(signals);
}

static void assert_stories(GDBusConnection *connection)
{
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(connection, FLEET_TEST_PROPERTIES, NULL, ROUTER);
    g_autoptr(FleetTestSignals) objects = fleet_test_signals_new(connection, FLEET_TEST_OBJECT_MANAGER, NULL, NULL);
    g_autofree char *added = story_of(connection, objects, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            "('router-1', '', '', '', @a{sv} {})");
    ck_assert_str_eq(added,
            "\n  /org/fleet/Manager org.freedesktop.DBus.ObjectManager.InterfacesAdded('" ROUTER
            "', {'org.fleet.Device': {'Id': <'router-1'>, 'Name': <'router-1'>, 'Type': <''>, 'Status': <'IDLE'>, "
            "'RegisteredAt': <TIME>, 'UpdatedAt': <TIME>, 'LastSeen': <uint64 0>, 'CurrentAction': <objectpath '/'>, "
            "'CurrentActionId': <''>, 'QueuedActions': <uint32 0>, 'Driver': <'simulated'>, 'Address': <''>, "
            "'Presence': <'UNKNOWN'>}})");
    g_autofree char *named = story_of(connection, signals, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "UpdateDevice",
            "('router-1', {'Name': <'Main'>, 'Type': <''>}, @a{sv} {})");
    ck_assert_str_eq(named, CHANGED("'Name': <'Main'>, 'UpdatedAt': <TIME>"));
    g_autofree char *moved = story_of(connection, signals, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "UpdateDevice",
            "('router-1', {'Address': <'floor 1'>}, @a{sv} {})");
    ck_assert_str_eq(moved, CHANGED("'UpdatedAt': <TIME>, 'Address': <'floor 1'>"));
    g_autofree char *status = story_of(connection, signals, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "SetDeviceStatus",
            "('router-1', 'OFFLINE', @a{sv} {})");
    ck_assert_str_eq(status, CHANGED("'Status': <'OFFLINE'>, 'UpdatedAt': <TIME>"));
    g_autofree char *same = story_of(connection, signals, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "SetDeviceStatus",
            "('router-1', 'OFFLINE', @a{sv} {})");
    ck_assert_str_eq(same, "");
    g_autofree char *by_object =
            story_of(connection, signals, ROUTER, FLEET_TEST_DEVICE, "SetStatus", "('ERROR', @a{sv} {})");
    ck_assert_str_eq(by_object, CHANGED("'Status': <'ERROR'>, 'UpdatedAt': <TIME>"));
    g_autofree char *many = story_of(connection, signals, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "SetDevicesStatus",
            "(['router-1', 'router-1'], 'IDLE', @a{sv} {})");
    ck_assert_str_eq(many, CHANGED("'Status': <'IDLE'>, 'UpdatedAt': <TIME>"));
    g_autofree char *nothing = story_of(connection, signals, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "UpdateDevice",
            "('router-1', {'Name': <'Main'>, 'Address': <'floor 1'>}, @a{sv} {})");
    ck_assert_str_eq(nothing, "");
    fleet_test_signals_clear(objects);
    g_autofree char *removed = story_of(connection, objects, ROUTER, FLEET_TEST_DEVICE, "Unregister", "(@a{sv} {},)");
    ck_assert_str_eq(removed, "\n  /org/fleet/Manager org.freedesktop.DBus.ObjectManager.InterfacesRemoved('" ROUTER
                              "', ['org.fleet.Device'])");
    g_autofree char *rest = story(signals);
    ck_assert_str_eq(rest, "");
}

START_TEST(signals_come_once_before_the_reply)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");

    assert_stories(fleet->connection);
    assert_stories(fleet->direct);
}
END_TEST

START_TEST(status_is_set_and_answered)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    static const char *const statuses[] = {
            "BUSY", "OFFLINE", "MAINTENANCE", "UPDATING", "RECOVERING", "ERROR", "ERROR", "IDLE"};
    const char *previous = "IDLE";

    fleet_test_register(fleet->connection, "router-1");
    for (guint i = 0; i < G_N_ELEMENTS(statuses); i++) {
        g_autofree char *due = g_strdup_printf("('%s', '%s')", previous, statuses[i]);
        fleet_test_assert_prints(fleet_test_manager(fleet->connection, "SetDeviceStatus",
                                         g_variant_new("(ssa{sv})", "router-1", statuses[i], NULL), "(ss)"),
                due);
        previous = statuses[i];
    }
    fleet_test_assert_prints(fleet_test_call(fleet->direct, ROUTER, FLEET_TEST_DEVICE, "SetStatus",
                                     g_variant_new("(sa{sv})", "OFFLINE", NULL), "(s)"),
            "('IDLE',)");
}
END_TEST

START_TEST(update_changes_what_is_named)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");

    fleet_test_register_as(fleet->connection, "r", "Name", "type", "");
    fleet_test_manager_void(
            fleet->connection, "UpdateDevice", g_variant_new_parsed("('r', {'Type': <'router'>}, @a{sv} {})"));
    g_autoptr(GVariant) typed = fleet_test_device_info(fleet->connection, "r");
    fleet_test_assert_entry(typed, "Name", "'Name'");
    fleet_test_assert_entry(typed, "Type", "'router'");
    fleet_test_manager_void(
            fleet->connection, "UpdateDevice", g_variant_new_parsed("('r', {'Address': <'floor 1'>}, @a{sv} {})"));
    g_autoptr(GVariant) moved = fleet_test_device_info(fleet->connection, "r");
    fleet_test_assert_entry(moved, "Address", "'floor 1'");
    fleet_test_assert_entry(moved, "Type", "'router'");
    fleet_test_daemon_kill(fleet->daemon);
    fleet_test_daemon_start(fleet->daemon);
    g_autoptr(GVariant) kept = fleet_test_device_info(fleet->connection, "r");
    ck_assert(g_variant_equal(moved, kept));
    fleet_test_manager_void(fleet->connection, "UpdateDevice",
            g_variant_new_parsed("('r', {'Name': <''>, 'Type': <''>, 'Address': <''>}, @a{sv} {})"));
    g_autoptr(GVariant) emptied = fleet_test_device_info(fleet->connection, "r");
    fleet_test_assert_entry(emptied, "Name", "'r'");
    fleet_test_assert_entry(emptied, "Type", "''");
    fleet_test_assert_entry(emptied, "Address", "''");
    fleet_test_manager_void(fleet->connection, "UpdateDevice", g_variant_new_parsed("('r', @a{sv} {}, @a{sv} {})"));
    g_autoptr(GVariant) untouched = fleet_test_device_info(fleet->connection, "r");
    ck_assert(g_variant_equal(emptied, untouched));
}
END_TEST

START_TEST(unregistered_id_can_be_registered_anew)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");

    fleet_test_register_as(fleet->connection, "router-1", "Old", "old", "ERROR");
    fleet_test_unregister(fleet->connection, "router-1");
    fleet_test_call_fails(fleet->connection, ROUTER, FLEET_TEST_PROPERTIES, "GetAll",
            g_variant_new("(s)", FLEET_TEST_DEVICE), "org.freedesktop.DBus.Error.UnknownObject", NULL);
    fleet_test_register(fleet->connection, "router-1");
    g_autoptr(GVariant) info = fleet_test_device_info(fleet->connection, "router-1");
    fleet_test_assert_entry(info, "Name", "'router-1'");
    fleet_test_assert_entry(info, "Status", "'IDLE'");
}
END_TEST

/* The failures of a batch, as "INDEX NAME" with blanks between. */
static char *failures_of(GVariant *reply)
{
    g_autoptr(GVariantIter) iter = NULL;
    GString *text = g_string_new(NULL);
    const char *name, *message;
    guint32 done, index;

    g_variant_get(reply, "(ua(uss))", &done, &iter);
    g_string_printf(text, "%u:", done);
    while (g_variant_iter_next(iter, "(u&s&s)", &index, &name, &message)) {
        ck_assert_str_ne(message, "");
        ck_assert(g_str_has_prefix(name, FLEET_TEST_ERROR));
        g_string_append_printf(text, " %u %s", index, name + strlen(FLEET_TEST_ERROR));
    }
    return g_string_free(text, FALSE);
}

START_TEST(registering_many_does_what_it_can)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");

    fleet_test_register(fleet->connection, "old");
    g_autoptr(GVariant) reply = fleet_test_manager(fleet->connection, "RegisterDevices",
            g_variant_new_parsed("([('a', '', '', ''), ('old', '', '', ''), ('b', 'B', 't', 'OFFLINE'), "
                                 "('', '', '', ''), ('a', '', '', ''), ('c', '', '', 'SLEEPY')], @a{sv} {})"),
            "(ua(uss))");
    g_autofree char *failures = failures_of(reply);
    ck_assert_str_eq(failures, "2: 1 DeviceExists 3 InvalidArgument 4 DeviceExists 5 InvalidArgument");
    g_autoptr(GVariant) list = fleet_test_manager(fleet->connection, "ListDevices", NULL, "(a(ssssttos))");
    g_autofree char *ids = fleet_test_row_ids(list);
    ck_assert_str_eq(ids, "a b old");
    g_autoptr(GVariant) info = fleet_test_device_info(fleet->connection, "b");
    fleet_test_assert_entry(info, "Name", "'B'");
    fleet_test_assert_entry(info, "Status", "'OFFLINE'");
    fleet_test_assert_prints(fleet_test_manager(fleet->connection, "RegisterDevices",
                                     g_variant_new_parsed("(@a(ssss) [], @a{sv} {})"), "(ua(uss))"),
            "(0, [])");
}
END_TEST

START_TEST(registering_many_atomically_is_all_or_nothing)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");

    fleet_test_register(fleet->connection, "old");
    g_autoptr(GVariant) before = fleet_test_snapshot(fleet->connection);
    fleet_test_manager_fails(fleet->connection, "RegisterDevices",
            g_variant_new_parsed("([('a', '', '', ''), ('b', '', '', ''), ('old', '', '', '')], {'Atomic': <true>})"),
            FLEET_TEST_ERROR "DeviceExists", "entry 2: device 'old' is registered already");
    g_autoptr(GVariant) after = fleet_test_snapshot(fleet->connection);
    ck_assert(g_variant_equal(before, after));
    fleet_test_assert_prints(
            fleet_test_manager(fleet->connection, "RegisterDevices",
                    g_variant_new_parsed("([('a', '', '', ''), ('b', '', '', '')], {'Atomic': <true>})"), "(ua(uss))"),
            "(2, [])");
    g_autoptr(GVariant) reply = fleet_test_manager(fleet->connection, "RegisterDevices",
            g_variant_new_parsed("([('a', '', '', ''), ('c', '', '', '')], {'Atomic': <false>})"), "(ua(uss))");
    g_autofree char *failures = failures_of(reply);
    ck_assert_str_eq(failures, "1: 0 DeviceExists");
}
END_TEST

START_TEST(statuses_of_many_are_set_where_they_can_be)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);

    fleet_test_register(fleet->connection, "a");
    fleet_test_register(fleet->connection, "b");
    fleet_test_register_as(fleet->connection, "c", "", "", "ERROR");
    g_autofree char *action = fleet_test_initiate(fleet->connection, "b", "SYSTEM_REBOOT", NULL);
    g_autoptr(GVariant) reply = fleet_test_manager(fleet->connection, "SetDevicesStatus",
            g_variant_new_parsed("(['c', 'nobody', 'b', 'a'], 'ERROR', @a{sv} {})"), "(ua(uss))");
    g_autofree char *failures = failures_of(reply);
    ck_assert_str_eq(failures, "2: 1 DeviceNotFound 2 InvalidTransition");
    fleet_test_assert_prints(
            fleet_test_get(fleet->connection, FLEET_TEST_ROOT "/device/a", FLEET_TEST_DEVICE, "Status"), "'ERROR'");
    fleet_test_assert_prints(
            fleet_test_get(fleet->connection, FLEET_TEST_ROOT "/device/b", FLEET_TEST_DEVICE, "Status"), "'BUSY'");
}
END_TEST

START_TEST(counters_tell_how_many)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");

    fleet_test_register_many(fleet->connection, "d", 40);
    fleet_test_set_status(fleet->connection, "d-00007", "ERROR");
    fleet_test_unregister(fleet->connection, "d-00008");
    fleet_test_assert_prints(
            fleet_test_get(fleet->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceCount"), "39");
    fleet_test_assert_prints(fleet_test_get(fleet->direct, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DevicesByStatus"),
            "{'IDLE': 38, 'BUSY': 0, 'OFFLINE': 0, 'MAINTENANCE': 0, 'UPDATING': 0, 'RECOVERING': 0, 'ERROR': 1}");
    fleet_test_assert_prints(
            fleet_test_get(fleet->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "StorageState"), "'ok'");
}
END_TEST

/* At most two signals a second, and the last one tells the last value. The daemon's clock is not ours, so the first
 * interval may look a little shorter than it was. */
START_TEST(counters_are_coalesced)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autoptr(FleetTestSignals) signals =
            fleet_test_signals_new(fleet->connection, FLEET_TEST_PROPERTIES, NULL, FLEET_TEST_ROOT);
    gint64 start = g_get_monotonic_time();
    guint n = 0;

    while (g_get_monotonic_time() < start + 1100 * G_TIME_SPAN_MILLISECOND) {
        g_autofree char *id = g_strdup_printf("d-%u", n++);
        fleet_test_register(fleet->connection, id);
    }
    g_autofree char *last = g_strdup_printf("%u", n);
    (void)fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "DeviceCount", last);
    double elapsed = (double)(g_get_monotonic_time() - start) / G_TIME_SPAN_SECOND;
    ck_assert_uint_gt(n, 10);
    ck_assert_uint_le(fleet_test_signals_count(signals), (guint)(elapsed * 2) + 1);
}
END_TEST

START_TEST(manager_names_its_vocabulary)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");

    fleet_test_assert_prints(fleet_test_get(fleet->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceStatuses"),
            "['IDLE', 'BUSY', 'OFFLINE', 'MAINTENANCE', 'UPDATING', 'RECOVERING', 'ERROR']");
    fleet_test_assert_prints(fleet_test_get(fleet->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ActionStatuses"),
            "['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED']");
    g_autoptr(GVariant) version = fleet_test_get(fleet->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "Version");
    fleet_test_assert_matches(g_variant_get_string(version, NULL), "^[0-9]+\\.[0-9]+\\.[0-9]+$");
}
END_TEST

START_TEST(busctl_manages_devices)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *registered = fleet_test_run_ok("busctl", "call", "org.fleet.Manager", FLEET_TEST_ROOT,
            FLEET_TEST_MANAGER, "RegisterDevice", "ssssa{sv}", "router-1", "Main Router", "router", "", "0");
    g_autofree char *status = fleet_test_run_ok("busctl", "call", "org.fleet.Manager", FLEET_TEST_ROOT,
            FLEET_TEST_MANAGER, "SetDeviceStatus", "ssa{sv}", "router-1", "OFFLINE", "0");
    g_autofree char *property = fleet_test_run_ok(
            "busctl", "get-property", "org.fleet.Manager", ROUTER, FLEET_TEST_DEVICE, "Name", "Status");
    g_autofree char *tree = fleet_test_run_ok("busctl", "--list", "tree", "org.fleet.Manager");
    g_autofree char *shown = fleet_test_run_ok("busctl", "introspect", "org.fleet.Manager", ROUTER);

    ck_assert_str_eq(registered, "o \"" ROUTER "\"\n");
    ck_assert_str_eq(status, "ss \"IDLE\" \"OFFLINE\"\n");
    ck_assert_str_eq(property, "s \"Main Router\"\ns \"OFFLINE\"\n");
    fleet_test_assert_matches(tree, "^" ROUTER "$");
    fleet_test_assert_matches(shown, "^\\.SetStatus +method +sa\\{sv\\} +s ");
    fleet_test_run_fails(1, "device 'nobody' is not registered", "busctl", "call", "org.fleet.Manager", FLEET_TEST_ROOT,
            FLEET_TEST_MANAGER, "UnregisterDevice", "sa{sv}", "nobody", "0");
}
END_TEST

START_TEST(gdbus_manages_devices)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *registered = fleet_test_run_ok("gdbus", "call", "--system", "--dest", "org.fleet.Manager",
            "--object-path", FLEET_TEST_ROOT, "--method", "org.fleet.Manager.RegisterDevice", "router-1", "Main Router",
            "router", "", "{}");
    g_autofree char *status = fleet_test_run_ok("gdbus", "call", "--system", "--dest", "org.fleet.Manager",
            "--object-path", ROUTER, "--method", "org.fleet.Device.SetStatus", "OFFLINE", "{}");
    g_autofree char *shown = fleet_test_run_ok("gdbus", "introspect", "--system", "--dest", "org.fleet.Manager",
            "--object-path", ROUTER, "--only-properties");

    ck_assert_str_eq(registered, "(objectpath '" ROUTER "',)\n");
    ck_assert_str_eq(status, "('IDLE',)\n");
    fleet_test_assert_contains(shown, "readonly s Status = 'OFFLINE';");
    fleet_test_run_fails(1, "org.fleet.Error.DeviceNotFound: device 'nobody' is not registered", "gdbus", "call",
            "--system", "--dest", "org.fleet.Manager", "--object-path", FLEET_TEST_ROOT, "--method",
            "org.fleet.Manager.GetDeviceInfo", "nobody");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: devices");
    TCase *single = fleet_test_case(suite, "single");
    TCase *many = fleet_test_case(suite, "many");
    TCase *told = fleet_test_case(suite, "told");

    tcase_add_test(single, registration_takes_defaults);
    tcase_add_test(single, registration_takes_what_is_given);
    tcase_add_test(single, any_id_has_an_object);
    tcase_add_test(single, status_is_set_and_answered);
    tcase_add_test(single, update_changes_what_is_named);
    tcase_add_test(single, unregistered_id_can_be_registered_anew);
    tcase_add_test(single, busctl_manages_devices);
    tcase_add_test(single, gdbus_manages_devices);
    tcase_add_test(many, registering_many_does_what_it_can);
    tcase_add_test(many, registering_many_atomically_is_all_or_nothing);
    tcase_add_test(many, statuses_of_many_are_set_where_they_can_be);
    tcase_add_test(told, signals_come_once_before_the_reply);
    tcase_add_test(told, counters_tell_how_many);
    tcase_add_test(told, counters_are_coalesced);
    tcase_add_test(told, manager_names_its_vocabulary);
    return fleet_test_main(suite);
}
