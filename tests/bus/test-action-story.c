/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an action goes through as its time passes, and what its history tells about that. */

#include "bus_test.h"

/* A driver that reports every 50 ms for 1 s, and one that reports once a second. */
#define TALKATIVE "[Simulation]\nMinDuration=1s\nMaxDuration=1s\nSuccessRate=1\n"
#define TACITURN "[Simulation]\nMinDuration=20s\nMaxDuration=20s\nSuccessRate=1\n"

/* Starts an action whose driver may not be silent for so long. The path of its object, owned by the caller. */
static char *initiate_with_step_timeout(GDBusConnection *connection, const char *usec)
{
    g_autofree char *arguments = g_strdup_printf(
            "('r', 'SOFTWARE_UPDATE', @a{ss} {}, {'StepTimeout': <uint64 %s>, 'MaxAttempts': <uint32 3>})", usec);
    g_autoptr(GVariant) reply =
            fleet_test_manager(connection, "InitiateDeviceAction", g_variant_new_parsed(arguments), "(sos)");
    char *path;

    g_variant_get(reply, "(&so&s)", NULL, &path, NULL);
    return path;
}

START_TEST(driver_that_reports_may_go_on)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(TALKATIVE);

    fleet_test_register(fleet->connection, "r");
    g_autofree char *path = initiate_with_step_timeout(fleet->connection, "800000");
    fleet_test_wait_for(fleet->connection, path, FLEET_TEST_ACTION, "Status", "COMPLETED");
}
END_TEST

/* The limit begins with the attempt: neither before nor never. */
START_TEST(driver_that_is_silent_is_stopped)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(TACITURN);
    guint64 started, completed;

    fleet_test_register(fleet->connection, "r");
    g_autofree char *path = initiate_with_step_timeout(fleet->connection, "300000");
    fleet_test_wait_for(fleet->connection, path, FLEET_TEST_ACTION, "Status", "FAILED");
    g_autoptr(GVariant) result = fleet_test_get(fleet->connection, path, FLEET_TEST_ACTION, "Result");
    ck_assert_str_eq(g_variant_get_string(result, NULL), "timed-out");
    g_autoptr(GVariant) start = fleet_test_get(fleet->connection, path, FLEET_TEST_ACTION, "StartedAt");
    g_autoptr(GVariant) end = fleet_test_get(fleet->connection, path, FLEET_TEST_ACTION, "CompletedAt");
    started = g_variant_get_uint64(start);
    completed = g_variant_get_uint64(end);
    ck_assert_uint_ge(completed, started + 300000);
}
END_TEST

/* The history of a firmware update, which has a point of no return on its way: statuses and phases, a line each. */
static char *story_of(GDBusConnection *connection, const char *id)
{
    g_autoptr(GVariant) reply =
            fleet_test_manager(connection, "GetActionHistory", g_variant_new("(s)", id), "(a(tsss))");
    g_autoptr(GVariantIter) iter = NULL;
    GString *story = g_string_new(NULL);
    const char *status, *phase;

    g_variant_get(reply, "(a(tsss))", &iter);
    while (g_variant_iter_next(iter, "(t&s&s&s)", NULL, &status, &phase, NULL))
        g_string_append_printf(story, "%s %s\n", status, phase);
    return g_string_free(story, FALSE);
}

START_TEST(history_has_one_row_a_move)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(TALKATIVE);
    g_autofree char *path = NULL;

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "r", "FIRMWARE_UPDATE", &path);
    fleet_test_wait_for(fleet->connection, path, FLEET_TEST_ACTION, "Status", "COMPLETED");
    g_autofree char *story = story_of(fleet->connection, id);
    ck_assert_str_eq(story, "PENDING \nRUNNING \nRUNNING preparing\nRUNNING downloading\nRUNNING installing\n"
                            "RUNNING rebooting\nRUNNING verifying\nCOMPLETED \n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: action story");
    TCase *limits = fleet_test_case(suite, "limits");
    TCase *history = fleet_test_case(suite, "history");

    tcase_add_test(limits, driver_that_reports_may_go_on);
    tcase_add_test(limits, driver_that_is_silent_is_stopped);
    tcase_add_test(history, history_has_one_row_a_move);
    return fleet_test_main(suite);
}
