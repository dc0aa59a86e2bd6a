/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "depth.h"

#include "lib/main.h"

#include <json-glib/json-glib.h>
#include <string.h>

static GString *repeated(const char *part, guint n)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < n; i++)
        g_string_append(text, part);
    return text;
}

static gboolean parses(const GString *text)
{
    g_autoptr(JsonParser) parser = json_parser_new();

    return json_parser_load_from_data(parser, text->str, (gssize)text->len, NULL);
}

START_TEST(what_is_safe_can_be_parsed)
{
    g_autoptr(GString) text = repeated("[", SIM_BRACKETS_MAX);
    g_autoptr(GString) end = repeated("]", SIM_BRACKETS_MAX);

    g_string_append(text, end->str);
    ck_assert(sim_depth_is_safe(text->str, text->len));
    ck_assert(parses(text));
}
END_TEST

START_TEST(objects_are_as_deep_as_arrays)
{
    g_autoptr(GString) text = repeated("{\"a\":", SIM_BRACKETS_MAX);
    g_autoptr(GString) end = repeated("}", SIM_BRACKETS_MAX);

    g_string_append_c(text, '1');
    g_string_append(text, end->str);
    ck_assert(sim_depth_is_safe(text->str, text->len));
    ck_assert(parses(text));
}
END_TEST

START_TEST(one_more_is_refused)
{
    g_autoptr(GString) arrays = repeated("[", SIM_BRACKETS_MAX + 1);
    g_autoptr(GString) objects = repeated("{\"a\":", SIM_BRACKETS_MAX + 1);

    ck_assert(!sim_depth_is_safe(arrays->str, arrays->len));
    ck_assert(!sim_depth_is_safe(objects->str, objects->len));
}
END_TEST

/* The quotation mark is in a comment, which json-glib skips: the brackets are in no string. */
START_TEST(nothing_hides_brackets)
{
    g_autoptr(GString) text = repeated("[", SIM_BRACKETS_MAX + 1);

    g_string_prepend(text, "/* \" */");
    ck_assert(!sim_depth_is_safe(text->str, text->len));
    g_string_assign(text, "/* \" */ [1]");
    ck_assert(parses(text));
}
END_TEST

START_TEST(text_ends_where_it_is_said_to)
{
    g_autoptr(GString) text = repeated("[", SIM_BRACKETS_MAX + 1);

    ck_assert(sim_depth_is_safe(text->str, text->len - 1));
    ck_assert(sim_depth_is_safe("", 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("device-depth");
    TCase *tests = fleet_test_case(suite, "device-depth");

    tcase_add_test(tests, what_is_safe_can_be_parsed);
    tcase_add_test(tests, objects_are_as_deep_as_arrays);
    tcase_add_test(tests, one_more_is_refused);
    tcase_add_test(tests, nothing_hides_brackets);
    tcase_add_test(tests, text_ends_where_it_is_said_to);
    return fleet_test_main(suite);
}
