/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/options.h"

#include "base/error.h"
#include "bus/reading.h"
#include "bus_test.h"
#include "lib/main.h"

static sd_bus *bus;
static sd_bus_message *message;

static void setup(void)
{
    bus = fleet_test_lonely_bus();
    message = fleet_test_message_new(bus);
}

static void teardown(void)
{
    message = sd_bus_message_unref(message);
    bus = sd_bus_close_unref(bus);
}

/* All that can be asked for. */
static struct {
    const char *text;
    gboolean flag;
    guint64 time;
    guint32 number;
    char **list;
    gboolean text_given, flag_given, time_given, number_given, list_given;
} got;

static gboolean read_options(GError **error)
{
    const FleetOption options[] = {
            {"Text", "s", &got.text, &got.text_given},
            {"Flag", "b", &got.flag, &got.flag_given},
            {"Time", "t", &got.time, &got.time_given},
            {"Number", "u", &got.number, &got.number_given},
            {"List", "as", &got.list, &got.list_given},
    };

    return fleet_options_read(message, "option", options, G_N_ELEMENTS(options), error);
}

START_TEST(all_types_are_read)
{
    g_autoptr(GError) error = NULL;
    const char *after;

    ck_assert_int_ge(sd_bus_message_append(message, "a{sv}s", 5, "Number", "u", 7, "Text", "s", "text", "List", "as", 2,
                             "a", "", "Flag", "b", 1, "Time", "t", G_MAXUINT64, "after"),
            0);
    fleet_test_message_seal(message);
    ck_assert(read_options(&error));
    fleet_test_assert_no_error(error);
    ck_assert_str_eq(got.text, "text");
    ck_assert_int_eq(got.flag, TRUE);
    ck_assert(got.time == G_MAXUINT64);
    ck_assert_uint_eq(got.number, 7);
    ck_assert_str_eq(got.list[0], "a");
    ck_assert_str_eq(got.list[1], "");
    ck_assert_ptr_null(got.list[2]);
    ck_assert(got.text_given && got.flag_given && got.time_given && got.number_given && got.list_given);
    g_strfreev(got.list);

    /* The whole dictionary is read, and no more. */
    ck_assert(fleet_reading_string(message, &after, &error));
    ck_assert_str_eq(after, "after");
    ck_assert_int_gt(sd_bus_message_at_end(message, 1), 0);
}
END_TEST

START_TEST(what_is_not_given_stays)
{
    g_autoptr(GError) error = NULL;

    got.text = "default";
    got.number = 42;
    ck_assert_int_ge(sd_bus_message_append(message, "a{sv}", 1, "Flag", "b", 0), 0);
    fleet_test_message_seal(message);
    ck_assert(read_options(&error));
    ck_assert_str_eq(got.text, "default");
    ck_assert_uint_eq(got.number, 42);
    ck_assert(got.flag_given && !got.text_given && !got.number_given);
}
END_TEST

START_TEST(empty_dictionary_is_fine)
{
    g_autoptr(GError) error = NULL;

    ck_assert_int_ge(sd_bus_message_append(message, "a{sv}a{sv}", 0, 0), 0);
    fleet_test_message_seal(message);
    ck_assert(read_options(&error));
    ck_assert(fleet_options_read_none(message, &error));
    fleet_test_assert_no_error(error);
}
END_TEST

START_TEST(empty_list_is_a_list)
{
    g_autoptr(GError) error = NULL;

    ck_assert_int_ge(sd_bus_message_append(message, "a{sv}", 1, "List", "as", 0), 0);
    fleet_test_message_seal(message);
    ck_assert(read_options(&error));
    ck_assert(got.list_given);
    ck_assert(got.list == NULL || got.list[0] == NULL);
    g_strfreev(got.list);
}
END_TEST

static void assert_refused(FleetError code, const char *expected)
{
    g_autoptr(GError) error = NULL;

    fleet_test_message_seal(message);
    ck_assert(!read_options(&error));
    fleet_test_assert_error(error, FLEET_ERROR, code);
    ck_assert_str_eq(error->message, expected);
    g_clear_pointer(&got.list, g_strfreev);
}

START_TEST(unknown_key_is_refused)
{
    ck_assert_int_ge(sd_bus_message_append(message, "a{sv}", 2, "Flag", "b", 1, "Colour", "s", "red"), 0);
    assert_refused(
            FLEET_ERROR_INVALID_ARGUMENT, "option 'Colour' is unknown; use one of Text, Flag, Time, Number, List");
}
END_TEST

START_TEST(key_is_exact_to_the_letter)
{
    ck_assert_int_ge(sd_bus_message_append(message, "a{sv}", 1, "flag", "b", 1), 0);
    assert_refused(FLEET_ERROR_INVALID_ARGUMENT, "option 'flag' is unknown; use one of Text, Flag, Time, Number, List");
}
END_TEST

START_TEST(unprintable_key_is_quoted)
{
    ck_assert_int_ge(sd_bus_message_append(message, "a{sv}", 1, "a\nb", "b", 1), 0);
    assert_refused(
            FLEET_ERROR_INVALID_ARGUMENT, "option 'a\\x0ab' is unknown; use one of Text, Flag, Time, Number, List");
}
END_TEST

START_TEST(key_given_twice_is_refused)
{
    ck_assert_int_ge(sd_bus_message_append(message, "a{sv}", 3, "Text", "s", "a", "Flag", "b", 1, "Text", "s", "b"), 0);
    assert_refused(FLEET_ERROR_INVALID_ARGUMENT, "option 'Text' is given twice; give it once");
}
END_TEST

START_TEST(list_given_twice_is_refused)
{
    ck_assert_int_ge(sd_bus_message_append(message, "a{sv}", 2, "List", "as", 1, "a", "List", "as", 1, "b"), 0);
    assert_refused(FLEET_ERROR_INVALID_ARGUMENT, "option 'List' is given twice; give it once");
}
END_TEST

static const struct {
    const char *key, *right, *wrong;
} wrong_types[] = {
        {"Text", "s", "u"},
        {"Text", "s", "o"},
        {"Flag", "b", "u"},
        {"Time", "t", "x"},
        {"Time", "t", "u"},
        {"Number", "u", "t"},
        {"Number", "u", "i"},
        {"List", "as", "s"},
        {"List", "as", "ao"},
};

static void append_some_value(const char *signature)
{
    if (g_str_equal(signature, "s"))
        ck_assert_int_ge(sd_bus_message_append(message, "s", "text"), 0);
    else if (g_str_equal(signature, "o"))
        ck_assert_int_ge(sd_bus_message_append(message, "o", "/"), 0);
    else if (g_str_equal(signature, "ao"))
        ck_assert_int_ge(sd_bus_message_append(message, "ao", 1, "/"), 0);
    else if (g_str_equal(signature, "t") || g_str_equal(signature, "x"))
        ck_assert_int_ge(sd_bus_message_append(message, signature, (guint64)1), 0);
    else
        ck_assert_int_ge(sd_bus_message_append(message, signature, 1), 0);
}

START_TEST(value_of_another_type_is_refused)
{
    ck_assert_int_ge(sd_bus_message_open_container(message, 'a', "{sv}"), 0);
    ck_assert_int_ge(sd_bus_message_open_container(message, 'e', "sv"), 0);
    ck_assert_int_ge(sd_bus_message_append(message, "s", wrong_types[_i].key), 0);
    ck_assert_int_ge(sd_bus_message_open_container(message, 'v', wrong_types[_i].wrong), 0);
    append_some_value(wrong_types[_i].wrong);
    for (guint i = 0; i < 3; i++)
        ck_assert_int_ge(sd_bus_message_close_container(message), 0);
    g_autofree char *expected = g_strdup_printf("option '%s' has the type '%s'; it must be '%s'", wrong_types[_i].key,
            wrong_types[_i].wrong, wrong_types[_i].right);
    assert_refused(FLEET_ERROR_INVALID_ARGUMENT, expected);
}
END_TEST

static void append_list(guint n)
{
    g_autoptr(GPtrArray) strings = g_ptr_array_new();

    for (guint i = 0; i < n; i++)
        g_ptr_array_add(strings, (gpointer) "x");
    g_ptr_array_add(strings, NULL);
    ck_assert_int_ge(sd_bus_message_open_container(message, 'a', "{sv}"), 0);
    ck_assert_int_ge(sd_bus_message_open_container(message, 'e', "sv"), 0);
    ck_assert_int_ge(sd_bus_message_append(message, "s", "List"), 0);
    ck_assert_int_ge(sd_bus_message_open_container(message, 'v', "as"), 0);
    ck_assert_int_ge(sd_bus_message_append_strv(message, (char **)strings->pdata), 0);
    for (guint i = 0; i < 3; i++)
        ck_assert_int_ge(sd_bus_message_close_container(message), 0);
}

START_TEST(list_at_its_limit_is_read)
{
    g_autoptr(GError) error = NULL;

    append_list(1000);
    fleet_test_message_seal(message);
    ck_assert(read_options(&error));
    ck_assert_uint_eq(g_strv_length(got.list), 1000);
    g_strfreev(got.list);
}
END_TEST

START_TEST(list_past_its_limit_is_refused)
{
    append_list(1001);
    assert_refused(FLEET_ERROR_LIMIT_EXCEEDED, "option 'List' has 1001 entries; at most 1000 are allowed");
}
END_TEST

START_TEST(where_no_key_is_known_none_is_taken)
{
    g_autoptr(GError) error = NULL;

    ck_assert_int_ge(sd_bus_message_append(message, "a{sv}", 1, "Flag", "b", 1), 0);
    fleet_test_message_seal(message);
    ck_assert(!fleet_options_read_none(message, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(error->message, "option 'Flag' is unknown; this method knows none");
}
END_TEST

START_TEST(what_is_no_dictionary_is_refused)
{
    g_autoptr(GError) error = NULL;

    ck_assert_int_ge(sd_bus_message_append(message, "s", "text"), 0);
    fleet_test_message_seal(message);
    ck_assert(!read_options(&error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, "the message cannot be read");
}
END_TEST

START_TEST(what_is_no_string_is_refused)
{
    g_autoptr(GError) error = NULL;
    const char *text;

    ck_assert_int_ge(sd_bus_message_append(message, "u", 1), 0);
    fleet_test_message_seal(message);
    ck_assert(!fleet_reading_string(message, &text, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: options");
    TCase *tcase = fleet_test_case(suite, "options");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, all_types_are_read);
    tcase_add_test(tcase, what_is_not_given_stays);
    tcase_add_test(tcase, empty_dictionary_is_fine);
    tcase_add_test(tcase, empty_list_is_a_list);
    tcase_add_test(tcase, unknown_key_is_refused);
    tcase_add_test(tcase, key_is_exact_to_the_letter);
    tcase_add_test(tcase, unprintable_key_is_quoted);
    tcase_add_test(tcase, key_given_twice_is_refused);
    tcase_add_test(tcase, list_given_twice_is_refused);
    tcase_add_loop_test(tcase, value_of_another_type_is_refused, 0, G_N_ELEMENTS(wrong_types));
    tcase_add_test(tcase, list_at_its_limit_is_read);
    tcase_add_test(tcase, list_past_its_limit_is_refused);
    tcase_add_test(tcase, where_no_key_is_known_none_is_taken);
    tcase_add_test(tcase, what_is_no_dictionary_is_refused);
    tcase_add_test(tcase, what_is_no_string_is_refused);
    return fleet_test_main(suite);
}
