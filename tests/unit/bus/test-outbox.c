/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What we write and what sd-bus writes, on one connection whose other end takes its time: all whole, all in order. */

#include "bus/outbox.h"

#include "base/bus_source.h"
#include "base/error.h"
#include "bus_test.h"
#include "lib/main.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPLY_MAX 100000
#define CALLS 600

/* Of the kernel's memory, so that little fits in. */
#define BUFFER 4608

static sd_bus *bus;
static FleetOutbox *outbox;
static FleetBusSource *source;
static int client;
static GByteArray *received;
static guint read_up_to; /* of these bytes, as messages */
static gboolean closed;

static void connection_closed(int r, gpointer user_data)
{
    closed = TRUE;
}

static gboolean flush(gpointer user_data)
{
    return fleet_outbox_flush(outbox);
}

/* Answers with so many bytes. */
static int fill(sd_bus_message *call, void *user_data, sd_bus_error *error)
{
    guint32 n;

    ck_assert_int_ge(sd_bus_message_read_basic(call, 'u', &n), 0);
    FleetBody *results = fleet_outbox_begin_return(outbox, call, "s");
    if (results != NULL) {
        g_autofree char *text = g_strnfill(n, 'x');
        fleet_body_append_string(results, text);
        fleet_outbox_end_return(outbox, call);
    }
    return 1;
}

/* Fails with what is no UTF-8. */
static int quote(sd_bus_message *call, void *user_data, sd_bus_error *error)
{
    g_autoptr(GError) reason = g_error_new(FLEET_ERROR, FLEET_ERROR_STORAGE_FAILED, "'%s' is full", "/srv/\xff\xfe");

    fleet_outbox_error(outbox, call, reason);
    return 1;
}

/* Begins, thinks better of it, and answers with nothing. */
static int change_mind(sd_bus_message *call, void *user_data, sd_bus_error *error)
{
    FleetBody *results = fleet_outbox_begin_return(outbox, call, "s");

    fleet_body_append_string(results, "this is not sent");
    ck_assert_uint_eq(fleet_outbox_room(outbox), REPLY_MAX - 4 - strlen("this is not sent") - 1);
    fleet_outbox_cancel_return(outbox);
    ck_assert_ptr_nonnull(fleet_outbox_begin_return(outbox, call, ""));
    fleet_outbox_end_return(outbox, call);
    return 1;
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Fill", "u", "s", fill, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Fail", "", "", quote, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ChangeMind", "", "", change_mind, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void turn(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

/* Takes at most so many bytes of what has come. */
static gsize take(gsize max)
{
    guint8 bytes[8192];
    ssize_t n = recv(client, bytes, MIN(max, sizeof(bytes)), MSG_DONTWAIT);

    ck_assert(n > 0 || (n < 0 && errno == EAGAIN));
    if (n > 0)
        g_byte_array_append(received, bytes, (guint)n);
    return (gsize)MAX(n, 0);
}

/* Says something, however little the other end takes at a time. */
static void say(gconstpointer data, gsize size)
{
    const guint8 *bytes = data;
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    while (size > 0) {
        ssize_t n = send(client, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

        ck_assert(n > 0 || errno == EAGAIN);
        ck_assert_int_lt(g_get_monotonic_time(), deadline);
        bytes += MAX(n, 0);
        size -= (gsize)MAX(n, 0);
        turn();
        if (n < 0) /* it does not listen before it has been heard */
            take(1000);
    }
}

static void call(guint32 serial, const char *interface, const char *member, GVariant *arguments, gboolean awaited)
{
    g_autoptr(GDBusMessage) message = g_dbus_message_new_method_call(NULL, "/o", interface, member);
    g_autoptr(GError) error = NULL;
    gsize size;

    g_dbus_message_set_serial(message, serial);
    if (arguments != NULL)
        g_dbus_message_set_body(message, arguments);
    if (!awaited)
        g_dbus_message_set_flags(message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
    g_autofree guchar *blob = g_dbus_message_to_blob(message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
    fleet_test_assert_no_error(error);
    say(blob, size);
}

static void ask(guint32 serial, const char *member, GVariant *arguments)
{
    call(serial, "org.example.Interface", member, arguments, TRUE);
}

/* The next message; owned by the caller. */
static GDBusMessage *next(void)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    for (;;) {
        gsize left = received->len - read_up_to, offset = 0;
        FleetBody output = {.data = received->data + read_up_to, .length = left};

        if (left >= 16) {
            gssize needed = g_dbus_message_bytes_needed(output.data, left, NULL);
            ck_assert_int_gt(needed, 0); /* else one is in the middle of another */
            if ((gsize)needed <= left) {
                GDBusMessage *message = fleet_test_frame_read(&output, &offset);
                read_up_to += (guint)offset;
                return message;
            }
        }
        ck_assert_int_lt(g_get_monotonic_time(), deadline);
        turn();
        take(8192);
    }
}

static void setup(void)
{
    static const char greeting[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
    const int small = BUFFER;
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    client = fds[1];
    ck_assert_int_ge(sd_bus_new(&bus), 0);
    ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
    ck_assert_int_ge(sd_bus_set_server(bus, TRUE, (sd_id128_t){.bytes = {1}}), 0);
    ck_assert_int_ge(sd_bus_add_object_vtable(bus, NULL, "/o", "org.example.Interface", vtable, NULL), 0);
    ck_assert_int_ge(sd_bus_start(bus), 0);
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    outbox = fleet_outbox_new(bus, fds[0], "org.example.Sender", REPLY_MAX);
    source = fleet_bus_source_new(bus, connection_closed, NULL);
    fleet_bus_source_set_flush(source, flush);
    received = g_byte_array_new();

    say(greeting, sizeof(greeting) - 1);
    guint begin = 0;
    while (begin == 0) {
        turn();
        take(8192);
        const char *agreed = g_strstr_len((char *)received->data, received->len, "OK ");
        const char *end = agreed != NULL ? g_strstr_len(agreed, received->len, "\r\n") : NULL;
        if (end != NULL)
            begin = (guint)(end + 2 - (char *)received->data);
    }
    read_up_to = begin;
}

static void teardown(void)
{
    fleet_bus_source_free(source);
    fleet_outbox_close(outbox);
    fleet_outbox_unref(outbox);
    sd_bus_close_unref(bus);
    close(client);
    g_byte_array_unref(received);
}

/* By turns: one of ours, of a size that may not fit; one that sd-bus answers; one that it refuses; one of our signals.
 */
static void ask_by_kind(guint32 serial, GRand *rand)
{
    switch (serial % 4) {
    case 0:
        ask(serial, "Fill", g_variant_new("(u)", g_rand_int_range(rand, 0, 9000)));
        break;
    case 1:
        call(serial, "org.freedesktop.DBus.Peer", "Ping", NULL, TRUE);
        break;
    case 2:
        ask(serial, "NoSuchMethod", NULL);
        break;
    default:
        call(serial, "org.freedesktop.DBus.Introspectable", "Introspect", NULL, TRUE);
    }
}

START_TEST(everything_comes_whole_and_in_order)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)_i);
    guint32 sent = 0, answered = 0, told = 0;

    while (answered < CALLS) {
        /* Now and then it reads nothing, so that both have something waiting. */
        gboolean reads = g_rand_int_range(rand, 0, 3) > 0;

        for (guint i = 0; i < 8 && sent < CALLS; i++)
            ask_by_kind(++sent, rand);
        if (sent % 16 == 0) {
            g_auto(FleetBody) body = FLEET_BODY_INIT;
            fleet_body_append_uint32(&body, ++told);
            fleet_outbox_signal(outbox, "/o", "org.example.Interface", "Told", "u", &body);
        }
        turn();
        if (!reads && sent < CALLS)
            continue;
        for (guint i = 0; i < 6 && answered < sent; i++) {
            g_autoptr(GDBusMessage) message = next();
            if (g_dbus_message_get_message_type(message) != G_DBUS_MESSAGE_TYPE_SIGNAL)
                ck_assert_uint_eq(g_dbus_message_get_reply_serial(message), ++answered);
        }
    }
    ck_assert(!closed);
}
END_TEST

START_TEST(what_is_too_large_is_an_error)
{
    ask(1, "Fill", g_variant_new("(u)", REPLY_MAX));
    ask(2, "Fill", g_variant_new("(u)", REPLY_MAX - 5));
    g_autoptr(GDBusMessage) refused = next();
    g_autoptr(GDBusMessage) largest = next();
    ck_assert_str_eq(g_dbus_message_get_error_name(refused), "org.fleet.Error.LimitExceeded");
    fleet_test_assert_contains(g_dbus_message_get_arg0(refused), "100000 is the most");
    ck_assert_uint_eq(g_dbus_message_get_reply_serial(refused), 1);
    ck_assert_uint_eq(strlen(g_dbus_message_get_arg0(largest)), REPLY_MAX - 5);
}
END_TEST

START_TEST(what_was_begun_can_be_taken_back)
{
    ask(1, "ChangeMind", NULL);
    g_autoptr(GDBusMessage) reply = next();
    ck_assert_uint_eq(g_dbus_message_get_reply_serial(reply), 1);
    ck_assert_ptr_null(g_dbus_message_get_body(reply));
}
END_TEST

/* A bus daemon disconnects who sends it what is no UTF-8. */
START_TEST(errors_are_valid_whatever_they_quote)
{
    ask(1, "Fail", NULL);
    g_autoptr(GDBusMessage) error = next();
    ck_assert_str_eq(g_dbus_message_get_error_name(error), "org.fleet.Error.StorageFailed");
    ck_assert_str_eq(g_dbus_message_get_arg0(error), "'/srv/\xef\xbf\xbd\xef\xbf\xbd' is full");
}
END_TEST

START_TEST(nothing_comes_that_nobody_waits_for)
{
    call(1, "org.example.Interface", "Fill", g_variant_new("(u)", 5), FALSE);
    call(2, "org.example.Interface", "Fail", NULL, FALSE);
    ask(3, "Fill", g_variant_new("(u)", 0));
    g_autoptr(GDBusMessage) reply = next();
    ck_assert_uint_eq(g_dbus_message_get_reply_serial(reply), 3);
}
END_TEST

START_TEST(closed_is_closed)
{
    fleet_outbox_close(outbox);
    fleet_outbox_signal(outbox, "/o", "org.example.Interface", "Told", NULL, NULL);
    ck_assert_uint_eq(fleet_outbox_waiting(outbox), 0);
    ck_assert(fleet_outbox_flush(outbox));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: outbox");
    TCase *tcase = fleet_test_case(suite, "outbox");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, everything_comes_whole_and_in_order, 0, 8);
    tcase_add_test(tcase, what_is_too_large_is_an_error);
    tcase_add_test(tcase, what_was_begun_can_be_taken_back);
    tcase_add_test(tcase, errors_are_valid_whatever_they_quote);
    tcase_add_test(tcase, nothing_comes_that_nobody_waits_for);
    tcase_add_test(tcase, closed_is_closed);
    return fleet_test_main(suite);
}
