/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/quotable.h"

#include "lib/main.h"

#include <string.h>

static const struct {
    const char *string, *shown;
} cases[] = {
        {"", ""},
        {"router-1", "router-1"},
        {"Ünïcödé ☃", "Ünïcödé ☃"},
        {"a\nb", "a\\x0ab"},
        {"\x1b[31m", "\\x1b[31m"},
        {"\x7f", "\\x7f"},
        {"\xc2\x85", "\\x85"}, /* U+0085, NEXT LINE */
        {"\xff", "\xef\xbf\xbd"},
        {"a\xc3", "a\xef\xbf\xbd"},
};

START_TEST(string_becomes_fit_for_a_message)
{
    g_autofree char *shown = fleet_quotable(cases[_i].string);

    ck_assert_str_eq(shown, cases[_i].shown);
}
END_TEST

START_TEST(sixty_four_characters_are_shown)
{
    g_autofree char *string = g_strnfill(64, 'x');
    g_autofree char *shown = fleet_quotable(string);

    ck_assert_str_eq(shown, string);
}
END_TEST

START_TEST(more_are_cut)
{
    gsize length = (gsize)_i;
    g_autofree char *string = g_strnfill(length, 'x');
    g_autofree char *shown = fleet_quotable(string);

    ck_assert_uint_eq(g_utf8_strlen(shown, -1), 65);
    ck_assert(g_str_has_suffix(shown, "x…"));
}
END_TEST

START_TEST(long_characters_are_not_cut_in_their_middle)
{
    GString *string = g_string_new(NULL);

    for (int i = 0; i < 1000; i++)
        g_string_append(string, i % 7 == 0 ? "x" : "𝄞");
    g_autofree char *shown = fleet_quotable(string->str);
    ck_assert(g_utf8_validate(shown, -1, NULL));
    ck_assert_ptr_null(strstr(shown, "\xef\xbf\xbd"));
    ck_assert_uint_eq(g_utf8_strlen(shown, -1), 65);
    g_string_free(string, TRUE);
}
END_TEST

START_TEST(nothing_is_cut_where_there_is_no_limit)
{
    g_autofree char *string = g_strnfill(5000, 'x');
    string[4000] = '\r';
    g_autofree char *shown = fleet_printable(string);

    ck_assert_uint_eq(strlen(shown), 5003);
    ck_assert(g_str_has_prefix(shown + 4000, "\\x0dx"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quotable");
    TCase *tcase = fleet_test_case(suite, "quotable");

    tcase_add_loop_test(tcase, string_becomes_fit_for_a_message, 0, (int)G_N_ELEMENTS(cases));
    tcase_add_test(tcase, sixty_four_characters_are_shown);
    tcase_add_loop_test(tcase, more_are_cut, 65, 67);
    tcase_add_loop_test(tcase, more_are_cut, 5000, 5001);
    tcase_add_test(tcase, long_characters_are_not_cut_in_their_middle);
    tcase_add_test(tcase, nothing_is_cut_where_there_is_no_limit);
    return fleet_test_main(suite);
}
