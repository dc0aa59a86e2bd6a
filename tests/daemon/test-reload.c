/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SIGHUP and Reload: a good configuration is taken up while all goes on, a bad one changes nothing. */

#include "lib/fleet_test.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static FleetTestBus *bus;
static FleetTestDaemon *fleetd;
static GDBusConnection *connection;
static FleetTestSignals *signals;

/* The service manager's side, with the order of what it is told, which the harness does not keep. */
static int notify = -1;
static GString *told; /* the assignments, one a line */

/* fleetd waits when nobody reads; so whoever runs the main loop does. */
static gboolean read_told(int fd, GIOCondition condition, gpointer user_data)
{
    char text[4096];
    ssize_t length;

    while ((length = recv(fd, text, sizeof(text), 0)) >= 0) {
        g_string_append_len(told, text, length);
        g_string_append_c(told, '\n');
    }
    ck_assert_int_eq(errno, EAGAIN);
    return G_SOURCE_CONTINUE;
}

static void setup(void)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "notify", NULL);
    g_autofree char *env = g_strconcat("NOTIFY_SOCKET=", path, NULL);

    notify = fleet_test_notify_socket(path);
    told = g_string_new(NULL);
    g_unix_fd_add(notify, G_IO_IN, read_told, NULL);

    bus = fleet_test_bus_new(NULL);
    fleetd = fleet_test_daemon_new();
    fleet_test_daemon_add_env(fleetd, env);
    connection = fleet_test_connect(fleet_test_bus_address(bus));
}

static void teardown(void)
{
    g_clear_pointer(&signals, fleet_test_signals_free);
    g_clear_object(&connection);
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&bus, fleet_test_bus_free);
    close(notify);
    g_string_free(told, TRUE);
}

/* Waits until the notifications since they were last forgotten match. */
static void wait_told(const char *pattern)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    while (!g_regex_match_simple(pattern, told->str, G_REGEX_MULTILINE | G_REGEX_DOTALL, 0)) {
        struct pollfd wait = {.fd = notify, .events = POLLIN};

        if (poll(&wait, 1, fleet_test_remaining(deadline)) <= 0)
            fleet_test_fail("the service manager is not told %s, but %s", pattern, told->str);
        (void)read_told(notify, G_IO_IN, NULL);
    }
}

static void start(const char *config)
{
    fleet_test_daemon_set_config(fleetd, config);
    fleet_test_daemon_launch(fleetd);
    wait_told("^READY=1\n.*^STATUS=");
    g_string_truncate(told, 0);
    signals = fleet_test_signals_new(connection, NULL, NULL, NULL);
}

/* The whole of a reload, as the service manager sees it. */
static void reload(void)
{
    g_string_truncate(told, 0);
    fleet_test_daemon_signal(fleetd, SIGHUP);
    wait_told("^RELOADING=1\nMONOTONIC_USEC=[0-9]+\n.*^READY=1\n.*^STATUS=Serving");
}

static void reload_with(const char *config)
{
    fleet_test_daemon_set_config(fleetd, config);
    reload();
}

static void wait_stderr(const char *pattern)
{
    if (!fleet_test_process_wait_output(
                fleet_test_daemon_process(fleetd), FLEET_TEST_STDERR, pattern, FLEET_TEST_PATIENCE)) {
        g_autofree char *written = fleet_test_daemon_stderr(fleetd);
        fleet_test_fail("'%s' is not logged, but: %s", pattern, written);
    }
}

static void add(const char *id)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", id, "", "", "", NULL));
}

static GVariant *initiate_arguments(const char *device, const char *type)
{
    return g_variant_new("(ssa{ss}a{sv})", device, type, NULL, NULL);
}

/* Starts an action; its path. Owned by the caller. */
static char *initiate(const char *device, const char *type)
{
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            initiate_arguments(device, type), "(sos)");
    char *path;

    g_variant_get(reply, "(sos)", NULL, &path, NULL);
    return path;
}

static void assert_value(const char *path, const char *interface, const char *property, const char *expected)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, path, interface, property);
    g_autofree char *text = g_variant_print(value, FALSE);

    ck_assert_str_eq(text, expected);
}

#define BUILT_IN "'SOFTWARE_UPDATE', 'FIRMWARE_UPDATE', 'SYSTEM_REBOOT', 'CONFIGURATION_CHANGE'"

static void assert_no_types_told(void)
{
    fleet_test_signals_settle(signals);
    g_autofree char *all = fleet_test_signals_print(signals);
    ck_assert_msg(strstr(all, "ActionTypes") == NULL, "types of action are announced:%s", all);
}

START_TEST(new_type_is_announced_and_works)
{
    start("");
    add("a");
    assert_value(FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ActionTypes", "[" BUILT_IN "]");
    reload_with("[ActionType SELF_TEST]\nDeviceStatus=UPDATING\n[Simulation]\nMinDuration=300ms\nMaxDuration=300ms\n");
    fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "ActionTypes", "[" BUILT_IN ", 'SELF_TEST']");
    assert_value(FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ActionTypes", "[" BUILT_IN ", 'SELF_TEST']");
    wait_stderr("the configuration is reloaded");
    g_autofree char *path = initiate("a", "SELF_TEST");
    assert_value(FLEET_TEST_ROOT "/device/a", FLEET_TEST_DEVICE, "Status", "'UPDATING'");

    /* Its type goes while it runs; it does not mind. */
    fleet_test_signals_clear(signals);
    reload_with("");
    fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "ActionTypes", "[" BUILT_IN "]");
    fleet_test_call_fails(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            initiate_arguments("b", "SELF_TEST"), "org.fleet.Error.InvalidArgument", "SELF_TEST");
    fleet_test_signals_wait_property(signals, 0, path, "Result", NULL);
    assert_value(path, FLEET_TEST_ACTION, "Type", "'SELF_TEST'");
}
END_TEST

START_TEST(unchanged_types_are_not_announced)
{
    start("[ActionType SELF_TEST]\nDeviceStatus=BUSY\n");
    reload();
    reload_with("[ActionType SELF_TEST]\nDeviceStatus=BUSY\n[Simulation]\nSuccessRate=1\n");
    assert_no_types_told();
}
END_TEST

/* What such a type does to a device is no part of its name. */
START_TEST(type_changes_its_effect)
{
    start("[ActionType SELF_TEST]\nDeviceStatus=BUSY\n");
    reload_with("[ActionType SELF_TEST]\nDeviceStatus=UPDATING\n");
    add("a");
    g_autofree char *path = initiate("a", "SELF_TEST");
    assert_value(FLEET_TEST_ROOT "/device/a", FLEET_TEST_DEVICE, "Status", "'UPDATING'");
}
END_TEST

static void refused_call(void)
{
    fleet_test_call_fails(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "UnregisterDevice",
            g_variant_new("(sa{sv})", "nobody", NULL), "org.fleet.Error.DeviceNotFound", NULL);
}

static gboolean is_debugging(void)
{
    g_autofree char *written = fleet_test_daemon_stderr(fleetd);

    return strstr(written, "UnregisterDevice 'nobody' by user") != NULL;
}

START_TEST(log_level_changes)
{
    start("[Log]\nLevel=warning\n");
    refused_call();
    ck_assert(!is_debugging());
    reload_with("[Log]\nLevel=debug\n");
    refused_call();
    wait_stderr("UnregisterDevice 'nobody' by user");
}
END_TEST

START_TEST(log_level_of_the_command_line_stays)
{
    fleet_test_daemon_add_argument(fleetd, "--log-level=notice");
    start("[Log]\nLevel=warning\n");
    reload_with("[Log]\nLevel=debug\n");
    refused_call();
    ck_assert(!is_debugging());
}
END_TEST

START_TEST(times_apply_to_new_actions_only)
{
    start("[Simulation]\nMinDuration=1h\nMaxDuration=1h\nSuccessRate=1\n");
    add("old");
    add("new");
    g_autofree char *old = initiate("old", "SOFTWARE_UPDATE");
    reload_with("[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=1\n");
    g_autofree char *new = initiate("new", "SOFTWARE_UPDATE");
    fleet_test_signals_wait_property(signals, 0, new, "Status", "'COMPLETED'");
    assert_value(old, FLEET_TEST_ACTION, "Status", "'RUNNING'");
}
END_TEST

static gboolean is_removed(const FleetTestSignal *signal, gpointer user_data)
{
    const char *path;

    if (!g_str_equal(signal->member, "InterfacesRemoved"))
        return FALSE;
    g_variant_get(signal->arguments, "(&oas)", &path, NULL);
    return g_str_equal(path, user_data);
}

START_TEST(retention_applies_at_once)
{
    start("[Simulation]\nMinDuration=0\nMaxDuration=0\n");
    add("a");
    g_autofree char *path = initiate("a", "SOFTWARE_UPDATE");
    fleet_test_signals_wait_property(signals, 0, path, "Result", NULL);
    reload_with("[Retention]\nFinishedActions=0\n");
    fleet_test_signals_wait(signals, 0, is_removed, path);
}
END_TEST

START_TEST(drop_ins_are_read_again)
{
    g_autofree char *directory = g_strconcat(fleet_test_daemon_config(fleetd), ".d", NULL);
    g_autofree char *file = g_build_filename(directory, "10-types.conf", NULL);

    start("");
    ck_assert_int_eq(g_mkdir(directory, 0755), 0);
    fleet_test_write(file, "[ActionType SELF_TEST]\nDeviceStatus=BUSY\n");
    reload();
    fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "ActionTypes", "[" BUILT_IN ", 'SELF_TEST']");

    fleet_test_write(file, "[ActionType SELF_TEST]\nDeviceStatus=ASLEEP\n");
    reload();
    wait_stderr("the old one stays: .*10-types\\.conf:2: .*ASLEEP");
    assert_value(FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ActionTypes", "[" BUILT_IN ", 'SELF_TEST']");
}
END_TEST

static const struct {
    const char *config;
    const char *said; /* behind the file's name */
} bad[] = {
        {"[Simulation]\nMinDuration=1s\nMinDurration=5s\n", ":3: key 'MinDurration' in \\[Simulation\\] is unknown"},
        {"# comment\n[Simulation]\nMinDuration=soon\n", ":3: key 'MinDuration' in \\[Simulation\\] has a bad value"},
        {"[Simulation]\nMinDuration=1min\nMaxDuration=1s\n", ":[23]: "},
        {"[Simulation]\nSuccessRate=1.5\n", ":2: key 'SuccessRate'"},
        {"\n\n[Stimulation]\n", ":3: group \\[Stimulation\\] is unknown"},
        {"[Log]\nLevel=loud\n", ":2: key 'Level'"},
        {"[Log]\nLevel\n", ":2: "},
        {"[ActionType self-test]\nDeviceStatus=BUSY\n", ":[12]: .*'self-test'"},
        {"[ActionType SELF_TEST]\nDeviceStatus=IDLE\n", ":2: "},
        {"[Retention]\nFinishedActions=-1\n", ":2: key 'FinishedActions'"},
        {"[Log]\nLevel=\xff\n", ":2: this is not UTF-8"},
};

START_TEST(bad_configuration_changes_nothing)
{
    g_autofree char *quoted = g_regex_escape_string(fleet_test_daemon_config(fleetd), -1);
    g_autofree char *pattern =
            g_strdup_printf("the configuration is not reloaded, the old one stays: %s%s", quoted, bad[_i].said);

    start("[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=1\n[ActionType SELF_TEST]\nDeviceStatus=BUSY\n");
    add("a");
    reload_with(bad[_i].config);
    wait_stderr(pattern);
    assert_no_types_told();
    assert_value(FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ActionTypes", "[" BUILT_IN ", 'SELF_TEST']");
    g_autofree char *path = initiate("a", "SELF_TEST");
    fleet_test_signals_wait_property(signals, 0, path, "Status", "'COMPLETED'");

    /* And the next good one is taken. */
    reload_with("");
    fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "ActionTypes", "[" BUILT_IN "]");
}
END_TEST

START_TEST(missing_file_changes_nothing)
{
    start("[ActionType SELF_TEST]\nDeviceStatus=BUSY\n");
    ck_assert_int_eq(g_unlink(fleet_test_daemon_config(fleetd)), 0);
    reload();
    wait_stderr("the configuration is not reloaded, the old one stays: .*fleetd\\.conf");
    assert_value(FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ActionTypes", "[" BUILT_IN ", 'SELF_TEST']");
}
END_TEST

/* Many at once may melt into one, but the last one counts. */
START_TEST(signals_in_a_row_end_with_the_newest)
{
    start("");
    for (guint i = 0; i < 50; i++) {
        g_autofree char *config = g_strdup_printf("[ActionType TYPE_%u]\nDeviceStatus=BUSY\n", i);

        fleet_test_daemon_set_config(fleetd, config);
        fleet_test_daemon_signal(fleetd, SIGHUP);
    }
    fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "ActionTypes", "[" BUILT_IN ", 'TYPE_49']");
}
END_TEST

/* The same by a call, which answers with what came of it. */
START_TEST(call_reloads_and_says_so)
{
    g_autofree char *refusal = NULL;

    start("");
    fleet_test_daemon_set_config(fleetd, "[ActionType CALIBRATION]\nDeviceStatus=BUSY\n");
    g_string_truncate(told, 0);
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "Reload", NULL);
    /* All of it came before the answer. */
    (void)read_told(notify, G_IO_IN, NULL);
    fleet_test_assert_matches(told->str, "^RELOADING=1\nMONOTONIC_USEC=[0-9]+\n(?s:.*)^READY=1\n");
    assert_value(FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ActionTypes", "[" BUILT_IN ", 'CALIBRATION']");

    fleet_test_daemon_set_config(fleetd, "[Simulation]\n\nMinDuration=soon\n");
    g_string_truncate(told, 0);
    refusal = g_strconcat(fleet_test_daemon_config(fleetd), ":3: key 'MinDuration' in [Simulation] has", NULL);
    fleet_test_call_fails(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "Reload", NULL,
            "org.fleet.Error.InvalidArgument", refusal);
    (void)read_told(notify, G_IO_IN, NULL);
    fleet_test_assert_matches(told->str, "^RELOADING=1\nMONOTONIC_USEC=[0-9]+\n(?s:.*)^READY=1\n");
    assert_value(FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ActionTypes", "[" BUILT_IN ", 'CALIBRATION']");
    wait_stderr("not reloaded, the old one stays: .*fleetd.conf:3: ");
}
END_TEST

/* The name of a file may be anything, and a bus disconnects who sends it what is no UTF-8. */
START_TEST(refusal_of_a_file_with_any_name_is_sent)
{
    g_autofree char *directory = g_strconcat(fleet_test_daemon_config(fleetd), ".d", NULL);
    g_autofree char *path = g_build_filename(directory, "b\xff.conf", NULL);

    start("");
    ck_assert_int_eq(g_mkdir(directory, 0755), 0);
    fleet_test_write(path, "[Nonsense]\n");
    fleet_test_call_fails(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "Reload", NULL,
            "org.fleet.Error.InvalidArgument", "b\xef\xbf\xbd.conf:1: group [Nonsense] is unknown");
    assert_value(FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ActionTypes", "[" BUILT_IN "]");
}
END_TEST

START_TEST(fleetctl_reloads_on_either_way)
{
    g_autofree char *address = NULL;
    const char *way = "--system";

    start("");
    if (_i > 0)
        way = address = g_strconcat("--address=unix:path=", fleet_test_daemon_socket(fleetd), NULL);
    fleet_test_daemon_set_config(fleetd, "[ActionType CALIBRATION]\nDeviceStatus=BUSY\n");
    g_autofree char *out = fleet_test_run_ok(fleet_test_env("FLEETCTL"), way, "reload");
    fleet_test_assert_contains(out, "Configuration reloaded");
    assert_value(FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ActionTypes", "[" BUILT_IN ", 'CALIBRATION']");
    fleet_test_daemon_set_config(fleetd, "[Nonsense]\n");
    fleet_test_run_fails(1, "fleetd.conf:1: group [Nonsense] is unknown", fleet_test_env("FLEETCTL"), way, "reload");
    fleet_test_run_fails(2, "too many arguments", fleet_test_env("FLEETCTL"), way, "reload", "it");
    wait_stderr("not reloaded, the old one stays: .*fleetd.conf:1: ");
}
END_TEST

/* A call that is not allowed reads nothing. */
START_TEST(others_may_not_reload)
{
    if (getuid() != 0)
        return;
    start("");
    fleet_test_daemon_set_config(fleetd, "[ActionType CALIBRATION]\nDeviceStatus=BUSY\n");
    fleet_test_run_fails(1, "may not have the configuration read anew", "setpriv", "--reuid=65534", "--clear-groups",
            "gdbus", "call", "--system", "--dest", FLEET_TEST_NAME, "--object-path", FLEET_TEST_ROOT, "--method",
            FLEET_TEST_MANAGER ".Reload");
    assert_value(FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ActionTypes", "[" BUILT_IN "]");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon: reload");
    TCase *good = fleet_test_case(suite, "good");
    TCase *wrong = fleet_test_case(suite, "wrong");
    TCase *calls = fleet_test_case(suite, "calls");

    tcase_add_checked_fixture(good, setup, teardown);
    tcase_add_test(good, new_type_is_announced_and_works);
    tcase_add_test(good, unchanged_types_are_not_announced);
    tcase_add_test(good, type_changes_its_effect);
    tcase_add_test(good, log_level_changes);
    tcase_add_test(good, log_level_of_the_command_line_stays);
    tcase_add_test(good, times_apply_to_new_actions_only);
    tcase_add_test(good, retention_applies_at_once);
    tcase_add_test(good, drop_ins_are_read_again);
    tcase_add_test(good, signals_in_a_row_end_with_the_newest);

    tcase_add_checked_fixture(wrong, setup, teardown);
    tcase_add_loop_test(wrong, bad_configuration_changes_nothing, 0, G_N_ELEMENTS(bad));
    tcase_add_test(wrong, missing_file_changes_nothing);

    tcase_add_checked_fixture(calls, setup, teardown);
    tcase_add_test(calls, call_reloads_and_says_so);
    tcase_add_test(calls, refusal_of_a_file_with_any_name_is_sent);
    tcase_add_loop_test(calls, fleetctl_reloads_on_either_way, 0, 2);
    tcase_add_test(calls, others_may_not_reload);
    return fleet_test_main(suite);
}
