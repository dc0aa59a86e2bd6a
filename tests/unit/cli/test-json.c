/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/json.h"

#include "cli/exit.h"
#include "lib/main.h"

#include <math.h>
#include <sys/socket.h>

/* A message that can be written at once and, once sealed, read; it never leaves the process. */
static sd_bus_message *message_new(sd_bus **bus)
{
    sd_bus_message *message = NULL;
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_ge(sd_bus_new(bus), 0);
    ck_assert_int_ge(sd_bus_set_fd(*bus, fds[0], fds[0]), 0);
    ck_assert_int_ge(sd_bus_start(*bus), 0);
    ck_assert_int_ge(sd_bus_message_new_signal(*bus, &message, "/x", "org.example.X", "X"), 0);
    return message;
}

static void seal(sd_bus_message *message)
{
    ck_assert_int_ge(sd_bus_message_seal(message, 1, 0), 0);
    ck_assert_int_ge(sd_bus_message_rewind(message, TRUE), 0);
}

static void assert_reads(sd_bus_message *message, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) node = fleet_json_read(message, &error);

    fleet_test_assert_no_error(error);
    g_autofree char *text = fleet_json_to_text(node, FALSE);
    ck_assert_str_eq(text, expected);
}

START_TEST(basic_types_keep_their_kind)
{
    sd_bus *bus = NULL;
    g_autoptr(sd_bus_message) message = message_new(&bus);

    ck_assert_int_ge(sd_bus_message_append(message, "ybnqiuxtdsog", 255, TRUE, -2, 3, -4, 4000000000u, G_MININT64,
                             (guint64)1705312200000000u, 0.5, "a\"b", "/p", "as"),
            0);
    seal(message);
    assert_reads(message, "255");
    assert_reads(message, "true");
    assert_reads(message, "-2");
    assert_reads(message, "3");
    assert_reads(message, "-4");
    assert_reads(message, "4000000000");
    assert_reads(message, "-9223372036854775808");
    assert_reads(message, "1705312200000000");
    assert_reads(message, "0.5");
    assert_reads(message, "\"a\\\"b\"");
    assert_reads(message, "\"/p\"");
    assert_reads(message, "\"as\"");
    sd_bus_unref(bus);
}
END_TEST

START_TEST(containers_nest)
{
    sd_bus *bus = NULL;
    g_autoptr(sd_bus_message) message = message_new(&bus);

    ck_assert_int_ge(sd_bus_message_append(message, "a{sv}as(su)aas", 3, "A", "u", 7u, "B", "a{ss}", 1, "k", "v", "C",
                             "as", 0, 2, "x", "y", "z", 9u, 2, 1, "p", 0),
            0);
    seal(message);
    assert_reads(message, "{\"A\":7,\"B\":{\"k\":\"v\"},\"C\":[]}");
    assert_reads(message, "[\"x\",\"y\"]");
    assert_reads(message, "[\"z\",9]");
    assert_reads(message, "[[\"p\"],[]]");
    sd_bus_unref(bus);
}
END_TEST

START_TEST(what_is_not_finite_is_null)
{
    sd_bus *bus = NULL;
    g_autoptr(sd_bus_message) message = message_new(&bus);

    ck_assert_int_ge(sd_bus_message_append(message, "dd", NAN, INFINITY), 0);
    seal(message);
    assert_reads(message, "null");
    assert_reads(message, "null");
    sd_bus_unref(bus);
}
END_TEST

START_TEST(structures_get_names)
{
    static const char *const names[] = {"Id", "Count", NULL};
    static const char *const too_many[] = {"Id", "Count", "More", NULL};
    static const char *const too_few[] = {"Id", NULL};
    g_autoptr(GError) error = NULL, more = NULL, fewer = NULL;
    sd_bus *bus = NULL;
    g_autoptr(sd_bus_message) message = message_new(&bus);

    ck_assert_int_ge(sd_bus_message_append(message, "(su)(su)(su)", "a", 1u, "b", 2u, "c", 3u), 0);
    seal(message);
    g_autoptr(JsonObject) object = fleet_json_read_struct(message, names, &error);
    fleet_test_assert_no_error(error);
    ck_assert_str_eq(fleet_json_string(object, "Id"), "a");
    ck_assert_int_eq(fleet_json_int(object, "Count"), 1);

    ck_assert_ptr_null(fleet_json_read_struct(message, too_many, &more));
    fleet_test_assert_error(more, FLEET_CLI_ERROR, FLEET_CLI_EXIT_FAILED);
    ck_assert_int_ge(sd_bus_message_rewind(message, TRUE), 0);
    ck_assert_ptr_null(fleet_json_read_struct(message, too_few, &fewer));
    fleet_test_assert_error(fewer, FLEET_CLI_ERROR, FLEET_CLI_EXIT_FAILED);
    sd_bus_unref(bus);
}
END_TEST

START_TEST(other_than_expected_is_an_error)
{
    g_autoptr(GError) error = NULL, at_end = NULL, keys = NULL;
    sd_bus *bus = NULL;
    g_autoptr(sd_bus_message) message = message_new(&bus);

    ck_assert_int_ge(sd_bus_message_append(message, "sa{us}", "text", 1, 5u, "five"), 0);
    seal(message);
    ck_assert_ptr_null(fleet_json_read_object(message, &error));
    fleet_test_assert_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_FAILED);
    ck_assert_ptr_null(fleet_json_read(message, &keys));
    fleet_test_assert_error(keys, FLEET_CLI_ERROR, FLEET_CLI_EXIT_FAILED);
    g_autoptr(sd_bus_message) empty = NULL;
    ck_assert_int_ge(sd_bus_message_new_signal(bus, &empty, "/x", "org.example.X", "X"), 0);
    seal(empty);
    ck_assert_ptr_null(fleet_json_read(empty, &at_end));
    fleet_test_assert_contains(at_end->message, "cannot be understood");
    sd_bus_unref(bus);
}
END_TEST

START_TEST(members_that_are_missing_are_empty)
{
    g_autoptr(JsonObject) object = json_object_new();

    json_object_set_string_member(object, "Text", "t");
    json_object_set_int_member(object, "Number", 3);
    ck_assert_str_eq(fleet_json_string(object, "Nothing"), "");
    ck_assert_str_eq(fleet_json_string(object, "Number"), "");
    ck_assert_int_eq(fleet_json_int(object, "Text"), 0);
    ck_assert_int_eq(fleet_json_int(object, "Number"), 3);
    ck_assert(fleet_json_double(object, "Nothing") == 0);
    ck_assert(!fleet_json_bool(object, "Text"));
    ck_assert_ptr_null(fleet_json_object(object, "Text"));
}
END_TEST

START_TEST(text_cannot_command_a_terminal)
{
    JsonObject *object = json_object_new();

    json_object_set_string_member(object, "Name",
            "a\033[2J\xc2\x9b"
            "b\u202ec\nÜ");
    g_autoptr(JsonNode) node = fleet_json_node(object);
    g_autofree char *brief = fleet_json_to_text(node, FALSE);
    g_autofree char *pretty = fleet_json_to_text(node, TRUE);

    ck_assert_str_eq(brief, "{\"Name\":\"a\\u001b[2J\\u009bb\\u202ec\\nÜ\"}");
    ck_assert_str_eq(pretty, "{\n  \"Name\" : \"a\\u001b[2J\\u009bb\\u202ec\\nÜ\"\n}");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-json");
    TCase *tcase = fleet_test_case(suite, "json");

    tcase_add_test(tcase, basic_types_keep_their_kind);
    tcase_add_test(tcase, containers_nest);
    tcase_add_test(tcase, what_is_not_finite_is_null);
    tcase_add_test(tcase, structures_get_names);
    tcase_add_test(tcase, other_than_expected_is_an_error);
    tcase_add_test(tcase, members_that_are_missing_are_empty);
    tcase_add_test(tcase, text_cannot_command_a_terminal);
    return fleet_test_main(suite);
}
