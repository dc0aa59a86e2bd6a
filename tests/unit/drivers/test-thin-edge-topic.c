/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "drivers/thin_edge/topic.h"
#include "lib/main.h"

#include <string.h>

static FleetThinEdgeTopic parse(const char *topic)
{
    FleetThinEdgeTopic result;

    memset(&result, 0x55, sizeof(result));
    fleet_thin_edge_topic_parse("te", topic, &result);
    return result;
}

START_TEST(topics_of_devices)
{
    FleetThinEdgeTopic topic = parse("te/device/child 1//");

    ck_assert_int_eq(topic.kind, FLEET_THIN_EDGE_TOPIC_REGISTRATION);
    ck_assert_str_eq(topic.address, "child 1");

    topic = parse("te/device/child1///cmd/restart");
    ck_assert_int_eq(topic.kind, FLEET_THIN_EDGE_TOPIC_CAPABILITY);
    ck_assert_str_eq(topic.address, "child1");
    ck_assert_int_eq(topic.operation, FLEET_THIN_EDGE_RESTART);

    topic = parse("te/device/child1///cmd/log_upload");
    ck_assert_int_eq(topic.kind, FLEET_THIN_EDGE_TOPIC_CAPABILITY);
    ck_assert_int_eq(topic.operation, FLEET_THIN_EDGE_OPERATIONS);

    topic = parse("te/device/child1///cmd/software_update/fleet-action_1_2-3");
    ck_assert_int_eq(topic.kind, FLEET_THIN_EDGE_TOPIC_COMMAND);
    ck_assert_int_eq(topic.operation, FLEET_THIN_EDGE_SOFTWARE_UPDATE);
    ck_assert_str_eq(topic.last, "fleet-action_1_2-3");

    topic = parse("te/device/child1/service/tedge-agent/status/health");
    ck_assert_int_eq(topic.kind, FLEET_THIN_EDGE_TOPIC_HEALTH);
    ck_assert(fleet_thin_edge_topic_is_health_of(&topic, "tedge-agent"));
    ck_assert(!fleet_thin_edge_topic_is_health_of(&topic, "tedge"));
    ck_assert(!fleet_thin_edge_topic_is_health_of(&topic, "tedge-agent2"));
}
END_TEST

START_TEST(topics_of_nobody)
{
    static const char *const topics[] = {"", "te", "te/", "te/device", "te/device/", "te/device//", "te/device///",
            "te/device/a", "te/device/a/", "te/device/a///", "te/device/a///cmd", "te/device/a///cmd/",
            "te/device/a///cmd//", "te/device/a///cmd//x", "te/device/a///cmd/restart/",
            "te/device/a///cmd/restart/x/y", "te/device/a//cmd/restart", "te/device/a////cmd/restart",
            "te/device/a///m/temperature", "te/device/a/service", "te/device/a/service//health",
            "te/device/a/service/x/status", "te/service/a//", "tedge/device/a//", "t/device/a//", "xte/device/a//",
            "/te/device/a//", "$SYS/broker/version"};

    for (guint i = 0; i < G_N_ELEMENTS(topics); i++) {
        FleetThinEdgeTopic topic = parse(topics[i]);

        if (topic.kind != FLEET_THIN_EDGE_TOPIC_OTHER)
            fleet_test_fail("'%s' is taken for one of kind %d", topics[i], topic.kind);
        ck_assert(!fleet_thin_edge_topic_is_health_of(&topic, "x"));
    }
}
END_TEST

START_TEST(addresses_are_bounded)
{
    g_autofree char *longest = g_strnfill(FLEET_THIN_EDGE_ADDRESS_MAX, 'a');
    g_autofree char *fits = g_strdup_printf("te/device/%s//", longest);
    g_autofree char *too_long = g_strdup_printf("te/device/%sa//", longest);
    FleetThinEdgeTopic topic = parse(fits);

    ck_assert_int_eq(topic.kind, FLEET_THIN_EDGE_TOPIC_REGISTRATION);
    ck_assert_str_eq(topic.address, longest);
    ck_assert_int_eq(parse(too_long).kind, FLEET_THIN_EDGE_TOPIC_OTHER);
}
END_TEST

START_TEST(another_root)
{
    FleetThinEdgeTopic topic;

    fleet_thin_edge_topic_parse("site/one", "site/one/device/a//", &topic);
    ck_assert_int_eq(topic.kind, FLEET_THIN_EDGE_TOPIC_REGISTRATION);
    fleet_thin_edge_topic_parse("site/one", "te/device/a//", &topic);
    ck_assert_int_eq(topic.kind, FLEET_THIN_EDGE_TOPIC_OTHER);
}
END_TEST

START_TEST(what_is_made_can_be_read)
{
    g_autofree char *capability = fleet_thin_edge_topic_capability("te", "a", FLEET_THIN_EDGE_CONFIG_UPDATE);
    g_autofree char *command =
            fleet_thin_edge_topic_command("te", "a", FLEET_THIN_EDGE_FIRMWARE_UPDATE, "action_1700000000000_7", 2);
    g_autofree char *commands = fleet_thin_edge_filter_commands("te", "a");
    g_autofree char *health = fleet_thin_edge_filter_health("te", "a", "s");
    g_autofree char *registrations = fleet_thin_edge_filter_registrations("te");
    FleetThinEdgeTopic topic = parse(command);

    ck_assert_str_eq(capability, "te/device/a///cmd/config_update");
    ck_assert_str_eq(command, "te/device/a///cmd/firmware_update/fleet-action_1700000000000_7-2");
    ck_assert_str_eq(commands, "te/device/a///cmd/#");
    ck_assert_str_eq(health, "te/device/a/service/s/status/health");
    ck_assert_str_eq(registrations, "te/device/+//");
    ck_assert_int_eq(topic.operation, FLEET_THIN_EDGE_FIRMWARE_UPDATE);
    topic = parse(health);
    ck_assert(fleet_thin_edge_topic_is_health_of(&topic, "s"));
}
END_TEST

START_TEST(what_an_address_may_be)
{
    static const char *const right[] = {"a", "child 1", "ä", "$a", "main", "a.b:c"};
    static const char *const wrong[] = {"", "a/b", "/", "+", "#", "a#", "a\n", "a\x7f", "\xff"};
    g_autofree char *too_long = g_strnfill(FLEET_THIN_EDGE_ADDRESS_MAX + 1, 'a');

    for (guint i = 0; i < G_N_ELEMENTS(right); i++) {
        g_autoptr(GError) error = NULL;

        ck_assert(fleet_thin_edge_address_check(right[i], &error));
        fleet_test_assert_no_error(error);
    }
    for (guint i = 0; i <= G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        ck_assert(!fleet_thin_edge_address_check(i < G_N_ELEMENTS(wrong) ? wrong[i] : too_long, &error));
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
        fleet_test_assert_contains(error->message, "te/device/ID//");
    }
}
END_TEST

START_TEST(what_a_root_may_be)
{
    static const char *const wrong[] = {"", "/te", "te/", "a/+", "#", "$SYS", "a\tb", "\xff"};
    g_autoptr(GError) none = NULL;

    ck_assert(fleet_thin_edge_levels_check("site/one", &none));
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        ck_assert(!fleet_thin_edge_levels_check(wrong[i], &error));
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thin-edge-topic");
    TCase *tcase = fleet_test_case(suite, "topic");

    tcase_add_test(tcase, topics_of_devices);
    tcase_add_test(tcase, topics_of_nobody);
    tcase_add_test(tcase, addresses_are_bounded);
    tcase_add_test(tcase, another_root);
    tcase_add_test(tcase, what_is_made_can_be_read);
    tcase_add_test(tcase, what_an_address_may_be);
    tcase_add_test(tcase, what_a_root_may_be);
    return fleet_test_main(suite);
}
