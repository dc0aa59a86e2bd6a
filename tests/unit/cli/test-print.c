/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/clock.h"
#include "cli/actions.h"
#include "cli/devices.h"
#include "cli/manager.h"
#include "lib/main.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MORNING (G_GINT64_CONSTANT(1705314600) * FLEET_USEC_PER_SEC) /* 2024-01-15 10:30:00 UTC */

/* What a printer prints, without colour. Owned by the caller. */
static char *printed(void (*print)(FleetOutput *output, JsonObject *info), const char *json, gboolean legend)
{
    g_autoptr(JsonNode) node = json_from_string(json, NULL);
    g_autofree char *text = NULL;
    char *buffer = NULL;
    size_t size;
    FILE *file = open_memstream(&buffer, &size);
    FleetOutput output = {.file = file, .error_file = file, .utf8 = TRUE, .legend = legend};

    setenv("TZ", "UTC", 1);
    tzset();
    ck_assert_ptr_nonnull(node);
    print(&output, json_node_get_object(node));
    ck_assert_int_eq(fclose(file), 0);
    text = g_strdup(buffer);
    free(buffer);
    return g_steal_pointer(&text);
}

START_TEST(device_is_as_specified)
{
    g_autofree char *json =
            g_strdup_printf("{\"Id\":\"router-001\",\"Name\":\"Main "
                            "Router\",\"Type\":\"router\",\"Status\":\"IDLE\",\"RegisteredAt\":%" G_GINT64_FORMAT
                            ",\"UpdatedAt\":%" G_GINT64_FORMAT ",\"CurrentActionId\":\"\"}",
                    MORNING, MORNING);
    g_autofree char *text = printed(fleet_device_print, json, TRUE);

    ck_assert_str_eq(text, "Device Information:\n"
                           "  ID:            router-001\n"
                           "  Name:          Main Router\n"
                           "  Type:          router\n"
                           "  Status:        IDLE\n"
                           "  Registered:    2024-01-15 10:30:00\n"
                           "  Last Updated:  2024-01-15 10:30:00\n"
                           "  Current Action: None\n");
}
END_TEST

START_TEST(device_shows_its_action)
{
    g_autofree char *text = printed(fleet_device_print,
            "{\"Id\":\"r\",\"Name\":\"a\\u001b[2J\",\"Type\":\"\",\"CurrentActionId\":\"action_1_2\"}", FALSE);

    ck_assert(g_str_has_prefix(text, "  ID:            r\n"));
    fleet_test_assert_contains(text, "  Name:          a\\x1b[2J\n");
    fleet_test_assert_contains(text, "  Type:          -\n");
    fleet_test_assert_contains(text, "  Current Action: action_1_2\n");
}
END_TEST

START_TEST(device_shows_what_is_unusual)
{
    g_autofree char *usual = printed(fleet_device_print,
            "{\"Id\":\"r\",\"QueuedActions\":0,\"Driver\":\"simulated\",\"Address\":\"\",\"LastSeen\":0,"
            "\"Presence\":\"UNKNOWN\"}",
            TRUE);
    g_autofree char *unusual =
            printed(fleet_device_print, "{\"Id\":\"r\",\"QueuedActions\":12,\"Driver\":\"simulated\"}", TRUE);

    ck_assert(g_str_has_suffix(usual, "  Current Action: None\n"));
    ck_assert(g_str_has_suffix(unusual, "  Current Action: None\n"
                                        "  Queued Actions: 12\n"));
}
END_TEST

/* Any of the four brings them all. */
static const struct {
    const char *driver, *address, *presence;
    gint64 seen;
    const char *lines;
} whereabouts[] = {
        {"command", "", "UNKNOWN", 0,
                "  Driver:        command\n"
                "  Address:       None\n"
                "  Last Seen:     never\n"
                "  Presence:      UNKNOWN\n"},
        {"simulated", "device/r//", "UNKNOWN", 0,
                "  Driver:        simulated\n"
                "  Address:       device/r//\n"
                "  Last Seen:     never\n"
                "  Presence:      UNKNOWN\n"},
        {"simulated", "", "UNKNOWN", MORNING,
                "  Driver:        simulated\n"
                "  Address:       None\n"
                "  Last Seen:     2024-01-15 10:30:00\n"
                "  Presence:      UNKNOWN\n"},
        {"simulated", "", "OFFLINE", 0,
                "  Driver:        simulated\n"
                "  Address:       None\n"
                "  Last Seen:     never\n"
                "  Presence:      OFFLINE\n"},
        {"command", "a\\u001b[2J", "ONLINE", MORNING,
                "  Driver:        command\n"
                "  Address:       a\\x1b[2J\n"
                "  Last Seen:     2024-01-15 10:30:00\n"
                "  Presence:      ONLINE\n"},
};

START_TEST(device_shows_where_it_is)
{
    g_autofree char *json = g_strdup_printf(
            "{\"Id\":\"r\",\"Driver\":\"%s\",\"Address\":\"%s\",\"LastSeen\":%" G_GINT64_FORMAT ",\"Presence\":\"%s\"}",
            whereabouts[_i].driver, whereabouts[_i].address, whereabouts[_i].seen, whereabouts[_i].presence);
    g_autofree char *text = printed(fleet_device_print, json, TRUE);
    g_autofree char *end = g_strconcat("  Current Action: None\n", whereabouts[_i].lines, NULL);

    ck_assert_msg(g_str_has_suffix(text, end), "%s", text);
}
END_TEST

START_TEST(running_action)
{
    g_autofree char *json = g_strdup_printf(
            "{\"Id\":\"action_1705314600000_1\",\"DeviceId\":\"router-001\",\"Type\":\"SOFTWARE_UPDATE\","
            "\"Status\":\"RUNNING\",\"Phase\":\"installing\",\"Progress\":0.29,\"ProgressKnown\":true,"
            "\"InitiatedAt\":%" G_GINT64_FORMAT ",\"CompletedAt\":0,"
            "\"Parameters\":{\"version\":\"2.1.0\",\"force\":\"yes\"}}",
            MORNING);
    g_autofree char *text = printed(fleet_action_print, json, TRUE);

    ck_assert_str_eq(text, "Action Information:\n"
                           "  ID:            action_1705314600000_1\n"
                           "  Device:        router-001\n"
                           "  Type:          SOFTWARE_UPDATE\n"
                           "  Status:        RUNNING\n"
                           "  Phase:         installing\n"
                           "  Progress:      29%\n"
                           "  Initiated:     2024-01-15 10:30:00\n"
                           "  Completed:     None\n"
                           "  Parameters:    force=yes\n"
                           "                 version=2.1.0\n"
                           "  Error:         None\n");
}
END_TEST

START_TEST(failed_action)
{
    g_autofree char *text = printed(fleet_action_print,
            "{\"Id\":\"a\",\"Status\":\"FAILED\",\"Phase\":\"\",\"ProgressKnown\":false,\"Parameters\":{},"
            "\"ErrorMessage\":\"no space\"}",
            TRUE);

    fleet_test_assert_contains(text, "  Phase:         None\n  Progress:      unknown\n");
    fleet_test_assert_contains(text, "  Parameters:    None\n  Error:         no space\n");
}
END_TEST

START_TEST(action_shows_what_its_status_does_not_say)
{
    g_autofree char *text = printed(fleet_action_print,
            "{\"Id\":\"a\",\"Status\":\"FAILED\",\"Result\":\"timed-out\",\"Attempt\":2,\"MaxAttempts\":3,"
            "\"Message\":\"it was not done within 1min\",\"ErrorMessage\":\"no space\"}",
            TRUE);

    fleet_test_assert_contains(text, "  Status:        FAILED\n  Result:        timed-out\n  Phase:         None\n");
    fleet_test_assert_contains(text, "  Progress:      unknown\n  Attempt:       2 of 3\n");
    fleet_test_assert_contains(text, "  Message:       it was not done within 1min\n  Error:         no space\n");
}
END_TEST

START_TEST(completed_action_needs_no_message)
{
    g_autofree char *completed =
            printed(fleet_action_print, "{\"Status\":\"COMPLETED\",\"Message\":\"all went well\"}", TRUE);
    g_autofree char *cancelled =
            printed(fleet_action_print, "{\"Status\":\"CANCELLED\",\"Message\":\"closed by force\"}", TRUE);

    ck_assert_ptr_null(strstr(completed, "Message:"));
    fleet_test_assert_contains(cancelled, "  Message:       closed by force\n");
}
END_TEST

START_TEST(action_says_nothing_twice)
{
    static const struct {
        const char *status, *result;
    } cases[] = {{"COMPLETED", "success"}, {"FAILED", "failed"}, {"CANCELLED", "cancelled"}, {"RUNNING", ""}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *json = g_strdup_printf("{\"Id\":\"a\",\"Status\":\"%s\",\"Result\":\"%s\",\"Attempt\":1,"
                                                "\"MaxAttempts\":1,\"Message\":\"m\",\"ErrorMessage\":\"m\"}",
                cases[i].status, cases[i].result);
        g_autofree char *text = printed(fleet_action_print, json, TRUE);

        ck_assert_ptr_null(strstr(text, "Result:"));
        ck_assert_ptr_null(strstr(text, "Attempt:"));
        ck_assert_ptr_null(strstr(text, "Message:"));
    }
}
END_TEST

START_TEST(progress_reaches_100_only_at_the_end)
{
    static const struct {
        double progress;
        const char *expected;
    } cases[] = {{0, "0%"}, {0.29, "29%"}, {0.58, "58%"}, {0.999, "99%"}, {1, "100%"}, {-3, "0%"}, {8, "100%"}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = fleet_action_progress_text(TRUE, cases[i].progress);
        ck_assert_str_eq(text, cases[i].expected);
    }
}
END_TEST

static void assert_reason(const char *json, const char *expected)
{
    g_autoptr(JsonNode) node = json_from_string(json, NULL);

    ck_assert_str_eq(fleet_action_reason(json_node_get_object(node)), expected);
}

START_TEST(reason_is_the_best_there_is)
{
    assert_reason("{\"Status\":\"FAILED\",\"Result\":\"lost\",\"Message\":\"m\",\"ErrorMessage\":\"e\"}", "e");
    assert_reason("{\"Status\":\"FAILED\",\"Result\":\"lost\",\"Message\":\"m\",\"ErrorMessage\":\"\"}", "m");
    assert_reason("{\"Status\":\"FAILED\",\"Result\":\"lost\",\"Message\":\"\"}", "lost");
    assert_reason("{}", "no reason was given");
}
END_TEST

START_TEST(daemon_counts_devices_in_its_order)
{
    g_autofree char *text = printed(fleet_manager_print,
            "{\"Version\":\"0.1.0\",\"StorageState\":\"ok\",\"DeviceCount\":5,"
            "\"DeviceStatuses\":[\"IDLE\",\"BUSY\",\"MAINTENANCE\"],\"DevicesByStatus\":{\"MAINTENANCE\":2,\"IDLE\":3},"
            "\"PendingActions\":1,\"RunningActions\":2}",
            TRUE);

    ck_assert_str_eq(text, "Daemon Information:\n"
                           "  Version:       0.1.0\n"
                           "  Storage:       ok\n"
                           "  Devices:       5\n"
                           "    IDLE:        3\n"
                           "    BUSY:        0\n"
                           "    MAINTENANCE: 2\n"
                           "  Actions:       3\n"
                           "    PENDING:     1\n"
                           "    RUNNING:     2\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-print");
    TCase *tcase = fleet_test_case(suite, "print");

    tcase_add_test(tcase, device_is_as_specified);
    tcase_add_test(tcase, device_shows_its_action);
    tcase_add_test(tcase, device_shows_what_is_unusual);
    tcase_add_loop_test(tcase, device_shows_where_it_is, 0, G_N_ELEMENTS(whereabouts));
    tcase_add_test(tcase, running_action);
    tcase_add_test(tcase, failed_action);
    tcase_add_test(tcase, action_shows_what_its_status_does_not_say);
    tcase_add_test(tcase, completed_action_needs_no_message);
    tcase_add_test(tcase, action_says_nothing_twice);
    tcase_add_test(tcase, progress_reaches_100_only_at_the_end);
    tcase_add_test(tcase, reason_is_the_best_there_is);
    tcase_add_test(tcase, daemon_counts_devices_in_its_order);
    return fleet_test_main(suite);
}
