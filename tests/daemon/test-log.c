/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where messages go, and how much of them: the command line, the configuration, and org.freedesktop.LogControl1. */

#include "lib/fleet_test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONTROL_PATH "/org/freedesktop/LogControl1"
#define CONTROL "org.freedesktop.LogControl1"

static FleetTestBus *bus;
static FleetTestDaemon *fleetd;
static GDBusConnection *connection;

static void setup(void)
{
    bus = fleet_test_bus_new(NULL);
    fleetd = fleet_test_daemon_new();
    connection = fleet_test_connect(fleet_test_bus_address(bus));
}

static void teardown(void)
{
    g_clear_object(&connection);
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&bus, fleet_test_bus_free);
}

static void wait_stderr(const char *pattern)
{
    if (!fleet_test_process_wait_output(
                fleet_test_daemon_process(fleetd), FLEET_TEST_STDERR, pattern, FLEET_TEST_PATIENCE)) {
        g_autofree char *written = fleet_test_daemon_stderr(fleetd);
        fleet_test_fail("'%s' is not logged, but: %s", pattern, written);
    }
}

static gboolean has_said(const char *text)
{
    g_autofree char *written = fleet_test_daemon_stderr(fleetd);

    return strstr(written, text) != NULL;
}

/* A call that leaves a line when debugging, before it is answered. */
static void call(const char *device)
{
    fleet_test_call_fails(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "UnregisterDevice",
            g_variant_new("(sa{sv})", device, NULL), "org.fleet.Error.DeviceNotFound", NULL);
}

static void assert_property(const char *name, const char *expected)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, CONTROL_PATH, CONTROL, name);

    ck_assert_str_eq(g_variant_get_string(value, NULL), expected);
}

static GVariant *set_arguments(const char *name, GVariant *value)
{
    return g_variant_new("(ssv)", CONTROL, name, value);
}

static void set(const char *name, const char *value)
{
    fleet_test_call_void(
            connection, CONTROL_PATH, FLEET_TEST_PROPERTIES, "Set", set_arguments(name, g_variant_new_string(value)));
    if (*value != '\0')
        assert_property(name, value);
}

static void reload(void)
{
    fleet_test_daemon_signal(fleetd, SIGHUP);
    wait_stderr("the configuration is reloaded");
}

START_TEST(properties_tell_what_is_in_force)
{
    fleet_test_daemon_set_config(fleetd, "[Log]\nLevel=warning\nTarget=console-prefixed\n");
    fleet_test_daemon_start(fleetd);
    assert_property("LogLevel", "warning");
    assert_property("LogTarget", "console-prefixed");
    assert_property("SyslogIdentifier", "fleetd");
}
END_TEST

START_TEST(command_line_comes_before_the_configuration)
{
    fleet_test_daemon_add_argument(fleetd, "--log-level=notice");
    fleet_test_daemon_add_argument(fleetd, "--log-target=console");
    fleet_test_daemon_set_config(fleetd, "[Log]\nLevel=debug\nTarget=null\n");
    fleet_test_daemon_start(fleetd);
    assert_property("LogLevel", "notice");
    assert_property("LogTarget", "console");
    reload();
    assert_property("LogLevel", "notice");
    assert_property("LogTarget", "console");
}
END_TEST

START_TEST(level_that_is_set_outlasts_a_reload)
{
    fleet_test_daemon_set_config(fleetd, "[Log]\nLevel=info\n");
    fleet_test_daemon_start(fleetd);
    assert_property("LogLevel", "info");
    call("early");
    set("LogLevel", "debug");
    call("router-1");
    wait_stderr("UnregisterDevice 'router-1' by user");
    ck_assert(!has_said("'early'"));

    fleet_test_daemon_set_config(fleetd, "[Log]\nLevel=notice\n");
    reload();
    assert_property("LogLevel", "debug");
    call("router-2");
    wait_stderr("UnregisterDevice 'router-2' by user");

    set("LogLevel", "");
    assert_property("LogLevel", "notice");
    call("router-3");
    ck_assert(!has_said("'router-3'"));
}
END_TEST

START_TEST(target_is_set)
{
    fleet_test_daemon_add_argument(fleetd, "--log-level=debug");
    fleet_test_daemon_start(fleetd);
    assert_property("LogTarget", "auto");
    set("LogTarget", "console-prefixed");
    call("router-1");
    wait_stderr("^<6>UnregisterDevice 'router-1' by user");
    set("LogTarget", "null");
    call("router-2");
    set("LogTarget", "console");
    call("router-3");
    wait_stderr("^fleetd: UnregisterDevice 'router-3' by user");
    ck_assert(!has_said("'router-2'"));
    set("LogTarget", "");
    assert_property("LogTarget", "auto");
}
END_TEST

static const struct {
    const char *property, *value, *error, *part;
} bad[] = {
        {"LogLevel", "'loud'", "org.fleet.Error.InvalidArgument", "log level 'loud' is unknown; use one of emerg"},
        {"LogLevel", "'INFO'", "org.fleet.Error.InvalidArgument", "use one of emerg"},
        {"LogLevel", "7", "org.fleet.Error.InvalidArgument", NULL},
        {"LogTarget", "'syslog'", "org.fleet.Error.InvalidArgument", "use one of auto, console"},
        {"LogTarget", "['console']", "org.fleet.Error.InvalidArgument", NULL},
        {"SyslogIdentifier", "'other'", "org.freedesktop.DBus.Error.PropertyReadOnly", NULL},
        {"LogColour", "'red'", "org.freedesktop.DBus.Error.UnknownProperty", NULL},
};

START_TEST(bad_value_changes_nothing)
{
    fleet_test_daemon_start(fleetd);
    fleet_test_call_fails(connection, CONTROL_PATH, FLEET_TEST_PROPERTIES, "Set",
            set_arguments(bad[_i].property, g_variant_new_parsed(bad[_i].value)), bad[_i].error, bad[_i].part);
    assert_property("LogLevel", "info");
    assert_property("LogTarget", "auto");
    assert_property("SyslogIdentifier", "fleetd");
    ck_assert(!has_said("has set the log"));
}
END_TEST

START_TEST(others_may_only_look)
{
    fleet_test_daemon_start(fleetd);
    fleet_test_run_fails(1, "Access denied", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "busctl",
            "set-property", FLEET_TEST_NAME, CONTROL_PATH, CONTROL, "LogLevel", "s", "debug");
    fleet_test_run_fails(1, "user 65534 may not change the log", "setpriv", "--reuid=65534", "--regid=65534",
            "--clear-groups", "gdbus", "call", "--system", "--dest", FLEET_TEST_NAME, "--object-path", CONTROL_PATH,
            "--method", FLEET_TEST_PROPERTIES ".Set", CONTROL, "LogTarget", "<'null'>");
    g_autofree char *level = fleet_test_run_ok("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "busctl",
            "get-property", FLEET_TEST_NAME, CONTROL_PATH, CONTROL, "LogLevel");
    ck_assert_str_eq(level, "s \"info\"\n");
    assert_property("LogTarget", "auto");
}
END_TEST

/* systemctl finds the daemon by its bus name, so nobody looks for it there. */
START_TEST(private_socket_does_not_have_it)
{
    fleet_test_daemon_start(fleetd);
    g_autofree char *address = g_strconcat("unix:path=", fleet_test_daemon_socket(fleetd), NULL);
    g_autoptr(GDBusConnection) peer = fleet_test_connect(address);

    fleet_test_call_fails(peer, CONTROL_PATH, FLEET_TEST_PROPERTIES, "Set",
            set_arguments("LogLevel", g_variant_new_string("debug")), "org.freedesktop.DBus.Error.UnknownObject", NULL);
    assert_property("LogLevel", "info");
}
END_TEST

START_TEST(introspection_shows_it)
{
    fleet_test_daemon_start(fleetd);
    g_autofree char *shown =
            fleet_test_run_ok("busctl", "introspect", "--no-legend", FLEET_TEST_NAME, CONTROL_PATH, CONTROL);

    fleet_test_assert_matches(shown, "^\\.LogLevel +property +s +\"info\" +writable$");
    fleet_test_assert_matches(shown, "^\\.LogTarget +property +s +\"auto\" +writable$");
    fleet_test_assert_matches(shown, "^\\.SyslogIdentifier +property +s +\"fleetd\" +const$");
}
END_TEST

/* What parameters hold may be secret. */
START_TEST(parameters_are_not_logged)
{
    static const char story[] = "is accepted: SOFTWARE_UPDATE(.|\n)* starts, attempt 1 of 1(.|\n)* ended: success";

    fleet_test_daemon_add_argument(fleetd, "--log-level=debug");
    fleet_test_daemon_set_config(fleetd, "[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=1\n");
    fleet_test_daemon_start(fleetd);
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", "a", "", "", "", NULL));
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new_parsed("('a', 'SOFTWARE_UPDATE', {'token': 'xyzzy'}, @a{sv} {})"));
    wait_stderr(story);
    wait_stderr("device 'a' is registered\n(.|\n)*RegisterDevice 'a' by user [0-9]+ \\(.*\\): ok");
    ck_assert(!has_said("xyzzy"));
}
END_TEST

static void beat(const char *device)
{
    fleet_test_call_void(
            connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "Heartbeat", g_variant_new("(sa{sv})", device, NULL));
}

static void set_status(const char *device, const char *status)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "SetDeviceStatus",
            g_variant_new("(ssa{sv})", device, status, NULL));
}

/* What a call does is told of the call; of a silence nobody else would tell. */
START_TEST(devices_that_leave_and_return_are_told)
{
    fleet_test_daemon_add_argument(fleetd, "--log-level=debug");
    fleet_test_daemon_set_config(fleetd, "[Presence]\nOfflineAfter=100ms\n");
    fleet_test_daemon_start(fleetd);
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", "a", "", "", "ERROR", NULL));
    beat("a");
    wait_stderr("device 'a' is not heard any more, and is now OFFLINE$");
    beat("a");
    wait_stderr("device 'a' is heard again, and is now ERROR$");
    set_status("a", "MAINTENANCE");
    beat("a"); /* or it may have been missed before */
    wait_stderr("device 'a' is not heard any more, and stays MAINTENANCE$");
    set_status("a", "IDLE");
    wait_stderr("device 'a' is now OFFLINE, was MAINTENANCE$");
    set_status("a", "IDLE");
    wait_stderr("device 'a' is now IDLE, was OFFLINE$");
    ck_assert(!has_said("is now OFFLINE, was ERROR"));
    ck_assert(!has_said("Heartbeat"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon: log");
    TCase *tcase = fleet_test_case(suite, "log");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, properties_tell_what_is_in_force);
    tcase_add_test(tcase, command_line_comes_before_the_configuration);
    tcase_add_test(tcase, level_that_is_set_outlasts_a_reload);
    tcase_add_test(tcase, target_is_set);
    tcase_add_loop_test(tcase, bad_value_changes_nothing, 0, (int)G_N_ELEMENTS(bad));
    if (geteuid() == 0)
        tcase_add_test(tcase, others_may_only_look);
    else
        puts("# left out: only root can become another user, who may only look");
    tcase_add_test(tcase, private_socket_does_not_have_it);
    tcase_add_test(tcase, introspection_shows_it);
    tcase_add_test(tcase, parameters_are_not_logged);
    tcase_add_test(tcase, devices_that_leave_and_return_are_told);
    return fleet_test_main(suite);
}
