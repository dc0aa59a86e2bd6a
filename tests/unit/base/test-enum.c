/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/enum.h"

#include "base/error.h"
#include "lib/main.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const names[] = {"RED", "GREEN", "BLUE", NULL};
static const FleetEnumTable colours = FLEET_ENUM_TABLE("colour", names);

START_TEST(table_counts_its_names)
{
    ck_assert_uint_eq(colours.n, 3);
    ck_assert_str_eq(colours.what, "colour");
}
END_TEST

START_TEST(value_and_string_are_the_same_thing)
{
    g_autoptr(GError) error = NULL;
    guint value = 99;

    ck_assert_str_eq(fleet_enum_to_string(&colours, (guint)_i), names[_i]);
    ck_assert(fleet_enum_from_string(&colours, names[_i], &value, &error));
    ck_assert_ptr_null(error);
    ck_assert_uint_eq(value, (guint)_i);
}
END_TEST

START_TEST(unknown_string_is_refused)
{
    static const char *const unknown[] = {"", "RE", "REDD", "red", " RED", "RED ", "YELLOW"};
    g_autoptr(GError) error = NULL;
    guint value = 99;

    ck_assert(!fleet_enum_from_string(&colours, unknown[_i], &value, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    g_autofree char *expected = g_strdup_printf("colour '%s' is unknown; use one of RED, GREEN, BLUE", unknown[_i]);
    ck_assert_str_eq(error->message, expected);
    ck_assert_uint_eq(value, 99);
}
END_TEST

START_TEST(error_may_be_ignored)
{
    guint value;

    ck_assert(!fleet_enum_from_string(&colours, "YELLOW", &value, NULL));
}
END_TEST

START_TEST(long_string_is_cut_in_the_message)
{
    g_autofree char *string = g_strnfill(5000, 'x');
    g_autoptr(GError) error = NULL;
    guint value;

    ck_assert(!fleet_enum_from_string(&colours, string, &value, &error));
    ck_assert_uint_lt(strlen(error->message), 200);
    fleet_test_assert_contains(error->message, "use one of RED, GREEN, BLUE");
}
END_TEST

/* A broken multi-byte character right before the end of a string must not carry the reader past its NUL, here onto a
 * page that may not be read. */
START_TEST(broken_utf8_is_not_read_past_its_end)
{
    gsize page = (gsize)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_autoptr(GError) error = NULL;
    guint value;

    ck_assert_ptr_ne(memory, MAP_FAILED);
    ck_assert_int_eq(mprotect(memory + page, page, PROT_NONE), 0);
    char *string = memory + page - 4;
    memcpy(string, "ab\xf0", 4);

    ck_assert(!fleet_enum_from_string(&colours, string, &value, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    ck_assert(g_utf8_validate(error->message, -1, NULL));
    fleet_test_assert_contains(error->message, "colour 'ab");
    ck_assert_int_eq(munmap(memory, 2 * page), 0);
}
END_TEST

START_TEST(message_stays_one_line)
{
    g_autoptr(GError) error = NULL;
    guint value;

    ck_assert(!fleet_enum_from_string(&colours, "RED\nfleetd: all is well", &value, &error));
    ck_assert_ptr_null(strchr(error->message, '\n'));
}
END_TEST

START_TEST(value_outside_the_table_aborts)
{
    fleet_test_expect_abort();
    (void)fleet_enum_to_string(&colours, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("enum");
    TCase *tcase = fleet_test_case(suite, "enum");

    tcase_add_test(tcase, table_counts_its_names);
    tcase_add_loop_test(tcase, value_and_string_are_the_same_thing, 0, 3);
    tcase_add_loop_test(tcase, unknown_string_is_refused, 0, 7);
    tcase_add_test(tcase, error_may_be_ignored);
    tcase_add_test(tcase, long_string_is_cut_in_the_message);
    tcase_add_test(tcase, broken_utf8_is_not_read_past_its_end);
    tcase_add_test(tcase, message_stays_one_line);
    tcase_add_test_raise_signal(tcase, value_outside_the_table_aborts, SIGABRT);
    return fleet_test_main(suite);
}
