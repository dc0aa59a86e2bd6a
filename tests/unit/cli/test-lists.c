/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/lists.h"

#include "base/clock.h"
#include "lib/main.h"

#include <stdlib.h>
#include <time.h>

static JsonObject *device(const char *id, const char *name, const char *type, const char *status, const char *action)
{
    JsonObject *row = json_object_new();

    json_object_set_string_member(row, "Id", id);
    json_object_set_string_member(row, "Name", name);
    json_object_set_string_member(row, "Type", type);
    json_object_set_string_member(row, "Status", status);
    json_object_set_string_member(row, "CurrentActionId", action);
    return row;
}

static FleetTable *two_devices(void)
{
    FleetTable *table = fleet_list_table_of_devices();
    g_autoptr(JsonObject) router = device("router-001", "Main Router", "router", "IDLE", "");
    g_autoptr(JsonObject) sensor = device("sensor-001", "Temperature Sensor", "sensor", "IDLE", "");

    fleet_list_add_device(table, router);
    fleet_list_add_device(table, sensor);
    return table;
}

/* What the specification shows, to the byte. */
static const char devices_heading[] = "Registered Devices (2 total):";
static const char devices_legend[] =
        "Registered Devices (2 total):\n"
        "--------------------------------------------------------------------------------\n"
        "Device ID            Name               Type            Status          Action\n"
        "--------------------------------------------------------------------------------\n";
static const char devices_rows[] = "router-001           Main Router        router          IDLE            None\n"
                                   "sensor-001           Temperature Sensor sensor          IDLE            None\n";

START_TEST(devices_are_as_specified)
{
    g_autoptr(FleetTable) table = two_devices();
    FleetTableStyle style = {.heading = devices_heading, .ellipsis = "…"};
    g_autofree char *text = fleet_table_render(table, &style);
    g_autofree char *expected = g_strconcat(devices_legend, devices_rows, NULL);

    ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(devices_are_the_same_on_a_usual_terminal)
{
    g_autoptr(FleetTable) table = two_devices();
    FleetTableStyle style = {.heading = devices_heading, .ellipsis = "…", .width = 80};
    g_autofree char *text = fleet_table_render(table, &style);
    g_autofree char *expected = g_strconcat(devices_legend, devices_rows, NULL);

    ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(devices_without_legend_are_rows)
{
    g_autoptr(FleetTable) table = two_devices();
    FleetTableStyle style = {.ellipsis = "…"};
    g_autofree char *text = fleet_table_render(table, &style);

    ck_assert_str_eq(text, devices_rows);
}
END_TEST

START_TEST(actions_of_devices_fit_a_usual_terminal)
{
    g_autoptr(FleetTable) table = fleet_list_table_of_devices();
    g_autoptr(JsonObject) busy = device("router-001", "Main Router", "router", "UPDATING", "action_1705312200000_1");
    FleetTableStyle style = {.ellipsis = "…", .width = 80};

    fleet_list_add_device(table, busy);
    g_autofree char *text = fleet_table_render(table, &style);
    fleet_test_assert_matches(text, "^router-001 +Main Router +router +UPDATING +action_1705312200000_1\n$");
}
END_TEST

START_TEST(actions_tell_what_they_are)
{
    g_autoptr(FleetTable) table = fleet_list_table_of_actions();
    g_autoptr(JsonObject) row = json_object_new();
    FleetTableStyle style = {.heading = "Actions (1 total):", .ellipsis = "…"};

    setenv("TZ", "UTC", 1);
    tzset();
    json_object_set_string_member(row, "Id", "action_1705312200000_1");
    json_object_set_string_member(row, "DeviceId", "router-001");
    json_object_set_string_member(row, "Type", "SOFTWARE_UPDATE");
    json_object_set_string_member(row, "Status", "RUNNING");
    json_object_set_double_member(row, "Progress", 0.42);
    json_object_set_int_member(row, "InitiatedAt", G_GINT64_CONSTANT(1705314600) * FLEET_USEC_PER_SEC);
    fleet_list_add_action(table, row);

    g_autofree char *text = fleet_table_render(table, &style);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    ck_assert_str_eq(
            lines[2], "Action ID                Device ID       Type                 Status     Done   Initiated");
    ck_assert_str_eq(lines[4],
            "action_1705312200000_1   router-001      SOFTWARE_UPDATE      RUNNING    42%    2024-01-15 10:30:00");
}
END_TEST

START_TEST(heading_of_actions_tells_a_part_from_the_whole)
{
    g_autofree char *whole = fleet_list_heading_of_actions(3, FALSE);
    g_autofree char *part = fleet_list_heading_of_actions(3, TRUE);

    ck_assert_str_eq(whole, "Actions (3 total):");
    ck_assert_str_eq(part, "Actions (the newest 3):");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-lists");
    TCase *tcase = fleet_test_case(suite, "lists");

    tcase_add_test(tcase, devices_are_as_specified);
    tcase_add_test(tcase, devices_are_the_same_on_a_usual_terminal);
    tcase_add_test(tcase, devices_without_legend_are_rows);
    tcase_add_test(tcase, actions_of_devices_fit_a_usual_terminal);
    tcase_add_test(tcase, actions_tell_what_they_are);
    tcase_add_test(tcase, heading_of_actions_tells_a_part_from_the_whole);
    return fleet_test_main(suite);
}
