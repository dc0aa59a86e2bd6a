/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Heartbeats over a real bus, and what is told of them. When a silence is too long is core's affair, and is tested
 * there; here it is what everybody can see of it. */

#include "bus_test.h"
#include "polkit.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUTER FLEET_TEST_ROOT "/device/r"
#define NOBODY 65534

#define CHANGED(properties)                                                                                            \
    "\n  " ROUTER " org.freedesktop.DBus.Properties.PropertiesChanged('org.fleet.Device', {" properties "}, [])"

/* Devices are missed so soon. */
#define SILENCE_MSEC 300

static FleetTestFleet *new_fleet_that_misses(void)
{
    g_autofree char *config =
            g_strdup_printf("[Presence]\nOfflineAfter=%dms\n", (int)(SILENCE_MSEC * fleet_test_slowness()));

    return fleet_test_fleet_new(config);
}

static GVariant *beat(const char *id)
{
    return g_variant_new("(sa{sv})", id, NULL);
}

static gint64 last_seen(GDBusConnection *connection)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, ROUTER, FLEET_TEST_DEVICE, "LastSeen");

    return (gint64)g_variant_get_uint64(value);
}

/* All signals, one a line, without times. */
static char *story(const FleetTestSignals *signals)
{
    g_autoptr(GRegex) times = g_regex_new("uint64 [1-9][0-9]*", 0, 0, NULL);
    g_autofree char *text = fleet_test_signals_print(signals);

    return g_regex_replace_literal(times, text, -1, 0, "TIME", 0, NULL);
}

#define BUSCTL "busctl", "--address", "@ADDRESS@", "call", FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER
#define GDBUS                                                                                                          \
    "gdbus", "call", "--address", "@ADDRESS@", "--dest", FLEET_TEST_NAME, "--object-path", FLEET_TEST_ROOT, "--method"

/* Of three devices the second one is not registered. */
static const struct {
    const char *one[16], *three[16];
    const char *answer; /* to the second */
} clients[] = {
        {{BUSCTL, "Heartbeat", "sa{sv}", "r", "0"}, {BUSCTL, "Heartbeats", "as", "3", "r", "nobody", "r"},
                "ua(uss) 2 1 1 \"org.fleet.Error.DeviceNotFound\" \"device \\'nobody\\' is not registered\"\n"},
        {{GDBUS, "org.fleet.Manager.Heartbeat", "r", "{}"},
                {GDBUS, "org.fleet.Manager.Heartbeats", "['r', 'nobody', 'r']"},
                "(uint32 2, [(uint32 1, 'org.fleet.Error.DeviceNotFound', \"device 'nobody' is not registered\")])\n"},
};

/* Runs a client, which must succeed, with the address in its place. What it printed. */
static char *run_client(const char *const *argv, const char *address)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    char *out, *err;

    for (guint i = 0; argv[i] != NULL; i++)
        g_ptr_array_add(words, (gpointer)(g_str_equal(argv[i], "@ADDRESS@") ? address : argv[i]));
    g_ptr_array_add(words, NULL);
    int status = fleet_test_run((const char *const *)words->pdata, NULL, &out, &err);
    ck_assert_msg(status == 0, "%s exits with %d: %s", argv[0], status, err);
    g_free(err);
    return out;
}

START_TEST(clients_report_presence)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *socket = fleet_test_fleet_address(fleet);
    const char *address = _i % 2 == 0 ? fleet_test_bus_address(fleet->bus) : socket;

    fleet_test_register(fleet->connection, "r");
    g_autofree char *nothing = run_client(clients[_i / 2].one, address);
    gint64 first = last_seen(fleet->connection);
    ck_assert_int_gt(first, 0);
    ck_assert(*nothing == '\0' || g_str_equal(nothing, "()\n"));
    g_autofree char *answer = run_client(clients[_i / 2].three, address);
    ck_assert_str_eq(answer, clients[_i / 2].answer);
    ck_assert_int_gt(last_seen(fleet->connection), first);
    fleet_test_wait_for(fleet->connection, ROUTER, FLEET_TEST_DEVICE, "Presence", "ONLINE");
}
END_TEST

/* The first one says something new; the others only move LastSeen, of which no signal tells. */
START_TEST(many_heartbeats_are_one_signal)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    GDBusConnection *connection = _i == 0 ? fleet->connection : fleet->direct;
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(connection, FLEET_TEST_PROPERTIES, NULL, ROUTER);
    gint64 before = g_get_real_time();

    fleet_test_register(connection, "r");
    fleet_test_manager_void(connection, "Heartbeat", beat("r"));
    (void)fleet_test_signals_wait_property(signals, 0, ROUTER, "Presence", "'ONLINE'");
    ck_assert_int_ge(last_seen(connection), before);
    for (guint i = 0; i < 20; i++) {
        gint64 seen = last_seen(connection);

        fleet_test_manager_void(connection, "Heartbeat", beat("r"));
        ck_assert_int_gt(last_seen(connection), seen);
        fleet_test_manager_void(connection, "Heartbeats", g_variant_new_parsed("(['r', 'r'],)"));
    }
    /* What a heartbeat brought about would be told before a second change. */
    fleet_test_set_status(connection, "r", "ERROR");
    fleet_test_set_status(connection, "r", "IDLE");
    fleet_test_signals_settle(signals);
    g_autofree char *told = story(signals);
    ck_assert_str_eq(told, CHANGED("'Presence': <'ONLINE'>") CHANGED("'Status': <'ERROR'>, 'UpdatedAt': <TIME>")
                                   CHANGED("'Status': <'IDLE'>, 'UpdatedAt': <TIME>"));
}
END_TEST

/* Status and Presence change together, and the status that it had comes back. */
START_TEST(silence_and_return_are_told)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet_that_misses();
    GDBusConnection *connection = _i == 0 ? fleet->connection : fleet->direct;
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(connection, FLEET_TEST_PROPERTIES, NULL, ROUTER);

    fleet_test_register_as(connection, "r", "", "", "ERROR");
    fleet_test_manager_void(connection, "Heartbeat", beat("r"));
    guint missed = fleet_test_signals_wait_property(signals, 0, ROUTER, "Status", "'OFFLINE'");
    g_autofree char *leaves = story(signals);
    ck_assert_str_eq(leaves, CHANGED("'Presence': <'ONLINE'>")
                                     CHANGED("'Status': <'OFFLINE'>, 'UpdatedAt': <TIME>, 'Presence': <'OFFLINE'>"));

    fleet_test_manager_void(connection, "Heartbeat", beat("r"));
    guint back = fleet_test_signals_wait_property(signals, missed + 1, ROUTER, "Status", "'ERROR'");
    ck_assert_uint_eq(back, missed + 1);
    g_autofree char *returns = g_variant_print(fleet_test_signals_get(signals, back)->arguments, FALSE);
    fleet_test_assert_matches(returns,
            "^\\('org.fleet.Device', \\{'Status': <'ERROR'>, 'UpdatedAt': <uint64 [0-9]+>, 'Presence': <'ONLINE'>\\}");
}
END_TEST

/* The word of an operator is the last one, until the device is heard. */
START_TEST(operator_sets_what_is_silent)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet_that_misses();
    GDBusConnection *connection = fleet->connection;

    fleet_test_register(connection, "r");
    fleet_test_manager_void(connection, "Heartbeat", beat("r"));
    fleet_test_wait_for(connection, ROUTER, FLEET_TEST_DEVICE, "Status", "OFFLINE");
    fleet_test_assert_prints(fleet_test_manager(connection, "SetDeviceStatus",
                                     g_variant_new("(ssa{sv})", "r", "MAINTENANCE", NULL), NULL),
            "('OFFLINE', 'MAINTENANCE')");
    fleet_test_assert_prints(
            fleet_test_manager(connection, "SetDeviceStatus", g_variant_new("(ssa{sv})", "r", "IDLE", NULL), NULL),
            "('MAINTENANCE', 'OFFLINE')");
    fleet_test_assert_prints(
            fleet_test_manager(connection, "SetDeviceStatus", g_variant_new("(ssa{sv})", "r", "IDLE", NULL), NULL),
            "('OFFLINE', 'IDLE')");
    g_autoptr(GVariant) info = fleet_test_device_info(connection, "r");
    fleet_test_assert_entry(info, "Presence", "'UNKNOWN'");
    /* As any other that is IDLE. */
    fleet_test_manager_void(connection, "InitiateDeviceAction", fleet_test_action_arguments("r", "SYSTEM_REBOOT"));
}
END_TEST

/* One connection's calls, sent without a wait: the second one finds what the first one has only staged. */
START_TEST(what_is_being_registered_is_heard)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    GDBusConnection *connection = _i == 0 ? fleet->connection : fleet->direct;
    FleetTestPending *registered = fleet_test_send(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new_parsed("('r', '', '', '', @a{sv} {})"));
    FleetTestPending *heard = fleet_test_send(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "Heartbeat", beat("r"));
    g_autofree char *first = fleet_test_outcome(registered);
    g_autofree char *second = fleet_test_outcome(heard);

    ck_assert_str_eq(first, "");
    ck_assert_str_eq(second, "");
    fleet_test_wait_for(connection, ROUTER, FLEET_TEST_DEVICE, "Presence", "ONLINE");
    ck_assert_int_gt(last_seen(connection), 0);
}
END_TEST

static void limit_files(const FleetTestFleet *fleet, rlim_t size)
{
    const struct rlimit limit = {.rlim_cur = size, .rlim_max = RLIM_INFINITY};
    GPid pid = fleet_test_process_pid(fleet_test_daemon_process(fleet->daemon));

    ck_assert_int_eq(prlimit(pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

START_TEST(heartbeats_need_no_disk)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    GDBusConnection *connection = fleet->connection;

    fleet_test_register(connection, "r");
    limit_files(fleet, 1);
    fleet_test_manager_fails(connection, "SetDeviceStatus", g_variant_new_parsed("('r', 'ERROR', @a{sv} {})"),
            FLEET_TEST_ERROR "StorageFailed", NULL);
    for (guint i = 0; i < 3; i++) {
        gint64 seen = last_seen(connection);

        fleet_test_manager_void(connection, "Heartbeat", beat("r"));
        ck_assert_int_gt(last_seen(connection), seen);
    }
    fleet_test_wait_for(connection, ROUTER, FLEET_TEST_DEVICE, "Presence", "ONLINE");
    fleet_test_assert_prints(
            fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "StorageState"), "'failed'");
    limit_files(fleet, RLIM_INFINITY);
}
END_TEST

/* The methods in the audit, oldest first, with blanks between. */
static char *audited(GDBusConnection *connection)
{
    g_autoptr(GVariant) reply =
            fleet_test_manager(connection, "QueryAudit", g_variant_new("(su)", "", 0u), "(a(tusssss)s)");
    g_autoptr(GVariant) rows = g_variant_get_child_value(reply, 0);
    GString *text = g_string_new(NULL);

    for (gsize i = g_variant_n_children(rows); i > 0; i--) {
        const char *method, *outcome;

        g_variant_get_child(rows, i - 1, "(tuss&ss&s)", NULL, NULL, NULL, NULL, &method, NULL, &outcome);
        g_string_append_printf(text, "%s %s\n", method, outcome);
    }
    return g_string_free(text, FALSE);
}

/* Or it would have nothing else, and the disk no rest. */
START_TEST(audit_has_no_heartbeats_but_those_denied)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");

    fleet_test_register(fleet->connection, "r");
    fleet_test_manager_void(fleet->connection, "Heartbeat", beat("r"));
    fleet_test_manager_void(fleet->direct, "Heartbeats", g_variant_new_parsed("(['r', 'nobody'],)"));
    fleet_test_manager_fails(
            fleet->connection, "Heartbeat", beat("nobody"), FLEET_TEST_ERROR "DeviceNotFound", "'nobody'");
    if (geteuid() == 0) {
        g_autoptr(GDBusConnection) nobody = fleet_test_connect_as(NOBODY, fleet_test_bus_address(fleet->bus));

        fleet_test_manager_fails(
                nobody, "Heartbeat", beat("r"), FLEET_TEST_DENIED, "user 65534 may not report that devices are there");
    }
    fleet_test_set_status(fleet->connection, "r", "ERROR");
    g_autofree char *rows = audited(fleet->connection);
    g_autofree char *due = g_strdup_printf(
            "RegisterDevice ok\n%sSetDeviceStatus ok\n", geteuid() == 0 ? "Heartbeat " FLEET_TEST_DENIED "\n" : "");
    ck_assert_str_eq(rows, due);
}
END_TEST

/* Only root can become the user who is asked about. */
START_TEST(what_is_denied_is_among_the_failures)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autoptr(FleetTestPolkit) polkit =
            fleet_test_polkit_new(fleet_test_bus_address(fleet->bus), FLEET_TEST_POLKIT_BY_TYPE);
    g_autoptr(GDBusConnection) nobody = fleet_test_connect_as(NOBODY, fleet_test_bus_address(fleet->bus));

    fleet_test_register_as(fleet->connection, "r", "", "router", "");
    fleet_test_register_as(fleet->connection, "s", "", "sensor", "");
    g_autoptr(GVariant) reply =
            fleet_test_manager(nobody, "Heartbeats", g_variant_new_parsed("(['s', 'r', 's'],)"), "(ua(uss))");
    g_autofree char *text = g_variant_print(reply, FALSE);
    fleet_test_assert_matches(text, "^\\(2, \\[\\(1, '" FLEET_TEST_DENIED "', .*\\)\\]\\)$");
    ck_assert_int_eq(last_seen(fleet->connection), 0);
    fleet_test_wait_for(fleet->connection, FLEET_TEST_ROOT "/device/s", FLEET_TEST_DEVICE, "Presence", "ONLINE");
    fleet_test_manager_fails(
            nobody, "Heartbeats", g_variant_new_parsed("(['r'],)"), FLEET_TEST_DENIED, "device 'r' of type 'router'");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: presence");
    TCase *tcase = fleet_test_case(suite, "heartbeats");

    tcase_add_loop_test(tcase, clients_report_presence, 0, 2 * G_N_ELEMENTS(clients));
    tcase_add_loop_test(tcase, many_heartbeats_are_one_signal, 0, 2);
    tcase_add_loop_test(tcase, silence_and_return_are_told, 0, 2);
    tcase_add_test(tcase, operator_sets_what_is_silent);
    tcase_add_loop_test(tcase, what_is_being_registered_is_heard, 0, 2);
    tcase_add_test(tcase, heartbeats_need_no_disk);
    tcase_add_test(tcase, audit_has_no_heartbeats_but_those_denied);
    if (geteuid() == 0)
        tcase_add_test(tcase, what_is_denied_is_among_the_failures);
    return fleet_test_main(suite);
}
