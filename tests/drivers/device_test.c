/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "device_test.h"

#include <json-glib/json-glib.h>

FleetTestBroker *broker;
FleetTestMqtt *mqtt;
static char *directory;

void device_test_setup(void)
{
    const FleetTestBrokerSettings settings = {0};

    directory = fleet_test_directory_new();
    broker = fleet_test_broker_new(&settings);
    mqtt = fleet_test_mqtt_new(broker, "te/#");
}

void device_test_teardown(void)
{
    g_clear_pointer(&mqtt, fleet_test_mqtt_free);
    g_clear_pointer(&broker, fleet_test_broker_free);
    fleet_test_remove(directory);
    g_clear_pointer(&directory, g_free);
}

void device_test_assert_statuses_at(const char *file, int line, const char *topic, const char *statuses)
{
    g_autofree char *had = fleet_test_mqtt_statuses(mqtt, topic);

    if (strcmp(had, statuses) != 0) {
        g_autofree char *all = fleet_test_mqtt_print(mqtt);
        fleet_test_fail_at(file, line, "%s was '%s', not '%s'; what came last:%s", topic, had, statuses, all);
    }
}

char *device_test_json(const char *text)
{
    return g_strdelimit(g_strdup(text), "'", '"');
}

void device_test_request(const char *topic, const char *payload)
{
    g_autofree char *json = device_test_json(payload);

    fleet_test_mqtt_publish(mqtt, topic, json, TRUE);
}

void device_test_assert_json_at(const char *file, int line, const FleetTestMessage *message, const char *text)
{
    g_autofree char *json = device_test_json(text);
    g_autoptr(JsonNode) wanted = json_from_string(json, NULL);
    g_autoptr(JsonNode) had = json_from_string(message->payload, NULL);

    g_assert(wanted != NULL);
    if (had == NULL || !json_node_equal(had, wanted))
        fleet_test_fail_at(file, line, "%s is %s, not %s", message->topic, message->payload, json);
}

char *device_test_path(const char *name)
{
    return g_build_filename(directory, name, NULL);
}

char *device_test_option(const char *option, const char *name)
{
    g_autofree char *path = device_test_path(name);

    return g_strdup_printf("--%s=%s", option, path);
}

void device_test_assert_record_at(const char *file, int line, const char *name, const char *lines)
{
    g_autofree char *path = device_test_path(name);
    g_autofree char *text = fleet_test_read(path);

    if (strcmp(text, lines) != 0)
        fleet_test_fail_at(file, line, "the record is '%s', not '%s'", text, lines);
}

guint device_test_connections(const char *pattern)
{
    g_autofree char *full = g_strdup_printf("New client connected from .* as %s \\(", pattern);
    g_autofree char *log = fleet_test_process_output(fleet_test_broker_process(broker), FLEET_TEST_STDERR);
    g_autoptr(GRegex) regex = g_regex_new(full, 0, 0, NULL);
    g_autoptr(GMatchInfo) info = NULL;
    guint n = 0;

    for (gboolean found = g_regex_match(regex, log, 0, &info); found; found = g_match_info_next(info, NULL))
        n++;
    return n;
}
