/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs that start, stop and account for actions, against fleetd on a bus of its own. */

#include "lib/fleet_test.h"

#include <string.h>
#include <unistd.h>

#define QUICK "[Simulation]\nMinDuration=200ms\nMaxDuration=200ms\nSuccessRate=1\n"
#define ENDLESS "[Simulation]\nMinDuration=1h\nMaxDuration=1h\nSuccessRate=1\n"
/* Attempts that fail at once, and in passing. */
#define FAILING "[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=0\nTransientRate=1\n"

#define FLEETCTL fleet_test_env("FLEETCTL")

typedef struct {
    FleetTestBus *bus;
    FleetTestDaemon *daemon;
} Fleet;

static void fleet_clear(Fleet *fleet)
{
    fleet_test_daemon_free(fleet->daemon);
    fleet_test_bus_free(fleet->bus);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fleet, fleet_clear)

/* fleetd with two idle devices, "r1" and "r2". */
static Fleet start(const char *config)
{
    Fleet fleet = {.bus = fleet_test_bus_new(NULL), .daemon = fleet_test_daemon_new()};

    g_setenv("LC_ALL", "C.UTF-8", TRUE);
    g_setenv("NO_COLOR", "1", TRUE);
    fleet_test_daemon_set_config(fleet.daemon, config);
    fleet_test_daemon_start(fleet.daemon);
    g_free(fleet_test_run_ok(FLEETCTL, "register", "r1"));
    g_free(fleet_test_run_ok(FLEETCTL, "register", "r2"));
    return fleet;
}

/* Starts an action with an option. Its id. */
static char *initiate(const char *device, const char *option)
{
    return g_strchomp(fleet_test_run_ok(FLEETCTL, "-q", "initiate-action", device, "SYSTEM_REBOOT", option));
}

/* Runs fleetctl, expecting that status; what it writes to stdout. */
static char *run(int expected, const char *const *arguments)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autofree char *out = NULL, *err = NULL;

    g_ptr_array_add(argv, (gpointer)FLEETCTL);
    for (guint i = 0; arguments[i] != NULL; i++)
        g_ptr_array_add(argv, (gpointer)arguments[i]);
    g_ptr_array_add(argv, NULL);
    int status = fleet_test_run((const char *const *)argv->pdata, NULL, &out, &err);
    if (status != expected)
        fleet_test_fail("'%s' exits with %d rather than %d: %s%s", arguments[0], status, expected, out, err);
    return g_steal_pointer(&out);
}

#define RUN(expected, ...) run((expected), (const char *const[]){__VA_ARGS__, NULL})

START_TEST(started_actions_are_waited_for)
{
    g_auto(Fleet) fleet = start(QUICK);
    g_autofree char *text =
            fleet_test_run_ok(FLEETCTL, "initiate-action", "r1", "system_reboot", "--wait", "--interval=10");
    g_autofree char *json =
            fleet_test_run_ok(FLEETCTL, "--json=short", "initiate-action", "r1", "SYSTEM_REBOOT", "--wait");

    fleet_test_assert_matches(text, "\\A✓ Action initiated successfully\n"
                                    "  Action ID: action_[0-9]+_1\n"
                                    "  Status:    RUNNING\n"
                                    "Polling action 'action_[0-9]+_1' \\(interval: 10s\\)\\.\\.\\.\n");
    fleet_test_assert_matches(text, "Status: COMPLETED\n✓ Action completed successfully!\n\\z");
    /* One value, of the end. */
    fleet_test_assert_matches(json, "\\A\\{\"Id\":\"action_[0-9]+_2\",.*\"Status\":\"COMPLETED\",.*\\}\n\\z");
}
END_TEST

START_TEST(retries_are_counted_after_the_first_attempt)
{
    g_auto(Fleet) fleet = start(FAILING);
    g_autofree char *text =
            RUN(1, "initiate-action", "r1", "SYSTEM_REBOOT", "--retry=2", "--retry-delay=1ms", "--wait");
    g_autofree char *list = fleet_test_run_ok(FLEETCTL, "--no-legend", "list-actions");
    g_autofree char *id = g_strndup(list, strcspn(list, " "));
    g_autofree char *status = fleet_test_run_ok(FLEETCTL, "action-status", id);
    g_autofree char *history = fleet_test_run_ok(FLEETCTL, "history", id);

    fleet_test_assert_matches(text, "Status: FAILED\n✗ Action failed: .+\n\\z");
    fleet_test_assert_contains(status, "  Attempt:       3 of 3\n");
    fleet_test_assert_matches(history, " RUNNING +waiting-retry ");
    fleet_test_assert_matches(history, " FAILED .*\n\\z");
}
END_TEST

START_TEST(queued_actions_are_shown_and_cancelled)
{
    g_auto(Fleet) fleet = start(ENDLESS);
    g_autofree char *running = initiate("r1", "--if-busy=fail");
    g_autofree char *queued = initiate("r1", "--if-busy=queue");

    fleet_test_run_fails(1, "is busy", FLEETCTL, "initiate-action", "r1", "SYSTEM_REBOOT");
    g_autofree char *info = fleet_test_run_ok(FLEETCTL, "get-info", "r1");
    fleet_test_assert_contains(info, "  Queued Actions: 1\n");
    g_autofree char *waiting = fleet_test_run_ok(FLEETCTL, "action-status", queued);
    fleet_test_assert_contains(waiting, "  Status:        PENDING\n  Phase:         waiting-device\n");

    g_autofree char *cancelled = fleet_test_run_ok(FLEETCTL, "cancel-action", queued);
    g_autofree char *expected = g_strdup_printf("✓ Action '%s' cancelled\n", queued);
    ck_assert_str_eq(cancelled, expected);
    g_autofree char *history = fleet_test_run_ok(FLEETCTL, "--no-legend", "history", queued);
    fleet_test_assert_matches(history, "\\A[-0-9]+ [:0-9]+ PENDING +waiting-device +-\n"
                                       "[-0-9]+ [:0-9]+ CANCELLED +- +cancelled before it ran\n\\z");
    fleet_test_run_fails(1, "has ended already: CANCELLED", FLEETCTL, "cancel-action", queued);
    fleet_test_run_fails(4, "is not known", FLEETCTL, "cancel-action", "action_1_99");
    fleet_test_run_fails(4, "is not known", FLEETCTL, "history", "action_1_99");
}
END_TEST

START_TEST(cancelling_is_a_success_for_who_cancels)
{
    g_auto(Fleet) fleet = start(ENDLESS);
    g_autofree char *id = initiate("r1", "--priority=1");
    g_autofree char *text = fleet_test_run_ok(FLEETCTL, "cancel-action", id, "--wait");
    g_autofree char *followed = RUN(1, "poll-action", id);

    fleet_test_assert_matches(text, "Status: CANCELLED\n✓ Action cancelled successfully!\n\\z");
    fleet_test_assert_matches(followed, "Status: CANCELLED\n✗ Action cancelled: .+\n\\z");
}
END_TEST

START_TEST(force_needs_no_answer)
{
    g_auto(Fleet) fleet = start(ENDLESS);
    g_autofree char *id = initiate("r1", "--priority=1");
    g_autofree char *json = fleet_test_run_ok(FLEETCTL, "--json=short", "cancel-action", "--force", id);
    g_autofree char *expected = g_strdup_printf("{\"ActionId\":\"%s\",\"Status\":\"CANCELLED\"}\n", id);
    g_autofree char *info = fleet_test_run_ok(FLEETCTL, "get-info", "r1");

    ck_assert_str_eq(json, expected);
    fleet_test_assert_contains(info, "  Status:        ERROR\n");
}
END_TEST

START_TEST(requests_are_the_same_by_their_id)
{
    g_auto(Fleet) fleet = start(ENDLESS);
    g_autofree char *first = initiate("r1", "--request-id=a");
    g_autofree char *second = initiate("r1", "--request-id=a");

    ck_assert_str_eq(first, second);
    fleet_test_run_fails(
            1, "use a new id", FLEETCTL, "initiate-action", "r1", "SYSTEM_REBOOT", "--request-id=a", "--retry=1");
}
END_TEST

START_TEST(starts_wait_for_their_time)
{
    g_auto(Fleet) fleet = start(QUICK);
    g_autofree char *later = initiate("r1", "--not-before=+1h");
    g_autofree char *status = fleet_test_run_ok(FLEETCTL, "action-status", later);
    g_autofree char *late =
            RUN(1, "initiate-action", "r2", "SYSTEM_REBOOT", "--not-before=+1h", "--start-deadline=+0", "--wait");

    fleet_test_assert_contains(status, "  Status:        PENDING\n");
    fleet_test_assert_matches(late, "Status: FAILED\n✗ Action failed: .*start deadline");
}
END_TEST

START_TEST(several_devices_get_the_same)
{
    g_auto(Fleet) fleet = start(ENDLESS);
    g_autofree char *some = RUN(1, "initiate-actions", "SYSTEM_REBOOT", "r1", "nobody", "r2");
    g_autofree char *ids =
            fleet_test_run_ok(FLEETCTL, "-q", "initiate-actions", "system_reboot", "r2", "r1", "--if-busy=queue");
    g_autofree char *json = RUN(1, "--json=short", "initiate-actions", "SYSTEM_REBOOT", "r1");

    fleet_test_assert_matches(some, "\\A✓ Device 'r1': action action_[0-9]+_1\n"
                                    "✓ Device 'r2': action action_[0-9]+_[0-9]+\n\\z");
    fleet_test_run_fails(1, "✗ Device 'nobody': ", FLEETCTL, "initiate-actions", "SYSTEM_REBOOT", "nobody");
    fleet_test_assert_matches(ids, "\\Aaction_[0-9]+_[0-9]+\naction_[0-9]+_[0-9]+\n\\z");
    fleet_test_assert_matches(json,
            "\\A\\{\"Started\":\\[\\],\"Failures\":\\[\\{\"DeviceId\":\"r1\","
            "\"ErrorName\":\"org\\.fleet\\.Error\\.DeviceBusy\",\"ErrorMessage\":\".+\"\\}\\]\\}\n\\z");
}
END_TEST

START_TEST(audit_has_every_call)
{
    g_auto(Fleet) fleet = start(ENDLESS);

    fleet_test_run_fails(4, "is not registered", FLEETCTL, "set-status", "nobody", "IDLE");
    g_autofree char *all = fleet_test_run_ok(FLEETCTL, "--no-legend", "audit");
    g_autofree char *newest = fleet_test_run_ok(FLEETCTL, "audit", "-n", "1");
    g_autofree char *json = fleet_test_run_ok(FLEETCTL, "--json=short", "audit", "-n", "1");
    g_autofree char *own = g_strdup_printf("[-0-9]+ [:0-9]+ %u +", (guint)getuid());
    g_autofree char *pattern =
            g_strconcat("\\A", own, "SetDeviceStatus +nobody +DeviceNotFound +:[.0-9]+ +/.*fleetctl\n", own,
                    "RegisterDevice +r2 +ok .*\n", own, "RegisterDevice +r1 +ok .*\n\\z", NULL);

    fleet_test_assert_matches(all, pattern);
    fleet_test_assert_matches(newest, "\\AAudited Calls \\(the newest 1\\):\n");
    fleet_test_assert_matches(json,
            "\\A\\[\\{\"Time\":[0-9]+,\"Uid\":[0-9]+,\"Executable\":\"/.*fleetctl\",\"Sender\":\":.+\","
            "\"Method\":\"SetDeviceStatus\",\"Object\":\"nobody\","
            "\"Outcome\":\"org\\.fleet\\.Error\\.DeviceNotFound\"\\}\\]\n\\z");
}
END_TEST

START_TEST(lists_are_narrowed_by_time_and_owner)
{
    g_auto(Fleet) fleet = start(ENDLESS);
    g_autofree char *id = initiate("r1", "--priority=1");
    g_autofree char *uid = g_strdup_printf("--owner=%u", (guint)getuid());
    g_autofree char *now =
            fleet_test_run_ok(FLEETCTL, "--no-legend", "list-actions", "--since=-1h", "--until=+1h", uid);
    g_autofree char *later = fleet_test_run_ok(FLEETCTL, "--no-legend", "list-actions", "--since=+1h");
    g_autofree char *before = fleet_test_run_ok(FLEETCTL, "--no-legend", "list-actions", "--until=-1h");
    g_autofree char *others = fleet_test_run_ok(FLEETCTL, "--no-legend", "list-actions", "--owner=65533");

    ck_assert(g_str_has_prefix(now, id));
    ck_assert_str_eq(later, "");
    ck_assert_str_eq(before, "");
    ck_assert_str_eq(others, "");
}
END_TEST

START_TEST(drivers_are_chosen_at_registration)
{
    g_auto(Fleet) fleet = start("");
    g_autofree char *text = fleet_test_run_ok(FLEETCTL, "register", "c", "--driver=command");
    g_autofree char *other = fleet_test_run_ok(FLEETCTL, "get-info", "c");
    g_autofree char *usual = fleet_test_run_ok(FLEETCTL, "get-info", "r1");

    ck_assert_str_eq(text, "✓ Device 'c' registered successfully\n");
    fleet_test_assert_contains(other, "  Driver:        command\n"
                                      "  Address:       None\n"
                                      "  Last Seen:     never\n"
                                      "  Presence:      UNKNOWN\n");
    ck_assert_ptr_null(strstr(usual, "Driver:"));
    fleet_test_run_fails(1, "driver 'magic' is unknown", FLEETCTL, "register", "d", "--driver=magic");
}
END_TEST

/* The daemon's address stands before the verb, the device's behind it. */
START_TEST(devices_have_addresses)
{
    g_auto(Fleet) fleet = start("");
    g_autofree char *daemon = g_strconcat("--address=unix:path=", fleet_test_daemon_socket(fleet.daemon), NULL);
    g_autofree char *text = fleet_test_run_ok(
            FLEETCTL, daemon, "register", "router-1", "--driver", "command", "--address", "device/router-1//");
    g_autofree char *info = fleet_test_run_ok(FLEETCTL, daemon, "get-info", "router-1");
    g_autofree char *updated = fleet_test_run_ok(FLEETCTL, daemon, "update", "router-1", "--address=elsewhere");
    g_autofree char *json = fleet_test_run_ok(FLEETCTL, "--json=short", "get-info", "router-1", daemon);
    g_autofree char *taken = fleet_test_run_ok(FLEETCTL, "update", "--address", "", "router-1");
    g_autofree char *none = fleet_test_run_ok(FLEETCTL, "get-info", "router-1");

    ck_assert_str_eq(text, "✓ Device 'router-1' registered successfully\n");
    fleet_test_assert_contains(info, "  Address:       device/router-1//\n");
    ck_assert_str_eq(updated, "✓ Device 'router-1' updated\n");
    fleet_test_assert_contains(json, "\"Address\":\"elsewhere\"");
    fleet_test_assert_contains(json, "\"LastSeen\":0");
    fleet_test_assert_contains(json, "\"Presence\":\"UNKNOWN\"");
    ck_assert_str_eq(taken, "✓ Device 'router-1' updated\n");
    fleet_test_assert_contains(none, "  Address:       None\n");
}
END_TEST

START_TEST(heartbeats_are_noted)
{
    g_auto(Fleet) fleet = start("");
    g_autofree char *one = fleet_test_run_ok(FLEETCTL, "heartbeat", "r1");
    g_autofree char *two = fleet_test_run_ok(FLEETCTL, "heartbeat", "r1", "r2");
    g_autofree char *quiet = fleet_test_run_ok(FLEETCTL, "-q", "heartbeat", "r1");
    g_autofree char *some = RUN(1, "heartbeat", "r1", "nobody");
    g_autofree char *none = RUN(1, "heartbeat", "nobody");
    g_autofree char *json = RUN(1, "--json=short", "heartbeat", "r1", "nobody", "r2");
    g_autofree char *info = fleet_test_run_ok(FLEETCTL, "get-info", "r1");

    ck_assert_str_eq(one, "✓ Heartbeat of device 'r1' noted\n");
    ck_assert_str_eq(two, "✓ Heartbeats of 2 devices noted\n");
    ck_assert_str_eq(quiet, "");
    ck_assert_str_eq(some, "✓ Heartbeats of 1 device noted\n");
    ck_assert_str_eq(none, "");
    ck_assert_str_eq(json, "{\"Heard\":2,\"Failures\":[{\"DeviceId\":\"nobody\","
                           "\"ErrorName\":\"org.fleet.Error.DeviceNotFound\","
                           "\"ErrorMessage\":\"device 'nobody' is not registered\"}]}\n");
    fleet_test_assert_matches(info, "  Driver:        simulated\n"
                                    "  Address:       None\n"
                                    "  Last Seen:     [-0-9]{10} [:0-9]{8}\n"
                                    "  Presence:      ONLINE\n\\z");
    fleet_test_run_fails(1, "✗ Device 'nobody': device 'nobody' is not registered", FLEETCTL, "heartbeat", "nobody");
    fleet_test_run_fails(2, "too few arguments", FLEETCTL, "heartbeat");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-daemon");
    TCase *tcase = fleet_test_case(suite, "actions");

    tcase_add_test(tcase, started_actions_are_waited_for);
    tcase_add_test(tcase, retries_are_counted_after_the_first_attempt);
    tcase_add_test(tcase, queued_actions_are_shown_and_cancelled);
    tcase_add_test(tcase, cancelling_is_a_success_for_who_cancels);
    tcase_add_test(tcase, force_needs_no_answer);
    tcase_add_test(tcase, requests_are_the_same_by_their_id);
    tcase_add_test(tcase, starts_wait_for_their_time);
    tcase_add_test(tcase, several_devices_get_the_same);
    tcase_add_test(tcase, audit_has_every_call);
    tcase_add_test(tcase, lists_are_narrowed_by_time_and_owner);
    tcase_add_test(tcase, drivers_are_chosen_at_registration);
    tcase_add_test(tcase, devices_have_addresses);
    tcase_add_test(tcase, heartbeats_are_noted);
    return fleet_test_main(suite);
}
