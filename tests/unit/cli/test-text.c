/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/text.h"

#include "base/clock.h"
#include "lib/main.h"

#include <stdlib.h>
#include <time.h>

static void assert_clean(const char *text, const char *expected)
{
    g_autofree char *clean = fleet_text_clean(text);

    ck_assert_str_eq(clean, expected);
}

static void assert_ellipsized(const char *text, guint width, const char *expected)
{
    g_autofree char *cut = fleet_text_ellipsize(text, width, "…");

    ck_assert_str_eq(cut, expected);
    ck_assert_uint_le(fleet_text_width(cut), width);
}

START_TEST(clean_text_stays)
{
    assert_clean("", "");
    assert_clean("Main Router", "Main Router");
    assert_clean("日本語 Łódź 🚀 \\x1b", "日本語 Łódź 🚀 \\x1b");
}
END_TEST

START_TEST(commands_to_the_terminal_are_shown)
{
    assert_clean("\033[31mred\a\n\t\x7f", "\\x1b[31mred\\x07\\x0a\\x09\\x7f");
    /* U+009B is the one-character form of ESC [. */
    assert_clean("a\xc2\x9b"
                 "31m",
            "a\\u009b31m");
    assert_clean("a\u202eb\u2066c\u2028d", "a\\u202eb\\u2066c\\u2028d");
}
END_TEST

START_TEST(bytes_that_are_no_text_are_shown)
{
    assert_clean("a\xff\xc3", "a\\xff\\xc3");
    assert_clean("\xed\xa0\x80", "\\xed\\xa0\\x80");
}
END_TEST

START_TEST(width_counts_columns)
{
    ck_assert_uint_eq(fleet_text_width(""), 0);
    ck_assert_uint_eq(fleet_text_width("abc"), 3);
    ck_assert_uint_eq(fleet_text_width("é"), 1);
    ck_assert_uint_eq(fleet_text_width("日本語"), 6);
    ck_assert_uint_eq(fleet_text_width("e\u0301"), 1);
}
END_TEST

START_TEST(ellipsize_cuts_to_the_column)
{
    assert_ellipsized("abcdef", 6, "abcdef");
    assert_ellipsized("abcdef", 5, "abcd…");
    assert_ellipsized("abcdef", 1, "…");
    assert_ellipsized("abcdef", 0, "");
    /* A wide character that would stick out goes whole. */
    assert_ellipsized("日本語", 6, "日本語");
    assert_ellipsized("日本語", 5, "日本…");
    assert_ellipsized("日本語", 4, "日…");
    /* A combining mark stays with its letter. */
    assert_ellipsized("e\u0301abc", 2, "e\u0301…");
}
END_TEST

START_TEST(ellipsis_itself_is_cut)
{
    g_autofree char *three = fleet_text_ellipsize("abcdef", 4, "...");
    g_autofree char *two = fleet_text_ellipsize("abcdef", 2, "...");

    ck_assert_str_eq(three, "a...");
    ck_assert_str_eq(two, "..");
}
END_TEST

START_TEST(padding_counts_columns)
{
    g_autoptr(GString) text = g_string_new(NULL);

    fleet_text_append_padded(text, "日本", 6);
    fleet_text_append_padded(text, "|long", 2);
    ck_assert_str_eq(text->str, "日本  |long");
}
END_TEST

START_TEST(times_are_local)
{
    gint64 noon = G_GINT64_CONSTANT(1705314600) * FLEET_USEC_PER_SEC;
    g_autofree char *never = fleet_text_time(0);
    g_autofree char *far = fleet_text_time(G_MAXINT64);

    setenv("TZ", "UTC", 1);
    tzset();
    g_autofree char *utc = fleet_text_time(noon);
    g_autofree char *clock = fleet_text_clock(noon);

    ck_assert_str_eq(utc, "2024-01-15 10:30:00");
    ck_assert_str_eq(clock, "10:30:00");
    ck_assert_str_eq(never, "None");
    ck_assert_str_eq(far, "9223372036854");
}
END_TEST

START_TEST(times_follow_the_zone)
{
    setenv("TZ", "EST5", 1);
    tzset();
    g_autofree char *time = fleet_text_time(G_GINT64_CONSTANT(1705314600) * FLEET_USEC_PER_SEC);

    ck_assert_str_eq(time, "2024-01-15 05:30:00");
}
END_TEST

START_TEST(elapsed_grows)
{
    static const struct {
        gint64 seconds;
        const char *expected;
    } cases[] = {{-5, "0:00"}, {0, "0:00"}, {7, "0:07"}, {750, "12:30"}, {3599, "59:59"}, {3909, "1:05:09"},
            {360000, "100:00:00"}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = fleet_text_elapsed(cases[i].seconds * FLEET_USEC_PER_SEC);
        ck_assert_str_eq(text, cases[i].expected);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-text");
    TCase *tcase = fleet_test_case(suite, "text");

    tcase_add_test(tcase, clean_text_stays);
    tcase_add_test(tcase, commands_to_the_terminal_are_shown);
    tcase_add_test(tcase, bytes_that_are_no_text_are_shown);
    tcase_add_test(tcase, width_counts_columns);
    tcase_add_test(tcase, ellipsize_cuts_to_the_column);
    tcase_add_test(tcase, ellipsis_itself_is_cut);
    tcase_add_test(tcase, padding_counts_columns);
    tcase_add_test(tcase, times_are_local);
    tcase_add_test(tcase, times_follow_the_zone);
    tcase_add_test(tcase, elapsed_grows);
    return fleet_test_main(suite);
}
