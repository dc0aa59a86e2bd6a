/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is marshaled here is read by GDBus, which had no part in it. */

#include "bus/frame.h"
#include "bus_test.h"
#include "lib/main.h"

static void assert_prints(const char *signature, FleetBody *body, const char *expected)
{
    g_autoptr(GVariant) values = fleet_test_body_read(body, signature);
    g_autofree char *text = g_variant_print(values, FALSE);

    ck_assert_str_eq(text, expected);
    fleet_body_reset(body);
}

START_TEST(basic_values)
{
    g_auto(FleetBody) body = FLEET_BODY_INIT;

    fleet_body_append_string(&body, "a");
    fleet_body_append_uint64(&body, G_MAXUINT64);
    fleet_body_append_boolean(&body, 17);
    fleet_body_append_double(&body, 0.25);
    fleet_body_append_uint32(&body, 7);
    fleet_body_append_signature(&body, "a{sv}");
    fleet_body_append_string(&body, "/x");
    assert_prints("stbdugo", &body, "('a', 18446744073709551615, true, 0.25, 7, 'a{sv}', '/x')");
    fleet_body_append_string_n(&body, "abcdef", 3);
    fleet_body_append_string(&body, "");
    fleet_body_append_string(&body, "żółw");
    assert_prints("sss", &body, "('abc', '', 'żółw')");
}
END_TEST

START_TEST(arrays)
{
    static const char *const words[] = {"one", "", "three", NULL};
    g_auto(FleetBody) body = FLEET_BODY_INIT;

    fleet_body_append_strv(&body, words);
    fleet_body_append_strv(&body, words + 3);
    fleet_body_append_uint32(&body, 1);
    assert_prints("asasu", &body, "(['one', '', 'three'], [], 1)");

    fleet_body_append_boolean(&body, TRUE);
    gsize empty = fleet_body_open_array(&body, 8);
    fleet_body_close_array(&body, empty, 8);
    gsize array = fleet_body_open_array(&body, 8);
    for (guint32 i = 0; i < 3; i++) {
        fleet_body_align(&body, 8);
        fleet_body_append_uint32(&body, i);
        fleet_body_append_string(&body, "x");
    }
    fleet_body_close_array(&body, array, 8);
    fleet_body_append_boolean(&body, FALSE);
    assert_prints("ba(ut)a(us)b", &body, "(true, [], [(0, 'x'), (1, 'x'), (2, 'x')], false)");
}
END_TEST

static void append_entry(FleetBody *body, const char *key, const char *signature)
{
    fleet_body_align(body, 8);
    fleet_body_append_string(body, key);
    fleet_body_append_signature(body, signature);
}

START_TEST(dictionaries)
{
    g_auto(FleetBody) body = FLEET_BODY_INIT;
    gsize array = fleet_body_open_array(&body, 8);

    append_entry(&body, "Id", "s");
    fleet_body_append_string(&body, "router-1");
    append_entry(&body, "At", "t");
    fleet_body_append_uint64(&body, 5);
    append_entry(&body, "Counts", "a{su}");
    gsize inner = fleet_body_open_array(&body, 8);
    fleet_body_align(&body, 8);
    fleet_body_append_string(&body, "IDLE");
    fleet_body_append_uint32(&body, 3);
    fleet_body_close_array(&body, inner, 8);
    append_entry(&body, "Progress", "d");
    fleet_body_append_double(&body, 0.5);
    fleet_body_close_array(&body, array, 8);
    assert_prints("a{sv}", &body,
            "({'Id': <'router-1'>, 'At': <uint64 5>, 'Counts': <{'IDLE': uint32 3}>, 'Progress': <0.5>},)");
}
END_TEST

START_TEST(raw_bytes)
{
    g_auto(FleetBody) part = FLEET_BODY_INIT;
    g_auto(FleetBody) body = FLEET_BODY_INIT;

    fleet_body_append_uint64(&part, 9);
    fleet_body_append_string(&part, "inside");
    fleet_body_append_boolean(&body, TRUE);
    fleet_body_align(&body, 8);
    fleet_body_append_raw(&body, part.data, part.length);
    assert_prints("bts", &body, "(true, 9, 'inside')");
}
END_TEST

/* Whatever the message before it left, each is aligned to its own beginning. */
START_TEST(messages_follow_each_other)
{
    g_auto(FleetBody) output = FLEET_BODY_INIT;
    g_auto(FleetBody) body = FLEET_BODY_INIT;
    gsize offset = 0;

    for (guint32 i = 1; i <= 20; i++) {
        g_autofree char *text = g_strnfill(i, 'x');
        const FleetFrame frame = {.serial = i, .reply_serial = 100 + i, .destination = ":1.5", .signature = "s"};

        fleet_body_reset(&body);
        fleet_body_append_string(&body, text);
        fleet_frame_append(&output, &frame, &body);
    }
    for (guint32 i = 1; i <= 20; i++) {
        g_autofree char *text = g_strnfill(i, 'x');
        g_autoptr(GDBusMessage) message = fleet_test_frame_read(&output, &offset);

        ck_assert_uint_eq(g_dbus_message_get_serial(message), i);
        ck_assert_uint_eq(g_dbus_message_get_reply_serial(message), 100 + i);
        ck_assert_str_eq(g_dbus_message_get_destination(message), ":1.5");
        ck_assert_str_eq(g_dbus_message_get_arg0(message), text);
        ck_assert_int_eq(g_dbus_message_get_message_type(message), G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
    }
    ck_assert_uint_eq(offset, output.length);
}
END_TEST

START_TEST(signals_and_errors)
{
    g_auto(FleetBody) output = FLEET_BODY_INIT;
    g_auto(FleetBody) body = FLEET_BODY_INIT;
    const FleetFrame signal = {.serial = 3,
            .sender = "org.example.Sender",
            .path = "/a/b",
            .interface = "org.example.Interface",
            .member = "Changed"};
    const FleetFrame error = {
            .serial = 4, .reply_serial = 9, .destination = ":1.2", .error = "org.example.Error.No", .signature = "s"};
    gsize offset = 0;

    fleet_body_append_string(&body, "not so");
    fleet_frame_append(&output, &signal, NULL);
    fleet_frame_append(&output, &error, &body);

    g_autoptr(GDBusMessage) first = fleet_test_frame_read(&output, &offset);
    ck_assert_int_eq(g_dbus_message_get_message_type(first), G_DBUS_MESSAGE_TYPE_SIGNAL);
    ck_assert_str_eq(g_dbus_message_get_path(first), "/a/b");
    ck_assert_str_eq(g_dbus_message_get_interface(first), "org.example.Interface");
    ck_assert_str_eq(g_dbus_message_get_member(first), "Changed");
    ck_assert_str_eq(g_dbus_message_get_sender(first), "org.example.Sender");
    ck_assert_ptr_null(g_dbus_message_get_body(first));
    ck_assert_int_eq(g_dbus_message_get_flags(first), G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);

    g_autoptr(GDBusMessage) second = fleet_test_frame_read(&output, &offset);
    ck_assert_int_eq(g_dbus_message_get_message_type(second), G_DBUS_MESSAGE_TYPE_ERROR);
    ck_assert_str_eq(g_dbus_message_get_error_name(second), "org.example.Error.No");
    ck_assert_str_eq(g_dbus_message_get_arg0(second), "not so");
    ck_assert_uint_eq(offset, output.length);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frame");
    TCase *body = fleet_test_case(suite, "body");
    TCase *frame = fleet_test_case(suite, "frame");

    tcase_add_test(body, basic_values);
    tcase_add_test(body, arrays);
    tcase_add_test(body, dictionaries);
    tcase_add_test(body, raw_bytes);
    tcase_add_test(frame, messages_follow_each_other);
    tcase_add_test(frame, signals_and_errors);
    return fleet_test_main(suite);
}
