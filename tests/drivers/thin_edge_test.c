/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "thin_edge_test.h"

#include <stdarg.h>

ThinEdgeTest *thin_edge_test_new_with_config(const FleetTestBrokerSettings *settings, const char *config)
{
    static const FleetTestBrokerSettings plain;
    ThinEdgeTest *test = g_new0(ThinEdgeTest, 1);

    test->bus = fleet_test_bus_new(NULL);
    test->broker = fleet_test_broker_new(settings != NULL ? settings : &plain);
    test->daemon = fleet_test_daemon_new();
    test->connection = fleet_test_connect(fleet_test_bus_address(test->bus));
    test->signals = fleet_test_signals_new(test->connection, NULL, NULL, NULL);
    test->mqtt = fleet_test_mqtt_new(test->broker, "#");
    if (config != NULL)
        fleet_test_daemon_set_config(test->daemon, config);
    return test;
}

ThinEdgeTest *thin_edge_test_new(const FleetTestBrokerSettings *settings, const char *lines)
{
    ThinEdgeTest *test = thin_edge_test_new_with_config(settings, NULL);
    g_autofree char *config =
            g_strdup_printf("[ThinEdge]\nBroker=%s\n%s", fleet_test_broker_address(test->broker), lines);

    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    return test;
}

void thin_edge_test_free(ThinEdgeTest *test)
{
    fleet_test_mqtt_free(test->mqtt);
    fleet_test_signals_free(test->signals);
    g_object_unref(test->connection);
    fleet_test_daemon_free(test->daemon);
    fleet_test_broker_free(test->broker);
    fleet_test_bus_free(test->bus);
    g_free(test);
}

void thin_edge_test_register(ThinEdgeTest *test, const char *id)
{
    g_auto(GVariantBuilder) options = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

    g_variant_builder_add(&options, "{sv}", "Driver", g_variant_new_string("thin-edge"));
    fleet_test_call_void(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", id, "", "", "", &options));
}

void thin_edge_test_can(ThinEdgeTest *test, const char *id, const char *operation, const char *capability)
{
    g_autofree char *topic = g_strdup_printf("te/device/%s///cmd/%s", id, operation);

    fleet_test_mqtt_publish(test->mqtt, topic, capability, TRUE);
}

void thin_edge_test_is_up(ThinEdgeTest *test, const char *id, gboolean up)
{
    g_autofree char *topic = g_strdup_printf("te/device/%s/service/tedge-agent/status/health", id);

    fleet_test_mqtt_publish(test->mqtt, topic, up ? "{\"status\":\"up\"}" : "{\"status\":\"down\"}", TRUE);
}

/* Actions. */

static GVariant *arguments(const char *device, const char *type, va_list pairs)
{
    g_auto(GVariantBuilder) parameters = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{ss}"));
    const char *key;

    while ((key = va_arg(pairs, const char *)) != NULL)
        g_variant_builder_add(&parameters, "{ss}", key, va_arg(pairs, const char *));
    return g_variant_new("(ssa{ss}a{sv})", device, type, &parameters, NULL);
}

static const char *operation_of(const char *type)
{
    static const char *const names[][2] = {{"SOFTWARE_UPDATE", "software_update"},
            {"FIRMWARE_UPDATE", "firmware_update"}, {"SYSTEM_REBOOT", "restart"},
            {"CONFIGURATION_CHANGE", "config_update"}};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_equal(names[i][0], type))
            return names[i][1];
    return type;
}

ThinEdgeAction *thin_edge_test_initiate(ThinEdgeTest *test, const char *device, const char *type, ...)
{
    ThinEdgeAction *action = g_new0(ThinEdgeAction, 1);
    va_list pairs;

    va_start(pairs, type);
    g_autoptr(GVariant) reply = fleet_test_call(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER,
            "InitiateDeviceAction", arguments(device, type, pairs), "(sos)");
    va_end(pairs);
    action->test = test;
    g_variant_get(reply, "(sos)", &action->id, &action->path, &action->status);
    action->topic = g_strdup_printf("te/device/%s///cmd/%s/fleet-%s-1", device, operation_of(type), action->id);
    return action;
}

void thin_edge_test_initiate_fails(
        ThinEdgeTest *test, const char *device, const char *type, const char *error, const char *part, ...)
{
    va_list pairs;

    va_start(pairs, part);
    fleet_test_call_fails(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            arguments(device, type, pairs), error, part);
    va_end(pairs);
}

void thin_edge_action_free(ThinEdgeAction *action)
{
    g_free(action->id);
    g_free(action->path);
    g_free(action->status);
    g_free(action->topic);
    g_free(action);
}

void thin_edge_action_publish(ThinEdgeAction *action, const char *payload)
{
    fleet_test_mqtt_publish(action->test->mqtt, action->topic, payload, TRUE);
}

void thin_edge_action_say(ThinEdgeAction *action, const char *status)
{
    g_autofree char *payload = g_strdup_printf("{\"status\":\"%s\"}", status);

    thin_edge_action_publish(action, payload);
}

void thin_edge_action_wait_topic(ThinEdgeAction *action, const char *status)
{
    (void)fleet_test_mqtt_wait_status(action->test->mqtt, 0, action->topic, status);
}

/* Properties. */

static char *get(ThinEdgeTest *test, const char *path, const char *interface, const char *property)
{
    g_autoptr(GVariant) value = fleet_test_get(test->connection, path, interface, property);

    return g_variant_print(value, FALSE);
}

static gboolean is_about(const FleetTestSignal *signal, gpointer path)
{
    return g_str_equal(signal->path, path) && g_str_equal(signal->member, "PropertiesChanged");
}

/* A change that comes between the look and the wait is seen by the wait, for that begins before the look. */
static void wait_property(
        ThinEdgeTest *test, const char *path, const char *interface, const char *property, const char *value)
{
    for (;;) {
        guint from = fleet_test_signals_count(test->signals);
        g_autofree char *now = get(test, path, interface, property);

        if (g_str_equal(now, value))
            return;
        (void)fleet_test_signals_wait(test->signals, from, is_about, (gpointer)path);
    }
}

void thin_edge_action_wait(ThinEdgeAction *action, const char *property, const char *value)
{
    wait_property(action->test, action->path, FLEET_TEST_ACTION, property, value);
}

void thin_edge_test_wait_device(ThinEdgeTest *test, const char *id, const char *property, const char *value)
{
    g_autofree char *path = g_strconcat(FLEET_TEST_ROOT "/device/", id, NULL);

    wait_property(test, path, FLEET_TEST_DEVICE, property, value);
}

char *thin_edge_action_get(ThinEdgeAction *action, const char *property)
{
    return get(action->test, action->path, FLEET_TEST_ACTION, property);
}

/* How often it was announced that the action has come to an end. */
static guint count_ends(ThinEdgeAction *action)
{
    guint count = 0;

    for (guint i = 0; i < fleet_test_signals_count(action->test->signals); i++) {
        const FleetTestSignal *signal = fleet_test_signals_get(action->test->signals, i);
        const char *value;

        if (!is_about(signal, action->path))
            continue;
        g_autoptr(GVariant) changed = g_variant_get_child_value(signal->arguments, 1);
        if (g_variant_lookup(changed, "Result", "&s", &value) && *value != '\0')
            count++;
    }
    return count;
}

guint thin_edge_action_wait_any_end(ThinEdgeAction *action)
{
    for (;;) {
        guint from = fleet_test_signals_count(action->test->signals);
        g_autofree char *now = thin_edge_action_get(action, "Result");

        if (!g_str_equal(now, "''"))
            break;
        (void)fleet_test_signals_wait(action->test->signals, from, is_about, action->path);
    }
    fleet_test_signals_settle(action->test->signals);
    return count_ends(action);
}

char *thin_edge_action_wait_end(ThinEdgeAction *action, const char *result)
{
    g_autofree char *quoted = g_strdup_printf("'%s'", result);

    ck_assert_uint_eq(thin_edge_action_wait_any_end(action), 1);
    g_autofree char *now = thin_edge_action_get(action, "Result");
    ck_assert_str_eq(now, quoted);
    return thin_edge_action_get(action, "Message");
}

/* The topic. */

void thin_edge_action_assert_topic(ThinEdgeAction *action, const char *statuses)
{
    g_autofree char *now = NULL;

    fleet_test_mqtt_settle(action->test->mqtt);
    now = fleet_test_mqtt_statuses(action->test->mqtt, action->topic);
    ck_assert_str_eq(now, statuses);
}

guint thin_edge_test_sent(ThinEdgeTest *test)
{
    guint count = 0;

    fleet_test_mqtt_settle(test->mqtt);
    for (guint i = 0; i < fleet_test_mqtt_count(test->mqtt); i++) {
        const FleetTestMessage *message = fleet_test_mqtt_get(test->mqtt, i);

        if (strstr(message->topic, "/fleet-") != NULL && strstr(message->payload, "\"status\":\"init\"") != NULL &&
                !message->retained)
            count++;
    }
    return count;
}

void thin_edge_test_wait_log(ThinEdgeTest *test, const char *pattern)
{
    if (!fleet_test_process_wait_output(
                fleet_test_daemon_process(test->daemon), FLEET_TEST_STDERR, pattern, FLEET_TEST_PATIENCE)) {
        g_autofree char *written = fleet_test_daemon_stderr(test->daemon);
        fleet_test_fail("'%s' is not logged, but: %s", pattern, written);
    }
}
