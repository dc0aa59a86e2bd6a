/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "drivers/thin_edge/json.h"
#include "lib/main.h"

#include <math.h>
#include <string.h>

static FleetThinEdgeJson parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    FleetThinEdgeJson value = {0};

    if (!fleet_thin_edge_json_parse(text, strlen(text), &value, &error))
        fleet_test_fail("'%s': %s", text, error->message);
    return value;
}

static void assert_refused(const char *text, gsize length, const char *part)
{
    g_autoptr(GError) error = NULL;
    FleetThinEdgeJson value;

    if (fleet_thin_edge_json_parse(text, length, &value, &error))
        fleet_test_fail("'%s' is taken", text);
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, part);
}

START_TEST(what_is_json)
{
    static const struct {
        const char *text;
        FleetThinEdgeJsonKind kind;
        gsize length;
    } cases[] = {
            {" null ", FLEET_THIN_EDGE_JSON_NULL, 4},
            {"true", FLEET_THIN_EDGE_JSON_TRUE, 4},
            {"\tfalse\r\n", FLEET_THIN_EDGE_JSON_FALSE, 5},
            {"-12.5e+3", FLEET_THIN_EDGE_JSON_NUMBER, 8},
            {"0", FLEET_THIN_EDGE_JSON_NUMBER, 1},
            {"\"a\\\"b\"", FLEET_THIN_EDGE_JSON_STRING, 6},
            {"[]", FLEET_THIN_EDGE_JSON_ARRAY, 2},
            {" [ 1 , [ ] , { } ] ", FLEET_THIN_EDGE_JSON_ARRAY, 17},
            {"{}", FLEET_THIN_EDGE_JSON_OBJECT, 2},
            {"{\"a\":{\"b\":[{}]},\"c\":0}", FLEET_THIN_EDGE_JSON_OBJECT, 22},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        FleetThinEdgeJson value = parse(cases[i].text);

        ck_assert_int_eq(fleet_thin_edge_json_kind(value), cases[i].kind);
        ck_assert_uint_eq(value.length, cases[i].length);
    }
}
END_TEST

START_TEST(what_is_none)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
            {"", "at byte 0"},
            {" ", "at byte 1"},
            {"nul", "no value"},
            {"nulll", "behind its end"},
            {"01", "behind its end"},
            {"-", "digit"},
            {"1.", "digit"},
            {"1e", "digit"},
            {"+1", "digit"},
            {"NaN", "digit"},
            {"'a'", "digit"},
            {"\"a", "no end"},
            {"\"a\\\"", "no end"},
            {"\"\n\"", "control character"},
            {"\"\\x\"", "escape"},
            {"\"\\u12\"", "escape"},
            {"\"\\u0000\"", "escape"},
            {"\"\\ud800\"", "escape"},
            {"\"\\ud800\\u0041\"", "escape"},
            {"\"\\udc00\"", "escape"},
            {"\"\xff\"", "not UTF-8"},
            {"[1", "comma"},
            {"[1 2]", "comma"},
            {"[1,]", "digit"},
            {"[1}", "comma"},
            {"{\"a\"}", "colon"},
            {"{\"a\":}", "digit"},
            {"{\"a\":1,}", "key"},
            {"{a:1}", "key"},
            {"{1:1}", "key"},
            {"{} {}", "behind its end"},
            {"/* */ {}", "digit"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_refused(cases[i].text, strlen(cases[i].text), cases[i].part);
    assert_refused("{\"a\":\"b\0c\"}", 11, "not UTF-8");
}
END_TEST

START_TEST(depth_is_limited)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < FLEET_THIN_EDGE_JSON_DEPTH; i++)
        g_string_append(text, i % 2 == 0 ? "[" : "{\"a\":");
    g_string_append(text, "1");
    for (guint i = FLEET_THIN_EDGE_JSON_DEPTH; i > 0; i--)
        g_string_append(text, i % 2 == 1 ? "]" : "}");
    (void)parse(text->str);

    g_string_prepend_c(text, '[');
    g_string_append_c(text, ']');
    assert_refused(text->str, text->len, "too deep");

    g_string_truncate(text, 0);
    for (guint i = 0; i < 1000000; i++)
        g_string_append_c(text, '[');
    assert_refused(text->str, text->len, "too deep");
}
END_TEST

START_TEST(members_come_in_order)
{
    FleetThinEdgeJsonIter iter = {.rest = parse(" { \"a\" : 1 , \"b\" : [ 2 , {\"c\":3} ], \"\":\"\" } ")};
    FleetThinEdgeJson key, value;

    ck_assert(fleet_thin_edge_json_next(&iter, &key, &value));
    ck_assert(fleet_thin_edge_json_equals(key, "a"));
    ck_assert_double_eq(fleet_thin_edge_json_number(value), 1);
    ck_assert(fleet_thin_edge_json_next(&iter, &key, &value));
    ck_assert(fleet_thin_edge_json_equals(key, "b"));
    ck_assert(!fleet_thin_edge_json_equals(key, "bb"));
    ck_assert(!fleet_thin_edge_json_equals(value, "b"));
    FleetThinEdgeJsonIter inner = {.rest = value};
    ck_assert(fleet_thin_edge_json_next(&inner, NULL, &value));
    ck_assert_double_eq(fleet_thin_edge_json_number(value), 2);
    ck_assert(fleet_thin_edge_json_next(&inner, NULL, &value));
    ck_assert_int_eq(fleet_thin_edge_json_kind(value), FLEET_THIN_EDGE_JSON_OBJECT);
    ck_assert_uint_eq(value.length, strlen("{\"c\":3}"));
    ck_assert(!fleet_thin_edge_json_next(&inner, NULL, &value));
    ck_assert(fleet_thin_edge_json_next(&iter, &key, &value));
    ck_assert(fleet_thin_edge_json_equals(key, ""));
    ck_assert(!fleet_thin_edge_json_next(&iter, &key, &value));
    ck_assert(!fleet_thin_edge_json_next(&iter, &key, &value));

    FleetThinEdgeJsonIter empty = {.rest = parse("[ ]")};
    ck_assert(!fleet_thin_edge_json_next(&empty, NULL, &value));
}
END_TEST

START_TEST(strings_are_read)
{
    g_autofree char *text = fleet_thin_edge_json_string(parse("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00ß\""));
    g_autofree char *empty = fleet_thin_edge_json_string(parse("\"\""));

    ck_assert_str_eq(text, "a\"\\/\b\f\n\r\tä😀ß");
    ck_assert_str_eq(empty, "");
    ck_assert(fleet_thin_edge_json_equals(parse("\"\\u0061b\""), "ab"));
    ck_assert(!fleet_thin_edge_json_equals(parse("\"\\u0061b\""), "a"));
}
END_TEST

START_TEST(strings_are_written)
{
    static const char text[] = "a\"\\/\b\n\x1f\x7f ä😀";
    g_autoptr(GString) json = g_string_new(NULL);

    fleet_thin_edge_json_append_string(json, text);
    ck_assert_str_eq(json->str, "\"a\\\"\\\\/\\u0008\\u000a\\u001f\\u007f ä😀\"");
    g_autofree char *back = fleet_thin_edge_json_string(parse(json->str));
    ck_assert_str_eq(back, text);
}
END_TEST

START_TEST(numbers_are_read)
{
    ck_assert_double_eq(fleet_thin_edge_json_number(parse("-0.5e1")), -5.0);
    ck_assert(!isfinite(fleet_thin_edge_json_number(parse("1e999"))));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thin-edge-json");
    TCase *tcase = fleet_test_case(suite, "json");

    tcase_add_test(tcase, what_is_json);
    tcase_add_test(tcase, what_is_none);
    tcase_add_test(tcase, depth_is_limited);
    tcase_add_test(tcase, members_come_in_order);
    tcase_add_test(tcase, strings_are_read);
    tcase_add_test(tcase, strings_are_written);
    tcase_add_test(tcase, numbers_are_read);
    return fleet_test_main(suite);
}
