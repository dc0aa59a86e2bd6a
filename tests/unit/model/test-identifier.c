/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/identifier.h"

#include "base/error.h"
#include "lib/main.h"
#include "model/limits.h"

#include <string.h>

typedef gboolean (*Check)(const char *string, GError **error);

static void taken(Check check, const char *string)
{
    g_autoptr(GError) error = NULL;

    ck_assert_msg(check(string, &error), "'%s' is refused", string);
    fleet_test_assert_no_error(error);
    ck_assert(check(string, NULL));
}

/* Refused, with a message that fits into one line of log and contains that part. */
static void refused(Check check, const char *string, const char *part)
{
    g_autoptr(GError) error = NULL;

    ck_assert_msg(!check(string, &error), "'%s' is taken", string);
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, part);
    ck_assert(g_utf8_validate(error->message, -1, NULL));
    ck_assert_ptr_null(strpbrk(error->message, "\n\r\x1b"));
    ck_assert_uint_lt(strlen(error->message), 512);
    ck_assert(!check(string, NULL));
}

/* A string of exactly that many bytes which ends with a character of three. */
static char *bytes(gsize n)
{
    g_autofree char *head = g_strnfill(n - 3, 'x');

    return g_strconcat(head, "☃", NULL);
}

static const struct {
    Check check;
    gsize max;
    const char *what;
} kinds[] = {
        {fleet_device_id_check, FLEET_DEVICE_ID_MAX, "device id"},
        {fleet_device_name_check, FLEET_DEVICE_NAME_MAX, "device name"},
        {fleet_device_type_check, FLEET_DEVICE_TYPE_MAX, "device type"},
        {fleet_device_address_check, FLEET_DEVICE_ADDRESS_MAX, "device address"},
};

START_TEST(limits_are_the_promised_ones)
{
    ck_assert_int_eq(FLEET_DEVICE_ID_MAX, 255);
    ck_assert_int_eq(FLEET_DEVICE_NAME_MAX, 1024);
    ck_assert_int_eq(FLEET_DEVICE_TYPE_MAX, 64);
    ck_assert_int_eq(FLEET_DEVICE_ADDRESS_MAX, 1024);
    ck_assert_int_eq(FLEET_ACTION_TYPE_MAX, 64);
    ck_assert_int_eq(FLEET_PARAMETERS_MAX, 64);
    ck_assert_int_eq(FLEET_PARAMETERS_SIZE_MAX, 65536);
    ck_assert_int_eq(FLEET_PAGE_DEFAULT, 1000);
    ck_assert_int_eq(FLEET_PAGE_MAX, 10000);
}
END_TEST

START_TEST(printable_text_is_taken)
{
    static const char *const good[] = {"x", "router-001", "a/b c", "...", ".a", "_", "%2e", "Ünïcödé ☃ 𝄞", " ",
            "\xc2\xa0" /* NO-BREAK SPACE, the first after the C1 controls */, "~", "action_1_1", "-"};

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        taken(kinds[_i].check, good[i]);
}
END_TEST

START_TEST(longest_is_taken_and_one_byte_more_is_not)
{
    g_autofree char *longest = bytes(kinds[_i].max);
    g_autofree char *longer = bytes(kinds[_i].max + 1);
    g_autofree char *huge = g_strnfill(1024 * 1024, 'x');
    g_autofree char *message =
            g_strdup_printf("has %zu bytes; use %d to %zu", kinds[_i].max + 1, _i == 0 ? 1 : 0, kinds[_i].max);

    taken(kinds[_i].check, longest);
    refused(kinds[_i].check, longer, message);
    refused(kinds[_i].check, longer, kinds[_i].what);
    refused(kinds[_i].check, huge, "has 1048576 bytes");
}
END_TEST

START_TEST(every_control_character_is_refused)
{
    for (gunichar c = 1; c <= 0x9f; c++) {
        char text[16] = "a";

        if (c == 0x20)
            c = 0x7f; /* what lies between is printable */
        text[1 + g_unichar_to_utf8(c, text + 1)] = '\0';
        refused(kinds[_i].check, text, "has a control character; use printable characters only");
        refused(kinds[_i].check, text + 1, kinds[_i].what);
    }
    refused(kinds[_i].check, "\xc2\x85", "'\\x85'");
}
END_TEST

START_TEST(broken_utf8_is_refused)
{
    static const char *const broken[] = {"\xff", "a\xc3", "\x80", "\xc0\xaf", "\xe2\x98",
            "\xed\xa0\x80" /* surrogate */, "\xf4\x90\x80\x80" /* beyond U+10FFFF */, "\xf8\x88\x80\x80\x80"};

    for (gsize i = 0; i < G_N_ELEMENTS(broken); i++)
        refused(kinds[_i].check, broken[i], "is not valid UTF-8");
}
END_TEST

START_TEST(only_an_id_must_not_be_empty)
{
    refused(fleet_device_id_check, "", "device id '' has 0 bytes; use 1 to 255");
    taken(fleet_device_name_check, "");
    taken(fleet_device_type_check, "");
    taken(fleet_device_address_check, "");
}
END_TEST

START_TEST(dots_are_reserved_as_ids)
{
    refused(fleet_device_id_check, ".", "device id '.' is reserved");
    refused(fleet_device_id_check, "..", "device id '..' is reserved");
    taken(fleet_device_name_check, ".");
    taken(fleet_device_type_check, "..");
    taken(fleet_device_address_check, "..");
}
END_TEST

static const struct {
    FleetActionId id;
    const char *string;
} ids[] = {
        {{.msec = 1705312200000, .sequence = 1}, "action_1705312200000_1"},
        {{.msec = 0, .sequence = 1}, "action_0_1"},
        {{.msec = 1, .sequence = 9999999999}, "action_1_9999999999"},
        {{.msec = G_MAXINT64, .sequence = G_MAXINT64}, "action_9223372036854775807_9223372036854775807"},
};

START_TEST(action_id_goes_round)
{
    char buffer[FLEET_ACTION_ID_BUFFER];
    FleetActionId id = {0};

    ck_assert_ptr_eq(fleet_action_id_format(ids[_i].id, buffer), buffer);
    ck_assert_str_eq(buffer, ids[_i].string);
    ck_assert(fleet_action_id_parse(buffer, &id));
    ck_assert_int_eq(id.msec, ids[_i].id.msec);
    ck_assert_int_eq(id.sequence, ids[_i].id.sequence);
}
END_TEST

START_TEST(no_action_is_the_empty_string)
{
    char buffer[FLEET_ACTION_ID_BUFFER] = "x";
    FleetActionId id = {.msec = 5, .sequence = 0};

    ck_assert_str_eq(fleet_action_id_format(id, buffer), "");
    ck_assert(!fleet_action_id_parse(buffer, &id));
}
END_TEST

static const char *const odd[] = {
        "", "action", "action_", "action__", "action_1", "action_1_", "action__1", "action_1_0", "action_1_-1",
        "action_-1_1", "action_+1_1", "action_1_+1", "action_01_1", "action_1_01", "action_00_1", "action_1_1 ",
        " action_1_1", "action_ 1_1", "action_1_ 1", "action_1_1\n", "action_1_1_1", "action_1_1x", "action_0x1_1",
        "action_1.0_1", "ACTION_1_1", "Action_1_1", "job_1_1", "1_1", "action_9223372036854775808_1",
        "action_1_9223372036854775808", "action_1_18446744073709551617", "action_1_99999999999999999999999999",
        "action_\xd9\xa1_1", /* an Arabic digit */
};

START_TEST(odd_action_id_is_refused)
{
    FleetActionId id = {.msec = 5, .sequence = 7};

    ck_assert_msg(!fleet_action_id_parse(odd[_i], &id), "'%s' is taken", odd[_i]);
    ck_assert_int_eq(id.msec, 5);
    ck_assert_int_eq(id.sequence, 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("identifier");
    TCase *texts = fleet_test_case(suite, "texts");
    TCase *actions = fleet_test_case(suite, "action ids");
    int n = (int)G_N_ELEMENTS(kinds);

    tcase_add_test(texts, limits_are_the_promised_ones);
    tcase_add_loop_test(texts, printable_text_is_taken, 0, n);
    tcase_add_loop_test(texts, longest_is_taken_and_one_byte_more_is_not, 0, n);
    tcase_add_loop_test(texts, every_control_character_is_refused, 0, n);
    tcase_add_loop_test(texts, broken_utf8_is_refused, 0, n);
    tcase_add_test(texts, only_an_id_must_not_be_empty);
    tcase_add_test(texts, dots_are_reserved_as_ids);
    tcase_add_loop_test(actions, action_id_goes_round, 0, (int)G_N_ELEMENTS(ids));
    tcase_add_test(actions, no_action_is_the_empty_string);
    tcase_add_loop_test(actions, odd_action_id_is_refused, 0, (int)G_N_ELEMENTS(odd));
    return fleet_test_main(suite);
}
