/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The private socket beside the bus: the same API, the same access, and no peer in the way of another. */

#include "bus_test.h"
#include "raw.h"

#include <sys/stat.h>

#define ROUTER FLEET_TEST_ROOT "/device/router"

START_TEST(busctl_works_on_the_socket)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *path = fleet_test_fleet_address(fleet);
    g_autofree char *address = g_strconcat("--address=", path, NULL);
    g_autofree char *registered = fleet_test_run_ok("busctl", address, "call", "org.fleet.Manager", FLEET_TEST_ROOT,
            FLEET_TEST_MANAGER, "RegisterDevice", "ssssa{sv}", "router", "", "", "", "0");
    g_autofree char *property = fleet_test_run_ok(
            "busctl", address, "get-property", "org.fleet.Manager", ROUTER, FLEET_TEST_DEVICE, "Status");
    g_autofree char *tree = fleet_test_run_ok("busctl", address, "--list", "tree", "org.fleet.Manager");
    g_autofree char *shown = fleet_test_run_ok("busctl", address, "introspect", "org.fleet.Manager", FLEET_TEST_ROOT);

    ck_assert_str_eq(registered, "o \"" ROUTER "\"\n");
    ck_assert_str_eq(property, "s \"IDLE\"\n");
    fleet_test_assert_matches(tree, "^" ROUTER "$");
    fleet_test_assert_matches(shown, "^\\.ListDevices +method +- +a\\(ssssttos\\) ");
    fleet_test_run_fails(1, "device 'router' is registered already", "busctl", address, "call", "org.fleet.Manager",
            FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", "ssssa{sv}", "router", "", "", "", "0");
}
END_TEST

START_TEST(gdbus_works_on_the_socket)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *address = fleet_test_fleet_address(fleet);
    g_autofree char *registered =
            fleet_test_run_ok("gdbus", "call", "--address", address, "--dest", "org.fleet.Manager", "--object-path",
                    FLEET_TEST_ROOT, "--method", "org.fleet.Manager.RegisterDevice", "router", "", "", "", "{}");
    g_autofree char *shown = fleet_test_run_ok("gdbus", "introspect", "--address", address, "--dest",
            "org.fleet.Manager", "--object-path", ROUTER, "--only-properties");
    const char *argv[] = {"gdbus", "monitor", "--address", address, "--dest", "org.fleet.Manager", NULL};

    ck_assert_str_eq(registered, "(objectpath '" ROUTER "',)\n");
    fleet_test_assert_contains(shown, "readonly s Status = 'IDLE';");
    g_autoptr(FleetTestProcess) monitor = fleet_test_process_start(argv, NULL);
    ck_assert(fleet_test_process_wait_output(
            monitor, FLEET_TEST_STDOUT, "The name org.fleet.Manager is owned by", FLEET_TEST_PATIENCE));
    fleet_test_set_status(fleet->connection, "router", "ERROR");
    ck_assert(fleet_test_process_wait_output(monitor, FLEET_TEST_STDOUT,
            "^" ROUTER ": org.freedesktop.DBus.Properties.PropertiesChanged .*'Status': <'ERROR'>",
            FLEET_TEST_PATIENCE));
}
END_TEST

START_TEST(both_endpoints_get_each_signal)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *address = fleet_test_fleet_address(fleet);
    g_autoptr(GDBusConnection) second = fleet_test_connect(address);
    GDBusConnection *const connections[] = {fleet->connection, fleet->direct, second};
    FleetTestSignals *signals[3];

    for (guint i = 0; i < 3; i++)
        signals[i] = fleet_test_signals_new(connections[i], NULL, NULL, NULL);
    for (guint i = 0; i < 3; i++) {
        g_autofree char *id = g_strdup_printf("r%u", i);
        fleet_test_register(connections[i], id);
    }
    for (guint i = 0; i < 3; i++)
        (void)fleet_test_signals_wait_property(signals[i], 0, FLEET_TEST_ROOT, "DeviceCount", "3");
    g_autofree char *first = fleet_test_signals_print(signals[0]);
    for (guint i = 1; i < 3; i++) {
        g_autofree char *other = fleet_test_signals_print(signals[i]);
        fleet_test_assert_same_text(other, first);
    }
    for (guint i = 0; i < 3; i++)
        fleet_test_signals_free(signals[i]);
}
END_TEST

/* A message for the bus itself. */
static GByteArray *bus_call(guint32 serial, const char *method, GVariant *arguments)
{
    g_autoptr(GDBusMessage) message = g_dbus_message_new_method_call(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method);
    gsize size;

    g_dbus_message_set_serial(message, serial);
    g_dbus_message_set_body(message, arguments);
    guint8 *blob = g_dbus_message_to_blob(message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
    return g_byte_array_new_take(blob, size);
}

/* Sends a call and takes what comes next. */
static GDBusMessage *exchange(FleetTestRaw *raw, GByteArray *call)
{
    g_autoptr(GByteArray) owned = call;

    fleet_test_raw_send(raw, owned->data, owned->len);
    GDBusMessage *reply = fleet_test_raw_receive(raw);
    ck_assert_ptr_nonnull(reply);
    return reply;
}

static void assert_reply(FleetTestRaw *raw, guint32 serial, GByteArray *call)
{
    g_autoptr(GDBusMessage) reply = exchange(raw, call);

    ck_assert_int_eq(g_dbus_message_get_message_type(reply), G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
    ck_assert_uint_eq(g_dbus_message_get_reply_serial(reply), serial);
}

static GByteArray *set_status(guint32 serial, const char *status)
{
    return fleet_test_raw_call(serial, "SetDeviceStatus", g_variant_new("(ssa{sv})", "router", status, NULL));
}

START_TEST(signals_come_from_the_first_match_to_the_last)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autoptr(FleetTestRaw) raw = fleet_test_raw_new(fleet_test_daemon_socket(fleet->daemon));

    fleet_test_register(fleet->connection, "router");
    fleet_test_raw_begin(raw);
    assert_reply(raw, 1, bus_call(1, "Hello", NULL));
    assert_reply(raw, 2, set_status(2, "ERROR"));
    assert_reply(raw, 3, bus_call(3, "AddMatch", g_variant_new("(s)", "type='signal'")));
    g_autoptr(GDBusMessage) signal = exchange(raw, set_status(4, "IDLE"));
    ck_assert_int_eq(g_dbus_message_get_message_type(signal), G_DBUS_MESSAGE_TYPE_SIGNAL);
    ck_assert_str_eq(g_dbus_message_get_path(signal), ROUTER);
    g_autoptr(GDBusMessage) reply = NULL;
    do { /* the counters may be told as well */
        g_clear_object(&reply);
        reply = fleet_test_raw_receive(raw);
    } while (g_dbus_message_get_message_type(reply) == G_DBUS_MESSAGE_TYPE_SIGNAL);
    ck_assert_uint_eq(g_dbus_message_get_reply_serial(reply), 4);
    g_autoptr(GDBusMessage) removed = NULL;
    g_autoptr(GByteArray) remove = bus_call(5, "RemoveMatch", g_variant_new("(s)", "type='signal'"));
    fleet_test_raw_send(raw, remove->data, remove->len);
    do {
        g_clear_object(&removed);
        removed = fleet_test_raw_receive(raw);
    } while (g_dbus_message_get_message_type(removed) == G_DBUS_MESSAGE_TYPE_SIGNAL);
    ck_assert_uint_eq(g_dbus_message_get_reply_serial(removed), 5);
    assert_reply(raw, 6, set_status(6, "ERROR"));
    g_autoptr(GDBusMessage) too_many = exchange(raw, bus_call(7, "RemoveMatch", g_variant_new("(s)", "type='signal'")));
    ck_assert_str_eq(g_dbus_message_get_error_name(too_many), "org.freedesktop.DBus.Error.MatchRuleNotFound");
}
END_TEST

/* As libdbus does it: what is read together with the greeting must not wait for more to come. */
START_TEST(call_that_comes_with_begin_is_answered)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autoptr(FleetTestRaw) raw = fleet_test_raw_new(fleet_test_daemon_socket(fleet->daemon));
    g_autoptr(GByteArray) both = g_byte_array_new();

    fleet_test_raw_authenticate(raw);
    g_byte_array_append(both, (const guint8 *)"BEGIN\r\n", 7);
    for (guint32 serial = 1; serial <= 3; serial++) {
        g_autoptr(GByteArray) call = bus_call(serial, "Hello", NULL);
        g_byte_array_append(both, call->data, call->len);
    }
    fleet_test_raw_send(raw, both->data, both->len);
    for (guint32 serial = 1; serial <= 3; serial++) {
        g_autoptr(GDBusMessage) reply = fleet_test_raw_receive(raw);
        ck_assert_ptr_nonnull(reply);
        ck_assert_uint_eq(g_dbus_message_get_reply_serial(reply), serial);
    }
}
END_TEST

static const struct {
    const char *method, *argument, *type, *answer;
} names[] = {
        {"GetNameOwner", "org.fleet.Manager", "(s)", "('org.fleet.Manager',)"},
        {"GetNameOwner", "org.freedesktop.DBus", "(s)", "('org.freedesktop.DBus',)"},
        {"NameHasOwner", "org.fleet.Manager", "(b)", "(true,)"},
        {"NameHasOwner", "org.fleet.Other", "(b)", "(false,)"},
};

START_TEST(socket_knows_the_names_that_clients_ask_for)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *owner = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) reply =
                g_dbus_connection_call_sync(fleet->direct, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                        "org.freedesktop.DBus", names[i].method, g_variant_new("(s)", names[i].argument),
                        G_VARIANT_TYPE(names[i].type), G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
        fleet_test_assert_no_error(error);
        g_autofree char *text = g_variant_print(reply, FALSE);
        if (i == 0) /* whatever the owner is called, it is somebody */
            owner = g_strdup(text);
        else
            ck_assert_str_eq(text, names[i].answer);
    }
    ck_assert_str_ne(owner, "('',)");
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) none = g_dbus_connection_call_sync(fleet->direct, "org.freedesktop.DBus",
            "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner", g_variant_new("(s)", "org.fleet.Other"),
            NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
    ck_assert_ptr_null(none);
    fleet_test_assert_error(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER);
}
END_TEST

/* A peer with a match, which reads no more from here on. */
static FleetTestRaw *new_listener(const FleetTestFleet *fleet)
{
    FleetTestRaw *raw = fleet_test_raw_new(fleet_test_daemon_socket(fleet->daemon));

    fleet_test_raw_begin(raw);
    assert_reply(raw, 1, bus_call(1, "AddMatch", g_variant_new("(s)", "type='signal'")));
    return raw;
}

static guint count_added(FleetTestSignals *signals)
{
    guint n = 0;

    for (guint i = 0; i < fleet_test_signals_count(signals); i++)
        n += g_str_equal(fleet_test_signals_get(signals, i)->member, "InterfacesAdded");
    return n;
}

START_TEST(peer_that_does_not_read_is_dropped)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autoptr(FleetTestRaw) stuck = new_listener(fleet);
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(fleet->direct, NULL, NULL, NULL);
    g_autofree char *log = g_strdup("");
    guint n = 0, added = 0;

    /* First more than the kernel keeps and the daemon wants to; then a little now and then, until its patience ends. */
    while (!g_regex_match_simple("user [0-9]+ does not read; its connection is closed", log, 0, 0)) {
        g_autofree char *prefix = g_strdup_printf("d%u", n++);
        guint portion = n <= 60 ? 2000 : 1;

        ck_assert_uint_lt(n, 400);
        if (portion == 1)
            ck_assert_int_eq(fleet_test_process_wait(fleet_test_daemon_process(fleet->daemon), 0.1), -1);
        fleet_test_register_many(fleet->direct, prefix, portion);
        added += portion;
        g_free(log);
        log = fleet_test_daemon_stderr(fleet->daemon);
    }
    fleet_test_raw_wait_closed(stuck);
    fleet_test_signals_settle(signals);
    ck_assert_uint_eq(count_added(signals), added);
}
END_TEST

/* One call can cause more signals than a peer's queue may hold. Who reads is not dropped for that. */
START_TEST(peer_that_reads_survives_the_largest_batch)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(fleet->direct, NULL, NULL, NULL);

    fleet_test_register_many(fleet->connection, "d", 10000);
    fleet_test_signals_settle(signals);
    ck_assert_uint_eq(count_added(signals), 10000);
}
END_TEST

/* Calls whose replies nobody reads would pile those up. So nothing more is taken once replies wait; and all are there
 * when they are read after all. */
START_TEST(peer_that_does_not_read_replies_is_not_listened_to)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autoptr(FleetTestRaw) deaf = fleet_test_raw_new(fleet_test_daemon_socket(fleet->daemon));
    guint32 sent = 0;

    fleet_test_register_many(fleet->connection, "d", 100);
    fleet_test_raw_begin(deaf);
    for (gboolean taken = TRUE; taken;) {
        g_autoptr(GByteArray) call = fleet_test_raw_call(sent + 1, "ListDevices", NULL);

        taken = fleet_test_raw_try_send(deaf, call->data, call->len, 0.5);
        sent += taken ? 1 : 0;
        ck_assert_uint_lt(sent, 20000); /* each would be 10 KB that wait */
    }
    fleet_test_round_trip(fleet->direct);
    for (guint32 i = 1; i <= sent; i++) {
        g_autoptr(GDBusMessage) reply = fleet_test_raw_receive(deaf);

        ck_assert_ptr_nonnull(reply);
        ck_assert_uint_eq(g_dbus_message_get_reply_serial(reply), i);
    }
}
END_TEST

/* The caller is gone before the answer: the change is made all the same, and nobody else notices. */
START_TEST(caller_may_leave_midway)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autoptr(FleetTestSignals) signals =
            fleet_test_signals_new(fleet->connection, FLEET_TEST_PROPERTIES, NULL, ROUTER);

    fleet_test_register(fleet->connection, "router");
    for (guint i = 0; i < 50; i++) {
        const char *status = i % 2 == 0 ? "ERROR" : "IDLE";
        g_autofree char *printed = g_strdup_printf("'%s'", status);
        g_autoptr(FleetTestRaw) raw = fleet_test_raw_new(fleet_test_daemon_socket(fleet->daemon));
        g_autoptr(GByteArray) call = set_status(1, status);

        fleet_test_raw_begin(raw);
        fleet_test_raw_send(raw, call->data, call->len);
        g_clear_pointer(&raw, fleet_test_raw_free);
        (void)fleet_test_signals_wait_property(signals, i, ROUTER, "Status", printed);
    }
    fleet_test_round_trip(fleet->direct);
}
END_TEST

START_TEST(caller_may_leave_the_bus_midway)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(fleet->direct, FLEET_TEST_PROPERTIES, NULL, ROUTER);

    fleet_test_register(fleet->direct, "router");
    for (guint i = 0; i < 20; i++) {
        const char *status = i % 2 == 0 ? "ERROR" : "IDLE";
        g_autofree char *printed = g_strdup_printf("'%s'", status);
        g_autoptr(GDBusConnection) caller = fleet_test_connect(fleet_test_bus_address(fleet->bus));
        g_autoptr(GError) error = NULL;

        /* Known to the daemon, so that it need not ask the bus who this was. */
        fleet_test_set_status(caller, "router", i % 2 == 0 ? "IDLE" : "ERROR");
        g_dbus_connection_call(caller, FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "SetDeviceStatus",
                g_variant_new("(ssa{sv})", "router", status, NULL), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
        ck_assert(g_dbus_connection_flush_sync(caller, NULL, &error));
        ck_assert(g_dbus_connection_close_sync(caller, NULL, &error));
        (void)fleet_test_signals_wait_property(signals, i, ROUTER, "Status", printed);
    }
}
END_TEST

static gboolean is_socket(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

START_TEST(stale_socket_is_replaced)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    const char *path = fleet_test_daemon_socket(fleet->daemon);
    g_autofree char *address = fleet_test_fleet_address(fleet);

    fleet_test_daemon_kill(fleet->daemon);
    ck_assert(is_socket(path));
    fleet_test_daemon_start(fleet->daemon);
    g_autoptr(GDBusConnection) again = fleet_test_connect(address);
    fleet_test_register(again, "router");
    ck_assert_int_eq(fleet_test_daemon_stop(fleet->daemon), 0);
    ck_assert(!is_socket(path));
    fleet_test_daemon_start(fleet->daemon);
}
END_TEST

START_TEST(socket_in_use_is_left_alone)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autoptr(FleetTestDaemon) other = fleet_test_daemon_new();
    g_autofree char *argument = g_strconcat("--socket=", fleet_test_daemon_socket(fleet->daemon), NULL);

    fleet_test_daemon_set_mode(other, "--no-bus");
    fleet_test_daemon_add_argument(other, argument);
    ck_assert_int_eq(fleet_test_daemon_start_fails(other), 9);
    g_autofree char *log = fleet_test_daemon_stderr(other);
    fleet_test_assert_contains(log, "is used by another process");
    fleet_test_round_trip(fleet->direct);
    g_autofree char *address = fleet_test_fleet_address(fleet);
    g_autoptr(GDBusConnection) again = fleet_test_connect(address);
    fleet_test_round_trip(again);
}
END_TEST

START_TEST(daemon_works_without_a_bus)
{
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    g_autofree char *address = g_strconcat("unix:path=", fleet_test_daemon_socket(daemon), NULL);

    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", TRUE);
    fleet_test_daemon_set_mode(daemon, "--no-bus");
    fleet_test_daemon_set_config(daemon, FLEET_TEST_QUICK);
    fleet_test_daemon_start(daemon);
    g_autoptr(GDBusConnection) connection = fleet_test_connect(address);
    g_autofree char *path = NULL;
    fleet_test_register(connection, "router");
    g_autofree char *id = fleet_test_initiate(connection, "router", "SYSTEM_REBOOT", &path);
    fleet_test_wait_for(connection, path, FLEET_TEST_ACTION, "Status", "COMPLETED");
    fleet_test_wait_for(connection, ROUTER, FLEET_TEST_DEVICE, "Status", "IDLE");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: private socket");
    TCase *tcase = fleet_test_case(suite, "socket");

    tcase_add_test(tcase, busctl_works_on_the_socket);
    tcase_add_test(tcase, gdbus_works_on_the_socket);
    tcase_add_test(tcase, both_endpoints_get_each_signal);
    tcase_add_test(tcase, signals_come_from_the_first_match_to_the_last);
    tcase_add_test(tcase, call_that_comes_with_begin_is_answered);
    tcase_add_test(tcase, socket_knows_the_names_that_clients_ask_for);
    tcase_add_test(tcase, peer_that_does_not_read_is_dropped);
    tcase_add_test(tcase, peer_that_reads_survives_the_largest_batch);
    tcase_add_test(tcase, peer_that_does_not_read_replies_is_not_listened_to);
    tcase_add_test(tcase, caller_may_leave_midway);
    tcase_add_test(tcase, caller_may_leave_the_bus_midway);
    tcase_add_test(tcase, stale_socket_is_replaced);
    tcase_add_test(tcase, socket_in_use_is_left_alone);
    tcase_add_test(tcase, daemon_works_without_a_bus);
    return fleet_test_main(suite);
}
