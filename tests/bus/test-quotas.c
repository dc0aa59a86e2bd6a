/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Real users with real clients, whom polkit allows everything: what stops them is the quotas, on the bus and on the
 * private socket, and after a restart. What polkit itself says is not the matter here, so a stand-in says yes. */

#include "bus_test.h"
#include "polkit.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* nobody and daemon, which every machine has: a bus refuses users that it cannot look up. */
#define GREEDY "65534"
#define OTHER "1"

#define QUOTAS(devices, pending)                                                                                       \
    FLEET_TEST_ENDLESS "[Quota]\nDevicesPerUser=" #devices "\nPendingActionsPerUser=" #pending "\n"

#define DEVICES_USED_UP                                                                                                \
    "org.fleet.Error.QuotaExceeded: user " GREEDY " has reached the quota DevicesPerUser=: 3 of 3 devices are "        \
    "registered; unregister some, or have it raised in fleetd.conf"
#define ACTIONS_USED_UP                                                                                                \
    "org.fleet.Error.QuotaExceeded: user " GREEDY " has reached the quota PendingActionsPerUser=: 2 of 2 actions are " \
    "pending; wait until some have started, cancel some, or have it raised in fleetd.conf"

static FleetTestFleet *fleet;
static FleetTestPolkit *polkit;
static char *address; /* of the bus or of the private socket */

static void start(int endpoint)
{
    fleet = fleet_test_fleet_new(QUOTAS(3, 2));
    address = endpoint == 0 ? g_strdup(fleet_test_bus_address(fleet->bus)) : fleet_test_fleet_address(fleet);
    polkit = fleet_test_polkit_new(fleet_test_bus_address(fleet->bus), FLEET_TEST_POLKIT_YES);
}

static void teardown(void)
{
    g_clear_pointer(&polkit, fleet_test_polkit_free);
    g_clear_pointer(&fleet, fleet_test_fleet_free);
    g_clear_pointer(&address, g_free);
}

/* fleetd is back, and so are the check's own connections to it. */
static void come_back(void)
{
    g_autofree char *direct = fleet_test_fleet_address(fleet);

    fleet_test_daemon_start(fleet->daemon);
    g_object_unref(fleet->direct);
    fleet->direct = fleet_test_connect(direct);
}

/* Calls a method of the Manager as a user does, with gdbus: its exit status, and what it wrote. */
static int call_as(const char *uid, const char *call, char **out, char **err)
{
    g_autofree char *line = g_strdup_printf("setpriv --reuid=%s --regid=%s --clear-groups gdbus call --address %s "
                                            "--dest org.fleet.Manager --object-path /org/fleet/Manager "
                                            "--method org.fleet.Manager.%s",
            uid, uid, address, call);
    g_auto(GStrv) argv = NULL;
    g_autoptr(GError) error = NULL;

    ck_assert_msg(g_shell_parse_argv(line, NULL, &argv, &error), "%s", line);
    return fleet_test_run((const char *const *)argv, NULL, out, err);
}

static void allowed(const char *uid, const char *call, const char *answer)
{
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    int status = call_as(uid, call, &out, &err);

    ck_assert_msg(status == 0, "%s by %s: %s", call, uid, err);
    fleet_test_assert_contains(out, answer);
}

static void refused(const char *uid, const char *call, const char *message)
{
    g_autofree char *err = NULL;
    int status = call_as(uid, call, NULL, &err);

    ck_assert_msg(status == 1, "%s by %s exits with %d", call, uid, status);
    fleet_test_assert_contains(err, message);
}

#define REGISTER(id) "RegisterDevice " id " '' '' '' {}"
#define QUEUE(id) "InitiateDeviceAction " id " SYSTEM_REBOOT {} \"{'IfBusy': <'queue'>}\""

START_TEST(devices_of_a_user_are_bounded)
{
    start(_i);
    allowed(GREEDY, REGISTER("a"), "device/a");
    allowed(GREEDY,
            "RegisterDevices \"[('b', '', '', ''), ('c', '', '', ''), ('d', '', '', ''), ('e', '', '', '')]\" "
            "{}",
            "(uint32 2, [(uint32 2, 'org.fleet.Error.QuotaExceeded', 'user " GREEDY " has reached the quota "
            "DevicesPerUser=: 3 of 3 devices are registered; unregister some, or have it raised in fleetd.conf'), "
            "(3, 'org.fleet.Error.QuotaExceeded', ");
    refused(GREEDY, REGISTER("d"), DEVICES_USED_UP);
    refused(OTHER,
            "RegisterDevices \"[('f', '', '', ''), ('g', '', '', ''), ('h', '', '', ''), ('i', '', '', '')]\" "
            "\"{'Atomic': <true>}\"",
            "org.fleet.Error.QuotaExceeded: nothing was registered, because of entry 3: ");
    allowed(OTHER, "RegisterDevices \"[('f', '', '', ''), ('g', '', '', ''), ('h', '', '', '')]\" {}", "(uint32 3, ");
    fleet_test_register_many(fleet->direct, "of-root", 4);

    fleet_test_daemon_kill(fleet->daemon);
    come_back();
    refused(GREEDY, REGISTER("d"), DEVICES_USED_UP);
    fleet_test_unregister(fleet->direct, "a");
    allowed(GREEDY, REGISTER("d"), "device/d");
    refused(GREEDY, REGISTER("e"), DEVICES_USED_UP);
}
END_TEST

START_TEST(pending_actions_of_a_user_are_bounded)
{
    start(_i);
    fleet_test_register(fleet->direct, "a");
    fleet_test_register(fleet->direct, "b");
    fleet_test_register(fleet->direct, "c");
    allowed(GREEDY, QUEUE("a"), "'RUNNING'");
    allowed(GREEDY, QUEUE("a"), "'PENDING'");
    allowed(GREEDY, "InitiateDeviceActions \"['a', 'b', 'a']\" SYSTEM_REBOOT {} \"{'IfBusy': <'queue'>}\"",
            ", [(uint32 2, 'org.fleet.Error.QuotaExceeded', 'user " GREEDY " has reached the quota ");
    refused(GREEDY, QUEUE("b"), ACTIONS_USED_UP);
    allowed(GREEDY, QUEUE("c"), "'RUNNING'");
    allowed(OTHER, QUEUE("a"), "'PENDING'");

    fleet_test_daemon_kill(fleet->daemon);
    come_back();
    refused(GREEDY, QUEUE("b"), ACTIONS_USED_UP);
    g_autoptr(GVariant) info = fleet_test_device_info(fleet->direct, "a");
    fleet_test_assert_entry(info, "QueuedActions", "3");
}
END_TEST

START_TEST(quotas_are_reloaded)
{
    start(_i);
    allowed(GREEDY, "RegisterDevices \"[('a', '', '', ''), ('b', '', '', ''), ('c', '', '', '')]\" {}", "(uint32 3, ");
    refused(GREEDY, REGISTER("d"), DEVICES_USED_UP);
    fleet_test_daemon_set_config(fleet->daemon, QUOTAS(4, 2));
    fleet_test_daemon_signal(fleet->daemon, SIGHUP);
    ck_assert(fleet_test_process_wait_output(fleet_test_daemon_process(fleet->daemon), FLEET_TEST_STDERR,
            "the configuration is reloaded", FLEET_TEST_PATIENCE));
    allowed(GREEDY, REGISTER("d"), "device/d");
    refused(GREEDY, REGISTER("e"), "user " GREEDY " has reached the quota DevicesPerUser=: 4 of 4 devices");
}
END_TEST

int main(void)
{
    if (geteuid() != 0) {
        puts("1..0 # SKIP only root can become another user");
        return 0;
    }

    Suite *suite = suite_create("bus: quotas");
    TCase *tcase = fleet_test_case(suite, "quotas");

    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_loop_test(tcase, devices_of_a_user_are_bounded, 0, 2);
    tcase_add_loop_test(tcase, pending_actions_of_a_user_are_bounded, 0, 2);
    tcase_add_loop_test(tcase, quotas_are_reloaded, 0, 2);
    return fleet_test_main(suite);
}
