/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "drivers/program/words.h"
#include "lib/main.h"

static void check_words(const char *line, const char *const *expected)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) words = fleet_program_split_words(line, &error);

    fleet_test_assert_no_error(error);
    if (!g_strv_equal((const char *const *)words, expected)) {
        g_autofree char *shown = g_strjoinv("|", words);
        fleet_test_fail("<%s> became <%s>", line, shown);
    }
}

START_TEST(blanks_separate)
{
    check_words("/bin/true", (const char *const[]){"/bin/true", NULL});
    check_words("  a\tb   c ", (const char *const[]){"a", "b", "c", NULL});
}
END_TEST

START_TEST(quotes_keep)
{
    check_words("a 'b c' \"d e\"", (const char *const[]){"a", "b c", "d e", NULL});
    check_words("a'b c'd", (const char *const[]){"ab cd", NULL});
    check_words("a '' \"\"", (const char *const[]){"a", "", "", NULL});
    check_words("'a\\b' \"a\\\"b\\\\\" a\\ b", (const char *const[]){"a\\b", "a\"b\\", "a b", NULL});
    check_words("\"it's\" 'say \"x\"'", (const char *const[]){"it's", "say \"x\"", NULL});
}
END_TEST

START_TEST(nothing_is_expanded)
{
    check_words("$HOME ~ * ? `id` $(id) # > | & ; {a,b} %i !",
            (const char *const[]){
                    "$HOME", "~", "*", "?", "`id`", "$(id)", "#", ">", "|", "&", ";", "{a,b}", "%i", "!", NULL});
}
END_TEST

START_TEST(faults_are_named)
{
    static const struct {
        const char *line;
        const char *part;
    } cases[] = {{"", "is empty"}, {" \t ", "is empty"}, {"a 'b", "closing '"}, {"a \"b", "closing \""},
            {"a \\", "backslash"}, {"a \"b\\", "backslash"}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        ck_assert_ptr_null(fleet_program_split_words(cases[i].line, &error));
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
        fleet_test_assert_contains(error->message, cases[i].part);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("words");
    TCase *tcase = fleet_test_case(suite, "words");

    tcase_add_test(tcase, blanks_separate);
    tcase_add_test(tcase, quotes_keep);
    tcase_add_test(tcase, nothing_is_expanded);
    tcase_add_test(tcase, faults_are_named);
    return fleet_test_main(suite);
}
