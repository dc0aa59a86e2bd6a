/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The driver "thin-edge" and whoever may publish on the same broker: whatever comes, fleetd goes on, what is wrong is
 * told, but not without end, and what is right still gets through.
 */

#include "thin_edge_test.h"

#include "drivers/thin_edge/message.h"

#define PREFIX "te/device/dev"

static ThinEdgeTest *new_test(void)
{
    ThinEdgeTest *test = thin_edge_test_new(NULL, "ClientId=me\nAutoRegister=yes\nAutoRegisterMax=20\n");

    thin_edge_test_can(test, "dev", "restart", "{}");
    thin_edge_test_is_up(test, "dev", TRUE);
    thin_edge_test_register(test, "dev");
    thin_edge_test_wait_device(test, "dev", "Presence", "'ONLINE'");
    return test;
}

static ThinEdgeAction *start_action(ThinEdgeTest *test)
{
    ThinEdgeAction *action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);

    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_say(action, "executing");
    thin_edge_action_wait(action, "Phase", "'executing'");
    return action;
}

static void finish(ThinEdgeAction *action)
{
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
    thin_edge_action_wait_topic(action, "");
}

/* Payloads that are wrong in each way there is; some end at their length only. */
static const struct {
    const char *payload;
    gsize length; /* 0 = up to the NUL */
} wrong[] = {
        {"{", 0},
        {"}", 0},
        {"[]", 0},
        {"null", 0},
        {"\"executing\"", 0},
        {"executing", 0},
        {"{\"status\":1}", 0},
        {"{\"status\":{}}", 0},
        {"{\"status\":\"\"}", 0},
        {"{\"status\":\"failed\",\"reason\":[]}", 0},
        {"{\"status\":\"succ\0essful\"}", 23},
        {"\0", 1},
        {"{\"status\":\"\xff\xfe\"}", 0},
        {"{\"status\":\"\xed\xa0\x80\"}", 0},
        {"{\"status\":\"\\ud800\"}", 0},
        {"{\"status\":\"successful\"", 0},
        {"{\"status\":\"successful\"}x", 0},
        {"{\"status\":\"successful\",\"fleetClient\":\"somebody\"}", 0},
};

START_TEST(wrong_payloads_change_nothing)
{
    g_autoptr(ThinEdgeTest) test = new_test();
    g_autoptr(ThinEdgeAction) action = start_action(test);
    const char *const topics[] = {action->topic, PREFIX "///cmd/firmware_update", PREFIX "//", "te/device/other//",
            PREFIX "/service/tedge-agent/status/health"};

    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
        for (guint k = 0; k < G_N_ELEMENTS(topics); k++) {
            gsize length = wrong[i].length > 0 ? wrong[i].length : strlen(wrong[i].payload);

            fleet_test_mqtt_publish_bytes(test->mqtt, topics[k], wrong[i].payload, length, _i == 0);
        }
    thin_edge_test_wait_log(test, "is passed over");
    thin_edge_action_wait(action, "Status", "'RUNNING'");
    thin_edge_action_wait(action, "Phase", "'executing'");
    finish(action);
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

START_TEST(deep_and_large_payloads)
{
    g_autoptr(ThinEdgeTest) test = new_test();
    g_autoptr(ThinEdgeAction) action = start_action(test);
    gsize huge = 8 * 1024 * 1024;
    g_autofree char *deep = g_strnfill(FLEET_THIN_EDGE_PAYLOAD_MAX - 1, '[');
    g_autofree char *large = g_strnfill(huge, ' ');
    g_autofree char *fits = g_strnfill(FLEET_THIN_EDGE_PAYLOAD_MAX, ' ');

    fleet_test_mqtt_publish(test->mqtt, action->topic, deep, FALSE);
    memcpy(large, "{\"status\":\"successful\"}", strlen("{\"status\":\"successful\"}"));
    fleet_test_mqtt_publish_bytes(test->mqtt, action->topic, large, huge, FALSE);
    thin_edge_action_wait(action, "Phase", "'executing'");
    thin_edge_test_wait_log(test, "it is too deep");

    /* As large as it may be. */
    memcpy(fits, "{\"status\":\"restarting\"}", strlen("{\"status\":\"restarting\"}"));
    fleet_test_mqtt_publish_bytes(test->mqtt, action->topic, fits, FLEET_THIN_EDGE_PAYLOAD_MAX, FALSE);
    thin_edge_action_wait(action, "Phase", "'restarting'");
    finish(action);
}
END_TEST

/* The log has a few of them, and how many there were. */
START_TEST(floods_do_not_fill_the_log)
{
    g_autoptr(ThinEdgeTest) test = new_test();
    g_autoptr(ThinEdgeAction) action = start_action(test);

    for (guint i = 0; i < 5000; i++)
        fleet_test_mqtt_queue(test->mqtt, action->topic, "{\"status\":", FALSE);
    fleet_test_mqtt_flush(test->mqtt);
    finish(action);
    g_autofree char *written = fleet_test_daemon_stderr(test->daemon);
    guint lines = 0;
    for (const char *p = strstr(written, "is passed over"); p != NULL; p = strstr(p + 1, "is passed over"))
        lines++;
    ck_assert_uint_ge(lines, 1);
    ck_assert_uint_le(lines, 20);
}
END_TEST

/* A device that never comes to an end of its phases does not fill the disk. */
START_TEST(phases_without_end)
{
    g_autoptr(ThinEdgeTest) test = new_test();
    g_autoptr(ThinEdgeAction) action = start_action(test);

    for (guint i = 0; i < 1500; i++) {
        g_autofree char *payload = g_strdup_printf("{\"status\":\"phase-%u\"}", i);
        fleet_test_mqtt_queue(test->mqtt, action->topic, payload, FALSE);
    }
    fleet_test_mqtt_flush(test->mqtt);
    thin_edge_test_wait_log(test, "it has too many phases");
    finish(action);
    g_autoptr(GVariant) history = fleet_test_call(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER,
            "GetActionHistory", g_variant_new("(s)", action->id), NULL);
    g_autoptr(GVariant) moves = g_variant_get_child_value(history, 0);
    ck_assert_uint_le(g_variant_n_children(moves), 1010);
}
END_TEST

START_TEST(late_and_repeated_messages)
{
    g_autoptr(ThinEdgeTest) test = new_test();
    g_autoptr(ThinEdgeAction) action = start_action(test);

    for (guint i = 0; i < 3; i++)
        thin_edge_action_say(action, "scheduled");
    for (guint i = 0; i < 3; i++)
        thin_edge_action_say(action, "successful");
    thin_edge_action_say(action, "executing");
    g_free(thin_edge_action_wait_end(action, "success"));
    thin_edge_action_wait_topic(action, "");
    thin_edge_action_say(action, "failed");
    g_autoptr(ThinEdgeAction) next = start_action(test);
    finish(next);
    thin_edge_action_wait(action, "Result", "'success'");
}
END_TEST

/* Whoever speaks of devices and commands that are nobody's is not heard. */
START_TEST(messages_about_nobody)
{
    static const char *const topics[] = {"te/device/nobody///cmd/restart", "te/device/nobody///cmd/restart/fleet-x-1",
            PREFIX "///cmd/restart/fleet-", PREFIX "///cmd/restart/fleet-a/b", PREFIX "///cmd/", PREFIX "///cmd//",
            PREFIX "///cmd/unknown/fleet-x-1", PREFIX "///cmd/restart/fleet-\xc3\xa4-1", PREFIX "///cmd/restart/other",
            PREFIX "/service//status/health", "te", "te/device", "te/device///cmd/restart", "fleetd/me/mark",
            "fleetd/me"};
    g_autoptr(ThinEdgeTest) test = new_test();
    g_autoptr(ThinEdgeAction) action = start_action(test);

    for (guint i = 0; i < G_N_ELEMENTS(topics); i++) {
        fleet_test_mqtt_publish(test->mqtt, topics[i], "{\"status\":\"successful\",\"fleetClient\":\"you\"}", FALSE);
        fleet_test_mqtt_publish(test->mqtt, topics[i], "", FALSE);
    }
    thin_edge_action_wait(action, "Phase", "'executing'");
    finish(action);
}
END_TEST

/* More commands in our name than there can be. */
START_TEST(commands_in_our_name)
{
    g_autoptr(ThinEdgeTest) test = new_test();
    g_autoptr(ThinEdgeAction) action = start_action(test);

    for (guint i = 0; i < 2000; i++) {
        g_autofree char *topic = g_strdup_printf(PREFIX "///cmd/restart/fleet-%u", i);
        fleet_test_mqtt_queue(test->mqtt, topic, "{\"status\":\"executing\",\"fleetClient\":\"me\"}", TRUE);
    }
    fleet_test_mqtt_flush(test->mqtt);
    (void)fleet_test_mqtt_wait_status(test->mqtt, 0, PREFIX "///cmd/restart/fleet-1999", "");
    finish(action);
    g_autoptr(FleetTestMqtt) fresh = fleet_test_mqtt_new(test->broker, PREFIX "///cmd/restart/+");
    fleet_test_mqtt_settle(fresh);
    ck_assert_uint_eq(fleet_test_mqtt_count(fresh), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thin-edge-hostile");
    TCase *tcase = fleet_test_case(suite, "hostile");

    tcase_add_loop_test(tcase, wrong_payloads_change_nothing, 0, 2);
    tcase_add_test(tcase, deep_and_large_payloads);
    tcase_add_test(tcase, floods_do_not_fill_the_log);
    tcase_add_test(tcase, phases_without_end);
    tcase_add_test(tcase, late_and_repeated_messages);
    tcase_add_test(tcase, messages_about_nobody);
    tcase_add_test(tcase, commands_in_our_name);
    return fleet_test_main(suite);
}
