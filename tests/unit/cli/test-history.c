/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/history.h"

#include "lib/main.h"

#include <stdlib.h>
#include <time.h>

static void add(FleetTable *table, void (*add_row)(FleetTable *table, JsonObject *row), const char *json)
{
    g_autoptr(JsonNode) node = json_from_string(json, NULL);

    ck_assert_ptr_nonnull(node);
    add_row(table, json_node_get_object(node));
}

START_TEST(history_is_in_columns)
{
    g_autoptr(FleetTable) table = fleet_history_table();
    FleetTableStyle style = {.heading = "Transitions (2 total):", .ellipsis = "…"};

    setenv("TZ", "UTC", 1);
    tzset();
    add(table, fleet_history_add,
            "{\"Time\":1705314600000000,\"Status\":\"PENDING\",\"Phase\":\"waiting-device\",\"Message\":\"\"}");
    add(table, fleet_history_add,
            "{\"Time\":1705314601000000,\"Status\":\"CANCELLED\",\"Phase\":\"\",\"Message\":\"a\\nb\"}");
    g_autofree char *text = fleet_table_render(table, &style);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    ck_assert_str_eq(lines[0], "Transitions (2 total):");
    ck_assert_str_eq(lines[2], "Time                Status     Phase           Message");
    ck_assert_str_eq(lines[4], "2024-01-15 10:30:00 PENDING    waiting-device  -");
    ck_assert_str_eq(lines[5], "2024-01-15 10:30:01 CANCELLED  -               a\\x0ab");
}
END_TEST

START_TEST(audit_is_in_columns)
{
    g_autoptr(FleetTable) table = fleet_audit_table();
    FleetTableStyle style = {.heading = "Audited Calls (1 total):", .ellipsis = "…"};

    setenv("TZ", "UTC", 1);
    tzset();
    add(table, fleet_audit_add,
            "{\"Time\":1705314600000000,\"Uid\":1000,\"Executable\":\"/usr/bin/fleetctl\",\"Sender\":\":1.7\","
            "\"Method\":\"SetDeviceStatus\",\"Object\":\"router-001\","
            "\"Outcome\":\"org.fleet.Error.DeviceNotFound\"}");
    g_autofree char *text = fleet_table_render(table, &style);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    ck_assert_str_eq(lines[2],
            "Time                UID   Method               Object          Outcome        Sender   Executable");
    ck_assert_str_eq(lines[4],
            "2024-01-15 10:30:00 1000  SetDeviceStatus      router-001      DeviceNotFound :1.7     /usr/bin/fleetctl");
}
END_TEST

START_TEST(outcomes_lose_what_all_of_them_begin_with)
{
    ck_assert_str_eq(fleet_audit_outcome("ok"), "ok");
    ck_assert_str_eq(fleet_audit_outcome("org.fleet.Error.DeviceBusy"), "DeviceBusy");
    ck_assert_str_eq(fleet_audit_outcome("org.freedesktop.DBus.Error.AccessDenied"), "AccessDenied");
    ck_assert_str_eq(fleet_audit_outcome("com.example.Error.DeviceBusy"), "com.example.Error.DeviceBusy");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-history");
    TCase *tcase = fleet_test_case(suite, "history");

    tcase_add_test(tcase, history_is_in_columns);
    tcase_add_test(tcase, audit_is_in_columns);
    tcase_add_test(tcase, outcomes_lose_what_all_of_them_begin_with);
    return fleet_test_main(suite);
}
