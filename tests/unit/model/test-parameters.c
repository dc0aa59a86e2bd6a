/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/parameters.h"

#include "base/error.h"
#include "lib/main.h"
#include "model/limits.h"

#include <string.h>

/* The value of a name, or NULL. */
static const char *value_of(const FleetParameters *parameters, const char *key)
{
    for (guint i = 0; i < fleet_parameters_count(parameters); i++)
        if (g_str_equal(fleet_parameters_key(parameters, i), key))
            return fleet_parameters_value(parameters, i);
    return NULL;
}

static FleetParameters *taken(const char *const *pairs, guint n)
{
    g_autoptr(GError) error = NULL;
    FleetParameters *parameters = fleet_parameters_new(pairs, n, &error);

    fleet_test_assert_no_error(error);
    ck_assert_ptr_nonnull(parameters);
    return parameters;
}

static void refused(const char *const *pairs, guint n, FleetError code, const char *part)
{
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(fleet_parameters_new(pairs, n, &error));
    fleet_test_assert_error(error, FLEET_ERROR, code);
    fleet_test_assert_contains(error->message, part);
    ck_assert_ptr_null(strchr(error->message, '\n'));
    ck_assert(g_utf8_validate(error->message, -1, NULL));
    ck_assert_uint_lt(strlen(error->message), 512);
}

START_TEST(none_are_none)
{
    g_autoptr(FleetParameters) empty = fleet_parameters_new_empty();
    g_autoptr(FleetParameters) also = taken(NULL, 0);

    ck_assert_uint_eq(fleet_parameters_count(empty), 0);
    ck_assert_uint_eq(fleet_parameters_count(also), 0);
    ck_assert_ptr_null(value_of(empty, "version"));
    ck_assert_ptr_null(value_of(also, ""));
}
END_TEST

START_TEST(pairs_are_sorted_and_found)
{
    static const char *const pairs[] = {"version", "2.1.0", "a", "", "url", "http://x/?a=b\n\"", "B", "b", "é", "ü"};
    g_autoptr(FleetParameters) parameters = taken(pairs, 5);

    ck_assert_uint_eq(fleet_parameters_count(parameters), 5);
    ck_assert_str_eq(fleet_parameters_key(parameters, 0), "B");
    ck_assert_str_eq(fleet_parameters_value(parameters, 0), "b");
    ck_assert_str_eq(fleet_parameters_key(parameters, 1), "a");
    ck_assert_str_eq(fleet_parameters_value(parameters, 1), "");
    ck_assert_str_eq(fleet_parameters_key(parameters, 2), "url");
    ck_assert_str_eq(fleet_parameters_key(parameters, 3), "version");
    ck_assert_str_eq(fleet_parameters_key(parameters, 4), "é");
    for (guint i = 0; i < 5; i++)
        ck_assert_str_eq(value_of(parameters, pairs[2 * i]), pairs[2 * i + 1]);
    ck_assert_ptr_null(value_of(parameters, "b"));
    ck_assert_ptr_null(value_of(parameters, ""));
    ck_assert_ptr_null(value_of(parameters, "versions"));
}
END_TEST

START_TEST(texts_are_copied)
{
    char key[] = "version", value[] = "2.1.0";
    const char *pairs[] = {key, value};
    g_autoptr(FleetParameters) parameters = taken(pairs, 1);

    key[0] = value[0] = '!';
    ck_assert_str_eq(value_of(parameters, "version"), "2.1.0");
}
END_TEST

START_TEST(references_share)
{
    static const char *const pairs[] = {"version", "2.1.0"};
    FleetParameters *parameters = taken(pairs, 1);

    ck_assert_ptr_eq(fleet_parameters_ref(parameters), parameters);
    fleet_parameters_unref(parameters);
    ck_assert_str_eq(fleet_parameters_value(parameters, 0), "2.1.0");
    fleet_parameters_unref(parameters);
}
END_TEST

START_TEST(odd_keys_are_refused)
{
    static const struct {
        const char *key, *part;
    } odd[] = {
            {"", "parameter name '' is empty"},
            {"a\nb", "parameter name 'a\\x0ab' has a control character"},
            {"\x7f", "has a control character"},
            {"\xc2\x85", "has a control character"},
            {"a\xff", "is not valid UTF-8"},
    };
    const char *pairs[] = {"good", "value", odd[_i].key, "value"};

    refused(pairs, 2, FLEET_ERROR_INVALID_ARGUMENT, odd[_i].part);
}
END_TEST

START_TEST(values_are_any_utf8)
{
    static const char *const good[] = {"k", "\n\t\x01\xc2\x85 ☃"}, *const broken[] = {"k", "a\xff"};
    g_autoptr(FleetParameters) parameters = taken(good, 1);

    ck_assert_str_eq(value_of(parameters, "k"), good[1]);
    refused(broken, 1, FLEET_ERROR_INVALID_ARGUMENT, "parameter name 'k' has a value that is not valid UTF-8");
}
END_TEST

START_TEST(a_key_given_twice_is_refused)
{
    static const char *const pairs[] = {"version", "1", "url", "x", "version", "1"};

    refused(pairs, 3, FLEET_ERROR_INVALID_ARGUMENT, "parameter 'version' is given twice");
}
END_TEST

START_TEST(sixty_four_are_taken_and_one_more_is_not)
{
    g_autoptr(GPtrArray) pairs = g_ptr_array_new_with_free_func(g_free);

    for (int i = 0; i < FLEET_PARAMETERS_MAX + 1; i++) {
        g_ptr_array_add(pairs, g_strdup_printf("key-%d", i));
        g_ptr_array_add(pairs, g_strdup_printf("%d", i));
    }
    const char *const *texts = (const char *const *)pairs->pdata;
    g_autoptr(FleetParameters) parameters = taken(texts, FLEET_PARAMETERS_MAX);

    ck_assert_uint_eq(fleet_parameters_count(parameters), FLEET_PARAMETERS_MAX);
    for (int i = 0; i < FLEET_PARAMETERS_MAX; i++)
        ck_assert_str_eq(value_of(parameters, texts[2 * i]), texts[2 * i + 1]);
    refused(texts, FLEET_PARAMETERS_MAX + 1, FLEET_ERROR_LIMIT_EXCEEDED, "65 parameters are too many; at most 64");
}
END_TEST

START_TEST(size_counts_all_keys_and_values)
{
    g_autofree char *rest = g_strnfill(FLEET_PARAMETERS_SIZE_MAX - 4, 'v');
    g_autofree char *more = g_strconcat(rest, "v", NULL);
    const char *largest[] = {"a", "1", "bb", rest}, *larger[] = {"a", "1", "bb", more};
    const char *large_key[] = {more, "12345"};
    g_autoptr(FleetParameters) parameters = taken(largest, 2);

    ck_assert_str_eq(value_of(parameters, "bb"), rest);
    refused(larger, 2, FLEET_ERROR_LIMIT_EXCEEDED, "65537 bytes are too large; at most 65536 bytes");
    refused(large_key, 1, FLEET_ERROR_LIMIT_EXCEEDED, "too large");
}
END_TEST

START_TEST(index_outside_aborts)
{
    g_autoptr(FleetParameters) parameters = fleet_parameters_new_empty();

    fleet_test_expect_abort();
    if (_i == 0)
        (void)fleet_parameters_key(parameters, 0);
    else
        (void)fleet_parameters_value(parameters, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parameters");
    TCase *tcase = fleet_test_case(suite, "parameters");

    tcase_add_test(tcase, none_are_none);
    tcase_add_test(tcase, pairs_are_sorted_and_found);
    tcase_add_test(tcase, texts_are_copied);
    tcase_add_test(tcase, references_share);
    tcase_add_loop_test(tcase, odd_keys_are_refused, 0, 5);
    tcase_add_test(tcase, values_are_any_utf8);
    tcase_add_test(tcase, a_key_given_twice_is_refused);
    tcase_add_test(tcase, sixty_four_are_taken_and_one_more_is_not);
    tcase_add_test(tcase, size_counts_all_keys_and_values);
    tcase_add_loop_test_raise_signal(tcase, index_outside_aborts, SIGABRT, 0, 2);
    return fleet_test_main(suite);
}
