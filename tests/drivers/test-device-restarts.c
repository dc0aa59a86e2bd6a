/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fleet-simulated-device: what becomes of commands when the device, its program or the broker goes away and comes back.
 */

#include "device_test.h"
#include "lib/loop.h"

#define HEALTH "te/device/rtr/service/tedge-agent/status/health"
#define UPDATE "te/device/rtr///cmd/config_update/1"
#define UPDATE_PAYLOAD "{'status':'init','type':'settings','remoteUrl':'x','mine':[1]}"
#define UPDATE_DONE "{'status':'successful','type':'settings','remoteUrl':'x','mine':[1]}"

/* Work that does not end before the check, which has seen that it has begun, has done something to the broker, however
 * busy the machine is. */
#define UNHURRIED "--duration=1s"

static const struct {
    const char *topic, *payload;
} restarting[] = {
        {"te/device/rtr///cmd/restart/1", "{}"},
        {"te/device/rtr///cmd/firmware_update/1", "{'name':'os','version':'2','remoteUrl':'x'}"},
};

START_TEST(restart_is_a_real_one)
{
    const char *topic = restarting[_i].topic;
    FleetTestProcess *device =
            fleet_test_simulated_device_start(broker, "rtr", "--duration=20ms", "--boot-time=50ms", NULL);

    ck_assert_uint_eq(device_test_connections("fleet-simulated-device:rtr"), 1);
    device_test_request(topic, restarting[_i].payload);
    guint executing = fleet_test_mqtt_wait_status(mqtt, 0, topic, "executing");
    guint down = fleet_test_mqtt_wait_status(mqtt, executing, HEALTH, "down");
    guint up = fleet_test_mqtt_wait_status(mqtt, down, HEALTH, "up");
    (void)fleet_test_mqtt_wait_status(mqtt, up, topic, "successful");
    device_test_assert_statuses(topic, "- scheduled executing successful");
    device_test_assert_statuses(HEALTH, "up down up");
    ck_assert_uint_eq(device_test_connections("fleet-simulated-device:rtr"), 2);
    fleet_test_simulated_device_stop(device);
}
END_TEST

static const char *const away[] = {"--offline-at=scheduled:100ms", "--offline-at=executing:100ms"};

START_TEST(device_that_vanishes_midway_comes_back_and_ends_its_work)
{
    g_autofree char *record = device_test_option("record", "record");
    FleetTestProcess *device =
            fleet_test_simulated_device_start(broker, "rtr", "--duration=200ms", away[_i], record, NULL);

    device_test_request(UPDATE, UPDATE_PAYLOAD);
    guint before = fleet_test_mqtt_wait_status(mqtt, 0, UPDATE, _i == 0 ? "scheduled" : "executing");
    guint down = fleet_test_mqtt_wait_status(mqtt, before, HEALTH, "down");
    guint up = fleet_test_mqtt_wait_status(mqtt, down, HEALTH, "up");
    guint end = fleet_test_mqtt_wait_status(mqtt, up, UPDATE, "successful");
    device_test_assert_json(fleet_test_mqtt_get(mqtt, end), UPDATE_DONE);
    device_test_assert_statuses(UPDATE, "init scheduled executing successful");
    device_test_assert_statuses(HEALTH, "up down up");
    ck_assert_uint_eq(device_test_connections("fleet-simulated-device:rtr"), 2);
    fleet_test_simulated_device_stop(device);
    device_test_assert_record("record", "rtr config_update 1\n");
}
END_TEST

START_TEST(device_that_is_done_while_it_is_away_says_so_when_it_is_back)
{
    FleetTestProcess *device =
            fleet_test_simulated_device_start(broker, "rtr", "--duration=20ms", "--offline-at=executing:300ms", NULL);

    device_test_request(UPDATE, UPDATE_PAYLOAD);
    guint down = fleet_test_mqtt_wait_status(mqtt, 0, HEALTH, "down");
    ck_assert(fleet_test_process_wait_output(
            device, FLEET_TEST_STDERR, "^rtr: config_update 1: successful$", FLEET_TEST_PATIENCE));
    guint up = fleet_test_mqtt_wait_status(mqtt, down, HEALTH, "up");
    (void)fleet_test_mqtt_wait_status(mqtt, up, UPDATE, "successful");
    device_test_assert_statuses(UPDATE, "init scheduled executing successful");
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(device_that_is_away_is_not_connected)
{
    FleetTestProcess *device =
            fleet_test_simulated_device_start(broker, "rtr", "--duration=0", "--offline-at=executing:1h", NULL);

    device_test_request(UPDATE, UPDATE_PAYLOAD);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, HEALTH, "down");
    /* More than it waits before it tries to get back a connection that it has lost. */
    fleet_test_run_for(600);
    ck_assert_uint_eq(device_test_connections("fleet-simulated-device:rtr"), 1);
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(device_that_vanishes_for_each_command_does_so)
{
    FleetTestProcess *device = fleet_test_simulated_device_start(
            broker, "rtr", "--duration=0", "--offline-at=scheduled:20ms", "--offline-at=executing:20ms", NULL);

    device_test_request(UPDATE, UPDATE_PAYLOAD);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, UPDATE, "successful");
    device_test_request("te/device/rtr///cmd/config_update/2", UPDATE_PAYLOAD);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, "te/device/rtr///cmd/config_update/2", "successful");
    device_test_assert_statuses(HEALTH, "up down up down up down up down up");
    fleet_test_simulated_device_stop(device);
}
END_TEST

/* With a file of its own, or with nothing but what the broker has. */
static char *memory(int with_file)
{
    return with_file ? device_test_option("state", "state") : g_strdup("--seed=0");
}

START_TEST(work_is_resumed_after_the_death_of_the_program)
{
    g_autofree char *record = device_test_option("record", "record"), *state = memory(_i);

    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", "--duration=1h", record, state, NULL);
    device_test_request(UPDATE, UPDATE_PAYLOAD);
    guint executing = fleet_test_mqtt_wait_status(mqtt, 0, UPDATE, "executing");
    fleet_test_simulated_device_kill(device);
    guint down = fleet_test_mqtt_wait_status(mqtt, executing, HEALTH, "down");
    device = fleet_test_simulated_device_start(broker, "rtr", "--duration=20ms", record, state, NULL);
    guint end = fleet_test_mqtt_wait_status(mqtt, down, UPDATE, "successful");
    device_test_assert_json(fleet_test_mqtt_get(mqtt, end), UPDATE_DONE);
    ck_assert(fleet_test_process_wait_output(
            device, FLEET_TEST_STDERR, "^rtr: config_update 1: resumed$", FLEET_TEST_PATIENCE));
    fleet_test_simulated_device_stop(device);
    device_test_assert_record("record", "rtr config_update 1\n");
}
END_TEST

/* Its program was away, so the device has restarted: an hour of work would not end in time. */
START_TEST(restart_in_which_the_program_dies_has_succeeded)
{
    const char *topic = "te/device/rtr///cmd/restart/1";
    g_autofree char *record = device_test_option("record", "record"), *state = memory(_i);
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", "--duration=1h", record, state, NULL);

    device_test_request(topic, "{}");
    guint executing = fleet_test_mqtt_wait_status(mqtt, 0, topic, "executing");
    fleet_test_simulated_device_kill(device);
    device = fleet_test_simulated_device_start(broker, "rtr", "--duration=1h", record, state, NULL);
    (void)fleet_test_mqtt_wait_status(mqtt, executing, topic, "successful");
    fleet_test_simulated_device_stop(device);
    device_test_assert_record("record", "rtr restart 1\n");
}
END_TEST

START_TEST(what_waits_when_the_program_ends_is_begun_after_it)
{
    const char *second = "te/device/rtr///cmd/restart/2";
    g_autofree char *record = device_test_option("record", "record"), *state = memory(_i);
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", "--duration=1h", record, state, NULL);

    device_test_request(UPDATE, UPDATE_PAYLOAD);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, UPDATE, "executing");
    device_test_request(second, "{}");
    (void)fleet_test_mqtt_wait_status(mqtt, 0, second, "scheduled");
    fleet_test_simulated_device_stop(device);
    device_test_assert_record("record", "rtr config_update 1\n");
    device = fleet_test_simulated_device_start(broker, "rtr", "--duration=0", "--boot-time=0", record, state, NULL);
    guint first_end = fleet_test_mqtt_wait_status(mqtt, 0, UPDATE, "successful");
    guint begin = fleet_test_mqtt_wait_status(mqtt, 0, second, "executing");
    ck_assert_uint_lt(first_end, begin);
    (void)fleet_test_mqtt_wait_status(mqtt, begin, second, "successful");
    fleet_test_simulated_device_stop(device);
    device_test_assert_record("record", "rtr config_update 1\nrtr restart 2\n");
}
END_TEST

START_TEST(what_was_done_in_an_earlier_life_is_not_done_again)
{
    g_autofree char *record = device_test_option("record", "record"), *state = device_test_option("state", "state");
    FleetTestProcess *device =
            fleet_test_simulated_device_start(broker, "rtr", "--duration=0", "--fail=no luck", record, state, NULL);

    device_test_request(UPDATE, UPDATE_PAYLOAD);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, UPDATE, "failed");
    fleet_test_simulated_device_stop(device);
    /* Its requester has forgotten, and so has the broker. */
    fleet_test_broker_kill(broker);
    fleet_test_broker_start(broker);
    fleet_test_mqtt_reconnect(mqtt);
    device_test_request(UPDATE, UPDATE_PAYLOAD);
    device = fleet_test_simulated_device_start(broker, "rtr", "--duration=0", record, state, NULL);
    guint from = fleet_test_mqtt_wait_status(mqtt, fleet_test_mqtt_count(mqtt) - 1, HEALTH, "up");
    guint end = fleet_test_mqtt_wait_status(mqtt, from, UPDATE, "failed");
    g_autofree char *reason = fleet_test_message_string(fleet_test_mqtt_get(mqtt, end), "reason");
    ck_assert_str_eq(reason, "no luck");
    fleet_test_simulated_device_stop(device);
    device_test_assert_record("record", "rtr config_update 1\n");
    device_test_assert_statuses(UPDATE, "init scheduled executing failed init failed");
}
END_TEST

/* The result was on its way when the program was killed: the broker still has the phase before. */
START_TEST(result_that_did_not_arrive_is_told_again)
{
    g_autofree char *record = device_test_option("record", "record"), *state = device_test_option("state", "state");
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", "--duration=0", record, state, NULL);

    device_test_request(UPDATE, UPDATE_PAYLOAD);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, UPDATE, "successful");
    fleet_test_simulated_device_kill(device);
    device_test_request(UPDATE, "{'status':'executing','type':'settings','remoteUrl':'x','mine':[1]}");
    guint from = fleet_test_mqtt_count(mqtt);
    device = fleet_test_simulated_device_start(broker, "rtr", "--duration=1h", record, state, NULL);
    guint end = fleet_test_mqtt_wait_status(mqtt, from, UPDATE, "successful");
    device_test_assert_json(fleet_test_mqtt_get(mqtt, end), UPDATE_DONE);
    fleet_test_simulated_device_stop(device);
    device_test_assert_record("record", "rtr config_update 1\n");
}
END_TEST

START_TEST(result_reaches_a_broker_that_has_forgotten_the_command)
{
    g_autofree char *record = device_test_option("record", "record");
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", UNHURRIED, record, NULL);

    device_test_request(UPDATE, UPDATE_PAYLOAD);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, UPDATE, "executing");
    fleet_test_broker_kill(broker);
    ck_assert(fleet_test_process_wait_output(
            device, FLEET_TEST_STDERR, "^rtr: config_update 1: successful$", FLEET_TEST_PATIENCE));
    fleet_test_broker_start(broker);
    guint from = fleet_test_mqtt_count(mqtt);
    fleet_test_mqtt_reconnect(mqtt);
    guint end = fleet_test_mqtt_wait_status(mqtt, from, UPDATE, "successful");
    device_test_assert_json(fleet_test_mqtt_get(mqtt, end), UPDATE_DONE);
    fleet_test_simulated_device_stop(device);
    device_test_assert_record("record", "rtr config_update 1\n");
}
END_TEST

START_TEST(broker_that_stands_still_is_waited_for)
{
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", UNHURRIED, NULL);

    device_test_request(UPDATE, UPDATE_PAYLOAD);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, UPDATE, "executing");
    fleet_test_broker_pause(broker);
    ck_assert(fleet_test_process_wait_output(
            device, FLEET_TEST_STDERR, "^rtr: config_update 1: successful$", FLEET_TEST_PATIENCE));
    fleet_test_broker_resume(broker);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, UPDATE, "successful");
    device_test_assert_statuses(UPDATE, "init scheduled executing successful");
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(result_that_was_lost_with_the_broker_is_told_again)
{
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", UNHURRIED, NULL);

    device_test_request(UPDATE, UPDATE_PAYLOAD);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, UPDATE, "executing");
    fleet_test_broker_pause(broker);
    ck_assert(fleet_test_process_wait_output(
            device, FLEET_TEST_STDERR, "^rtr: config_update 1: successful$", FLEET_TEST_PATIENCE));
    fleet_test_broker_kill(broker);
    fleet_test_broker_start(broker);
    guint from = fleet_test_mqtt_count(mqtt);
    fleet_test_mqtt_reconnect(mqtt);
    guint end = fleet_test_mqtt_wait_status(mqtt, from, UPDATE, "successful");
    device_test_assert_json(fleet_test_mqtt_get(mqtt, end), UPDATE_DONE);
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(line_of_the_state_that_was_cut_is_left_out)
{
    g_autofree char *path = device_test_path("state"), *state = device_test_option("state", "state");
    g_autofree char *line = device_test_json("{'device':'rtr','operation':'config_update','command':'1','status':"
                                             "'successful'}\n{'device':'rtr','oper");

    fleet_test_write(path, line);
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", "--duration=0", state, NULL);
    ck_assert(fleet_test_process_wait_output(
            device, FLEET_TEST_STDERR, "/state: line 2 is not understood$", FLEET_TEST_PATIENCE));
    device_test_request(UPDATE, UPDATE_PAYLOAD);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, UPDATE, "successful");
    device_test_assert_statuses(UPDATE, "init successful");
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(state_keeps_the_newest_of_each_command_only)
{
    g_autofree char *path = device_test_path("state"), *state = device_test_option("state", "state");
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", "--duration=0", state, NULL);

    device_test_request(UPDATE, UPDATE_PAYLOAD);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, UPDATE, "successful");
    fleet_test_simulated_device_stop(device);
    fleet_test_simulated_device_stop(fleet_test_simulated_device_start(broker, "rtr", state, NULL));
    g_autofree char *text = fleet_test_read(path);
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
    fleet_test_assert_contains(text, "\"status\":\"successful\"");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("device-restarts");
    TCase *tests = fleet_test_case(suite, "device-restarts");

    tcase_add_checked_fixture(tests, device_test_setup, device_test_teardown);
    tcase_add_loop_test(tests, restart_is_a_real_one, 0, G_N_ELEMENTS(restarting));
    tcase_add_loop_test(tests, device_that_vanishes_midway_comes_back_and_ends_its_work, 0, G_N_ELEMENTS(away));
    tcase_add_test(tests, device_that_is_done_while_it_is_away_says_so_when_it_is_back);
    tcase_add_test(tests, device_that_is_away_is_not_connected);
    tcase_add_test(tests, device_that_vanishes_for_each_command_does_so);
    tcase_add_loop_test(tests, work_is_resumed_after_the_death_of_the_program, 0, 2);
    tcase_add_loop_test(tests, restart_in_which_the_program_dies_has_succeeded, 0, 2);
    tcase_add_loop_test(tests, what_waits_when_the_program_ends_is_begun_after_it, 0, 2);
    tcase_add_test(tests, what_was_done_in_an_earlier_life_is_not_done_again);
    tcase_add_test(tests, result_that_did_not_arrive_is_told_again);
    tcase_add_test(tests, result_reaches_a_broker_that_has_forgotten_the_command);
    tcase_add_test(tests, broker_that_stands_still_is_waited_for);
    tcase_add_test(tests, result_that_was_lost_with_the_broker_is_told_again);
    tcase_add_test(tests, line_of_the_state_that_was_cut_is_left_out);
    tcase_add_test(tests, state_keeps_the_newest_of_each_command_only);
    return fleet_test_main(suite);
}
