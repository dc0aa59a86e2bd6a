/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a call can ask for beyond the action itself: to wait, to take another's place, to be tried again, to be carried
 * out once however often it is asked for; and many actions in one call. */

#include "bus_test.h"

#define DEVICE FLEET_TEST_ROOT "/device/r"

/* Each attempt fails at once, and another one may help. */
#define TRANSIENT "[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=0\nTransientRate=1\n"

#define ONE_AT_A_TIME "[Actions]\nRunningMax=1\n"

typedef struct {
    char *id, *path, *status;
} Initiated;

static void clear_initiated(Initiated *initiated)
{
    g_free(initiated->id);
    g_free(initiated->path);
    g_free(initiated->status);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Initiated, clear_initiated)

/* Arguments of InitiateDeviceAction for a SOFTWARE_UPDATE; options in GVariant text. Floating. */
static GVariant *arguments_of(const char *device, const char *options)
{
    g_autofree char *text = g_strdup_printf("('%s', 'SOFTWARE_UPDATE', @a{ss} {}, %s)", device, options);

    return g_variant_new_parsed(text);
}

static Initiated initiate(GDBusConnection *connection, const char *device, const char *options)
{
    g_autoptr(GVariant) reply =
            fleet_test_manager(connection, "InitiateDeviceAction", arguments_of(device, options), "(sos)");
    Initiated initiated;

    g_variant_get(reply, "(sos)", &initiated.id, &initiated.path, &initiated.status);
    return initiated;
}

#define assert_property(connection, path, property, text)                                                              \
    fleet_test_assert_prints(fleet_test_get(connection, path, FLEET_TEST_ACTION, property), text)

#define wait_status(fleet, path, status)                                                                               \
    fleet_test_wait_for((fleet)->connection, path, FLEET_TEST_ACTION, "Status", status)

/* The history of an action, "STATUS phase" one a line. Owned by the caller. */
static char *story_of(GDBusConnection *connection, const char *id)
{
    g_autoptr(GVariant) reply =
            fleet_test_manager(connection, "GetActionHistory", g_variant_new("(s)", id), "(a(tsss))");
    g_autoptr(GVariantIter) iter = NULL;
    GString *story = g_string_new(NULL);
    const char *status, *phase;
    guint64 at, before = 0;

    g_variant_get(reply, "(a(tsss))", &iter);
    while (g_variant_iter_next(iter, "(t&s&s&s)", &at, &status, &phase, NULL)) {
        ck_assert_uint_ge(at, before);
        before = at;
        g_string_append_printf(story, "%s %s\n", status, phase);
    }
    return g_string_free(story, FALSE);
}

START_TEST(queued_action_waits_and_starts)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_QUICK);
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(fleet->connection, NULL, NULL, NULL);

    fleet_test_register(fleet->connection, "r");
    g_auto(Initiated) first = initiate(fleet->connection, "r", "@a{sv} {}");
    g_auto(Initiated) second = initiate(fleet->direct, "r", "{'IfBusy': <'queue'>}");
    ck_assert_str_eq(first.status, "RUNNING");
    ck_assert_str_eq(second.status, "PENDING");
    assert_property(fleet->connection, second.path, "Phase", "'waiting-device'");
    assert_property(fleet->connection, second.path, "StartedAt", "0");
    assert_property(fleet->connection, second.path, "Attempt", "0");
    assert_property(fleet->connection, second.path, "Cancelable", "true");
    fleet_test_assert_prints(fleet_test_get(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "QueuedActions"), "1");
    fleet_test_assert_prints(
            fleet_test_get(fleet->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "PendingActions"), "1");

    /* On the bus: the first has ended, the device is told of, and then the second runs. */
    guint ended = fleet_test_signals_wait_property(signals, 0, first.path, "Status", "'COMPLETED'");
    guint idle = fleet_test_signals_wait_property(signals, ended, DEVICE, "Status", "'IDLE'");
    guint running = fleet_test_signals_wait_property(signals, idle, second.path, "Status", "'RUNNING'");
    (void)fleet_test_signals_wait_property(signals, running, DEVICE, "QueuedActions", "0");
    wait_status(fleet, second.path, "COMPLETED");
    g_autofree char *story = story_of(fleet->connection, second.id);
    fleet_test_assert_matches(story, "^PENDING waiting-device\nRUNNING \n");
}
END_TEST

START_TEST(queue_is_by_priority_then_by_age)
{
    g_autoptr(FleetTestFleet) fleet =
            fleet_test_fleet_new("[Simulation]\nMinDuration=20ms\nMaxDuration=20ms\nSuccessRate=1\n");
    static const int priorities[] = {0, 0, 7, -7, 7};
    static const guint due[] = {2, 4, 0, 1, 3};
    Initiated waiting[G_N_ELEMENTS(priorities)];
    guint64 last = 0;

    fleet_test_register_as(fleet->connection, "r", "", "", "MAINTENANCE");
    for (guint i = 0; i < G_N_ELEMENTS(priorities); i++) {
        g_autofree char *options = g_strdup_printf("{'IfBusy': <'queue'>, 'Priority': <%d>}", priorities[i]);
        waiting[i] = initiate(fleet->connection, "r", options);
        ck_assert_str_eq(waiting[i].status, "PENDING");
    }
    fleet_test_set_status(fleet->connection, "r", "IDLE");
    for (guint i = 0; i < G_N_ELEMENTS(due); i++) {
        wait_status(fleet, waiting[due[i]].path, "COMPLETED");
        g_autoptr(GVariant) value =
                fleet_test_get(fleet->connection, waiting[due[i]].path, FLEET_TEST_ACTION, "StartedAt");
        ck_assert_uint_gt(g_variant_get_uint64(value), last);
        last = g_variant_get_uint64(value);
    }
    for (guint i = 0; i < G_N_ELEMENTS(waiting); i++)
        clear_initiated(&waiting[i]);
}
END_TEST

/* A device out of service keeps its queue, through a restart too, and cannot be unregistered. */
START_TEST(queue_of_a_device_out_of_service_stays)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);

    fleet_test_register_as(fleet->connection, "r", "", "", _i == 0 ? "OFFLINE" : "MAINTENANCE");
    fleet_test_manager_fails(fleet->connection, "InitiateDeviceAction", arguments_of("r", "@a{sv} {}"),
            FLEET_TEST_ERROR "DeviceBusy", _i == 0 ? "OFFLINE" : "MAINTENANCE");
    g_auto(Initiated) waiting = initiate(fleet->connection, "r", "{'IfBusy': <'queue'>}");
    fleet_test_daemon_restart(fleet->daemon);
    assert_property(fleet->connection, waiting.path, "Status", "'PENDING'");
    assert_property(fleet->connection, waiting.path, "Phase", "'waiting-device'");
    fleet_test_manager_fails(fleet->connection, "UnregisterDevice", g_variant_new("(sa{sv})", "r", NULL),
            FLEET_TEST_ERROR "DeviceBusy", "device 'r' has actions that wait for it: 1");
    fleet_test_call_fails(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "Unregister", g_variant_new("(a{sv})", NULL),
            FLEET_TEST_ERROR "DeviceBusy", "device 'r' has actions that wait for it");
    fleet_test_set_status(fleet->connection, "r", "IDLE");
    wait_status(fleet, waiting.path, "RUNNING");
}
END_TEST

START_TEST(limit_of_running_actions_is_kept)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(
            _i == 0 ? FLEET_TEST_ENDLESS ONE_AT_A_TIME
                    : FLEET_TEST_ENDLESS "[ActionType SOFTWARE_UPDATE]\nDeviceStatus=UPDATING\nRunningMax=1\n");

    fleet_test_register(fleet->connection, "r");
    fleet_test_register(fleet->connection, "s");
    g_auto(Initiated) first = initiate(fleet->connection, "r", "@a{sv} {}");
    g_auto(Initiated) second = initiate(fleet->connection, "s", "@a{sv} {}");
    ck_assert_str_eq(first.status, "RUNNING");
    ck_assert_str_eq(second.status, "PENDING");
    assert_property(fleet->connection, second.path, "Phase", "'waiting-slot'");
    g_autoptr(GVariant) info = fleet_test_device_info(fleet->connection, "s");
    fleet_test_assert_entry(info, "Status", "'IDLE'");
    fleet_test_assert_entry(info, "QueuedActions", "1");

    /* More may run from now on. */
    fleet_test_daemon_set_config(fleet->daemon, FLEET_TEST_ENDLESS);
    fleet_test_daemon_signal(fleet->daemon, SIGHUP);
    wait_status(fleet, second.path, "RUNNING");
}
END_TEST

START_TEST(time_of_a_start_is_kept)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    gint64 soon = g_get_real_time() + (gint64)(500000 * fleet_test_slowness());
    g_autofree char *options = g_strdup_printf("{'NotBefore': <uint64 %" G_GINT64_FORMAT ">}", soon);

    fleet_test_register(fleet->connection, "r");
    g_auto(Initiated) scheduled = initiate(fleet->connection, "r", options);
    ck_assert_str_eq(scheduled.status, "PENDING");
    assert_property(fleet->connection, scheduled.path, "Phase", "'scheduled'");
    wait_status(fleet, scheduled.path, "RUNNING");
    ck_assert_int_ge(g_get_real_time(), soon);
}
END_TEST

START_TEST(deadline_of_a_start_is_kept)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    gint64 soon = g_get_real_time() + (gint64)(500000 * fleet_test_slowness());
    g_autofree char *options =
            g_strdup_printf("{'IfBusy': <'queue'>, 'StartDeadline': <uint64 %" G_GINT64_FORMAT ">}", soon);

    fleet_test_register_as(fleet->connection, "r", "", "", "OFFLINE");
    g_auto(Initiated) late = initiate(fleet->connection, "r", options);
    wait_status(fleet, late.path, "FAILED");
    g_autoptr(GVariant) info = fleet_test_action_info(fleet->connection, late.id);
    fleet_test_assert_entry(info, "Result", "'timed-out'");
    fleet_test_assert_entry(info, "Message", "'it did not start before its start deadline'");
    fleet_test_assert_entry(info, "ErrorName", "'org.freedesktop.DBus.Error.Timeout'");
    fleet_test_assert_entry(info, "StartedAt", "0");
    g_autoptr(GVariant) device = fleet_test_device_info(fleet->connection, "r");
    fleet_test_assert_entry(device, "QueuedActions", "0");
    fleet_test_assert_entry(device, "Status", "'OFFLINE'");
}
END_TEST

START_TEST(replacement_takes_the_place)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);

    fleet_test_register(fleet->connection, "r");
    g_auto(Initiated) first = initiate(fleet->connection, "r", "@a{sv} {}");
    g_auto(Initiated) waiting = initiate(fleet->connection, "r", "{'IfBusy': <'queue'>, 'Priority': <9>}");
    g_auto(Initiated) second = initiate(fleet->connection, "r", "{'IfBusy': <'replace'>}");
    ck_assert_str_eq(second.status, "PENDING");
    wait_status(fleet, second.path, "RUNNING");
    assert_property(fleet->connection, first.path, "Status", "'CANCELLED'");
    assert_property(fleet->connection, first.path, "Result", "'superseded'");
    assert_property(fleet->connection, waiting.path, "Status", "'PENDING'");
    g_autoptr(GVariant) device = fleet_test_device_info(fleet->connection, "r");
    g_autofree char *quoted = g_strdup_printf("'%s'", second.id);
    fleet_test_assert_entry(device, "CurrentActionId", quoted);
}
END_TEST

/* Limits of time. */

START_TEST(action_that_takes_too_long_is_stopped)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(
            _i == 0 ? FLEET_TEST_ENDLESS
                    : FLEET_TEST_ENDLESS "[ActionType SOFTWARE_UPDATE]\nDeviceStatus=UPDATING\nTimeout=300ms\n");

    fleet_test_register(fleet->connection, "r");
    g_auto(Initiated) slow = initiate(fleet->connection, "r", _i == 0 ? "{'Timeout': <uint64 300000>}" : "@a{sv} {}");
    wait_status(fleet, slow.path, "FAILED");
    g_autoptr(GVariant) info = fleet_test_action_info(fleet->connection, slow.id);
    fleet_test_assert_entry(info, "Result", "'timed-out'");
    fleet_test_assert_entry(info, "Message", "'it has not ended within 300ms'");
    g_autoptr(GVariant) device = fleet_test_device_info(fleet->connection, "r");
    fleet_test_assert_entry(device, "Status", "'ERROR'");
    g_autofree char *story = story_of(fleet->connection, slow.id);
    fleet_test_assert_matches(story, "^PENDING \nRUNNING \nRUNNING preparing\nRUNNING cancelling\nFAILED \n$");
}
END_TEST

/* 0 takes back what the configuration says. */
START_TEST(call_may_ask_for_no_limit)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(
            FLEET_TEST_QUICK "[ActionType SOFTWARE_UPDATE]\nDeviceStatus=UPDATING\nTimeout=10ms\n");

    fleet_test_register(fleet->connection, "r");
    g_auto(Initiated) slow = initiate(fleet->connection, "r", "{'Timeout': <uint64 0>}");
    wait_status(fleet, slow.path, "COMPLETED");
}
END_TEST

/* Retries. */

START_TEST(action_is_tried_until_its_attempts_are_exhausted)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(TRANSIENT);

    fleet_test_register(fleet->connection, "r");
    g_auto(Initiated) failing =
            initiate(fleet->connection, "r", "{'MaxAttempts': <uint32 3>, 'RetryDelay': <uint64 1000>}");
    wait_status(fleet, failing.path, "FAILED");
    g_autoptr(GVariant) info = fleet_test_action_info(fleet->connection, failing.id);
    fleet_test_assert_entry(info, "Attempt", "3");
    fleet_test_assert_entry(info, "MaxAttempts", "3");
    fleet_test_assert_entry(info, "Result", "'failed'");
    g_autofree char *story = story_of(fleet->connection, failing.id);
    ck_assert_str_eq(story, "PENDING \nRUNNING \nRUNNING waiting-retry\nRUNNING \nRUNNING waiting-retry\nRUNNING \n"
                            "FAILED \n");
}
END_TEST

START_TEST(action_that_waits_for_a_retry_holds_its_device)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(TRANSIENT);

    fleet_test_register(fleet->connection, "r");
    g_auto(Initiated) failing = initiate(fleet->connection, "r",
            "{'MaxAttempts': <uint32 2>, 'RetryDelay': <uint64 3600000000>, 'RetryCap': <uint64 3600000000>}");
    fleet_test_wait_for(fleet->connection, failing.path, FLEET_TEST_ACTION, "Phase", "waiting-retry");
    fleet_test_manager_fails(fleet->connection, "InitiateDeviceAction", arguments_of("r", "@a{sv} {}"),
            FLEET_TEST_ERROR "DeviceBusy", failing.id);
    fleet_test_daemon_restart(fleet->daemon);
    g_autoptr(GVariant) info = fleet_test_action_info(fleet->connection, failing.id);
    fleet_test_assert_entry(info, "Status", "'RUNNING'");
    fleet_test_assert_entry(info, "Phase", "'waiting-retry'");
    fleet_test_assert_entry(info, "Attempt", "1");
    fleet_test_assert_entry(info, "Message", "'simulated failure while verifying'");
    fleet_test_assert_prints(fleet_test_get(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "Status"), "'UPDATING'");
}
END_TEST

/* Requests with an id. */

#define REQUEST "{'RequestId': <'one'>, 'Timeout': <uint64 3600000000>}"

/* Once more, as both clients, and others that ask for something else. */
static void repeat(const FleetTestFleet *fleet, const Initiated *due, const char *status)
{
    g_auto(Initiated) on_bus = initiate(fleet->connection, "r", REQUEST);
    g_auto(Initiated) on_socket = initiate(fleet->direct, "r", REQUEST);

    ck_assert_str_eq(on_bus.id, due->id);
    ck_assert_str_eq(on_bus.path, due->path);
    ck_assert_str_eq(on_bus.status, status);
    ck_assert_str_eq(on_socket.id, due->id);
    fleet_test_manager_fails(fleet->connection, "InitiateDeviceAction",
            arguments_of("r", "{'RequestId': <'one'>, 'Timeout': <uint64 1>}"), FLEET_TEST_ERROR "RequestIdReused",
            due->id);
    fleet_test_manager_fails(fleet->connection, "InitiateDeviceAction",
            g_variant_new_parsed("('r', 'SYSTEM_REBOOT', @a{ss} {}, {'RequestId': <'one'>})"),
            FLEET_TEST_ERROR "RequestIdReused", "'one'");
    fleet_test_manager_fails(fleet->connection, "InitiateDeviceAction",
            g_variant_new_parsed("('r', 'SOFTWARE_UPDATE', {'a': 'b'}, " REQUEST ")"),
            FLEET_TEST_ERROR "RequestIdReused", NULL);
}

START_TEST(request_is_carried_out_once)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);

    fleet_test_register(fleet->connection, "r");
    g_auto(Initiated) first = initiate(fleet->connection, "r", REQUEST);
    ck_assert_str_eq(first.status, "RUNNING");
    assert_property(fleet->connection, first.path, "RequestId", "'one'");
    repeat(fleet, &first, "RUNNING");
    fleet_test_daemon_kill(fleet->daemon);
    fleet_test_daemon_start(fleet->daemon);
    g_clear_object(&fleet->direct);
    g_autofree char *address = fleet_test_fleet_address(fleet);
    fleet->direct = fleet_test_connect(address);
    repeat(fleet, &first, "RUNNING");
}
END_TEST

/* Options in another order are the same; and what the configuration says is not part of the request. */
START_TEST(request_is_what_was_asked_for)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);

    fleet_test_register(fleet->connection, "r");
    g_auto(Initiated) first = initiate(fleet->connection, "r", REQUEST);
    fleet_test_daemon_set_config(fleet->daemon,
            FLEET_TEST_ENDLESS "[ActionType SOFTWARE_UPDATE]\nDeviceStatus=BUSY\nMaxAttempts=7\nStepTimeout=2h\n");
    fleet_test_daemon_signal(fleet->daemon, SIGHUP);
    fleet_test_round_trip(fleet->connection);
    g_auto(Initiated) turned =
            initiate(fleet->connection, "r", "{'Timeout': <uint64 3600000000>, 'RequestId': <'one'>}");
    ck_assert_str_eq(turned.id, first.id);
}
END_TEST

/* Every option is part of it, given with another value or not at all. */
START_TEST(request_differs_in_any_option)
{
    static const char *const options[][2] = {
            {"'IfBusy': <'queue'>", "'IfBusy': <'fail'>"},
            {"'Priority': <1>", "'Priority': <-1>"},
            {"'NotBefore': <uint64 1>", "'NotBefore': <uint64 2>"},
            {"'StartDeadline': <uint64 4000000000000000>", "'StartDeadline': <uint64 4000000000000001>"},
            {"'Timeout': <uint64 3600000000>", "'Timeout': <uint64 0>"},
            {"'StepTimeout': <uint64 3600000000>", "'StepTimeout': <uint64 3600000001>"},
            {"'MaxAttempts': <uint32 1>", "'MaxAttempts': <uint32 2>"},
            {"'RetryDelay': <uint64 10000000>", "'RetryDelay': <uint64 1>"},
            {"'RetryFactor': <2.0>", "'RetryFactor': <1.0>"},
            {"'RetryCap': <uint64 600000000>", "'RetryCap': <uint64 1>"},
            {"'RetryJitter': <0.1>", "'RetryJitter': <0.0>"},
    };
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    g_autoptr(GString) all = g_string_new("{'RequestId': <'one'>");

    fleet_test_register(fleet->connection, "r");
    for (guint i = 0; i < G_N_ELEMENTS(options); i++)
        g_string_append_printf(all, ", %s", options[i][0]);
    g_string_append_c(all, '}');
    g_auto(Initiated) first = initiate(fleet->connection, "r", all->str);
    g_auto(Initiated) same = initiate(fleet->connection, "r", all->str);
    ck_assert_str_eq(same.id, first.id);
    for (guint i = 0; i < G_N_ELEMENTS(options); i++)
        for (guint j = 0; j < 2; j++) {
            g_autofree char *given = g_strconcat(", ", options[i][0], NULL);
            g_autofree char *other = j == 0 ? g_strdup("") : g_strconcat(", ", options[i][1], NULL);
            g_autoptr(GString) changed = g_string_new(all->str);

            ck_assert_uint_eq(g_string_replace(changed, given, other, 0), 1);
            fleet_test_manager_fails(fleet->connection, "InitiateDeviceAction", arguments_of("r", changed->str),
                    FLEET_TEST_ERROR "RequestIdReused", first.id);
        }
}
END_TEST

START_TEST(request_is_known_when_its_action_is_history)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_QUICK "[Retention]\nFinishedActions=0\n");
    g_autoptr(FleetTestSignals) removals =
            fleet_test_signals_new(fleet->connection, FLEET_TEST_OBJECT_MANAGER, "InterfacesRemoved", NULL);

    fleet_test_register(fleet->connection, "r");
    g_auto(Initiated) first = initiate(fleet->connection, "r", REQUEST);
    while (fleet_test_signals_count(removals) == 0)
        g_main_context_iteration(NULL, TRUE);
    repeat(fleet, &first, "COMPLETED");
}
END_TEST

/* Twenty at once, the first of which is not answered yet. */
START_TEST(requests_at_once_are_one)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    FleetTestPending *calls[20];

    fleet_test_register(fleet->connection, "r");
    for (guint i = 0; i < G_N_ELEMENTS(calls); i++)
        calls[i] = fleet_test_send(i % 2 == 0 ? fleet->connection : fleet->direct, FLEET_TEST_ROOT, FLEET_TEST_MANAGER,
                "InitiateDeviceAction", arguments_of("r", REQUEST));
    for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_autofree char *outcome = fleet_test_outcome(calls[i]);
        ck_assert_str_eq(outcome, "");
    }
    fleet_test_assert_prints(
            fleet_test_get(fleet->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RunningActions"), "1");
}
END_TEST

/* Many in one call. */

START_TEST(many_are_initiated_with_one_call)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    GDBusConnection *connection = fleet->connection;

    fleet_test_register(connection, "a");
    fleet_test_register_as(connection, "b", "", "", "OFFLINE");
    fleet_test_register(connection, "c");
    g_autoptr(GVariant) reply = fleet_test_manager(connection, "InitiateDeviceActions",
            g_variant_new_parsed("(['a', 'nobody', 'b', 'c', 'a'], 'SYSTEM_REBOOT', {'x': 'y'}, @a{sv} {})"),
            "(a(uso)a(uss))");
    g_autoptr(GVariant) started = g_variant_get_child_value(reply, 0);
    g_autoptr(GVariant) failures = g_variant_get_child_value(reply, 1);
    static const struct {
        guint index;
        const char *device;
    } due[] = {{0, "a"}, {3, "c"}};
    static const struct {
        guint index;
        const char *name, *part;
    } refused[] = {{1, "DeviceNotFound", "'nobody'"}, {2, "DeviceBusy", "OFFLINE"}, {4, "DeviceBusy", "'a' is busy"}};

    ck_assert_uint_eq(g_variant_n_children(started), G_N_ELEMENTS(due));
    for (guint i = 0; i < G_N_ELEMENTS(due); i++) {
        const char *id, *path;
        guint32 index;
        g_variant_get_child(started, i, "(u&s&o)", &index, &id, &path);
        ck_assert_uint_eq(index, due[i].index);
        g_autoptr(GVariant) info = fleet_test_action_info(connection, id);
        g_autofree char *device = g_strdup_printf("'%s'", due[i].device);
        fleet_test_assert_entry(info, "DeviceId", device);
        fleet_test_assert_entry(info, "Status", "'RUNNING'");
        fleet_test_assert_entry(info, "Parameters", "{'x': 'y'}");
        assert_property(connection, path, "Type", "'SYSTEM_REBOOT'");
    }
    ck_assert_uint_eq(g_variant_n_children(failures), G_N_ELEMENTS(refused));
    for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
        const char *name, *message;
        guint32 index;
        g_variant_get_child(failures, i, "(u&s&s)", &index, &name, &message);
        g_autofree char *full = g_strconcat(FLEET_TEST_ERROR, refused[i].name, NULL);
        ck_assert_uint_eq(index, refused[i].index);
        ck_assert_str_eq(name, full);
        fleet_test_assert_contains(message, refused[i].part);
    }
}
END_TEST

/* Options are for all of them. */
START_TEST(many_may_wait)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);

    fleet_test_register_as(fleet->connection, "r", "", "", "OFFLINE");
    g_autoptr(GVariant) reply = fleet_test_manager(fleet->direct, "InitiateDeviceActions",
            g_variant_new_parsed("(['r', 'r', 'r'], 'SYSTEM_REBOOT', @a{ss} {}, {'IfBusy': <'queue'>})"),
            "(a(uso)a(uss))");
    g_autoptr(GVariant) started = g_variant_get_child_value(reply, 0);
    ck_assert_uint_eq(g_variant_n_children(started), 3);
    fleet_test_assert_prints(fleet_test_get(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "QueuedActions"), "3");
    g_autoptr(GVariant) none = fleet_test_manager(fleet->direct, "InitiateDeviceActions",
            g_variant_new_parsed("(@as [], 'SYSTEM_REBOOT', @a{ss} {}, @a{sv} {})"), "(a(uso)a(uss))");
    g_autofree char *printed = g_variant_print(none, FALSE);
    ck_assert_str_eq(printed, "([], [])");
}
END_TEST

/* Drivers. */

START_TEST(driver_is_chosen_at_registration)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS "[DeviceType gateway]\nDriver=command\n");
    static const struct {
        const char *arguments, *driver;
    } devices[] = {
            {"('a', '', '', '', @a{sv} {})", "'simulated'"},
            {"('b', '', '', '', {'Driver': <'command'>})", "'command'"},
            {"('c', '', 'gateway', '', @a{sv} {})", "'command'"},
            {"('d', '', 'gateway', '', {'Driver': <'simulated'>})", "'simulated'"},
            {"('e', '', 'gateway', '', {'Driver': <''>})", "'command'"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(devices); i++) {
        g_autofree char *id = g_strdup_printf("%c", 'a' + i);
        fleet_test_manager_void(fleet->connection, "RegisterDevice", g_variant_new_parsed(devices[i].arguments));
        g_autoptr(GVariant) info = fleet_test_device_info(fleet->connection, id);
        fleet_test_assert_entry(info, "Driver", devices[i].driver);
    }
    fleet_test_manager_void(fleet->connection, "RegisterDevices",
            g_variant_new_parsed("([('f', '', '', '')], {'Driver': <'command'>})"));
    g_autoptr(GVariant) info = fleet_test_device_info(fleet->connection, "f");
    fleet_test_assert_entry(info, "Driver", "'command'");

    /* No program is configured for it: it does not do that. */
    fleet_test_manager_fails(fleet->connection, "InitiateDeviceAction", arguments_of("b", "@a{sv} {}"),
            FLEET_TEST_ERROR "Unsupported", NULL);
    fleet_test_set_status(fleet->connection, "c", "OFFLINE");
    g_auto(Initiated) waiting = initiate(fleet->connection, "c", "{'IfBusy': <'queue'>}");
    fleet_test_set_status(fleet->connection, "c", "IDLE");
    wait_status(fleet, waiting.path, "FAILED");
    assert_property(fleet->connection, waiting.path, "Result", "'rejected'");
    assert_property(fleet->connection, waiting.path, "ErrorName", "'org.fleet.Error.Unsupported'");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: action queue");
    TCase *queue = fleet_test_case(suite, "queue");
    TCase *limits = fleet_test_case(suite, "limits");
    TCase *requests = fleet_test_case(suite, "requests");
    TCase *many = fleet_test_case(suite, "many");

    tcase_add_test(queue, queued_action_waits_and_starts);
    tcase_add_test(queue, queue_is_by_priority_then_by_age);
    tcase_add_loop_test(queue, queue_of_a_device_out_of_service_stays, 0, 2);
    tcase_add_loop_test(queue, limit_of_running_actions_is_kept, 0, 2);
    tcase_add_test(queue, time_of_a_start_is_kept);
    tcase_add_test(queue, deadline_of_a_start_is_kept);
    tcase_add_test(queue, replacement_takes_the_place);
    tcase_add_loop_test(limits, action_that_takes_too_long_is_stopped, 0, 2);
    tcase_add_test(limits, call_may_ask_for_no_limit);
    tcase_add_test(limits, action_is_tried_until_its_attempts_are_exhausted);
    tcase_add_test(limits, action_that_waits_for_a_retry_holds_its_device);
    tcase_add_test(requests, request_is_carried_out_once);
    tcase_add_test(requests, request_is_what_was_asked_for);
    tcase_add_test(requests, request_differs_in_any_option);
    tcase_add_test(requests, request_is_known_when_its_action_is_history);
    tcase_add_test(requests, requests_at_once_are_one);
    tcase_add_test(many, many_are_initiated_with_one_call);
    tcase_add_test(many, many_may_wait);
    tcase_add_test(many, driver_is_chosen_at_registration);
    return fleet_test_main(suite);
}
