/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/monitor.h"

#include "base/clock.h"
#include "lib/main.h"

#include <stdlib.h>
#include <time.h>

#define MORNING (G_GINT64_CONSTANT(1705314600) * FLEET_USEC_PER_SEC) /* 2024-01-15 10:30:00 UTC */

static void assert_line(const char *object, const char *id, const char *event, const char *json, const char *expected)
{
    g_autoptr(JsonNode) node = json_from_string(json, NULL);
    g_autoptr(JsonObject) change = NULL;
    g_autofree char *line = NULL;

    setenv("TZ", "UTC", 1);
    tzset();
    change = fleet_change_new(
            MORNING, object, id, event, JSON_NODE_HOLDS_OBJECT(node) ? json_node_dup_object(node) : NULL);
    line = fleet_change_to_line(change);
    ck_assert_str_eq(line, expected);
}

START_TEST(changes_of_a_device)
{
    assert_line("device", "router-001", "changed",
            "{\"Status\":\"UPDATING\",\"UpdatedAt\":5,\"CurrentAction\":\"/x\",\"CurrentActionId\":\"action_1_2\"}",
            "[10:30:00] device router-001 changed: Status=UPDATING CurrentActionId=action_1_2");
    assert_line("device", "router-001", "changed", "{\"Name\":\"Main Router\",\"Type\":\"\"}",
            "[10:30:00] device router-001 changed: Name=\"Main Router\" Type=\"\"");
}
END_TEST

START_TEST(additions_say_what_matters)
{
    assert_line("device", "r", "added",
            "{\"Id\":\"r\",\"Name\":\"N\",\"Type\":\"t\",\"Status\":\"IDLE\",\"LastSeen\":0,\"Driver\":\"simulated\"}",
            "[10:30:00] device r added: Name=N Type=t Status=IDLE");
    assert_line("action", "a", "added",
            "{\"Id\":\"a\",\"DeviceId\":\"r\",\"Type\":\"SYSTEM_REBOOT\",\"Status\":\"PENDING\",\"Progress\":0.0}",
            "[10:30:00] action a added: DeviceId=r Type=SYSTEM_REBOOT Status=PENDING");
}
END_TEST

START_TEST(values_are_for_people)
{
    assert_line("action", "a", "changed",
            "{\"Progress\":0.425,\"Phase\":\"installing\",\"CompletedAt\":1705314600000000,\"Attempt\":2}",
            "[10:30:00] action a changed: Progress=42% Phase=installing CompletedAt=2024-01-15 10:30:00 Attempt=2");
    assert_line("manager", "", "changed", "{\"DeviceCount\":3,\"DevicesByStatus\":{\"IDLE\":3}}",
            "[10:30:00] manager changed: DeviceCount=3 DevicesByStatus={\"IDLE\":3}");
}
END_TEST

START_TEST(removals_and_the_daemon_are_short)
{
    assert_line("device", "router-001", "removed", "null", "[10:30:00] device router-001 removed");
    assert_line("daemon", "", "stopped", "null", "[10:30:00] daemon stopped");
}
END_TEST

START_TEST(json_has_all)
{
    g_autoptr(JsonNode) node = fleet_json_node(fleet_change_new(5, "device", "r", "removed", NULL));
    g_autofree char *text = fleet_json_to_text(node, FALSE);

    ck_assert_str_eq(text, "{\"Time\":5,\"Object\":\"device\",\"Id\":\"r\",\"Event\":\"removed\",\"Properties\":{}}");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-monitor");
    TCase *tcase = fleet_test_case(suite, "monitor");

    tcase_add_test(tcase, changes_of_a_device);
    tcase_add_test(tcase, additions_say_what_matters);
    tcase_add_test(tcase, values_are_for_people);
    tcase_add_test(tcase, removals_and_the_daemon_are_short);
    tcase_add_test(tcase, json_has_all);
    return fleet_test_main(suite);
}
