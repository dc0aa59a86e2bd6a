/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A broker, a device and an action of it that say nothing wake nobody up. */

#include "thin_edge_test.h"
#include "wakeups.h"

#define WATCHED 3.0 /* seconds; less than the keep-alive */

START_TEST(silence_wakes_nobody)
{
    static const char stray[] = "te/device/dev///cmd/restart/fleet-x-1";
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "ClientId=me\n");

    thin_edge_test_can(test, "dev", "restart", "{}");
    fleet_test_mqtt_publish(test->mqtt, stray, "{\"fleetClient\":\"me\"}", TRUE);
    thin_edge_test_register(test, "dev");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_say(action, "executing");
    thin_edge_action_wait(action, "Phase", "'executing'");
    (void)fleet_test_mqtt_wait_status(test->mqtt, 0, stray, ""); /* the last thing that belongs to the start */
    fleet_test_assert_asleep(test->daemon, WATCHED);
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
}
END_TEST

/* Its keep-alive is all that a connection costs: fleetd asks, and hears the answer. */
START_TEST(connection_is_kept_alive)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "KeepAlive=5s\n");

    thin_edge_test_wait_log(test, "lets us in");
    if (!fleet_test_process_wait_output(fleet_test_broker_process(test->broker), FLEET_TEST_STDERR,
                "(?s)(Received PINGREQ from fleetd.*){2}", FLEET_TEST_PATIENCE))
        fleet_test_fail("the broker is not asked whether it is there");
    g_autofree char *written = fleet_test_daemon_stderr(test->daemon);
    ck_assert_ptr_null(strstr(written, "is lost"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thin-edge-idle");
    TCase *tcase = fleet_test_case(suite, "idle");

    tcase_add_test(tcase, silence_wakes_nobody);
    tcase_add_test(tcase, connection_is_kept_alive);
    return fleet_test_main(suite);
}
