/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What others than root may do is polkit's to say: what it is asked, what its answers do, and what becomes of a call
 * when it does not answer. */

#include "bus_test.h"
#include "polkit.h"

#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOBODY 65534
#define DAEMON 1 /* another user that every machine has */

#define MANAGE "org.fleet.manage-devices"
#define REPORT "org.fleet.report-presence"
#define RUN "org.fleet.run-actions"

typedef struct {
    FleetTestFleet *fleet;
    FleetTestPolkit *polkit;
    GDBusConnection *nobody; /* through the bus */
} Stage;

static Stage *stage_new(FleetTestPolkitMode mode)
{
    Stage *stage = g_new0(Stage, 1);

    stage->fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    stage->polkit = fleet_test_polkit_new(fleet_test_bus_address(stage->fleet->bus), mode);
    stage->nobody = fleet_test_connect_as(NOBODY, fleet_test_bus_address(stage->fleet->bus));
    return stage;
}

static void stage_free(Stage *stage)
{
    g_clear_object(&stage->nobody);
    g_clear_pointer(&stage->polkit, fleet_test_polkit_free);
    fleet_test_fleet_free(stage->fleet);
    g_free(stage);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Stage, stage_free)

static GVariant *device(const char *id, const char *type)
{
    return g_variant_new("(ssssa{sv})", id, "", type, "", NULL);
}

static void register_typed(Stage *stage, const char *id, const char *type)
{
    fleet_test_manager_void(stage->fleet->connection, "RegisterDevice", device(id, type));
}

static void is_denied(GDBusConnection *connection, const char *method, GVariant *arguments, const char *part)
{
    fleet_test_manager_fails(connection, method, arguments, FLEET_TEST_DENIED, part);
}

static void assert_asked_at(const char *file, int line, Stage *stage, guint index, const char *due)
{
    g_autofree char *question = fleet_test_polkit_question(stage->polkit, index);

    if (!g_str_equal(question, due))
        fleet_test_fail_at(file, line, "polkit was asked '%s' where '%s' was due", question, due);
}
#define assert_asked(stage, index, due) assert_asked_at(__FILE__, __LINE__, (stage), (index), (due))

/* What is asked. */

static const struct {
    const char *path, *method, *arguments, *questions; /* one a line */
} calls[] = {
        {"", FLEET_TEST_MANAGER ".RegisterDevice", "('new', '', 'camera', '', @a{sv} {})",
                MANAGE " device=new device-type=camera action-type="},
        {"", FLEET_TEST_MANAGER ".SetDeviceStatus", "('r', 'ERROR', @a{sv} {})",
                MANAGE " device=r device-type=router action-type="},
        {"", FLEET_TEST_MANAGER ".SetDeviceStatus", "('gone', 'ERROR', @a{sv} {})",
                MANAGE " device=gone device-type= action-type="},
        {"", FLEET_TEST_MANAGER ".UpdateDevice", "('r', {'Name': <'x'>}, @a{sv} {})",
                MANAGE " device=r device-type=router action-type="},
        {"", FLEET_TEST_MANAGER ".UpdateDevice", "('r', {'Type': <'sensor'>}, @a{sv} {})",
                MANAGE " device=r device-type=router action-type=\n" MANAGE
                       " device=r device-type=sensor action-type="},
        {"", FLEET_TEST_MANAGER ".UnregisterDevice", "('r', @a{sv} {})",
                MANAGE " device=r device-type=router action-type="},
        {"", FLEET_TEST_MANAGER ".RegisterDevices", "([('a', '', 't', ''), ('b', '', '', '')], @a{sv} {})",
                MANAGE " device=a device-type=t action-type=\n" MANAGE " device=b device-type= action-type="},
        {"", FLEET_TEST_MANAGER ".RegisterDevices", "(@a(ssss) [], @a{sv} {})",
                MANAGE " device= device-type= action-type="},
        {"", FLEET_TEST_MANAGER ".SetDevicesStatus", "(['r', 's'], 'ERROR', @a{sv} {})",
                MANAGE " device=r device-type=router action-type=\n" MANAGE
                       " device=s device-type=sensor action-type="},
        {"", FLEET_TEST_MANAGER ".Heartbeat", "('r', @a{sv} {})", REPORT " device=r device-type=router action-type="},
        {"", FLEET_TEST_MANAGER ".Heartbeats", "(['r', 's'],)",
                REPORT " device=r device-type=router action-type=\n" REPORT
                       " device=s device-type=sensor action-type="},
        {"", FLEET_TEST_MANAGER ".InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, @a{sv} {})",
                RUN " device=r device-type=router action-type=SYSTEM_REBOOT"},
        {"", FLEET_TEST_MANAGER ".InitiateDeviceActions", "(['r', 's'], 'SYSTEM_REBOOT', @a{ss} {}, @a{sv} {})",
                RUN " device=r device-type=router action-type=SYSTEM_REBOOT\n" RUN
                    " device=s device-type=sensor action-type=SYSTEM_REBOOT"},
        {"", FLEET_TEST_MANAGER ".InitiateDeviceAction",
                "('busy', 'SYSTEM_REBOOT', @a{ss} {}, {'IfBusy': <'replace'>})",
                RUN " device=busy device-type=router action-type=SYSTEM_REBOOT\n"
                    "org.fleet.cancel-any-action device=busy device-type=router action-type=FIRMWARE_UPDATE"},
        {"", FLEET_TEST_MANAGER ".CancelDeviceAction", "('@ACTION@', @a{sv} {})",
                "org.fleet.cancel-any-action device=busy device-type=router action-type=FIRMWARE_UPDATE"},
        {"", FLEET_TEST_MANAGER ".QueryAudit", "('', uint32 0)",
                "org.fleet.read-audit device= device-type= action-type="},
        {"/device/r", FLEET_TEST_DEVICE ".SetStatus", "('ERROR', @a{sv} {})",
                MANAGE " device=r device-type=router action-type="},
        {"/device/r", FLEET_TEST_DEVICE ".Unregister", "(@a{sv} {},)",
                MANAGE " device=r device-type=router action-type="},
        {"/device/r", FLEET_TEST_DEVICE ".InitiateAction", "('SYSTEM_REBOOT', @a{ss} {}, @a{sv} {})",
                RUN " device=r device-type=router action-type=SYSTEM_REBOOT"},
        {"/action/@ACTION@", FLEET_TEST_ACTION ".Cancel", "(@a{sv} {},)",
                "org.fleet.cancel-any-action device=busy device-type=router action-type=FIRMWARE_UPDATE"},
        /* What is no device's or type's name does not come to polkit as it is. */
        {"", FLEET_TEST_MANAGER ".UnregisterDevice", "('a\\nb', @a{sv} {})",
                MANAGE " device=a\\x0ab device-type= action-type="},
};

START_TEST(polkit_is_told_what_is_to_be_done)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_NO);
    g_autofree char *action_path = NULL;

    register_typed(stage, "r", "router");
    register_typed(stage, "s", "sensor");
    register_typed(stage, "busy", "router");
    g_autofree char *action = fleet_test_initiate(stage->fleet->connection, "busy", "FIRMWARE_UPDATE", &action_path);
    fleet_test_wait_for(stage->fleet->connection, action_path, FLEET_TEST_ACTION, "Phase", "preparing");
    g_autoptr(GVariant) before = fleet_test_snapshot(stage->fleet->connection);
    for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_autoptr(GString) arguments = g_string_new(calls[i].arguments);
        g_autofree char *path = g_str_has_prefix(calls[i].path, "/action")
                                        ? g_strdup(action_path)
                                        : g_strconcat(FLEET_TEST_ROOT, calls[i].path, NULL);
        const char *dot = strrchr(calls[i].method, '.');
        g_autofree char *interface = g_strndup(calls[i].method, (gsize)(dot - calls[i].method));
        g_autofree char *user = g_strdup_printf("user %d may not", NOBODY);
        guint asked = fleet_test_polkit_asked(stage->polkit);
        g_autoptr(GString) questions = g_string_new(NULL);

        g_string_replace(arguments, "@ACTION@", action, 0);
        fleet_test_call_fails(
                stage->nobody, path, interface, dot + 1, g_variant_new_parsed(arguments->str), FLEET_TEST_DENIED, user);
        for (guint q = asked; q < fleet_test_polkit_asked(stage->polkit); q++) {
            g_autofree char *question = fleet_test_polkit_question(stage->polkit, q);
            g_autoptr(GVariant) subject = fleet_test_polkit_subject(stage->polkit, q);
            g_string_append_printf(questions, "%s%s", q > asked ? "\n" : "", question);
            g_autofree char *due = g_strdup_printf(
                    "('system-bus-name', {'name': <'%s'>})", g_dbus_connection_get_unique_name(stage->nobody));
            fleet_test_assert_prints(g_steal_pointer(&subject), due);
        }
        ck_assert_str_eq(questions->str, calls[i].questions);
    }
    g_autoptr(GVariant) after = fleet_test_snapshot(stage->fleet->connection);
    ck_assert(g_variant_equal(before, after));
}
END_TEST

/* The same as in access/caller.c, but of a process that is known to be there. */
static guint64 start_time_of(GPid pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *text = fleet_test_read(path);
    g_auto(GStrv) fields = g_strsplit(strrchr(text, ')') + 2, " ", -1);

    return g_ascii_strtoull(fields[19], NULL, 10);
}

static void is_asked_about_a_process(Stage *stage, const char *address)
{
    const char *const argv[] = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "gdbus", "call",
            "--address", address, "--dest", FLEET_TEST_NAME, "--object-path", FLEET_TEST_ROOT, "--method",
            FLEET_TEST_MANAGER ".RegisterDevice", "n", "", "sensor", "", "{}", NULL};
    g_autoptr(FleetTestProcess) gdbus = fleet_test_process_start(argv, NULL);
    GPid pid = fleet_test_process_pid(gdbus);

    fleet_test_polkit_wait(stage->polkit, 1);
    g_autofree char *due = g_strdup_printf(
            "('unix-process', {'pid': <uint32 %d>, 'start-time': <uint64 %" G_GUINT64_FORMAT ">, 'uid': <%d>})",
            (int)pid, start_time_of(pid), NOBODY);
    fleet_test_assert_prints(fleet_test_polkit_subject(stage->polkit, 0), due);
    fleet_test_polkit_set_mode(stage->polkit, FLEET_TEST_POLKIT_BY_TYPE);
    ck_assert_int_eq(fleet_test_process_wait(gdbus, FLEET_TEST_PATIENCE), 0);
    g_autoptr(GVariant) info = fleet_test_device_info(stage->fleet->direct, "n");
    fleet_test_assert_entry(info, "Type", "'sensor'");
}

START_TEST(peer_is_a_process)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_SILENT);
    g_autofree char *address = fleet_test_fleet_address(stage->fleet);

    is_asked_about_a_process(stage, address);
}
END_TEST

/* polkit does not know the names on another bus than the system's. */
START_TEST(caller_on_the_session_bus_is_a_process)
{
    g_autoptr(FleetTestBus) session = fleet_test_bus_new(NULL);
    g_setenv("DBUS_SESSION_BUS_ADDRESS", fleet_test_bus_address(session), TRUE);
    Stage stage = {.fleet = g_new0(FleetTestFleet, 1)};

    stage.fleet->bus = fleet_test_bus_new(NULL); /* the system's, from now on */
    stage.fleet->daemon = fleet_test_daemon_new();
    fleet_test_daemon_set_mode(stage.fleet->daemon, "--user");
    fleet_test_daemon_start(stage.fleet->daemon);
    g_autofree char *address = fleet_test_fleet_address(stage.fleet);
    stage.fleet->connection = fleet_test_connect(fleet_test_bus_address(session));
    stage.fleet->direct = fleet_test_connect(address);
    stage.polkit = fleet_test_polkit_new(fleet_test_bus_address(stage.fleet->bus), FLEET_TEST_POLKIT_SILENT);
    is_asked_about_a_process(&stage, fleet_test_bus_address(session));
    fleet_test_polkit_free(stage.polkit);
    fleet_test_fleet_free(stage.fleet);
}
END_TEST

START_TEST(root_is_not_asked_about)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_NO);

    register_typed(stage, "r", "router");
    fleet_test_set_status(stage->fleet->direct, "r", "ERROR");
    g_autoptr(GVariant) list = fleet_test_manager(stage->nobody, "ListDevices", NULL, NULL);
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 0);
}
END_TEST

/* What the answers do. */

START_TEST(devices_of_a_type)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_BY_TYPE);

    fleet_test_manager_void(stage->nobody, "RegisterDevice", device("s", "sensor"));
    is_denied(stage->nobody, "RegisterDevice", device("r", "router"),
            "user 65534 may not manage devices (device 'r' of type 'router'): polkit does not allow " MANAGE
            "; an administrator can allow it with a rule, see polkit(8)");
    register_typed(stage, "r", "router");
    /* No way round it. */
    is_denied(
            stage->nobody, "UpdateDevice", g_variant_new_parsed("('r', {'Type': <'sensor'>}, @a{sv} {})"), "'router'");
    is_denied(
            stage->nobody, "UpdateDevice", g_variant_new_parsed("('s', {'Type': <'router'>}, @a{sv} {})"), "'router'");
    fleet_test_manager_void(stage->nobody, "UpdateDevice", g_variant_new_parsed("('s', {'Name': <'x'>}, @a{sv} {})"));
    is_denied(stage->nobody, "InitiateDeviceAction", fleet_test_action_arguments("r", "SYSTEM_REBOOT"),
            "may not run actions on devices (SYSTEM_REBOOT on device 'r' of type 'router')");
    fleet_test_manager_void(stage->nobody, "InitiateDeviceAction", fleet_test_action_arguments("s", "SYSTEM_REBOOT"));
}
END_TEST

START_TEST(batch_goes_as_far_as_it_may)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_BY_TYPE);
    GDBusConnection *nobody = stage->nobody;

    fleet_test_assert_prints(
            fleet_test_manager(nobody, "RegisterDevices",
                    g_variant_new_parsed("([('a', '', 'sensor', ''), ('b', '', 'router', ''), ('c', '', 'sensor', ''),"
                                         " ('d', '', 'sensor', 'SLEEPY')], @a{sv} {})"),
                    NULL),
            "(2, [(1, '" FLEET_TEST_DENIED
            "', \"user 65534 may not manage devices (device 'b' of type 'router'): polkit does not allow " MANAGE
            "; an administrator can allow it with a rule, see polkit(8)\"), (3, '" FLEET_TEST_ERROR
            "InvalidArgument', \"device status 'SLEEPY' is unknown; use one of IDLE, BUSY, OFFLINE, MAINTENANCE, "
            "UPDATING, "
            "RECOVERING, ERROR\")])");
    is_denied(nobody, "RegisterDevices",
            g_variant_new_parsed("([('e', '', 'sensor', ''), ('f', '', 'router', '')], {'Atomic': <true>})"),
            "nothing was registered, because of entry 1: user 65534 may not");
    is_denied(nobody, "RegisterDevices",
            g_variant_new_parsed("([('e', '', 'router', ''), ('f', '', 'router', '')], @a{sv} {})"), "device 'e'");
    fleet_test_manager_fails(stage->fleet->connection, "GetDeviceInfo", g_variant_new("(s)", "e"),
            FLEET_TEST_ERROR "DeviceNotFound", NULL);
    register_typed(stage, "r", "router");
    g_autoptr(GVariant) changed = fleet_test_manager(
            nobody, "SetDevicesStatus", g_variant_new_parsed("(['a', 'r', 'c'], 'ERROR', @a{sv} {})"), "(ua(uss))");
    g_autofree char *changed_text = g_variant_print(changed, FALSE);
    fleet_test_assert_matches(changed_text, "^\\(2, \\[\\(1, '" FLEET_TEST_DENIED "'.*\\)\\]\\)$");
    g_autoptr(GVariant) started = fleet_test_manager(nobody, "InitiateDeviceActions",
            g_variant_new_parsed("(['r', 'c'], 'SYSTEM_REBOOT', @a{ss} {}, @a{sv} {})"), "(a(uso)a(uss))");
    g_autofree char *started_text = g_variant_print(started, FALSE);
    fleet_test_assert_matches(
            started_text, "^\\(\\[\\(1, 'action_.*'\\)\\], \\[\\(0, '" FLEET_TEST_DENIED "'.*\\)\\]\\)$");
    g_autoptr(GVariant) info = fleet_test_device_info(nobody, "r");
    fleet_test_assert_entry(info, "Status", "'IDLE'");
}
END_TEST

START_TEST(large_batch_is_asked_about_whole)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_YES);

    fleet_test_register_many(stage->nobody, "d", 500);
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 500);
}
END_TEST

START_TEST(own_actions_are_another_right)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_YES);
    g_autofree char *path = NULL;

    register_typed(stage, "s", "sensor");
    g_autofree char *action = fleet_test_initiate(stage->nobody, "s", "SYSTEM_REBOOT", &path);
    fleet_test_wait_for(stage->fleet->connection, path, FLEET_TEST_ACTION, "Phase", "preparing");
    fleet_test_manager_void(stage->nobody, "CancelDeviceAction", g_variant_new("(sa{sv})", action, NULL));
    assert_asked(stage, 1, "org.fleet.cancel-actions device=s device-type=sensor action-type=SYSTEM_REBOOT");
    fleet_test_wait_for(stage->fleet->connection, path, FLEET_TEST_ACTION, "Status", "CANCELLED");
    fleet_test_manager_fails(stage->nobody, "CancelDeviceAction", g_variant_new("(sa{sv})", "action_1_99", NULL),
            FLEET_TEST_ERROR "ActionNotFound", NULL);
}
END_TEST

START_TEST(type_that_changes_meanwhile_is_asked_about)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_SILENT);

    register_typed(stage, "s", "sensor");
    FleetTestPending *call = fleet_test_send(stage->nobody, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "UnregisterDevice",
            g_variant_new("(sa{sv})", "s", NULL));
    fleet_test_polkit_wait(stage->polkit, 1);
    fleet_test_manager_void(
            stage->fleet->connection, "UpdateDevice", g_variant_new_parsed("('s', {'Type': <'router'>}, @a{sv} {})"));
    fleet_test_polkit_set_mode(stage->polkit, FLEET_TEST_POLKIT_BY_TYPE);
    g_autofree char *outcome = fleet_test_outcome(call);
    ck_assert_str_eq(outcome, FLEET_TEST_DENIED);
    assert_asked(stage, 1, MANAGE " device=s device-type=router action-type=");
    g_autoptr(GVariant) info = fleet_test_device_info(stage->nobody, "s");
}
END_TEST

/* Has nobody replace what runs on a device, and root start an action there when polkit has answered about nobody's
 * call, but the store not yet about its request. FALSE if the store was quicker, and root found the device busy. */
static gboolean comes_meanwhile(Stage *stage, GDBusConnection *root, const char *id)
{
    guint asked = fleet_test_polkit_asked(stage->polkit);

    fleet_test_polkit_set_mode(stage->polkit, FLEET_TEST_POLKIT_SILENT);
    register_typed(stage, id, "sensor");
    FleetTestPending *call = fleet_test_send(stage->nobody, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new_parsed(
                    "(%s, 'SYSTEM_REBOOT', @a{ss} {}, {'IfBusy': <'replace'>, 'RequestId': <%s>})", id, id));
    fleet_test_polkit_wait(stage->polkit, asked + 1);
    fleet_test_daemon_signal(stage->fleet->daemon, SIGSTOP);
    fleet_test_polkit_set_mode(stage->polkit, FLEET_TEST_POLKIT_YES);
    FleetTestPending *other = fleet_test_send(root, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            fleet_test_action_arguments(id, "FIRMWARE_UPDATE"));
    ck_assert(g_dbus_connection_flush_sync(root, NULL, NULL));
    g_object_unref(
            fleet_test_connect_as(0, fleet_test_bus_address(stage->fleet->bus))); /* by now the bus has passed it on */
    fleet_test_daemon_signal(stage->fleet->daemon, SIGCONT);
    g_autofree char *others = fleet_test_outcome(other);
    g_autofree char *outcome = fleet_test_outcome(call);
    ck_assert_str_eq(outcome, "");
    if (*others != '\0')
        ck_assert_str_eq(others, FLEET_TEST_ERROR "DeviceBusy");
    return *others == '\0';
}

/* Who replaces an action must be allowed to cancel it, even if it came while the store was asked about the request. */
START_TEST(action_that_comes_meanwhile_is_asked_about)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_SILENT);
    g_autofree char *address = fleet_test_fleet_address(stage->fleet);
    g_autoptr(GDBusConnection) root = fleet_test_connect(address); /* is looked at after polkit's, in one turn */
    char id[8];
    guint n = 0;

    fleet_test_round_trip(root);
    do {
        ck_assert_uint_lt(n, 20);
        g_snprintf(id, sizeof(id), "s%u", n++);
    } while (!comes_meanwhile(stage, root, id));
    g_autofree char *question = fleet_test_polkit_question(stage->polkit, fleet_test_polkit_asked(stage->polkit) - 1);
    g_autofree char *expected = g_strdup_printf("^org\\.fleet\\.cancel-any-action device=%s device-type=sensor ", id);
    fleet_test_assert_matches(question, expected);
}
END_TEST

/* What is remembered. */

static void set_status(GDBusConnection *connection, const char *id)
{
    fleet_test_manager_void(connection, "SetDeviceStatus", g_variant_new("(ssa{sv})", id, "ERROR", NULL));
}

START_TEST(what_is_allowed_is_remembered)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_YES);

    register_typed(stage, "a", "sensor");
    register_typed(stage, "b", "sensor");
    for (guint i = 0; i < 5; i++)
        set_status(stage->nobody, "a");
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 1);
    set_status(stage->nobody, "b"); /* another device */
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 2);
    g_autoptr(GDBusConnection) other = fleet_test_connect_as(NOBODY, fleet_test_bus_address(stage->fleet->bus));
    set_status(other, "a"); /* another caller */
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 3);

    /* polkit's signal comes before its next answer, which the other caller gets first. */
    fleet_test_polkit_changed(stage->polkit);
    fleet_test_polkit_set_mode(stage->polkit, FLEET_TEST_POLKIT_NO);
    is_denied(other, "SetDeviceStatus", g_variant_new("(ssa{sv})", "b", "ERROR", NULL), NULL);
    is_denied(stage->nobody, "SetDeviceStatus", g_variant_new("(ssa{sv})", "a", "ERROR", NULL), NULL);
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 5);
}
END_TEST

START_TEST(what_is_refused_is_not)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_NO);

    register_typed(stage, "a", "sensor");
    is_denied(stage->nobody, "SetDeviceStatus", g_variant_new("(ssa{sv})", "a", "ERROR", NULL), NULL);
    fleet_test_polkit_set_mode(stage->polkit, FLEET_TEST_POLKIT_YES);
    set_status(stage->nobody, "a");
}
END_TEST

static void has_gone(GDBusConnection *connection, const char *name, gpointer user_data)
{
    *(gboolean *)user_data = TRUE;
}

START_TEST(unused_connection_to_polkit_is_closed)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_YES);
    gboolean gone = FALSE;

    register_typed(stage, "a", "sensor");
    set_status(stage->nobody, "a");
    g_autofree char *asker = fleet_test_polkit_asker(stage->polkit);
    guint watch = g_bus_watch_name_on_connection(
            stage->fleet->connection, asker, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL, has_gone, &gone, NULL);
    while (!gone) /* the check's own timeout ends this */
        g_main_context_iteration(NULL, TRUE);
    g_bus_unwatch_name(watch);
    set_status(stage->nobody, "a");
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 2);
}
END_TEST

/* Dialogs. */

static void answered(GObject *connection, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GDBusMessage) reply =
            g_dbus_connection_send_message_with_reply_finish(G_DBUS_CONNECTION(connection), result, NULL);

    *(char **)user_data = reply == NULL ? g_strdup("no reply") : g_strdup(g_dbus_message_get_error_name(reply));
    if (*(char **)user_data == NULL)
        *(char **)user_data = g_strdup("");
}

static void send_interactive(GDBusConnection *connection, const char *id, char **outcome)
{
    g_autoptr(GDBusMessage) message =
            g_dbus_message_new_method_call(FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "SetDeviceStatus");

    g_dbus_message_set_body(message, g_variant_new("(ssa{sv})", id, "ERROR", NULL));
    g_dbus_message_set_flags(message, G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION);
    g_dbus_connection_send_message_with_reply(
            connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, G_MAXINT, NULL, NULL, answered, outcome);
}

/* Whose message allows it. Its outcome: "" or an error's name. Owned by the caller. */
static char *set_status_interactively(GDBusConnection *connection, const char *id)
{
    char *outcome = NULL;

    send_interactive(connection, id, &outcome);
    while (outcome == NULL)
        g_main_context_iteration(NULL, TRUE);
    return outcome;
}

START_TEST(nobody_is_disturbed_unasked)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_CHALLENGE);

    register_typed(stage, "a", "sensor");
    is_denied(stage->nobody, "SetDeviceStatus", g_variant_new("(ssa{sv})", "a", "ERROR", NULL),
            "for " MANAGE " polkit wants someone to authenticate, and nobody could be asked; call with interactive "
            "authorization allowed, or an administrator can allow it with a rule, see polkit(8)");
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 1);
    assert_asked(stage, 0, MANAGE " device=a device-type=sensor action-type=");
}
END_TEST

START_TEST(person_allows_once)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_CHALLENGE);

    register_typed(stage, "a", "sensor");
    for (guint i = 0; i < 2; i++) {
        g_autofree char *outcome = set_status_interactively(stage->nobody, "a");
        ck_assert_str_eq(outcome, "");
        ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 2 * i + 2);
        assert_asked(stage, 2 * i + 1, MANAGE " device=a device-type=sensor action-type= dialog");
    }
}
END_TEST

START_TEST(person_allows_for_a_while)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_KEEP);

    register_typed(stage, "a", "sensor");
    register_typed(stage, "b", "sensor");
    g_autofree char *first = set_status_interactively(stage->nobody, "a");
    g_autofree char *second = set_status_interactively(stage->nobody, "a");
    ck_assert_str_eq(first, "");
    ck_assert_str_eq(second, "");
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 2);
    set_status(stage->nobody, "b");
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 3);
}
END_TEST

START_TEST(person_refuses)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_DISMISS);

    register_typed(stage, "a", "sensor");
    g_autofree char *outcome = set_status_interactively(stage->nobody, "a");
    ck_assert_str_eq(outcome, FLEET_TEST_DENIED);
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 2);
}
END_TEST

/* One at a time: the second call finds what the first one has brought. */
START_TEST(caller_has_one_dialog)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_CHALLENGE);
    char *outcomes[3] = {NULL};

    register_typed(stage, "a", "sensor");
    register_typed(stage, "b", "sensor");
    register_typed(stage, "c", "sensor");
    fleet_test_polkit_hold_dialogs(stage->polkit, TRUE);
    send_interactive(stage->nobody, "a", &outcomes[0]);
    fleet_test_polkit_wait(stage->polkit, 2);
    assert_asked(stage, 1, MANAGE " device=a device-type=sensor action-type= dialog");
    send_interactive(stage->nobody, "b", &outcomes[1]);
    send_interactive(stage->nobody, "c", &outcomes[2]);
    fleet_test_polkit_wait(stage->polkit, 4);
    /* Others are served meanwhile. */
    fleet_test_round_trip(stage->nobody);
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 4);
    ck_assert_uint_eq(fleet_test_polkit_open(stage->polkit), 1);
    fleet_test_polkit_set_mode(stage->polkit, FLEET_TEST_POLKIT_KEEP);
    fleet_test_polkit_hold_dialogs(stage->polkit, FALSE);
    for (guint i = 0; i < G_N_ELEMENTS(outcomes); i++) {
        while (outcomes[i] == NULL)
            g_main_context_iteration(NULL, TRUE);
        ck_assert_str_eq(outcomes[i], "");
        g_free(outcomes[i]);
    }
    assert_asked(stage, 4, MANAGE " device=b device-type=sensor action-type=");
    assert_asked(stage, 5, MANAGE " device=c device-type=sensor action-type=");
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 6);
}
END_TEST

START_TEST(dialog_goes_with_its_caller)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_CHALLENGE);
    g_autofree char *socket = fleet_test_fleet_address(stage->fleet);
    g_autoptr(GDBusConnection) caller =
            fleet_test_connect_as(NOBODY, _i == 0 ? fleet_test_bus_address(stage->fleet->bus) : socket);
    char *outcome = NULL;

    register_typed(stage, "a", "sensor");
    fleet_test_polkit_hold_dialogs(stage->polkit, TRUE);
    send_interactive(caller, "a", &outcome);
    fleet_test_polkit_wait(stage->polkit, 2);
    ck_assert(g_dbus_connection_close_sync(caller, NULL, NULL));
    fleet_test_polkit_wait_cancelled(stage->polkit, 1);
    g_autoptr(GVariant) info = fleet_test_device_info(stage->nobody, "a");
    fleet_test_assert_entry(info, "Status", "'IDLE'");
    g_main_context_iteration(NULL, FALSE);
    g_free(outcome);
}
END_TEST

/* However many connections somebody has, others are asked to authenticate too. */
START_TEST(user_has_few_dialogs)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_CHALLENGE);
    g_autoptr(GPtrArray) callers = g_ptr_array_new_with_free_func(g_object_unref);
    const guint n = 12;
    char *outcomes[13] = {NULL};

    register_typed(stage, "a", "sensor");
    fleet_test_polkit_hold_dialogs(stage->polkit, TRUE);
    for (guint i = 0; i <= n; i++) {
        g_ptr_array_add(
                callers, fleet_test_connect_as(i < n ? NOBODY : DAEMON, fleet_test_bus_address(stage->fleet->bus)));
        send_interactive(g_ptr_array_index(callers, i), "a", &outcomes[i]);
        /* A question without a dialog for each, and a dialog for the first two and for the other user. */
        fleet_test_polkit_wait(stage->polkit, i < 2 ? 2 * i + 2 : i < n ? i + 3 : i + 4);
    }
    ck_assert_uint_eq(fleet_test_polkit_open(stage->polkit), 3);
    fleet_test_polkit_hold_dialogs(stage->polkit, FALSE);
    for (guint i = 0; i <= n; i++) {
        while (outcomes[i] == NULL)
            g_main_context_iteration(NULL, TRUE);
        ck_assert_str_eq(outcomes[i], "");
        g_free(outcomes[i]);
    }
}
END_TEST

/* When there is no answer. */

START_TEST(no_polkit_is_said_so)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *socket = fleet_test_fleet_address(fleet);
    const char *const addresses[] = {fleet_test_bus_address(fleet->bus), socket};

    for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g_autoptr(GDBusConnection) nobody = fleet_test_connect_as(NOBODY, addresses[i]);
        is_denied(nobody, "RegisterDevice", device("r", "router"),
                "user 65534 may not manage devices (device 'r' of type 'router'): polkit is to say whether " MANAGE
                " is allowed, but there is no polkit on this machine; until it does, ask as root or as the user that "
                "fleetd runs as");
    }
}
END_TEST

START_TEST(error_of_polkit_is_a_no)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_FAIL);

    is_denied(stage->nobody, "RegisterDevice", device("r", "router"),
            "but polkit does not decide: Action is not registered; until it does");
}
END_TEST

/* At the most 32 at the same time, 10 s each, and nobody else waits. */
START_TEST(silent_polkit_is_a_no)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_SILENT);
    FleetTestPending *calls_out[60]; /* what one sender has carried out at a time */

    for (guint i = 0; i < G_N_ELEMENTS(calls_out); i++) {
        g_autofree char *id = g_strdup_printf("d%u", i);
        calls_out[i] = fleet_test_send(
                stage->nobody, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", device(id, "sensor"));
    }
    fleet_test_polkit_wait(stage->polkit, 32);
    g_autoptr(GVariant) list = fleet_test_manager(stage->nobody, "ListDevices", NULL, NULL);
    register_typed(stage, "r", "router");
    is_denied(stage->nobody, "RegisterDevice", device("late", "sensor"),
            "but it has not answered within 10 s; see whether polkit.service hangs; until it does, ask as root");
    ck_assert_uint_eq(fleet_test_polkit_asked(stage->polkit), 32);
    for (guint i = 0; i < G_N_ELEMENTS(calls_out); i++) {
        g_autofree char *outcome = fleet_test_outcome(calls_out[i]);
        ck_assert_str_eq(outcome, FLEET_TEST_DENIED);
    }
    /* It comes to, and answers what it was asked long ago. */
    fleet_test_polkit_set_mode(stage->polkit, FLEET_TEST_POLKIT_YES);
    fleet_test_manager_void(stage->nobody, "RegisterDevice", device("at-last", "sensor"));
    fleet_test_assert_prints(fleet_test_get(stage->nobody, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceCount"), "2");
}
END_TEST

START_TEST(polkit_that_goes_is_a_no)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_SILENT);
    FleetTestPending *call = fleet_test_send(
            stage->nobody, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", device("a", "sensor"));

    fleet_test_polkit_wait(stage->polkit, 1);
    g_clear_pointer(&stage->polkit, fleet_test_polkit_free);
    g_autofree char *outcome = fleet_test_outcome(call);
    ck_assert_str_eq(outcome, FLEET_TEST_DENIED);
    stage->polkit = fleet_test_polkit_new(fleet_test_bus_address(stage->fleet->bus), FLEET_TEST_POLKIT_YES);
    fleet_test_manager_void(stage->nobody, "RegisterDevice", device("a", "sensor"));
}
END_TEST

/* Another polkit may have other rules. */
START_TEST(new_polkit_is_asked)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_YES);

    register_typed(stage, "a", "sensor");
    set_status(stage->nobody, "a");
    g_clear_pointer(&stage->polkit, fleet_test_polkit_free);
    stage->polkit = fleet_test_polkit_new(fleet_test_bus_address(stage->fleet->bus), FLEET_TEST_POLKIT_NO);
    /* The bus tells fleetd on its connection to polkit, which this answer comes through as well. */
    is_denied(stage->nobody, "SetDeviceStatus", g_variant_new("(ssa{sv})", "b", "ERROR", NULL), NULL);
    is_denied(stage->nobody, "SetDeviceStatus", g_variant_new("(ssa{sv})", "a", "ERROR", NULL), NULL);
}
END_TEST

START_TEST(lost_system_bus_is_a_no)
{
    FleetTestFleet fleet = {.bus = fleet_test_bus_new(NULL), .daemon = fleet_test_daemon_new()};
    g_autofree char *address = fleet_test_fleet_address(&fleet);

    fleet_test_daemon_set_mode(fleet.daemon, "--no-bus");
    fleet_test_daemon_start(fleet.daemon);
    g_autoptr(GDBusConnection) nobody = fleet_test_connect_as(NOBODY, address);
    g_autoptr(GDBusConnection) root = fleet_test_connect(address);
    FleetTestPolkit *polkit = fleet_test_polkit_new(fleet_test_bus_address(fleet.bus), FLEET_TEST_POLKIT_YES);
    fleet_test_manager_void(nobody, "RegisterDevice", device("a", "sensor"));
    fleet_test_polkit_set_mode(polkit, FLEET_TEST_POLKIT_SILENT);
    FleetTestPending *call =
            fleet_test_send(nobody, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", device("b", "sensor"));
    fleet_test_polkit_wait(polkit, 2);
    fleet_test_polkit_free(polkit);
    fleet_test_bus_stop(fleet.bus);
    g_autofree char *outcome = fleet_test_outcome(call);
    ck_assert_str_eq(outcome, FLEET_TEST_DENIED);
    is_denied(nobody, "RegisterDevice", device("b", "sensor"), "the system bus cannot be reached");
    fleet_test_manager_void(root, "RegisterDevice", device("r", "router"));

    fleet_test_bus_start(fleet.bus);
    polkit = fleet_test_polkit_new(fleet_test_bus_address(fleet.bus), FLEET_TEST_POLKIT_YES);
    fleet_test_manager_void(nobody, "RegisterDevice", device("b", "sensor"));
    fleet_test_polkit_free(polkit);
    fleet_test_daemon_free(fleet.daemon);
    fleet_test_bus_free(fleet.bus);
}
END_TEST

/* A call that waits for polkit must not hold up the end. */
START_TEST(end_does_not_wait_for_polkit)
{
    g_autoptr(Stage) stage = stage_new(FLEET_TEST_POLKIT_SILENT);
    FleetTestPending *call = fleet_test_send(
            stage->nobody, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", device("a", "sensor"));

    fleet_test_polkit_wait(stage->polkit, 1);
    ck_assert_int_eq(fleet_test_daemon_stop(stage->fleet->daemon), 0);
    g_autofree char *outcome = fleet_test_outcome(call);
    ck_assert_str_eq(outcome, FLEET_TEST_ERROR "ShuttingDown");
}
END_TEST

int main(void)
{
    if (geteuid() != 0) {
        puts("1..0 # SKIP only root can become another user");
        return 0;
    }

    Suite *suite = suite_create("bus: polkit");
    TCase *asked = fleet_test_case(suite, "what is asked");
    TCase *answers = fleet_test_case(suite, "what answers do");
    TCase *memory = fleet_test_case(suite, "what is remembered");
    TCase *dialogs = fleet_test_case(suite, "dialogs");
    TCase *silence = fleet_test_case(suite, "no answer");

    tcase_add_test(asked, polkit_is_told_what_is_to_be_done);
    tcase_add_test(asked, peer_is_a_process);
    tcase_add_test(asked, caller_on_the_session_bus_is_a_process);
    tcase_add_test(asked, root_is_not_asked_about);
    tcase_add_test(answers, devices_of_a_type);
    tcase_add_test(answers, batch_goes_as_far_as_it_may);
    tcase_add_test(answers, large_batch_is_asked_about_whole);
    tcase_add_test(answers, own_actions_are_another_right);
    tcase_add_test(answers, type_that_changes_meanwhile_is_asked_about);
    tcase_add_loop_test(answers, action_that_comes_meanwhile_is_asked_about, 0, 3);
    tcase_add_test(memory, what_is_allowed_is_remembered);
    tcase_add_test(memory, what_is_refused_is_not);
    tcase_add_test(memory, unused_connection_to_polkit_is_closed);
    tcase_add_test(dialogs, nobody_is_disturbed_unasked);
    tcase_add_test(dialogs, person_allows_once);
    tcase_add_test(dialogs, person_allows_for_a_while);
    tcase_add_test(dialogs, person_refuses);
    tcase_add_test(dialogs, caller_has_one_dialog);
    tcase_add_test(dialogs, user_has_few_dialogs);
    tcase_add_loop_test(dialogs, dialog_goes_with_its_caller, 0, 2);
    tcase_add_test(silence, no_polkit_is_said_so);
    tcase_add_test(silence, error_of_polkit_is_a_no);
    tcase_add_test(silence, silent_polkit_is_a_no);
    tcase_add_test(silence, polkit_that_goes_is_a_no);
    tcase_add_test(silence, new_polkit_is_asked);
    tcase_add_test(silence, lost_system_bus_is_a_no);
    tcase_add_test(silence, end_does_not_wait_for_polkit);
    return fleet_test_main(suite);
}
