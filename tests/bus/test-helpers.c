/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The helpers fleet-busctl and fleet-gdbus, verb by verb, against the running daemon. */

#include "bus_test.h"

static const char *const helpers[] = {"fleet-busctl", "fleet-gdbus"};

/* Owned by the caller. */
static char *helper_path(const char *name)
{
    return g_build_filename(fleet_test_env("FLEET_SOURCE"), "data", "helpers", name, NULL);
}

static gboolean is_busctl(int i)
{
    return i == 0;
}

START_TEST(verbs_do_what_they_say)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    g_autofree char *helper = helper_path(helpers[_i]);
    g_autofree char *registered = fleet_test_run_ok(
            helper, "register", "router-1", "--name", "It's \\ \"Main\"", "--type", "router", "--status", "ERROR");
    g_autofree char *plain = fleet_test_run_ok(helper, "register", "it's");
    g_autofree char *list = fleet_test_run_ok(helper, "list");
    g_autofree char *info = fleet_test_run_ok(helper, "get-info", "router-1");
    g_autofree char *status = fleet_test_run_ok(helper, "set-status", "router-1", "IDLE");
    g_autofree char *started = fleet_test_run_ok(
            helper, "initiate-action", "router-1", "SOFTWARE_UPDATE", "--params", "version=2.1.0", "note=a='b' = c");
    g_autoptr(GVariant) device = fleet_test_device_info(fleet->connection, "router-1");
    const char *action;
    ck_assert(g_variant_lookup(device, "CurrentActionId", "&s", &action));
    g_autofree char *followed = fleet_test_run_ok(helper, "action-status", action);

    fleet_test_assert_contains(registered, FLEET_TEST_ROOT "/device/router_2d1");
    fleet_test_assert_contains(plain, FLEET_TEST_ROOT "/device/it_27s");
    fleet_test_assert_entry(device, "Name", "\"It's \\\\ \\\"Main\\\"\"");
    fleet_test_assert_entry(device, "Type", "'router'");
    fleet_test_assert_entry(device, "Status", "'UPDATING'");
    fleet_test_assert_matches(list, "it's.*router-1");
    fleet_test_assert_contains(info, "router-1");
    fleet_test_assert_matches(status, is_busctl(_i) ? "\"data\":\\[\"ERROR\",\"IDLE\"\\]" : "^\\('ERROR', 'IDLE'\\)$");
    fleet_test_assert_contains(started, action);
    fleet_test_assert_contains(started, "RUNNING");
    fleet_test_assert_contains(followed, "2.1.0");
    g_autoptr(GVariant) told = fleet_test_action_info(fleet->connection, action);
    fleet_test_assert_entry(told, "Parameters", "{'note': \"a='b' = c\", 'version': '2.1.0'}");
}
END_TEST

START_TEST(action_is_followed_to_its_end)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(_i < 2 ? FLEET_TEST_QUICK : FLEET_TEST_FAILING);
    g_autofree char *helper = helper_path(helpers[_i % 2]);
    g_autofree char *out = NULL;

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "r", "SYSTEM_REBOOT", NULL);
    const char *argv[] = {helper, "poll-action", id, "--interval", "1", NULL};
    int status = fleet_test_run(argv, NULL, &out, NULL);
    ck_assert_int_eq(status, _i < 2 ? 0 : 1);
    fleet_test_assert_matches(out, _i < 2 ? "\\A(RUNNING\n)?COMPLETED\n\\z" : "\\A(RUNNING\n)?FAILED\n\\z");
}
END_TEST

START_TEST(changes_are_shown_as_they_come)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *helper = helper_path(helpers[_i]);
    const char *argv[] = {helper, "monitor", NULL};
    guint n = 0;

    fleet_test_register(fleet->connection, "r");
    g_autoptr(FleetTestProcess) monitor = fleet_test_process_start(argv, NULL);
    /* busctl does not tell when it has begun to listen, so things happen until it shows one. */
    do {
        ck_assert_uint_lt(n, 400);
        fleet_test_set_status(fleet->connection, "r", n++ % 2 == 0 ? "ERROR" : "IDLE");
    } while (!fleet_test_process_wait_output(monitor, FLEET_TEST_STDOUT, "PropertiesChanged.*\\bStatus\\b", 0.05));
    g_autofree char *out = fleet_test_process_output(monitor, FLEET_TEST_STDOUT);
    fleet_test_assert_contains(out, FLEET_TEST_ROOT "/device/r");
}
END_TEST

START_TEST(private_socket_can_be_named)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_QUICK);
    g_autofree char *helper = helper_path(helpers[_i]);
    g_autofree char *socket = fleet_test_fleet_address(fleet);
    g_autofree char *address = g_strconcat("--address=", socket, NULL);
    g_autofree char *registered = fleet_test_run_ok(helper, address, "register", "r");
    g_autofree char *started = fleet_test_run_ok(helper, address, "initiate-action", "r", "SYSTEM_REBOOT");
    g_autoptr(GRegex) regex = g_regex_new("action_[0-9]+_1\\b", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    fleet_test_assert_contains(registered, FLEET_TEST_ROOT "/device/r");
    ck_assert(g_regex_match(regex, started, 0, &match));
    g_autofree char *id = g_match_info_fetch(match, 0);
    g_autofree char *out = fleet_test_run_ok(helper, address, "poll-action", id, "--interval", "1");
    fleet_test_assert_matches(out, "^COMPLETED$");
}
END_TEST

START_TEST(session_bus_can_be_named)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *helper = helper_path(helpers[_i]);

    g_setenv("DBUS_SESSION_BUS_ADDRESS", fleet_test_bus_address(fleet->bus), TRUE);
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", TRUE);
    g_autofree char *registered = fleet_test_run_ok(helper, "--user", "register", "r");
    fleet_test_assert_contains(registered, FLEET_TEST_ROOT "/device/r");
}
END_TEST

START_TEST(mistakes_are_named)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *helper = helper_path(helpers[_i]);
    g_autofree char *help = fleet_test_run_ok(helper, "--help");

    fleet_test_assert_matches(help, "^Usage: fleet-(busctl|gdbus) ");
    fleet_test_run_fails(2, "a verb is missing", helper);
    fleet_test_run_fails(2, "verb 'dance' is unknown", helper, "dance");
    fleet_test_run_fails(2, "'--colour' is unknown", helper, "--colour", "list");
    fleet_test_run_fails(2, "'get-info' takes 1 argument(s)", helper, "get-info");
    fleet_test_run_fails(2, "'list' takes 0 argument(s)", helper, "list", "all");
    fleet_test_run_fails(2, "'register' needs an ID", helper, "register");
    fleet_test_run_fails(2, "'--name' is unknown or needs a value", helper, "register", "r", "--name");
    fleet_test_run_fails(2, "'--colour' is unknown", helper, "register", "r", "--colour", "red");
    fleet_test_run_fails(2, "'version' is not KEY=VALUE", helper, "initiate-action", "r", "SYSTEM_REBOOT", "version");
    fleet_test_run_fails(1, "device 'nobody' is not registered", helper, "get-info", "nobody");
    fleet_test_run_fails(1, "action 'nothing' is not known", helper, "poll-action", "nothing");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: helpers");
    TCase *tcase = fleet_test_case(suite, "helpers");

    tcase_add_loop_test(tcase, verbs_do_what_they_say, 0, 2);
    tcase_add_loop_test(tcase, action_is_followed_to_its_end, 0, 4);
    tcase_add_loop_test(tcase, changes_are_shown_as_they_come, 0, 2);
    tcase_add_loop_test(tcase, private_socket_can_be_named, 0, 2);
    tcase_add_loop_test(tcase, session_bus_can_be_named, 0, 2);
    tcase_add_loop_test(tcase, mistakes_are_named, 0, 2);
    return fleet_test_main(suite);
}
