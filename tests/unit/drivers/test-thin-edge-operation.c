/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "drivers/thin_edge/operation.h"
#include "lib/main.h"

/* The payload without its beginning, which all have in common; and the types, each followed by a blank. */
static char *payload_of(FleetThinEdgeOperation operation, const char *const *pairs, char **types_text)
{
    static const char head[] = "{\"status\":\"init\",\"fleetClient\":\"it's \\\"me\\\"\"";
    g_autoptr(FleetParameters) parameters = fleet_parameters_new(pairs, g_strv_length((char **)pairs) / 2, NULL);
    g_autoptr(GPtrArray) types = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_autofree char *payload = fleet_thin_edge_operation_payload(operation, parameters, "it's \"me\"", types, &error);
    GString *text = g_string_new(NULL);

    fleet_test_assert_no_error(error);
    ck_assert(g_str_has_prefix(payload, head));
    for (guint i = 0; i < types->len; i++)
        g_string_append_printf(text, "%s ", (char *)types->pdata[i]);
    *types_text = g_string_free(text, FALSE);
    return g_strdup(payload + sizeof(head) - 1);
}

#define assert_payload(operation, payload_text, types_text, ...)                                                       \
    do {                                                                                                               \
        const char *const pairs[] = {__VA_ARGS__ __VA_OPT__(, ) NULL};                                                 \
        g_autofree char *types = NULL;                                                                                 \
        g_autofree char *payload = payload_of((operation), pairs, &types);                                             \
        ck_assert_str_eq(payload, (payload_text));                                                                     \
        ck_assert_str_eq(types, (types_text));                                                                         \
    } while (0)

static void assert_refused_pairs(FleetThinEdgeOperation operation, const char *part, const char *const *pairs)
{
    g_autoptr(FleetParameters) parameters = fleet_parameters_new(pairs, g_strv_length((char **)pairs) / 2, NULL);
    g_autoptr(GPtrArray) types = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(fleet_thin_edge_operation_payload(operation, parameters, "me", types, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, part);
}

#define assert_refused(operation, part, ...)                                                                           \
    assert_refused_pairs((operation), (part), (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

START_TEST(names_and_action_types)
{
    static const char *const names[] = {"software_update", "firmware_update", "restart", "config_update"};
    static const char *const types[] = {"SOFTWARE_UPDATE", "FIRMWARE_UPDATE", "SYSTEM_REBOOT", "CONFIGURATION_CHANGE"};
    FleetThinEdgeOperation operation;

    for (guint i = 0; i < FLEET_THIN_EDGE_OPERATIONS; i++) {
        ck_assert_str_eq(fleet_thin_edge_operation_name(i), names[i]);
        ck_assert(fleet_thin_edge_operation_from_name(names[i], &operation));
        ck_assert_uint_eq(operation, i);
        ck_assert(fleet_thin_edge_operation_from_action(types[i], &operation));
        ck_assert_uint_eq(operation, i);
    }
    ck_assert(!fleet_thin_edge_operation_from_name("log_upload", &operation));
    ck_assert(!fleet_thin_edge_operation_from_action("CALIBRATION", &operation));
}
END_TEST

START_TEST(restarts)
{
    assert_payload(FLEET_THIN_EDGE_RESTART, "}", "");
    assert_refused(FLEET_THIN_EDGE_RESTART, "'delay' is unknown; SYSTEM_REBOOT takes none", "delay", "1");
}
END_TEST

START_TEST(firmware)
{
    assert_payload(FLEET_THIN_EDGE_FIRMWARE_UPDATE,
            ",\"name\":\"os \\\"x\\\"\",\"version\":\"2\",\"remoteUrl\":\"http://h/os\"}", "", "version", "2", "url",
            "http://h/os", "name", "os \"x\"");
    assert_refused(FLEET_THIN_EDGE_FIRMWARE_UPDATE, "'name' is missing", "version", "2", "url", "u");
    assert_refused(FLEET_THIN_EDGE_FIRMWARE_UPDATE, "'version' is missing", "name", "os", "url", "u");
    assert_refused(FLEET_THIN_EDGE_FIRMWARE_UPDATE, "'url' is missing", "name", "os", "version", "2", "url", "");
    assert_refused(FLEET_THIN_EDGE_FIRMWARE_UPDATE, "'remoteUrl' is unknown; use one of name, version, url", "name",
            "a", "version", "2", "remoteUrl", "u");
}
END_TEST

START_TEST(configurations)
{
    assert_payload(FLEET_THIN_EDGE_CONFIG_UPDATE,
            ",\"type\":\"settings\",\"remoteUrl\":\"http://h/c\",\"path\":\"/etc/x\"}", "settings ", "type", "settings",
            "url", "http://h/c", "path", "/etc/x");
    assert_payload(
            FLEET_THIN_EDGE_CONFIG_UPDATE, ",\"type\":\"a\",\"remoteUrl\":\"u\"}", "a ", "type", "a", "url", "u");
    assert_refused(FLEET_THIN_EDGE_CONFIG_UPDATE, "'type' is missing", "url", "u");
    assert_refused(FLEET_THIN_EDGE_CONFIG_UPDATE, "'url' is missing", "type", "a");
    assert_refused(FLEET_THIN_EDGE_CONFIG_UPDATE, "'name' is unknown", "type", "a", "url", "u", "name", "n");
}
END_TEST

START_TEST(one_module)
{
    assert_payload(FLEET_THIN_EDGE_SOFTWARE_UPDATE,
            ",\"updateList\":[{\"type\":\"\",\"modules\":[{\"name\":\"vim\",\"action\":\"install\"}]}]}", " ", "name",
            "vim");
    assert_payload(FLEET_THIN_EDGE_SOFTWARE_UPDATE,
            ",\"updateList\":[{\"type\":\"apt\",\"modules\":[{\"name\":\"vim\",\"version\":\"9\",\"url\":\"u\","
            "\"action\":\"remove\"}]}]}",
            "apt ", "name", "vim", "version", "9", "url", "u", "action", "remove", "type", "apt");
    assert_refused(FLEET_THIN_EDGE_SOFTWARE_UPDATE, "'name' is missing");
    assert_refused(FLEET_THIN_EDGE_SOFTWARE_UPDATE, "'action' is neither install nor remove", "name", "vim", "action",
            "purge");
    assert_refused(FLEET_THIN_EDGE_SOFTWARE_UPDATE, "use one of name, version, url, action, type, or modules", "name",
            "a", "package", "b");
}
END_TEST

START_TEST(several_modules)
{
    assert_payload(FLEET_THIN_EDGE_SOFTWARE_UPDATE,
            ",\"updateList\":[{\"type\":\"apt\",\"modules\":[{\"name\":\"a\",\"action\":\"install\"},"
            "{\"name\":\"c\",\"version\":\"1\",\"action\":\"remove\"}]},"
            "{\"type\":\"\",\"modules\":[{\"name\":\"b\",\"action\":\"install\"}]}]}",
            "apt  ", "modules",
            "[{\"name\":\"a\",\"type\":\"apt\"},{\"name\":\"b\"},"
            "{\"action\":\"remove\",\"name\":\"c\",\"version\":\"1\",\"type\":\"apt\"}]");
}
END_TEST

START_TEST(what_modules_are_not)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
            {"", "no JSON"},
            {"{}", "no array"},
            {"[]", "no module"},
            {"[1]", "not every module is an object"},
            {"[{\"name\":\"a\"},[]]", "not every module is an object"},
            {"[{\"name\":1}]", "member 'name' of a module is no string"},
            {"[{\"version\":\"1\"}]", "member 'name' is missing"},
            {"[{\"name\":\"a\",\"x\\ny\":\"1\"}]",
                    "member 'x\\x0ay' is unknown; use one of name, version, url, action, type;"},
            {"[{\"name\":\"a\",\"action\":\"x\"}]", "'action' is neither"},
    };
    g_autoptr(GString) many = g_string_new("[{\"name\":\"a\"}");

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_refused(FLEET_THIN_EDGE_SOFTWARE_UPDATE, cases[i].part, "modules", cases[i].text);
    assert_refused(FLEET_THIN_EDGE_SOFTWARE_UPDATE, "has company", "modules", "[{\"name\":\"a\"}]", "name", "b");
    for (guint i = 0; i < FLEET_THIN_EDGE_MODULES_MAX; i++)
        g_string_append(many, ",{\"name\":\"a\"}");
    g_string_append_c(many, ']');
    assert_refused(FLEET_THIN_EDGE_SOFTWARE_UPDATE, "more than 1000 modules", "modules", many->str);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thin-edge-operation");
    TCase *tcase = fleet_test_case(suite, "operation");

    tcase_add_test(tcase, names_and_action_types);
    tcase_add_test(tcase, restarts);
    tcase_add_test(tcase, firmware);
    tcase_add_test(tcase, configurations);
    tcase_add_test(tcase, one_module);
    tcase_add_test(tcase, several_modules);
    tcase_add_test(tcase, what_modules_are_not);
    return fleet_test_main(suite);
}
