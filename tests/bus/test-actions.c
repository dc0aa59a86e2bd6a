/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of actions: what starts, what is told meanwhile, how it ends, and what becomes of the device. */

#include "bus_test.h"

#include <string.h>
#include <unistd.h>

#define DEVICE FLEET_TEST_ROOT "/device/r"

/* What a PropertiesChanged says of a property; NULL if nothing, or if the signal is another. */
static GVariant *changed(const FleetTestSignal *signal, const char *path, const char *property)
{
    if (!g_str_equal(signal->member, "PropertiesChanged") || !g_str_equal(signal->path, path))
        return NULL;
    g_autoptr(GVariant) properties = g_variant_get_child_value(signal->arguments, 1);
    return g_variant_lookup_value(properties, property, NULL);
}

static gboolean announces_action(const FleetTestSignal *signal, gpointer user_data)
{
    const char *path;

    if (!g_str_equal(signal->member, "InterfacesAdded"))
        return FALSE;
    g_variant_get_child(signal->arguments, 0, "&o", &path);
    return g_str_has_prefix(path, FLEET_TEST_ROOT "/action/");
}

/* What must be here when the call is answered: the action PENDING, then RUNNING, and its device with it. */
static void assert_start(FleetTestSignals *signals, const char *path, const char *id, const char *status)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
    guint n = fleet_test_signals_count(signals);
    g_autofree char *current = g_strdup_printf("'%s'", path);
    g_autofree char *current_id = g_strdup_printf("'%s'", id);
    guint added = fleet_test_signals_wait(signals, 0, announces_action, NULL);
    guint running = fleet_test_signals_wait_property(signals, added, path, "Status", "'RUNNING'");
    guint device = fleet_test_signals_wait_property(signals, added, DEVICE, "Status", status);

    ck_assert_uint_lt(running, n);
    ck_assert_uint_lt(device, n);
    ck_assert_uint_eq(fleet_test_signals_wait_property(signals, added, DEVICE, "CurrentAction", current), device);
    ck_assert_uint_eq(fleet_test_signals_wait_property(signals, added, DEVICE, "CurrentActionId", current_id), device);
    g_autofree char *text = g_variant_print(fleet_test_signals_get(signals, added)->arguments, FALSE);
    fleet_test_assert_contains(text, "'Status': <'PENDING'>");
    fleet_test_assert_contains(text, "'StartedAt': <uint64 0>");
    g_autoptr(GVariant) attempt = changed(fleet_test_signals_get(signals, running), path, "Attempt");
    ck_assert_uint_eq(g_variant_get_uint32(attempt), 1);
}

/* One signal says all of the end, and none comes after it. */
static void assert_end(FleetTestSignals *signals, const char *path, const char *status, const char *device_status)
{
    guint end = fleet_test_signals_wait_property(signals, 0, path, "Status", status);
    guint device = fleet_test_signals_wait_property(signals, end, DEVICE, "Status", device_status);

    ck_assert_uint_eq(fleet_test_signals_wait_property(signals, end, DEVICE, "CurrentAction", "'/'"), device);
    ck_assert_uint_eq(fleet_test_signals_wait_property(signals, end, path, "CompletedAt", NULL), end);
    ck_assert_uint_eq(fleet_test_signals_wait_property(signals, end, path, "Result", NULL), end);
    fleet_test_signals_settle(signals);
    for (guint i = end + 1; i < fleet_test_signals_count(signals); i++)
        ck_assert_str_ne(fleet_test_signals_get(signals, i)->path, path);
}

/* Progress only grows, phases follow each other as the type has them, and there are few signals. */
static void assert_detail(FleetTestSignals *signals, const char *path, const char *const *phases, double seconds)
{
    double last = 0;
    guint n = 0, phase = 0;

    for (guint i = 0; i < fleet_test_signals_count(signals); i++) {
        const FleetTestSignal *signal = fleet_test_signals_get(signals, i);
        g_autoptr(GVariant) progress = changed(signal, path, "Progress");
        g_autoptr(GVariant) text = changed(signal, path, "Phase");
        g_autoptr(GVariant) status = changed(signal, path, "Status");

        if (progress != NULL) {
            ck_assert_double_gt(g_variant_get_double(progress), last);
            last = g_variant_get_double(progress);
        }
        if (status != NULL)
            continue;
        if (progress != NULL || text != NULL)
            n++;
        if (text != NULL) {
            while (phases[phase] != NULL && !g_str_equal(phases[phase], g_variant_get_string(text, NULL)))
                phase++;
            ck_assert_msg(phases[phase] != NULL, "phase '%s' is out of order", g_variant_get_string(text, NULL));
        }
    }
    ck_assert_double_le(last, 1.0);
    ck_assert_uint_ge(n, 2);
    ck_assert_uint_ge(phase, 1);
    ck_assert_uint_le(n, (guint)(seconds * 4) + 1);
}

/* With 20 steps in 2 s, there would be ten signals a second if they were not coalesced. */
START_TEST(action_succeeds)
{
    static const char *const phases[] = {"preparing", "downloading", "installing", "verifying", NULL};
    g_autoptr(FleetTestFleet) fleet =
            fleet_test_fleet_new("[Simulation]\nMinDuration=2s\nMaxDuration=2s\nSuccessRate=1\n");
    GDBusConnection *connection = _i == 0 ? fleet->connection : fleet->direct;
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(connection, NULL, NULL, NULL);
    g_autofree char *path = NULL;

    fleet_test_register(connection, "r");
    gint64 start = g_get_monotonic_time();
    g_autofree char *id = fleet_test_initiate(connection, "r", "SOFTWARE_UPDATE", &path);
    assert_start(signals, path, id, "'UPDATING'");
    assert_end(signals, path, "'COMPLETED'", "'IDLE'");
    assert_detail(signals, path, phases, (double)(g_get_monotonic_time() - start) / G_TIME_SPAN_SECOND);
    g_autoptr(GVariant) info = fleet_test_action_info(connection, id);
    fleet_test_assert_entry(info, "Status", "'COMPLETED'");
    fleet_test_assert_entry(info, "Result", "'success'");
    fleet_test_assert_entry(info, "Progress", "1.0");
    fleet_test_assert_entry(info, "Phase", "''");
    fleet_test_assert_entry(info, "ErrorName", "''");
    fleet_test_assert_entry(info, "ErrorMessage", "''");
    guint64 initiated, started, completed;
    ck_assert(g_variant_lookup(info, "InitiatedAt", "t", &initiated));
    ck_assert(g_variant_lookup(info, "StartedAt", "t", &started));
    ck_assert(g_variant_lookup(info, "CompletedAt", "t", &completed));
    ck_assert_uint_le(initiated, started);
    ck_assert_uint_ge(completed, started + 2 * G_TIME_SPAN_SECOND);
}
END_TEST

START_TEST(action_fails)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_FAILING);
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(fleet->connection, NULL, NULL, NULL);
    g_autofree char *path = NULL;

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "r", "SYSTEM_REBOOT", &path);
    assert_start(signals, path, id, "'BUSY'");
    assert_end(signals, path, "'FAILED'", "'ERROR'");
    g_autoptr(GVariant) info = fleet_test_action_info(fleet->connection, id);
    fleet_test_assert_entry(info, "Result", "'failed'");
    fleet_test_assert_entry(info, "Message", "'simulated failure while verifying'");
    fleet_test_assert_entry(info, "ErrorName", "'org.freedesktop.DBus.Error.Failed'");
    fleet_test_assert_entry(info, "ErrorMessage", "'simulated failure while verifying'");
    /* A device in ERROR takes another action. */
    g_autofree char *again = fleet_test_initiate(fleet->connection, "r", "SYSTEM_REBOOT", NULL);
    ck_assert_str_ne(id, again);
}
END_TEST

START_TEST(call_is_answered_with_all)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    const char *id, *path, *status;

    fleet_test_register(fleet->connection, "r");
    g_autoptr(GVariant) reply = fleet_test_call(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "InitiateAction",
            g_variant_new_parsed("('SOFTWARE_UPDATE', {'version': '2.1.0', 'a b': '', 'ü': 'ä'}, @a{sv} {})"), "(sos)");
    g_variant_get(reply, "(&s&o&s)", &id, &path, &status);
    g_autofree char *due = fleet_test_action_path(id);
    fleet_test_assert_matches(id, "^action_[0-9]{13}_[0-9]+$");
    ck_assert_str_eq(path, due);
    ck_assert_str_eq(status, "RUNNING");
    g_autoptr(GVariant) info = fleet_test_action_info(fleet->direct, id);
    g_autofree char *quoted = g_strdup_printf("'%s'", id);
    fleet_test_assert_entry(info, "Id", quoted);
    fleet_test_assert_entry(info, "DeviceId", "'r'");
    fleet_test_assert_entry(info, "Device", "'" DEVICE "'");
    fleet_test_assert_entry(info, "Type", "'SOFTWARE_UPDATE'");
    fleet_test_assert_entry(info, "Status", "'RUNNING'");
    fleet_test_assert_entry(info, "Result", "''");
    fleet_test_assert_entry(info, "Parameters", "{'a b': '', 'version': '2.1.0', 'ü': 'ä'}");
    fleet_test_assert_entry(info, "CompletedAt", "0");
    fleet_test_assert_entry(info, "Attempt", "1");
    fleet_test_assert_entry(info, "MaxAttempts", "1");
    fleet_test_assert_entry(info, "Cancelable", "true");
    fleet_test_assert_entry(info, "RequestId", "''");
    guint32 owner;
    ck_assert(g_variant_lookup(info, "OwnerUid", "u", &owner));
    ck_assert_uint_eq(owner, geteuid());
}
END_TEST

START_TEST(device_takes_one_action_at_a_time)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    GDBusConnection *connection = fleet->connection;

    fleet_test_register(connection, "r");
    g_autofree char *id = fleet_test_initiate(connection, "r", "FIRMWARE_UPDATE", NULL);
    fleet_test_manager_fails(connection, "InitiateDeviceAction", fleet_test_action_arguments("r", "SYSTEM_REBOOT"),
            FLEET_TEST_ERROR "DeviceBusy", id);
    fleet_test_call_fails(fleet->direct, DEVICE, FLEET_TEST_DEVICE, "InitiateAction",
            g_variant_new_parsed("('SYSTEM_REBOOT', @a{ss} {}, @a{sv} {})"), FLEET_TEST_ERROR "DeviceBusy", id);
    fleet_test_manager_fails(
            connection, "UnregisterDevice", g_variant_new("(sa{sv})", "r", NULL), FLEET_TEST_ERROR "DeviceBusy", id);
    fleet_test_call_fails(connection, DEVICE, FLEET_TEST_DEVICE, "Unregister", g_variant_new("(a{sv})", NULL),
            FLEET_TEST_ERROR "DeviceBusy", id);
    fleet_test_assert_prints(fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RunningActions"), "1");
    fleet_test_assert_prints(fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "PendingActions"), "0");
}
END_TEST

/* Two calls on their way at once: the second sees what the first has staged. */
START_TEST(race_for_a_device_has_one_winner)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    FleetTestPending *calls[20];
    guint won = 0;

    fleet_test_register(fleet->connection, "r");
    for (guint i = 0; i < G_N_ELEMENTS(calls); i++)
        calls[i] = fleet_test_send(i % 2 == 0 ? fleet->connection : fleet->direct, FLEET_TEST_ROOT, FLEET_TEST_MANAGER,
                "InitiateDeviceAction", fleet_test_action_arguments("r", "SYSTEM_REBOOT"));
    for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_autofree char *outcome = fleet_test_outcome(calls[i]);
        if (*outcome == '\0')
            won++;
        else
            ck_assert_str_eq(outcome, FLEET_TEST_ERROR "DeviceBusy");
    }
    ck_assert_uint_eq(won, 1);
}
END_TEST

START_TEST(only_a_free_device_takes_an_action)
{
    static const char *const statuses[] = {"BUSY", "OFFLINE", "MAINTENANCE", "UPDATING", "RECOVERING"};
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);

    fleet_test_register(fleet->connection, "r");
    for (guint i = 0; i < G_N_ELEMENTS(statuses); i++) {
        fleet_test_set_status(fleet->connection, "r", statuses[i]);
        fleet_test_manager_fails(fleet->connection, "InitiateDeviceAction",
                fleet_test_action_arguments("r", "SYSTEM_REBOOT"), FLEET_TEST_ERROR "DeviceBusy", statuses[i]);
    }
    fleet_test_set_status(fleet->connection, "r", "ERROR");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "r", "SYSTEM_REBOOT", NULL);
    ck_assert_str_ne(id, "");
}
END_TEST

static const struct {
    const char *set, *after;
} meanwhile[] = {{"OFFLINE", "OFFLINE"}, {"MAINTENANCE", "MAINTENANCE"}, {"UPDATING", "IDLE"}, {"BUSY", "IDLE"}};

START_TEST(what_the_operator_sets_meanwhile_stays)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_QUICK);
    g_autofree char *path = NULL;

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "r", "SOFTWARE_UPDATE", &path);
    fleet_test_set_status(fleet->connection, "r", meanwhile[_i].set);
    fleet_test_wait_for(fleet->connection, path, FLEET_TEST_ACTION, "Status", "COMPLETED");
    g_autoptr(GVariant) info = fleet_test_device_info(fleet->connection, "r");
    g_autofree char *due = g_strdup_printf("'%s'", meanwhile[_i].after);
    fleet_test_assert_entry(info, "Status", due);
    fleet_test_assert_entry(info, "CurrentAction", "'/'");
}
END_TEST

START_TEST(other_statuses_cannot_be_set_meanwhile)
{
    static const char *const statuses[] = {"IDLE", "RECOVERING", "ERROR"};
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "r", "SOFTWARE_UPDATE", NULL);
    for (guint i = 0; i < G_N_ELEMENTS(statuses); i++) {
        fleet_test_manager_fails(fleet->connection, "SetDeviceStatus",
                g_variant_new("(ssa{sv})", "r", statuses[i], NULL), FLEET_TEST_ERROR "InvalidTransition", id);
        fleet_test_call_fails(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "SetStatus",
                g_variant_new("(sa{sv})", statuses[i], NULL), FLEET_TEST_ERROR "InvalidTransition", statuses[i]);
    }
    fleet_test_assert_prints(fleet_test_get(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "Status"), "'UPDATING'");
}
END_TEST

static const struct {
    const char *type, *device_status;
} types[] = {{"SOFTWARE_UPDATE", "'UPDATING'"}, {"FIRMWARE_UPDATE", "'UPDATING'"}, {"SYSTEM_REBOOT", "'BUSY'"},
        {"CONFIGURATION_CHANGE", "'BUSY'"}, {"BACKUP", "'BUSY'"}, {"BOOTLOADER_UPDATE_2", "'UPDATING'"}};

START_TEST(types_say_what_a_device_becomes)
{
    g_autoptr(FleetTestFleet) fleet =
            fleet_test_fleet_new(FLEET_TEST_ENDLESS "[ActionType BACKUP]\nDeviceStatus=BUSY\n"
                                                    "[ActionType BOOTLOADER_UPDATE_2]\nDeviceStatus=UPDATING\n");

    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autofree char *id = g_strdup_printf("r%u", i);
        fleet_test_register(fleet->connection, id);
        g_autofree char *action = fleet_test_initiate(fleet->connection, id, types[i].type, NULL);
        g_autoptr(GVariant) info = fleet_test_device_info(fleet->connection, id);
        fleet_test_assert_entry(info, "Status", types[i].device_status);
    }
    fleet_test_assert_prints(fleet_test_get(fleet->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ActionTypes"),
            "['SOFTWARE_UPDATE', 'FIRMWARE_UPDATE', 'SYSTEM_REBOOT', 'CONFIGURATION_CHANGE', 'BACKUP', "
            "'BOOTLOADER_UPDATE_2']");
}
END_TEST

static gint64 sequence_of(const char *id)
{
    return g_ascii_strtoll(strrchr(id, '_') + 1, NULL, 10);
}

START_TEST(ids_are_not_used_again)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);

    fleet_test_register_many(fleet->connection, "d", 3);
    g_autofree char *first = fleet_test_initiate(fleet->connection, "d-00000", "SYSTEM_REBOOT", NULL);
    g_autofree char *second = fleet_test_initiate(fleet->connection, "d-00001", "SYSTEM_REBOOT", NULL);
    fleet_test_daemon_restart(fleet->daemon);
    g_autofree char *third = fleet_test_initiate(fleet->connection, "d-00002", "SYSTEM_REBOOT", NULL);
    ck_assert_int_lt(sequence_of(first), sequence_of(second));
    ck_assert_int_lt(sequence_of(second), sequence_of(third));
}
END_TEST

START_TEST(busctl_and_gdbus_start_actions)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);

    fleet_test_register(fleet->connection, "r");
    fleet_test_register(fleet->connection, "s");
    g_autofree char *by_busctl =
            fleet_test_run_ok("busctl", "call", "org.fleet.Manager", FLEET_TEST_ROOT, FLEET_TEST_MANAGER,
                    "InitiateDeviceAction", "ssa{ss}a{sv}", "r", "SOFTWARE_UPDATE", "1", "version", "2.1.0", "0");
    g_autofree char *by_gdbus = fleet_test_run_ok("gdbus", "call", "--system", "--dest", "org.fleet.Manager",
            "--object-path", FLEET_TEST_ROOT "/device/s", "--method", "org.fleet.Device.InitiateAction",
            "SYSTEM_REBOOT", "{'delay': '5'}", "{}");

    fleet_test_assert_matches(by_busctl, "^sos \"(action_[0-9]+_1)\" \"/org/fleet/Manager/action/action_5f[0-9]+_5f1\" "
                                         "\"RUNNING\"$");
    fleet_test_assert_matches(by_gdbus, "^\\('action_[0-9]+_2', objectpath '/org/fleet/Manager/action/action_5f[0-9]+"
                                        "_5f2', 'RUNNING'\\)$");
    g_autofree char *current = fleet_test_run_ok("busctl", "get-property", "org.fleet.Manager",
            FLEET_TEST_ROOT "/device/r", FLEET_TEST_DEVICE, "CurrentActionId");
    fleet_test_assert_matches(current, "^s \"action_[0-9]+_1\"$");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: actions");
    TCase *life = fleet_test_case(suite, "life");
    TCase *start = fleet_test_case(suite, "start");

    tcase_add_loop_test(life, action_succeeds, 0, 2);
    tcase_add_test(life, action_fails);
    tcase_add_loop_test(life, what_the_operator_sets_meanwhile_stays, 0, G_N_ELEMENTS(meanwhile));
    tcase_add_test(life, other_statuses_cannot_be_set_meanwhile);
    tcase_add_test(start, call_is_answered_with_all);
    tcase_add_test(start, device_takes_one_action_at_a_time);
    tcase_add_test(start, race_for_a_device_has_one_winner);
    tcase_add_test(start, only_a_free_device_takes_an_action);
    tcase_add_test(start, types_say_what_a_device_becomes);
    tcase_add_test(start, ids_are_not_used_again);
    tcase_add_test(start, busctl_and_gdbus_start_actions);
    return fleet_test_main(suite);
}
