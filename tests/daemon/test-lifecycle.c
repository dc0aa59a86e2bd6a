/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/fleet_test.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As fleetd(8) documents them. */
enum {
    EXIT_USAGE = 2,
    EXIT_BUS = 3,
    EXIT_NAME = 4,
    EXIT_STATE_DIRECTORY = 5,
    EXIT_LOCKED = 6,
    EXIT_DATABASE = 7,
    EXIT_CONFIGURATION = 8,
    EXIT_SOCKET = 9,
};

/* Where SQLite keeps PRAGMA user_version in its file, as https://www.sqlite.org/fileformat.html has it. */
#define SCHEMA_OFFSET 60

/* Starts it, expecting that status, no readiness, and one line of reason on stderr that contains each of the parts
 * (NULL-terminated). */
static void gives_up(FleetTestDaemon *daemon, int status, const char *const *parts)
{
    int actual = fleet_test_daemon_start_fails(daemon);
    g_autofree char *written = fleet_test_daemon_stderr(daemon);

    ck_assert_msg(actual == status, "exit status %d where %d was due: %s", actual, status, written);
    fleet_test_assert_matches(written, "\\A(fleetd: made database [^\n]+\n)?fleetd: [^\n]+\n\\z");
    for (; *parts != NULL; parts++)
        fleet_test_assert_contains(written, *parts);
}

static GVariant *device(const char *id)
{
    return g_variant_new("(ssss@a{sv})", id, "", "", "", g_variant_new("a{sv}", NULL));
}

static void register_device(GDBusConnection *connection, const char *id)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", device(id));
}

static guint count_devices(GDBusConnection *connection)
{
    g_autoptr(GVariant) count = fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceCount");

    return g_variant_get_uint32(count);
}

static char *database_of(const FleetTestDaemon *daemon)
{
    return g_build_filename(fleet_test_daemon_state_directory(daemon), "fleet.db", NULL);
}

START_TEST(it_starts_and_ends)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();

    fleet_test_daemon_start(daemon);
    ck_assert(fleet_test_daemon_wait_notify(daemon, "STATUS=*", FLEET_TEST_PATIENCE));
    ck_assert_int_eq(fleet_test_daemon_wait(daemon, 0), -1);

    gint64 before = g_get_monotonic_time();
    fleet_test_daemon_signal(daemon, _i);
    ck_assert_int_eq(fleet_test_daemon_wait(daemon, FLEET_TEST_PATIENCE), 0);
    double seconds = (double)(g_get_monotonic_time() - before) / G_USEC_PER_SEC;
    ck_assert_msg(seconds <= 5 * fleet_test_slowness(), "it took %.1f s to end", seconds);
    ck_assert(fleet_test_daemon_wait_notify(daemon, "STOPPING=1", 0));
}
END_TEST

START_TEST(it_is_published_when_it_is_ready)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();

    fleet_test_daemon_start(daemon);
    g_autofree char *version = fleet_test_run_ok(
            "busctl", "get-property", FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "Version");
    fleet_test_assert_matches(version, "^s \"[0-9.]+\"$");
    g_autofree char *tree = fleet_test_run_ok(
            "gdbus", "introspect", "--system", "--dest", FLEET_TEST_NAME, "--object-path", FLEET_TEST_ROOT);
    fleet_test_assert_contains(tree, "interface org.fleet.Manager");
    g_autofree char *status = fleet_test_run_ok(fleet_test_env("FLEETCTL"), "status");
    fleet_test_assert_contains(status, "0");
}
END_TEST

START_TEST(session_bus_works_too)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();

    g_setenv("DBUS_SESSION_BUS_ADDRESS", fleet_test_bus_address(bus), TRUE);
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", TRUE);
    fleet_test_daemon_set_mode(daemon, "--user");
    fleet_test_daemon_start(daemon);
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));
    ck_assert_uint_eq(count_devices(connection), 0);
}
END_TEST

START_TEST(it_lives_without_a_bus)
{
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    g_autofree char *address = g_strconcat("unix:path=", fleet_test_daemon_socket(daemon), NULL);

    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", TRUE);
    fleet_test_daemon_set_mode(daemon, "--no-bus");
    fleet_test_daemon_start(daemon);
    g_autoptr(GDBusConnection) connection = fleet_test_connect(address);
    register_device(connection, "router-1");
    ck_assert_uint_eq(count_devices(connection), 1);
}
END_TEST

START_TEST(what_was_acknowledged_survives_the_end)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));

    fleet_test_daemon_start(daemon);
    register_device(connection, "router-1");
    fleet_test_daemon_kill(daemon);
    fleet_test_daemon_start(daemon);
    ck_assert_uint_eq(count_devices(connection), 1);

    register_device(connection, "router-2");
    fleet_test_daemon_restart(daemon);
    ck_assert_uint_eq(count_devices(connection), 2);
    fleet_test_call_fails(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", device("router-1"),
            "org.fleet.Error.DeviceExists", "router-1");
}
END_TEST

START_TEST(a_running_action_survives_a_crash)
{
    static const char config[] = "[Simulation]\nMinDuration=1s\nMaxDuration=1s\nSuccessRate=1\n";
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(connection, NULL, NULL, NULL);
    const char *id, *path;

    fleet_test_daemon_set_config(daemon, config);
    fleet_test_daemon_start(daemon);
    register_device(connection, "router-1");
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ss@a{ss}@a{sv})", "router-1", "SOFTWARE_UPDATE", g_variant_new("a{ss}", NULL),
                    g_variant_new("a{sv}", NULL)),
            "(sos)");
    g_variant_get(reply, "(&s&o&s)", &id, &path, NULL);
    fleet_test_daemon_kill(daemon);

    fleet_test_daemon_start(daemon);
    fleet_test_signals_wait_property(signals, 0, path, "Status", "'COMPLETED'");
    g_autoptr(GVariant) status = fleet_test_get(connection, path, FLEET_TEST_ACTION, "Status");
    ck_assert_str_eq(g_variant_get_string(status, NULL), "COMPLETED");
}
END_TEST

/* The session's, that is; see test-bus-lost.c for the system's. */
START_TEST(a_lost_session_bus_ends_it)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();

    g_setenv("DBUS_SESSION_BUS_ADDRESS", fleet_test_bus_address(bus), TRUE);
    fleet_test_daemon_set_mode(daemon, "--user");
    fleet_test_daemon_start(daemon);
    fleet_test_bus_stop(bus);
    ck_assert_int_eq(fleet_test_daemon_wait(daemon, FLEET_TEST_PATIENCE), EXIT_BUS);
    g_autofree char *written = fleet_test_daemon_stderr(daemon);
    fleet_test_assert_contains(written, "the connection to the bus is lost");
}
END_TEST

START_TEST(reload_takes_a_good_configuration)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));

    fleet_test_daemon_start(daemon);
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(connection, NULL, NULL, NULL);
    fleet_test_daemon_set_config(daemon, "[ActionType CALIBRATION]\nDeviceStatus=BUSY\n");
    fleet_test_daemon_signal(daemon, SIGHUP);
    fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "ActionTypes",
            "['SOFTWARE_UPDATE', 'FIRMWARE_UPDATE', 'SYSTEM_REBOOT', 'CONFIGURATION_CHANGE', 'CALIBRATION']");
}
END_TEST

START_TEST(reload_refuses_a_bad_configuration)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));

    fleet_test_daemon_set_config(daemon, "[ActionType CALIBRATION]\nDeviceStatus=BUSY\n");
    fleet_test_daemon_start(daemon);
    fleet_test_daemon_set_config(daemon, "[Simulation]\nMinDuration=soon\n");
    fleet_test_daemon_signal(daemon, SIGHUP);
    ck_assert(fleet_test_process_wait_output(fleet_test_daemon_process(daemon), FLEET_TEST_STDERR,
            "not reloaded, the old one stays: .*/fleetd\\.conf:2: .*MinDuration", FLEET_TEST_PATIENCE));
    g_autoptr(GVariant) types = fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ActionTypes");
    ck_assert_uint_eq(g_variant_n_children(types), 5);
}
END_TEST

START_TEST(no_bus_is_told)
{
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();

    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", TRUE);
    gives_up(daemon, EXIT_BUS, (const char *const[]){"the system bus cannot be reached", NULL});
}
END_TEST

START_TEST(a_taken_name_is_told)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GError) error = NULL;

    reply = g_dbus_connection_call_sync(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
            "org.freedesktop.DBus", "RequestName", g_variant_new("(su)", FLEET_TEST_NAME, 0u), G_VARIANT_TYPE("(u)"),
            G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
    fleet_test_assert_no_error(error);
    gives_up(daemon, EXIT_NAME, (const char *const[]){"'org.fleet.Manager' is taken", NULL});
}
END_TEST

START_TEST(a_forbidden_name_is_told)
{
    g_autoptr(FleetTestBus) bus =
            fleet_test_bus_new("<policy context='mandatory'><deny own='org.fleet.Manager'/></policy>");
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();

    gives_up(daemon, EXIT_NAME, (const char *const[]){"own 'org.fleet.Manager'", NULL});
}
END_TEST

START_TEST(a_bad_state_directory_is_told)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    g_autofree char *below_a_file = g_build_filename(fleet_test_daemon_config(daemon), "state", NULL);
    /* Nobody, root neither, makes a directory there. */
    const char *const bad[] = {fleet_test_daemon_config(daemon), below_a_file, "/proc/fleet"};

    fleet_test_daemon_set_state_directory(daemon, bad[_i]);
    gives_up(daemon, EXIT_STATE_DIRECTORY, (const char *const[]){bad[_i], NULL});
}
END_TEST

START_TEST(a_second_instance_is_refused)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    g_autoptr(FleetTestDaemon) second = fleet_test_daemon_new();

    fleet_test_daemon_start(daemon);
    fleet_test_daemon_set_state_directory(second, fleet_test_daemon_state_directory(daemon));
    g_autofree char *holder =
            g_strdup_printf("in use by process %d;", (int)fleet_test_process_pid(fleet_test_daemon_process(daemon)));
    gives_up(second, EXIT_LOCKED, (const char *const[]){fleet_test_daemon_state_directory(daemon), holder, NULL});

    fleet_test_daemon_kill(daemon);
    fleet_test_daemon_start(second); /* the lock of a dead one does not last */
}
END_TEST

/* Starts it on a database that it must refuse, and leave as it is. */
static void refuses_database(FleetTestDaemon *daemon, const char *part)
{
    g_autofree char *path = database_of(daemon);
    g_autoptr(GError) error = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    gsize length_before, length_after;

    ck_assert(g_file_get_contents(path, &before, &length_before, &error));
    gives_up(daemon, EXIT_DATABASE, (const char *const[]){path, part, NULL});
    ck_assert(g_file_get_contents(path, &after, &length_after, &error));
    ck_assert_uint_eq(length_before, length_after);
    ck_assert_mem_eq(before, after, length_before);
}

START_TEST(a_corrupt_database_is_left_alone)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    g_autofree char *path = database_of(daemon);

    ck_assert_int_eq(mkdir(fleet_test_daemon_state_directory(daemon), 0700), 0);
    fleet_test_write(path, "This is not a database, but somebody may want it back.\n");
    refuses_database(daemon, "was not touched");
}
END_TEST

START_TEST(a_newer_database_is_left_alone)
{
    static const guint8 schema[] = {0, 0, 3, 0xe7}; /* 999, big-endian */
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    g_autofree char *path = database_of(daemon);

    fleet_test_daemon_start(daemon);
    ck_assert_int_eq(fleet_test_daemon_stop(daemon), 0);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pwrite(fd, schema, sizeof(schema), SCHEMA_OFFSET), sizeof(schema));
    ck_assert_int_eq(close(fd), 0);
    refuses_database(daemon, "schema 999");
}
END_TEST

static const struct {
    const char *text, *place, *part;
} bad_configs[] = {
        {"[Simulation]\n\nMinDurations=1s\n", "fleetd.conf:3: ", "MinDurations"},
        {"[Simulation]\nMinDuration=soon\n", "fleetd.conf:2: ", "'soon'"},
        {"[Simulation]\nSuccessRate=2\n", "fleetd.conf:2: ", "SuccessRate"},
        {"# one\n# two\n[Simulations]\n", "fleetd.conf:3: ", "Simulations"},
        {"nonsense\n", "fleetd.conf:1: ", "KEY=VALUE"},
        {"[ActionType dance]\nDeviceStatus=BUSY\n", "fleetd.conf:", "dance"},
        {"[Log]\nLevel=loud\n", "fleetd.conf:2: ", "'loud'"},
};

START_TEST(a_bad_configuration_is_told)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();

    fleet_test_daemon_set_config(daemon, bad_configs[_i].text);
    gives_up(daemon, EXIT_CONFIGURATION, (const char *const[]){bad_configs[_i].place, bad_configs[_i].part, NULL});
    ck_assert_int_ne(access(fleet_test_daemon_state_directory(daemon), F_OK), 0);
}
END_TEST

START_TEST(a_bad_socket_is_told)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();

    fleet_test_daemon_add_argument(daemon, "--socket=/proc/fleetd.sock");
    gives_up(daemon, EXIT_SOCKET, (const char *const[]){"/proc/fleetd.sock", NULL});
}
END_TEST

START_TEST(a_bad_command_line_is_told)
{
    static const char *const bad[] = {
            "--colour", "--log-level=loud", "--log-target=syslog", "--socket=", "--no-bus", "router-1"};
    const char *const argv[] = {fleet_test_env("FLEETD"), bad[_i], NULL};
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;

    ck_assert_int_eq(fleet_test_run(argv, NULL, &out, &err), EXIT_USAGE);
    ck_assert_str_eq(out, "");
    fleet_test_assert_matches(err, "\\Afleetd: ");
}
END_TEST

START_TEST(version_and_help_are_answered)
{
    g_autofree char *version = fleet_test_run_ok(fleet_test_env("FLEETD"), "--version");
    g_autofree char *help = fleet_test_run_ok(fleet_test_env("FLEETD"), "--help");
    static const char *const options[] = {"--system", "--user", "--no-bus", "--socket=PATH", "--state-directory=DIR",
            "--config=FILE", "--log-level=LEVEL", "--log-target=TARGET", "--version", "--help"};

    fleet_test_assert_matches(version, "\\Afleetd [0-9]+\\.[0-9]+\\.[0-9]+\n");
    for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
        fleet_test_assert_contains(help, options[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle");
    TCase *life = fleet_test_case(suite, "life");
    TCase *refusals = fleet_test_case(suite, "refusals");

    tcase_add_loop_test(life, it_starts_and_ends, SIGINT, SIGINT + 1);
    tcase_add_loop_test(life, it_starts_and_ends, SIGTERM, SIGTERM + 1);
    tcase_add_test(life, it_is_published_when_it_is_ready);
    tcase_add_test(life, session_bus_works_too);
    tcase_add_test(life, it_lives_without_a_bus);
    tcase_add_test(life, what_was_acknowledged_survives_the_end);
    tcase_add_test(life, a_running_action_survives_a_crash);
    tcase_add_test(life, a_lost_session_bus_ends_it);
    tcase_add_test(life, reload_takes_a_good_configuration);
    tcase_add_test(life, reload_refuses_a_bad_configuration);
    tcase_add_test(refusals, no_bus_is_told);
    tcase_add_test(refusals, a_taken_name_is_told);
    tcase_add_test(refusals, a_forbidden_name_is_told);
    tcase_add_loop_test(refusals, a_bad_state_directory_is_told, 0, 3);
    tcase_add_test(refusals, a_second_instance_is_refused);
    tcase_add_test(refusals, a_corrupt_database_is_left_alone);
    tcase_add_test(refusals, a_newer_database_is_left_alone);
    tcase_add_loop_test(refusals, a_bad_configuration_is_told, 0, (int)G_N_ELEMENTS(bad_configs));
    tcase_add_test(refusals, a_bad_socket_is_told);
    tcase_add_loop_test(refusals, a_bad_command_line_is_told, 0, 6);
    tcase_add_test(refusals, version_and_help_are_answered);
    return fleet_test_main(suite);
}
