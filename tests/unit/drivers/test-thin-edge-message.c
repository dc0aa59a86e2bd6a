/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "drivers/thin_edge/message.h"
#include "lib/main.h"
#include "model/records.h"

#include <string.h>

static void read_state(const char *payload, FleetThinEdgeState *state)
{
    g_autoptr(GError) error = NULL;

    if (!fleet_thin_edge_state_parse(payload, strlen(payload), state, &error))
        fleet_test_fail("'%s': %s", payload, error->message);
}

START_TEST(states_have_steps)
{
    static const struct {
        const char *payload, *status;
        FleetThinEdgeEnd end;
        double progress;
    } cases[] = {
            {"{}", "init", FLEET_THIN_EDGE_GOES_ON, 0.0},
            {"{\"status\":null}", "init", FLEET_THIN_EDGE_GOES_ON, 0.0},
            {"{\"status\":\"init\"}", "init", FLEET_THIN_EDGE_GOES_ON, 0.0},
            {"{\"status\":\"scheduled\"}", "scheduled", FLEET_THIN_EDGE_GOES_ON, 0.1},
            {"{\"status\":\"executing\"}", "executing", FLEET_THIN_EDGE_GOES_ON, 0.2},
            {"{\"status\":\"installing\"}", "installing", FLEET_THIN_EDGE_GOES_ON, -1.0},
            {"{\"status\":\"Successful\"}", "Successful", FLEET_THIN_EDGE_GOES_ON, -1.0},
            {"{\"status\":\"successful\"}", "successful", FLEET_THIN_EDGE_SUCCESSFUL, -1.0},
            {"{\"status\":\"failed\"}", "failed", FLEET_THIN_EDGE_FAILED, -1.0},
            {"{\"status\":\"a\",\"status\":\"executing\"}", "executing", FLEET_THIN_EDGE_GOES_ON, 0.2},
            {"{\"status\":\"executing\",\"progress\":0.75}", "executing", FLEET_THIN_EDGE_GOES_ON, 0.75},
            {"{\"status\":\"installing\",\"progress\":1}", "installing", FLEET_THIN_EDGE_GOES_ON, 1.0},
            {"{\"status\":\"executing\",\"progress\":75}", "executing", FLEET_THIN_EDGE_GOES_ON, 0.2},
            {"{\"status\":\"executing\",\"progress\":-0.1}", "executing", FLEET_THIN_EDGE_GOES_ON, 0.2},
            {"{\"status\":\"executing\",\"progress\":1e999}", "executing", FLEET_THIN_EDGE_GOES_ON, 0.2},
            {"{\"status\":\"executing\",\"progress\":\"0.5\"}", "executing", FLEET_THIN_EDGE_GOES_ON, 0.2},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(FleetThinEdgeState) state = {0};

        read_state(cases[i].payload, &state);
        ck_assert_str_eq(state.status, cases[i].status);
        ck_assert_int_eq(state.end, cases[i].end);
        ck_assert_double_eq(state.progress, cases[i].progress);
        ck_assert_ptr_null(state.reason);
        ck_assert_ptr_null(state.failures);
        ck_assert_ptr_null(state.client);
    }
}
END_TEST

START_TEST(failures_have_reasons)
{
    g_auto(FleetThinEdgeState) state = {0};

    read_state("{\"status\":\"failed\",\"reason\":\"no\\nroom\",\"fleetClient\":\"me\",\"other\":[1,{}],"
               "\"failures\":[\"one\\ttwo\",{\"type\":\"apt\"},3]}",
            &state);
    ck_assert_int_eq(state.end, FLEET_THIN_EDGE_FAILED);
    ck_assert_str_eq(state.reason, "no\\x0aroom");
    ck_assert_str_eq(state.client, "me");
    ck_assert_str_eq(state.failures, "one\\x09two\n{\"type\":\"apt\"}\n3\n");
}
END_TEST

START_TEST(texts_are_bounded)
{
    g_autoptr(GString) payload = g_string_new("{\"status\":\"");
    g_auto(FleetThinEdgeState) state = {0};

    for (guint i = 0; i < 500; i++)
        g_string_append(payload, "ä");
    g_string_append(payload, "\",\"reason\":\"x");
    for (guint i = 0; i < 5000; i++)
        g_string_append(payload, "ä");
    g_string_append(payload, "\",\"failures\":[");
    for (guint i = 0; i < 500; i++)
        g_string_append_printf(payload, "\"failure %u\",", i);
    g_string_append(payload, "0]}");
    read_state(payload->str, &state);
    ck_assert_uint_le(strlen(state.status), 256 + strlen("…"));
    ck_assert_uint_le(strlen(state.reason), 1024 + strlen("…"));
    ck_assert(g_utf8_validate(state.reason, -1, NULL));
    ck_assert(g_str_has_suffix(state.reason, "ä…"));
    ck_assert_uint_lt(strlen(state.failures), FLEET_OUTPUT_MAX);
    ck_assert(g_str_has_prefix(state.failures, "failure 0\nfailure 1\n"));
}
END_TEST

static void assert_no_state(const char *payload, gsize length, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_auto(FleetThinEdgeState) state = {0};

    if (fleet_thin_edge_state_parse(payload, length, &state, &error))
        fleet_test_fail("'%s' is taken", payload);
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, part);
}

START_TEST(what_is_no_state)
{
    static const struct {
        const char *payload, *part;
    } cases[] = {
            {"", "no JSON"},
            {"[]", "no object"},
            {"\"successful\"", "no object"},
            {"1", "no object"},
            {"{\"status\":1}", "'status' is no string"},
            {"{\"status\":\"\"}", "'status' is empty"},
            {"{\"status\":\"\",\"fleetClient\":\"a\"}", "'status' is empty"},
            {"{\"status\":\"failed\",\"reason\":{}}", "'reason' is no string"},
            {"{\"status\":\"init\",\"fleetClient\":7}", "'fleetClient' is no string"},
            {"{\"status\":\"in", "no JSON"},
            {"{\"status\":\"\xff\"}", "UTF-8"},
    };
    g_autofree char *huge = g_strnfill(FLEET_THIN_EDGE_PAYLOAD_MAX + 1, ' ');

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_no_state(cases[i].payload, strlen(cases[i].payload), cases[i].part);
    assert_no_state("{\"status\":\"in\0it\"}", 17, "UTF-8");
    huge[0] = '{';
    huge[1] = '}';
    assert_no_state(huge, FLEET_THIN_EDGE_PAYLOAD_MAX + 1, "more than");
    g_auto(FleetThinEdgeState) state = {0};
    ck_assert(fleet_thin_edge_state_parse(huge, FLEET_THIN_EDGE_PAYLOAD_MAX, &state, NULL));
}
END_TEST

static char *read_capability(const char *payload)
{
    g_autoptr(GError) error = NULL;
    char *capability = fleet_thin_edge_capability_parse(payload, strlen(payload), &error);

    if (capability == NULL)
        fleet_test_fail("'%s': %s", payload, error->message);
    return capability;
}

START_TEST(capabilities_have_types)
{
    g_autofree char *any = read_capability("{}");
    g_autofree char *none = read_capability("{\"types\":[]}");
    g_autofree char *some = read_capability("{\"types\":[ \"apt\" , \"a\\u0062c\" ],\"x\":1}");

    ck_assert_str_eq(any, "");
    ck_assert(fleet_thin_edge_capability_has(any, "apt"));
    ck_assert_str_eq(none, "[]");
    ck_assert(!fleet_thin_edge_capability_has(none, "apt"));
    ck_assert_str_eq(some, "[\"apt\",\"a\\u0062c\"]");
    ck_assert(fleet_thin_edge_capability_has(some, "apt"));
    ck_assert(fleet_thin_edge_capability_has(some, "abc"));
    ck_assert(!fleet_thin_edge_capability_has(some, "ap"));
    ck_assert(!fleet_thin_edge_capability_has(some, ""));
}
END_TEST

START_TEST(what_is_no_capability)
{
    static const char *const wrong[] = {"", "[]", "true", "{\"types\":\"apt\"}", "{\"types\":[1]}", "{\"types\":[[]]}"};
    g_autoptr(GString) long_list = g_string_new("{\"types\":[\"a\"");

    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        ck_assert_ptr_null(fleet_thin_edge_capability_parse(wrong[i], strlen(wrong[i]), &error));
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    }
    for (guint i = 0; i < 10000; i++)
        g_string_append(long_list, ",\"b\"");
    g_string_append(long_list, "]}");
    ck_assert_ptr_null(fleet_thin_edge_capability_parse(long_list->str, long_list->len, NULL));
}
END_TEST

START_TEST(healths)
{
    static const struct {
        const char *payload;
        FleetPresence presence;
    } right[] = {
            {"{\"status\":\"up\",\"pid\":1,\"time\":1.5}", FLEET_PRESENCE_ONLINE},
            {"{\"status\":\"down\"}", FLEET_PRESENCE_OFFLINE},
            {"{\"status\":\"unknown\"}", FLEET_PRESENCE_UNKNOWN},
            {"{}", FLEET_PRESENCE_UNKNOWN},
            {"", FLEET_PRESENCE_UNKNOWN},
            {"1", FLEET_PRESENCE_ONLINE},
            {"0", FLEET_PRESENCE_OFFLINE},
    };
    static const char *const wrong[] = {"up", "\"up\"", "[]", "{\"status\":1}", "true"};
    FleetPresence presence;

    for (guint i = 0; i < G_N_ELEMENTS(right); i++) {
        ck_assert(fleet_thin_edge_health_parse(right[i].payload, strlen(right[i].payload), &presence, NULL));
        ck_assert_int_eq(presence, right[i].presence);
    }
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        ck_assert(!fleet_thin_edge_health_parse(wrong[i], strlen(wrong[i]), &presence, &error));
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    }
}
END_TEST

START_TEST(registrations)
{
    static const char *const wrong[] = {
            "", "{}", "{\"@type\":\"service\"}", "{\"@type\":1}", "{\"@type\":\"device\",\"name\":[]}"};
    static const char child[] = "{\"@type\":\"child-device\",\"@parent\":\"device/main//\",\"name\":\"Kid\"}";
    static const char main_device[] = "{\"@type\":\"device\"}";
    g_autofree char *name = NULL;
    g_autofree char *none = NULL;

    ck_assert(fleet_thin_edge_registration_parse(child, strlen(child), &name, NULL));
    ck_assert_str_eq(name, "Kid");
    ck_assert(fleet_thin_edge_registration_parse(main_device, strlen(main_device), &none, NULL));
    ck_assert_ptr_null(none);
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL;

        ck_assert(!fleet_thin_edge_registration_parse(wrong[i], strlen(wrong[i]), &text, &error));
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thin-edge-message");
    TCase *tcase = fleet_test_case(suite, "message");

    tcase_add_test(tcase, states_have_steps);
    tcase_add_test(tcase, failures_have_reasons);
    tcase_add_test(tcase, texts_are_bounded);
    tcase_add_test(tcase, what_is_no_state);
    tcase_add_test(tcase, capabilities_have_types);
    tcase_add_test(tcase, what_is_no_capability);
    tcase_add_test(tcase, healths);
    tcase_add_test(tcase, registrations);
    return fleet_test_main(suite);
}
