/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The driver "thin-edge" with a broker that is there: what becomes of actions, and what is known of devices.
 */

#include "thin_edge_test.h"

/* The payload of the command as fleetd has sent it. */
static char *sent_payload(ThinEdgeAction *action)
{
    guint i = fleet_test_mqtt_wait_status(action->test->mqtt, 0, action->topic, "init");

    return g_strdup(fleet_test_mqtt_get(action->test->mqtt, i)->payload);
}

static const struct {
    const char *type, *operation, *parameters[7], *payload;
} actions[] = {
        {"SOFTWARE_UPDATE", "software_update", {"name", "vim", "version", "9", "type", "apt"},
                ",\"updateList\":[{\"type\":\"apt\",\"modules\":[{\"name\":\"vim\",\"version\":\"9\",\"action\":"
                "\"install\"}"
                "]}]}"},
        {"FIRMWARE_UPDATE", "firmware_update", {"name", "os", "version", "2", "url", "http://h/os"},
                ",\"name\":\"os\",\"version\":\"2\",\"remoteUrl\":\"http://h/os\"}"},
        {"SYSTEM_REBOOT", "restart", {NULL}, "}"},
        {"CONFIGURATION_CHANGE", "config_update", {"type", "settings", "url", "http://h/c"},
                ",\"type\":\"settings\",\"remoteUrl\":\"http://h/c\"}"},
};

START_TEST(life_of_an_action)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "ClientId=me\n");
    const char *const *p = actions[_i].parameters;

    thin_edge_test_can(test, "dev", actions[_i].operation, "{\"types\":[\"apt\",\"settings\"]}");
    thin_edge_test_register(test, "dev");
    g_autoptr(ThinEdgeAction) action =
            thin_edge_test_initiate(test, "dev", actions[_i].type, p[0], p[1], p[2], p[3], p[4], p[5], NULL);
    g_autofree char *payload = sent_payload(action);
    g_autofree char *expected = g_strconcat("{\"status\":\"init\",\"fleetClient\":\"me\"", actions[_i].payload, NULL);
    ck_assert_str_eq(payload, expected);
    thin_edge_action_wait(action, "Phase", "'init'");
    thin_edge_action_wait(action, "Cancelable", "false");

    thin_edge_action_say(action, "scheduled");
    thin_edge_action_wait(action, "Phase", "'scheduled'");
    thin_edge_action_wait(action, "Progress", "0.10000000000000001");
    thin_edge_action_publish(action, "{\"status\":\"executing\",\"progress\":0.5}");
    thin_edge_action_wait(action, "Phase", "'executing'");
    thin_edge_action_wait(action, "Progress", "0.5");
    thin_edge_action_say(action, "Installing things");
    thin_edge_action_wait(action, "Phase", "'Installing things'");
    thin_edge_action_wait(action, "Progress", "0.5");
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
    thin_edge_action_wait_topic(action, "");
    thin_edge_action_assert_topic(action, "init scheduled executing Installing things successful .");
    thin_edge_test_wait_device(test, "dev", "Status", "'IDLE'");
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

START_TEST(life_with_a_device)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "");
    FleetTestProcess *device = fleet_test_simulated_device_start(
            test->broker, "dev", "--duration=300ms", "--boot-time=100ms", "--progress=3", NULL);

    thin_edge_test_register(test, "dev");
    for (guint i = 0; i < G_N_ELEMENTS(actions); i++) {
        const char *const *p = actions[i].parameters;
        g_autoptr(ThinEdgeAction) action =
                thin_edge_test_initiate(test, "dev", actions[i].type, p[0], p[1], p[2], p[3], p[4], p[5], NULL);

        g_free(thin_edge_action_wait_end(action, "success"));
        thin_edge_action_wait_topic(action, "");
    }
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(failure_has_a_reason)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "");

    thin_edge_test_can(test, "dev", "restart", "{}");
    thin_edge_test_register(test, "dev");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_publish(
            action, "{\"status\":\"failed\",\"reason\":\"no room\\non the disk\",\"failures\":[\"a\",\"b\"]}");
    g_autofree char *message = thin_edge_action_wait_end(action, "failed");
    g_autofree char *error = thin_edge_action_get(action, "ErrorMessage");
    ck_assert_str_eq(message, "'no room\\\\x0aon the disk'");
    ck_assert_str_eq(error, message);
    thin_edge_action_wait_topic(action, "");
    thin_edge_test_wait_device(test, "dev", "Status", "'ERROR'");

    /* The next one has a topic of its own. */
    g_autoptr(ThinEdgeAction) next = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    thin_edge_action_wait_topic(next, "init");
    thin_edge_action_say(next, "failed");
    g_autofree char *none = thin_edge_action_wait_end(next, "failed");
    fleet_test_assert_contains(none, "not why");
}
END_TEST

START_TEST(what_a_device_cannot_do_is_refused)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "");

    thin_edge_test_can(test, "dev", "restart", "{}");
    thin_edge_test_can(test, "dev", "software_update", "{\"types\":[\"apt\"]}");
    thin_edge_test_register(test, "dev");
    g_autoptr(ThinEdgeAction) first = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    thin_edge_action_wait_topic(first, "init");
    thin_edge_action_say(first, "successful");
    g_free(thin_edge_action_wait_end(first, "success"));

    thin_edge_test_initiate_fails(test, "dev", "FIRMWARE_UPDATE", THIN_EDGE_ERROR "Unsupported",
            "does not say that it can do 'firmware_update'; it would on 'te/device/dev///cmd/firmware_update'", "name",
            "a", "version", "1", "url", "u", NULL);
    thin_edge_test_initiate_fails(test, "dev", "SOFTWARE_UPDATE", THIN_EDGE_ERROR "Unsupported",
            "for the types [\"apt\"], and not for the one", "name", "a", "type", "rpm", NULL);
    thin_edge_test_initiate_fails(test, "dev", "SOFTWARE_UPDATE", THIN_EDGE_ERROR "InvalidArgument",
            "'packet' is unknown; use one of name, version", "packet", "a", NULL);
    thin_edge_test_initiate_fails(
            test, "dev", "SOFTWARE_UPDATE", THIN_EDGE_ERROR "InvalidArgument", "'name' is missing", NULL);

    thin_edge_test_can(test, "dev", "restart", "");
    fleet_test_mqtt_settle(test->mqtt);
    thin_edge_test_is_up(test, "dev", TRUE);
    thin_edge_test_wait_device(test, "dev", "Presence", "'ONLINE'");
    thin_edge_test_initiate_fails(test, "dev", "SYSTEM_REBOOT", THIN_EDGE_ERROR "Unsupported", "does not say", NULL);
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

START_TEST(other_types_of_actions_are_refused)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "[ActionType CALIBRATION]\nDeviceStatus=BUSY\n");

    thin_edge_test_can(test, "dev", "restart", "{}");
    thin_edge_test_is_up(test, "dev", TRUE);
    thin_edge_test_register(test, "dev");
    thin_edge_test_wait_device(test, "dev", "Presence", "'ONLINE'");
    thin_edge_test_initiate_fails(
            test, "dev", "CALIBRATION", THIN_EDGE_ERROR "Unsupported", "does not do CALIBRATION", NULL);
}
END_TEST

START_TEST(without_a_broker_actions_are_refused)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(NULL, "[DeviceType x]\nDriver=thin-edge\n");

    fleet_test_daemon_start(test->daemon);
    thin_edge_test_register(test, "dev");
    thin_edge_test_initiate_fails(
            test, "dev", "SYSTEM_REBOOT", THIN_EDGE_ERROR "Unsupported", "set Broker= in the group [ThinEdge]", NULL);
}
END_TEST

static void register_at(ThinEdgeTest *test, const char *id, const char *address, const char *error, const char *part)
{
    g_auto(GVariantBuilder) options = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

    g_variant_builder_add(&options, "{sv}", "Driver", g_variant_new_string("thin-edge"));
    g_variant_builder_add(&options, "{sv}", "Address", g_variant_new_string(address));
    if (error == NULL)
        fleet_test_call_void(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
                g_variant_new("(ssssa{sv})", id, "", "", "", &options));
    else
        fleet_test_call_fails(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
                g_variant_new("(ssssa{sv})", id, "", "", "", &options), error, part);
}

START_TEST(devices_have_addresses)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "");

    thin_edge_test_can(test, "there", "restart", "{}");
    register_at(test, "here", "there", NULL, NULL);
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "here", "SYSTEM_REBOOT", NULL);
    g_free(action->topic);
    action->topic = g_strdup_printf("te/device/there///cmd/restart/fleet-%s-1", action->id);
    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));

    register_at(test, "bad", "a/b", THIN_EDGE_ERROR "InvalidArgument", "te/device/ID//");
    register_at(test, "same", "there", THIN_EDGE_ERROR "DeviceExists", "device 'here' is at the address 'there'");
}
END_TEST

/* An id may be what a filter of topics is, and must not become one. */
START_TEST(ids_are_no_filters)
{
    static const char *const ids[] = {"+", "#", "a/b", "a#"};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "");

    thin_edge_test_can(test, "a", "restart", "{}");
    for (guint i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_autofree char *name = NULL;
        g_autofree char *message = NULL;
        g_auto(GVariantBuilder) options = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
        g_variant_builder_add(&options, "{sv}", "Driver", g_variant_new_string("thin-edge"));
        g_autoptr(GVariant) reply = fleet_test_call_any(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER,
                "RegisterDevice", g_variant_new("(ssssa{sv})", ids[i], "", "", "", &options), &name, &message);

        /* Whether it can be registered is not for this check to say; that it does nothing is. */
        if (reply != NULL)
            thin_edge_test_initiate_fails(
                    test, ids[i], "SYSTEM_REBOOT", THIN_EDGE_ERROR "Unsupported", "address", NULL);
        else
            ck_assert_str_eq(name, THIN_EDGE_ERROR "InvalidArgument");
    }
    ck_assert_uint_eq(thin_edge_test_sent(test), 0);
}
END_TEST

START_TEST(what_was_sent_is_not_stopped)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "");
    g_auto(GVariantBuilder) force = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

    thin_edge_test_can(test, "dev", "restart", "{}");
    thin_edge_test_register(test, "dev");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    thin_edge_action_wait_topic(action, "init");
    fleet_test_call_fails(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "CancelDeviceAction",
            g_variant_new("(sa{sv})", action->id, NULL), THIN_EDGE_ERROR "NotCancelable", "init");
    thin_edge_action_assert_topic(action, "init");

    g_variant_builder_add(&force, "{sv}", "Force", g_variant_new_boolean(TRUE));
    fleet_test_call_void(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "CancelDeviceAction",
            g_variant_new("(sa{sv})", action->id, &force));
    g_free(thin_edge_action_wait_end(action, "cancelled"));
    thin_edge_action_wait_topic(action, "");
    thin_edge_test_wait_device(test, "dev", "Status", "'ERROR'");
}
END_TEST

/* The device goes on, and what it says is nobody's. It is cleared once it is certain that nobody will ask for it. */
START_TEST(what_comes_after_the_end_is_cleared)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "ClientId=me\n[ActionType SYSTEM_REBOOT]\nTimeout=1s\n");

    thin_edge_test_can(test, "dev", "restart", "{}");
    thin_edge_test_register(test, "dev");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_say(action, "executing");
    g_free(thin_edge_action_wait_end(action, "timed-out"));
    thin_edge_action_wait_topic(action, "");
    guint from = fleet_test_mqtt_count(test->mqtt);
    thin_edge_action_publish(action, "{\"status\":\"successful\",\"fleetClient\":\"me\"}");
    (void)fleet_test_mqtt_wait_status(test->mqtt, from, action->topic, "");
    thin_edge_action_assert_topic(action, "init executing . successful .");
}
END_TEST

START_TEST(health_is_presence)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "HealthService=agent\n");
    static const char topic[] = "te/device/dev/service/agent/status/health";

    fleet_test_mqtt_publish(test->mqtt, topic, "{\"status\":\"up\"}", TRUE);
    thin_edge_test_register(test, "dev");
    thin_edge_test_wait_device(test, "dev", "Presence", "'ONLINE'");
    thin_edge_test_is_up(test, "dev", FALSE); /* another service */
    fleet_test_mqtt_publish(test->mqtt, topic, "{\"status\":\"down\"}", TRUE);
    thin_edge_test_wait_device(test, "dev", "Presence", "'OFFLINE'");
    thin_edge_test_wait_device(test, "dev", "Status", "'OFFLINE'");
    fleet_test_mqtt_publish(test->mqtt, topic, "1", TRUE);
    thin_edge_test_wait_device(test, "dev", "Presence", "'ONLINE'");
    thin_edge_test_wait_device(test, "dev", "Status", "'IDLE'");
    fleet_test_mqtt_publish(test->mqtt, topic, "0", TRUE);
    thin_edge_test_wait_device(test, "dev", "Presence", "'OFFLINE'");
}
END_TEST

START_TEST(last_will_is_presence)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "");
    FleetTestProcess *device = fleet_test_simulated_device_start(test->broker, "dev", NULL);

    thin_edge_test_register(test, "dev");
    thin_edge_test_wait_device(test, "dev", "Presence", "'ONLINE'");
    fleet_test_simulated_device_kill(device);
    thin_edge_test_wait_device(test, "dev", "Presence", "'OFFLINE'");
    thin_edge_test_wait_device(test, "dev", "Status", "'OFFLINE'");
    g_autoptr(ThinEdgeAction) action = NULL;
    thin_edge_test_initiate_fails(test, "dev", "SYSTEM_REBOOT", THIN_EDGE_ERROR "DeviceBusy", "OFFLINE", NULL);
    device = fleet_test_simulated_device_start(test->broker, "dev", NULL);
    thin_edge_test_wait_device(test, "dev", "Status", "'IDLE'");
    fleet_test_simulated_device_stop(device);
}
END_TEST

static void announce(ThinEdgeTest *test, const char *id, const char *payload)
{
    g_autofree char *topic = g_strdup_printf("te/device/%s//", id);

    fleet_test_mqtt_publish(test->mqtt, topic, payload, TRUE);
}

static gboolean is_added(const FleetTestSignal *signal, gpointer id)
{
    const char *path;

    if (!g_str_equal(signal->member, "InterfacesAdded"))
        return FALSE;
    g_variant_get_child(signal->arguments, 0, "&o", &path);
    g_autofree char *wanted = g_strconcat(FLEET_TEST_ROOT "/device/", id, NULL);
    return g_str_equal(path, wanted);
}

START_TEST(announced_devices_are_registered)
{
    g_autoptr(ThinEdgeTest) test =
            thin_edge_test_new(NULL, "AutoRegister=yes\nAutoRegisterType=kid\nAutoRegisterMax=3\n");

    announce(test, "one", "{\"@type\":\"child-device\",\"name\":\"Number One\",\"type\":\"whatever\"}");
    announce(test, "main", "{\"@type\":\"device\"}");
    announce(test, "service", "{\"@type\":\"service\"}");
    announce(test, "broken", "{");
    announce(test, "three", "{\"@type\":\"child-device\",\"name\":\"a\\u0001b\"}");
    announce(test, "four", "{\"@type\":\"child-device\"}");
    (void)fleet_test_signals_wait(test->signals, 0, is_added, (gpointer) "one");
    (void)fleet_test_signals_wait(test->signals, 0, is_added, (gpointer) "main");
    (void)fleet_test_signals_wait(test->signals, 0, is_added, (gpointer) "three");
    thin_edge_test_wait_device(test, "one", "Name", "'Number One'");
    thin_edge_test_wait_device(test, "one", "Type", "'kid'");
    thin_edge_test_wait_device(test, "one", "Driver", "'thin-edge'");
    thin_edge_test_wait_device(test, "three", "Name", "'three'");
    thin_edge_test_wait_log(test, "'te/device/service//' is passed over: its '@type' is neither");
    thin_edge_test_wait_log(test, "'te/device/broken//' is passed over: it is no JSON");
    thin_edge_test_wait_log(test, "'te/device/four//' is passed over: there are as many devices as AutoRegisterMax=");
    g_autoptr(GVariant) count = fleet_test_get(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceCount");
    ck_assert_uint_eq(g_variant_get_uint32(count), 3);

    /* One that takes back what it has announced is a device nevertheless. */
    announce(test, "one", "");
    thin_edge_test_can(test, "one", "restart", "{}");
    thin_edge_test_is_up(test, "one", TRUE);
    thin_edge_test_wait_device(test, "one", "Presence", "'ONLINE'");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "one", "SYSTEM_REBOOT", NULL);
    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
}
END_TEST

START_TEST(announced_devices_are_not_registered_unasked)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "");

    announce(test, "one", "{\"@type\":\"child-device\"}");
    thin_edge_test_is_up(test, "two", TRUE);
    thin_edge_test_register(test, "two");
    thin_edge_test_wait_device(test, "two", "Presence", "'ONLINE'");
    g_autoptr(GVariant) count = fleet_test_get(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceCount");
    ck_assert_uint_eq(g_variant_get_uint32(count), 1);
}
END_TEST

START_TEST(another_root_of_topics)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "TopicRoot=site/one\n");

    fleet_test_mqtt_publish(test->mqtt, "site/one/device/dev///cmd/restart", "{}", TRUE);
    thin_edge_test_register(test, "dev");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    g_free(action->topic);
    action->topic = g_strdup_printf("site/one/device/dev///cmd/restart/fleet-%s-1", action->id);
    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
    thin_edge_action_wait_topic(action, "");
}
END_TEST

START_TEST(real_clients_drive_it)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "");
    FleetTestProcess *device =
            fleet_test_simulated_device_start(test->broker, "dev", "--duration=200ms", "--boot-time=100ms", NULL);

    g_free(fleet_test_run_ok("busctl", "call", FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            "ssssa{sv}", "dev", "", "", "", "1", "Driver", "s", "thin-edge"));
    g_autofree char *reply = fleet_test_run_ok("gdbus", "call", "--system", "--dest", FLEET_TEST_NAME, "--object-path",
            FLEET_TEST_ROOT, "--method", FLEET_TEST_MANAGER ".InitiateDeviceAction", "dev", "FIRMWARE_UPDATE",
            "{'name':'os','version':'2','url':'http://h/os'}", "{}");
    g_auto(GStrv) words = g_strsplit(reply, "'", -1);
    g_autofree char *followed = fleet_test_run_ok(fleet_test_env("FLEETCTL"), "poll-action", words[1]);
    fleet_test_assert_contains(followed, "COMPLETED");
    g_autofree char *history = fleet_test_run_ok(fleet_test_env("FLEETCTL"), "history", words[1]);
    fleet_test_assert_contains(history, "executing");
    fleet_test_simulated_device_stop(device);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thin-edge");
    TCase *tcase = fleet_test_case(suite, "thin-edge");

    tcase_add_loop_test(tcase, life_of_an_action, 0, G_N_ELEMENTS(actions));
    tcase_add_test(tcase, life_with_a_device);
    tcase_add_test(tcase, failure_has_a_reason);
    tcase_add_test(tcase, what_a_device_cannot_do_is_refused);
    tcase_add_test(tcase, other_types_of_actions_are_refused);
    tcase_add_test(tcase, without_a_broker_actions_are_refused);
    tcase_add_test(tcase, devices_have_addresses);
    tcase_add_test(tcase, ids_are_no_filters);
    tcase_add_test(tcase, what_was_sent_is_not_stopped);
    tcase_add_test(tcase, what_comes_after_the_end_is_cleared);
    tcase_add_test(tcase, health_is_presence);
    tcase_add_test(tcase, last_will_is_presence);
    tcase_add_test(tcase, announced_devices_are_registered);
    tcase_add_test(tcase, announced_devices_are_not_registered_unasked);
    tcase_add_test(tcase, another_root_of_topics);
    tcase_add_test(tcase, real_clients_drive_it);
    return fleet_test_main(suite);
}
