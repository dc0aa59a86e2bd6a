/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fleetctl against the running daemon: the output that people and scripts rely on, and the exit statuses. */

#include "bus_test.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define TIME "[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"
#define CLOCK "\\[[0-9]{2}:[0-9]{2}:[0-9]{2}\\]"
#define RULE "--------------------------------------------------------------------------------\n"

#define FLEETCTL fleet_test_env("FLEETCTL")

/* The fleet, with the locale that the marks need. */
static FleetTestFleet *new_fleet(const char *config)
{
    g_setenv("LC_ALL", "C.UTF-8", TRUE);
    g_setenv("NO_COLOR", "1", TRUE);
    return fleet_test_fleet_new(config);
}

/* Fails unless the text as a whole matches. */
static void assert_whole(const char *text, const char *pattern)
{
    g_autofree char *anchored = g_strconcat("\\A", pattern, "\\z", NULL);

    fleet_test_assert_matches(text, anchored);
}

START_TEST(devices_are_registered_and_listed)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");
    g_autofree char *empty = fleet_test_run_ok(FLEETCTL, "list");
    g_autofree char *first = fleet_test_run_ok(
            FLEETCTL, "register", "router-001", "--name", "Main Router", "--type", "router", "--status", "IDLE");
    g_autofree char *second =
            fleet_test_run_ok(FLEETCTL, "register", "sensor-001", "--name", "Temperature Sensor", "--type", "sensor");
    g_autofree char *list = fleet_test_run_ok(FLEETCTL, "list");
    g_autofree char *rows = fleet_test_run_ok(FLEETCTL, "list", "--no-legend");

    fleet_test_assert_matches(empty, "^Registered Devices \\(0 total\\):$");
    ck_assert_str_eq(first, "✓ Device 'router-001' registered successfully\n");
    ck_assert_str_eq(second, "✓ Device 'sensor-001' registered successfully\n");
    ck_assert_str_eq(list, "Registered Devices (2 total):\n" RULE
                           "Device ID            Name               Type            Status          Action\n" RULE
                           "router-001           Main Router        router          IDLE            None\n"
                           "sensor-001           Temperature Sensor sensor          IDLE            None\n");
    ck_assert_str_eq(rows, "router-001           Main Router        router          IDLE            None\n"
                           "sensor-001           Temperature Sensor sensor          IDLE            None\n");
}
END_TEST

START_TEST(one_device_is_shown)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");

    fleet_test_register_as(fleet->connection, "router-001", "Main Router", "router", "");
    g_autofree char *info = fleet_test_run_ok(FLEETCTL, "get-info", "router-001");
    assert_whole(info, "Device Information:\n"
                       "  ID:            router-001\n"
                       "  Name:          Main Router\n"
                       "  Type:          router\n"
                       "  Status:        IDLE\n"
                       "  Registered:    " TIME "\n"
                       "  Last Updated:  " TIME "\n"
                       "  Current Action: None\n");
}
END_TEST

START_TEST(status_is_set_in_any_case)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");

    fleet_test_register(fleet->connection, "router-001");
    g_autofree char *upper = fleet_test_run_ok(FLEETCTL, "set-status", "router-001", "MAINTENANCE");
    g_autofree char *lower = fleet_test_run_ok(FLEETCTL, "set-status", "router-001", "offline");
    ck_assert_str_eq(upper, "✓ Device 'router-001' status updated:\n"
                            "  Previous: IDLE\n"
                            "  Current:  MAINTENANCE\n");
    ck_assert_str_eq(lower, "✓ Device 'router-001' status updated:\n"
                            "  Previous: MAINTENANCE\n"
                            "  Current:  OFFLINE\n");
}
END_TEST

START_TEST(action_is_started_and_followed)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("[Simulation]\nMinDuration=700ms\nMaxDuration=700ms\nSuccessRate=1\n");

    fleet_test_register(fleet->connection, "router-001");
    g_autofree char *started = fleet_test_run_ok(
            FLEETCTL, "initiate-action", "router-001", "software_update", "--params", "version=2.1.0");
    assert_whole(started, "✓ Action initiated successfully\n"
                          "  Action ID: action_[0-9]+_1\n"
                          "  Status:    RUNNING\n");
    g_autoptr(GVariant) device = fleet_test_device_info(fleet->connection, "router-001");
    const char *id;
    ck_assert(g_variant_lookup(device, "CurrentActionId", "&s", &id));
    g_autofree char *polled = fleet_test_run_ok(FLEETCTL, "poll-action", id, "--interval", "200ms");
    g_autofree char *heading = g_strdup_printf("^Polling action '%s' \\(interval: 200ms\\)\\.\\.\\.$", id);
    fleet_test_assert_matches(polled, heading);
    assert_whole(polled, "Polling action .*\n"
                         "Press Ctrl\\+C to stop polling\n"
                         "\n"
                         "(" CLOCK " Status: RUNNING\n)+" CLOCK " Status: COMPLETED\n"
                         "✓ Action completed successfully!\n");
    g_autofree char *status = fleet_test_run_ok(FLEETCTL, "action-status", id);
    assert_whole(status, "Action Information:\n"
                         "  ID:            action_[0-9]+_1\n"
                         "  Device:        router-001\n"
                         "  Type:          SOFTWARE_UPDATE\n"
                         "  Status:        COMPLETED\n"
                         "  Phase:         None\n"
                         "  Progress:      100%\n"
                         "  Initiated:     " TIME "\n"
                         "  Completed:     " TIME "\n"
                         "  Parameters:    version=2\\.1\\.0\n"
                         "  Error:         None\n");
}
END_TEST

START_TEST(failed_action_is_a_failure)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet(FLEET_TEST_FAILING);
    g_autofree char *out = NULL;

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "r", "SYSTEM_REBOOT", NULL);
    const char *argv[] = {FLEETCTL, "poll-action", id, "--interval", "2", NULL};
    ck_assert_int_eq(fleet_test_run(argv, NULL, &out, NULL), 1);
    fleet_test_assert_matches(out, "^Polling action '.*' \\(interval: 2s\\)\\.\\.\\.$");
    fleet_test_assert_matches(out, CLOCK " Status: FAILED\n✗ Action failed: simulated failure while verifying\n\\z");
}
END_TEST

START_TEST(workflow_in_a_script_works)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet(FLEET_TEST_QUICK);
    g_autofree char *directory = g_path_get_dirname(FLEETCTL);
    g_autofree char *path = g_strconcat("PATH=", directory, ":", g_getenv("PATH"), NULL);
    const char *argv[] = {"sh", "-ec",
            "ACTION_ID=$(fleetctl initiate-action device-001 SOFTWARE_UPDATE --params version=2.1.0 | "
            "grep \"Action ID\" | awk '{print $3}')\n"
            "fleetctl poll-action \"$ACTION_ID\"\n",
            NULL};
    const char *env[] = {path, NULL};
    g_autofree char *out = NULL;

    fleet_test_register(fleet->connection, "device-001");
    ck_assert_int_eq(fleet_test_run(argv, env, &out, NULL), 0);
    fleet_test_assert_contains(out, "✓ Action completed successfully!\n");
}
END_TEST

/* Statuses 0 to 5; see fleetctl(1). */
START_TEST(exit_statuses_are_as_documented)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");

    fleet_test_register(fleet->connection, "r");
    g_autofree char *done = fleet_test_run_ok(FLEETCTL, "get-info", "r");
    fleet_test_run_fails(1, "device 'r' is registered already", FLEETCTL, "register", "r");
    fleet_test_run_fails(1, "status 'SLEEPY' is unknown", FLEETCTL, "set-status", "r", "sleepy");
    fleet_test_run_fails(2, "verb 'dance' is unknown", FLEETCTL, "dance");
    fleet_test_run_fails(2, "too few arguments", FLEETCTL, "get-info");
    fleet_test_run_fails(2, "too many arguments", FLEETCTL, "list", "all");
    fleet_test_run_fails(2, "--colour", FLEETCTL, "list", "--colour");
    fleet_test_run_fails(2, "takes no option '--name'", FLEETCTL, "get-info", "r", "--name", "x");
    fleet_test_run_fails(2, "--interval", FLEETCTL, "poll-action", "x", "--interval", "soon");
    fleet_test_run_fails(2, "is not of the form KEY=VALUE", FLEETCTL, "initiate-action", "r", "x", "--params", "y");
    fleet_test_run_fails(3, "cannot connect", FLEETCTL, "--address=unix:path=/nonexistent", "list");
    fleet_test_run_fails(3, "cannot connect", FLEETCTL, "--address=nonsense", "list");
    fleet_test_run_fails(4, "device 'nobody' is not registered", FLEETCTL, "get-info", "nobody");
    fleet_test_run_fails(4, "device 'nobody' is not registered", FLEETCTL, "unregister", "nobody");
    fleet_test_run_fails(4, "action 'nothing' is not known", FLEETCTL, "action-status", "nothing");
    fleet_test_run_fails(4, "action 'nothing' is not known", FLEETCTL, "poll-action", "nothing");
    ck_assert_int_eq(fleet_test_daemon_stop(fleet->daemon), 0);
    fleet_test_run_fails(3, "is fleetd running?", FLEETCTL, "list");
}
END_TEST

/* Only root can become the user who is denied. */
START_TEST(denial_has_its_own_status)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");

    fleet_test_register(fleet->connection, "r");
    fleet_test_run_fails(5, "may not manage devices", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
            FLEETCTL, "unregister", "r");
    g_autofree char *list = fleet_test_run_ok(
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", FLEETCTL, "list", "--no-legend");
    fleet_test_assert_matches(list, "^r +r +- +IDLE +None$");
}
END_TEST

START_TEST(devices_are_updated_and_unregistered)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");

    fleet_test_register_as(fleet->connection, "r", "Old", "router", "");
    g_autofree char *updated = fleet_test_run_ok(FLEETCTL, "update", "r", "--name", "New");
    g_autoptr(GVariant) info = fleet_test_device_info(fleet->connection, "r");
    g_autofree char *removed = fleet_test_run_ok(FLEETCTL, "unregister", "r");

    ck_assert_str_eq(updated, "✓ Device 'r' updated\n");
    fleet_test_assert_entry(info, "Name", "'New'");
    fleet_test_assert_entry(info, "Type", "'router'");
    ck_assert_str_eq(removed, "✓ Device 'r' unregistered\n");
    fleet_test_run_fails(2, "nothing to update", FLEETCTL, "update", "r");
}
END_TEST

START_TEST(json_is_for_programs)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet(FLEET_TEST_ENDLESS);
    g_autofree char *registered =
            fleet_test_run_ok(FLEETCTL, "--json=short", "register", "r", "--name", "a \"b\" \\", "--type", "t");
    g_autofree char *info = fleet_test_run_ok(FLEETCTL, "--json=short", "get-info", "r");
    g_autofree char *list = fleet_test_run_ok(FLEETCTL, "--json=pretty", "list");
    g_autofree char *set = fleet_test_run_ok(FLEETCTL, "--json=short", "set-status", "r", "ERROR");
    g_autofree char *started = fleet_test_run_ok(FLEETCTL, "--json=short", "initiate-action", "r", "SYSTEM_REBOOT");
    g_autofree char *status = fleet_test_run_ok(FLEETCTL, "--json=short", "status");

    assert_whole(registered, "\\{\"Id\":\"r\",\"Device\":\"/org/fleet/Manager/device/r\"\\}\n");
    fleet_test_assert_contains(info, "\"Name\":\"a \\\"b\\\" \\\\\"");
    fleet_test_assert_matches(list, "^ +\"Id\" : \"r\",$");
    assert_whole(set, "\\{\"Id\":\"r\",\"Previous\":\"IDLE\",\"Current\":\"ERROR\"\\}\n");
    assert_whole(
            started, "\\{\"ActionId\":\"action_[0-9]+_1\",\"Action\":\"[a-zA-Z0-9_/]+\",\"Status\":\"RUNNING\"\\}\n");
    fleet_test_assert_contains(status, "\"RunningActions\":1");
    fleet_test_run_fails(2, "--json=yaml is unknown", FLEETCTL, "--json=yaml", "list");
}
END_TEST

START_TEST(long_lists_are_paged_unnoticed)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");

    fleet_test_register_many(fleet->connection, "d", 2500);
    g_autofree char *list = fleet_test_run_ok(FLEETCTL, "list", "--no-legend");
    g_auto(GStrv) lines = g_strsplit(list, "\n", -1);
    ck_assert_uint_eq(g_strv_length(lines), 2501); /* the last line ends, too */
    for (guint i = 0; i < 2500; i++) {
        g_autofree char *id = g_strdup_printf("d-%05u ", i);
        ck_assert(g_str_has_prefix(lines[i], id));
    }
    g_autofree char *legend = fleet_test_run_ok(FLEETCTL, "list");
    fleet_test_assert_matches(legend, "\\ARegistered Devices \\(2500 total\\):$");
    g_autofree char *chosen = fleet_test_run_ok(FLEETCTL, "list", "--no-legend", "--prefix=d-0249");
    g_auto(GStrv) ten = g_strsplit(chosen, "\n", -1);
    ck_assert_uint_eq(g_strv_length(ten), 11);
}
END_TEST

START_TEST(actions_are_listed)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet(FLEET_TEST_ENDLESS);

    fleet_test_register(fleet->connection, "r");
    fleet_test_register(fleet->connection, "s");
    g_autofree char *first = fleet_test_initiate(fleet->connection, "r", "SYSTEM_REBOOT", NULL);
    g_autofree char *second = fleet_test_initiate(fleet->connection, "s", "SOFTWARE_UPDATE", NULL);
    g_autofree char *all = fleet_test_run_ok(FLEETCTL, "list-actions", "--no-legend");
    g_autofree char *pattern = g_strdup_printf("\\A%s +s +SOFTWARE_UPDATE +RUNNING +0%% +" TIME
                                               "\n%s +r +SYSTEM_REBOOT +RUNNING +0%% +" TIME "\n\\z",
            second, first);
    g_autofree char *one = fleet_test_run_ok(FLEETCTL, "list-actions", "--no-legend", "--device=r", "--active");
    g_autofree char *newest = fleet_test_run_ok(FLEETCTL, "list-actions", "-n", "1");
    g_autofree char *none = fleet_test_run_ok(FLEETCTL, "list-actions", "--no-legend", "--status=completed,failed");

    fleet_test_assert_matches(all, pattern);
    ck_assert(g_str_has_prefix(one, first));
    fleet_test_assert_contains(newest, second);
    ck_assert_ptr_null(strstr(newest, first));
    ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(poll_outlives_a_restart_of_the_daemon)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("[Simulation]\nMinDuration=2s\nMaxDuration=2s\nSuccessRate=1\n");
    g_autofree char *socket = fleet_test_fleet_address(fleet);
    g_autofree char *address = g_strconcat("--address=", socket, NULL);

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "r", "SYSTEM_REBOOT", NULL);
    const char *argv[] = {FLEETCTL, _i == 0 ? "--system" : address, "poll-action", id, "--interval=100ms", NULL};
    g_autoptr(FleetTestProcess) poll = fleet_test_process_start(argv, NULL);
    ck_assert(fleet_test_process_wait_output(poll, FLEET_TEST_STDOUT, "Status: RUNNING", FLEET_TEST_PATIENCE));
    fleet_test_daemon_kill(fleet->daemon);
    ck_assert(fleet_test_process_wait_output(
            poll, FLEET_TEST_STDERR, "waiting for it to come back", FLEET_TEST_PATIENCE));
    fleet_test_daemon_start(fleet->daemon);
    ck_assert_int_eq(fleet_test_process_wait(poll, FLEET_TEST_PATIENCE), 0);
    g_autofree char *out = fleet_test_process_output(poll, FLEET_TEST_STDOUT);
    g_autofree char *err = fleet_test_process_output(poll, FLEET_TEST_STDERR);
    fleet_test_assert_matches(out, "Status: COMPLETED\n✓ Action completed successfully!\n\\z");
    fleet_test_assert_contains(err, "the daemon is back");
}
END_TEST

START_TEST(monitor_prints_changes_as_they_come)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet(FLEET_TEST_QUICK);
    g_autofree char *socket = fleet_test_fleet_address(fleet);
    g_autofree char *address = g_strconcat("--address=", socket, NULL);
    const char *argv[] = {FLEETCTL, _i == 0 ? "--system" : address, "monitor", NULL};
    g_autoptr(FleetTestProcess) monitor = fleet_test_process_start(argv, NULL);

    ck_assert(fleet_test_process_wait_output(monitor, FLEET_TEST_STDOUT, "^Watching the fleet", FLEET_TEST_PATIENCE));
    fleet_test_register_as(fleet->connection, "router-1", "Main Router", "router", "");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "router-1", "SYSTEM_REBOOT", NULL);
    ck_assert(fleet_test_process_wait_output(
            monitor, FLEET_TEST_STDOUT, "action .* changed: .*Status=COMPLETED", FLEET_TEST_PATIENCE));
    ck_assert(fleet_test_process_wait_output(
            monitor, FLEET_TEST_STDOUT, "device router-1 changed: .*Status=IDLE", FLEET_TEST_PATIENCE));
    fleet_test_unregister(fleet->connection, "router-1");
    ck_assert(fleet_test_process_wait_output(
            monitor, FLEET_TEST_STDOUT, "^" CLOCK " device router-1 removed$", FLEET_TEST_PATIENCE));
    g_autofree char *out = fleet_test_process_output(monitor, FLEET_TEST_STDOUT);
    fleet_test_assert_matches(out, "^" CLOCK " device router-1 added: Name=\"Main Router\" Type=router Status=IDLE$");
    fleet_test_assert_matches(out, "^" CLOCK " action action_[0-9]+_1 added: .*Status=PENDING");
    fleet_test_process_signal(monitor, SIGINT);
    ck_assert_int_eq(fleet_test_process_wait(monitor, FLEET_TEST_PATIENCE), 128 + SIGINT);
}
END_TEST

START_TEST(marks_are_words_where_utf8_is_not_spoken)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");

    g_setenv("LC_ALL", "C", TRUE);
    g_autofree char *registered = fleet_test_run_ok(FLEETCTL, "register", "r");
    ck_assert_str_eq(registered, "ok: Device 'r' registered successfully\n");
    fleet_test_run_fails(4, "error: device 'nobody' is not registered", FLEETCTL, "get-info", "nobody");
}
END_TEST

START_TEST(private_socket_and_status_of_the_daemon)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");
    g_autofree char *socket = fleet_test_fleet_address(fleet);
    g_autofree char *address = g_strconcat("--address=", socket, NULL);
    g_autofree char *registered = fleet_test_run_ok(FLEETCTL, address, "register", "r");
    g_autofree char *status = fleet_test_run_ok(FLEETCTL, address, "status");

    ck_assert_str_eq(registered, "✓ Device 'r' registered successfully\n");
    fleet_test_assert_matches(status, "^  Storage: +ok$");
    fleet_test_assert_matches(status, "^  Devices: +1$");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: fleetctl");
    TCase *examples = fleet_test_case(suite, "examples");
    TCase *verbs = fleet_test_case(suite, "verbs");

    tcase_add_test(examples, devices_are_registered_and_listed);
    tcase_add_test(examples, one_device_is_shown);
    tcase_add_test(examples, status_is_set_in_any_case);
    tcase_add_test(examples, action_is_started_and_followed);
    tcase_add_test(examples, failed_action_is_a_failure);
    tcase_add_test(examples, workflow_in_a_script_works);
    tcase_add_test(verbs, exit_statuses_are_as_documented);
    if (geteuid() == 0)
        tcase_add_test(verbs, denial_has_its_own_status);
    tcase_add_test(verbs, devices_are_updated_and_unregistered);
    tcase_add_test(verbs, json_is_for_programs);
    tcase_add_test(verbs, long_lists_are_paged_unnoticed);
    tcase_add_test(verbs, actions_are_listed);
    tcase_add_loop_test(verbs, poll_outlives_a_restart_of_the_daemon, 0, 2);
    tcase_add_loop_test(verbs, monitor_prints_changes_as_they_come, 0, 2);
    tcase_add_test(verbs, marks_are_words_where_utf8_is_not_spoken);
    tcase_add_test(verbs, private_socket_and_status_of_the_daemon);
    return fleet_test_main(suite);
}
