/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a peer may do and for how long, with limits short enough to be waited for. */

#include "bus/flow.h"
#include "bus/intake.h"
#include "bus/peer_source.h"

#include "base/clock.h"
#include "lib/main.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const FleetPeerLimits short_limits = {
        .greeting = 300 * FLEET_USEC_PER_MSEC, .message = 300 * FLEET_USEC_PER_MSEC};
static const FleetPeerLimits long_limits = {
        .greeting = 3600 * FLEET_USEC_PER_SEC, .message = 3600 * FLEET_USEC_PER_SEC};

typedef struct {
    FleetTimers *timers;
    FleetPeerSource *source;
    int fd;           /* the peer's */
    guint unanswered; /* as the owner says */
    guint received;
    gboolean opened;
    int closed; /* negative errno; 0 = not */
} Peer;

static FleetRoom *room;

static int count_message(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    ((Peer *)user_data)->received++;
    return 1;
}

static int opened(gpointer user_data)
{
    Peer *peer = user_data;

    peer->opened = TRUE;
    return sd_bus_add_filter(fleet_peer_source_bus(peer->source), NULL, count_message, peer);
}

static guint unanswered(gpointer user_data)
{
    return ((Peer *)user_data)->unanswered;
}

static gboolean full(gpointer user_data)
{
    return ((Peer *)user_data)->unanswered >= FLEET_FLOW_CALLS_MAX;
}

static gboolean flush(gpointer user_data)
{
    return TRUE;
}

static void closed(int r, gpointer user_data)
{
    ((Peer *)user_data)->closed = r;
}

static const FleetPeerCallbacks callbacks = {
        .opened = opened, .unanswered = unanswered, .full = full, .flush = flush, .closed = closed};

static void peer_start(Peer *peer, const FleetPeerLimits *limits)
{
    int fds[2], r;

    if (room == NULL)
        room = fleet_room_new();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    peer->timers = fleet_timers_new();
    peer->fd = fds[1];
    peer->source = fleet_peer_source_new(
            fds[0], getuid(), (sd_id128_t){.bytes = {1}}, room, peer->timers, limits, &callbacks, peer, &r);
    ck_assert_ptr_nonnull(peer->source);
}

static void peer_clear(Peer *peer)
{
    fleet_peer_source_free(peer->source);
    fleet_timers_free(peer->timers);
    close(peer->fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Peer, peer_clear)

/* The loop goes on until that is so; or, if it is not to be so, until nothing more happens. */
#define wait_until(condition)                                                                                          \
    do {                                                                                                               \
        gint64 end = fleet_test_deadline(FLEET_TEST_PATIENCE);                                                         \
        while (!(condition)) {                                                                                         \
            ck_assert_msg(g_get_monotonic_time() < end, "it does not come to %s", #condition);                         \
            g_main_context_iteration(NULL, FALSE);                                                                     \
        }                                                                                                              \
    } while (FALSE)

static void settle(void)
{
    for (guint i = 0; i < 1000; i++)
        g_main_context_iteration(NULL, FALSE);
}

static void say(Peer *peer, const void *data, gsize size)
{
    const guint8 *bytes = data;
    gint64 end = fleet_test_deadline(FLEET_TEST_PATIENCE);

    while (size > 0 && peer->closed == 0) {
        ssize_t n = send(peer->fd, bytes, size, MSG_NOSIGNAL);

        ck_assert(n > 0 || errno == EAGAIN || errno == EPIPE);
        ck_assert(g_get_monotonic_time() < end);
        bytes += MAX(n, 0);
        size -= (gsize)MAX(n, 0);
        g_main_context_iteration(NULL, FALSE);
    }
}

static void say_text(Peer *peer, const char *text)
{
    say(peer, text, strlen(text));
}

static void greet(Peer *peer)
{
    g_autoptr(GString) greeting = g_string_new("AUTH EXTERNAL ");
    g_autofree char *uid = g_strdup_printf("%u", getuid());

    for (const char *p = uid; *p != '\0'; p++)
        g_string_append_printf(greeting, "%02x", (guint)*p);
    g_string_append(greeting, "\r\nBEGIN\r\n");
    say(peer, "\0", 1);
    say_text(peer, greeting->str);
    wait_until(peer->opened);
}

/* A call of a method with one string of so many bytes. */
static GByteArray *call_with(gsize size)
{
    static const guint8 head[] = "l\1\0\1";
    /* PATH "/", MEMBER "M", SIGNATURE "s" */
    static const guint8 fields[] = "\1\1o\0\1\0\0\0/\0\0\0\0\0\0\0\3\1s\0\1\0\0\0M\0\0\0\0\0\0\0\10\1g\0\1s\0";
    const guint32 fields_size = sizeof(fields) - 1, serial = 1, body = (guint32)size + 5, length = (guint32)size;
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_append(bytes, head, 4);
    g_byte_array_append(bytes, (const guint8 *)&body, 4);
    g_byte_array_append(bytes, (const guint8 *)&serial, 4);
    g_byte_array_append(bytes, (const guint8 *)&fields_size, 4);
    g_byte_array_append(bytes, fields, fields_size);
    while (bytes->len % 8 != 0)
        g_byte_array_append(bytes, (const guint8 *)"", 1);
    g_byte_array_append(bytes, (const guint8 *)&length, 4);
    guint at = bytes->len;
    g_byte_array_set_size(bytes, at + (guint)size + 1);
    memset(bytes->data + at, 'a', size);
    bytes->data[at + size] = '\0';
    return bytes;
}

START_TEST(greeting_has_its_time)
{
    g_auto(Peer) peer = {0};

    peer_start(&peer, &short_limits);
    if (_i == 1)
        say(&peer, "\0AUTH EXTERNAL\r\n", 16);
    wait_until(peer.closed != 0);
    ck_assert_int_eq(peer.closed, -ETIMEDOUT);
}
END_TEST

START_TEST(who_has_greeted_may_be_silent)
{
    g_auto(Peer) peer = {0};
    g_autoptr(GByteArray) call = call_with(10);

    peer_start(&peer, &short_limits);
    greet(&peer);
    gint64 over = g_get_monotonic_time() + 2 * short_limits.greeting;
    wait_until(g_get_monotonic_time() > over);
    ck_assert_int_eq(peer.closed, 0);
    say(&peer, call->data, call->len);
    wait_until(peer.received == 1);
}
END_TEST

static const gsize sizes[] = {10, 60000, 70000, 1000000};

START_TEST(message_has_its_time)
{
    g_auto(Peer) peer = {0};
    g_autoptr(GByteArray) call = call_with(sizes[_i]);

    peer_start(&peer, &short_limits);
    greet(&peer);
    for (guint i = 1; i <= 3; i++) {
        say(&peer, call->data, call->len);
        wait_until(peer.received == i);
    }
    say(&peer, call->data, call->len - 1);
    wait_until(peer.closed != 0);
    ck_assert_int_eq(peer.closed, -ETIMEDOUT);
    ck_assert_uint_eq(peer.received, 3);
}
END_TEST

/* It is not late if we are: what it has sent in time is there. */
START_TEST(time_is_the_peers_own)
{
    g_auto(Peer) peer = {0};
    g_autoptr(GByteArray) call = call_with(60000);

    peer_start(&peer, &short_limits);
    greet(&peer);
    say(&peer, call->data, call->len - 1);
    settle();
    ck_assert_int_eq(send(peer.fd, call->data + call->len - 1, 1, MSG_NOSIGNAL), 1);
    for (gint64 over = g_get_monotonic_time() + 2 * short_limits.message; g_get_monotonic_time() < over;)
        g_thread_yield(); /* the loop has other things to do */
    wait_until(peer.received == 1 || peer.closed != 0);
    ck_assert_int_eq(peer.closed, 0);
}
END_TEST

/* Large ones without a pause between them: while one ends the next has begun, and each has its own time. */
START_TEST(message_after_message_has_its_time)
{
    g_auto(Peer) peer = {0};
    g_autoptr(GByteArray) call = call_with(sizes[_i]);
    guint8 begin[20];
    guint sent = 0;

    peer_start(&peer, &short_limits);
    greet(&peer);
    memcpy(begin, call->data, sizeof(begin));
    say(&peer, begin, sizeof(begin));
    for (gint64 over = g_get_monotonic_time() + 3 * short_limits.message; g_get_monotonic_time() < over; sent++) {
        say(&peer, call->data + sizeof(begin), call->len - sizeof(begin));
        say(&peer, begin, sizeof(begin));
        wait_until(peer.received == sent + 1 || peer.closed != 0);
        ck_assert_int_eq(peer.closed, 0);
    }
}
END_TEST

/* While it is not read from, because of what we owe it, its time does not run out. */
START_TEST(time_stops_while_calls_are_unanswered)
{
    g_auto(Peer) peer = {0};
    g_autoptr(GByteArray) call = call_with(10);

    peer_start(&peer, &short_limits);
    greet(&peer);
    say(&peer, call->data, 12);
    settle();
    peer.unanswered = FLEET_FLOW_CALLS_MAX;
    say(&peer, call->data + 12, call->len - 12);
    gint64 over = g_get_monotonic_time() + 2 * short_limits.message;
    wait_until(g_get_monotonic_time() > over);
    ck_assert_int_eq(peer.closed, 0);
    ck_assert_uint_eq(peer.received, 0);
    peer.unanswered--;
    wait_until(peer.received == 1);
}
END_TEST

START_TEST(byte_by_byte_is_as_good)
{
    g_auto(Peer) peer = {0};
    g_autoptr(GByteArray) call = call_with(100);

    peer_start(&peer, &long_limits);
    greet(&peer);
    for (guint n = 1; n <= 3; n++) {
        for (guint i = 0; i < call->len; i++) {
            ck_assert_uint_eq(peer.received, n - 1);
            say(&peer, call->data + i, 1);
        }
        wait_until(peer.received == n);
    }
}
END_TEST

/* Small and large ones in one stream, cut anywhere. */
START_TEST(messages_of_all_sizes_arrive)
{
    static const gsize stream[] = {0, 1, 65000, 65470, 65480, 65500, 65536, 3, 200000, 7, 5000000, 9, 70000, 70000, 1};
    g_auto(Peer) peer = {0};
    g_autoptr(GByteArray) all = g_byte_array_new();

    for (guint i = 0; i < G_N_ELEMENTS(stream); i++) {
        g_autoptr(GByteArray) call = call_with(stream[i]);
        g_byte_array_append(all, call->data, call->len);
    }
    peer_start(&peer, &long_limits);
    greet(&peer);
    for (gsize sent = 0, part = 1; sent < all->len; sent += part, part = MIN(part * 3 + 1, all->len - sent))
        say(&peer, all->data + sent, part);
    wait_until(peer.received == G_N_ELEMENTS(stream));
    ck_assert_int_eq(peer.closed, 0);
}
END_TEST

static void nothing_granted(gpointer user_data)
{
}

static gsize drain(int fd)
{
    guint8 bytes[4096];
    gsize all = 0;

    for (ssize_t n; (n = read(fd, bytes, sizeof(bytes))) > 0; all += (gsize)n)
        ;
    return all;
}

/* The kernel gives large pipes to few. What is still to be put into a small one has not come in. */
START_TEST(large_message_has_come_in_once_all_is_in_the_pipe)
{
    FleetRoom *own = fleet_room_new();
    g_autoptr(GByteArray) call = call_with(70000);
    int fds[2], pipe;
    gsize all = 0;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    FleetIntake *intake = fleet_intake_new(own, fds[0], getuid(), nothing_granted, NULL, &pipe);
    ck_assert_ptr_nonnull(intake);
    ck_assert_int_gt(fcntl(pipe, F_SETPIPE_SZ, 4096), 0);
    fleet_intake_open(intake);
    ck_assert_int_eq(write(fds[1], call->data, call->len), call->len);
    while (!fleet_intake_holds(intake)) {
        ck_assert_int_gt(fleet_intake_feed(intake), 0);
        all += drain(pipe);
    }
    ck_assert_uint_eq(all, call->len);
    fleet_intake_free(intake);
    fleet_room_free(own);
    close(pipe);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

static const struct {
    const char *header;
    int r;
} headers[] = {
        {"l\1\0\1\0\0\0\1\1\0\0\0\10\0\0\0", -EMSGSIZE},                /* 16 MiB of body */
        {"l\1\0\1\377\377\377\377\1\0\0\0\377\377\377\377", -EMSGSIZE}, /* as much as can be said */
        {"B\1\0\1\1\0\0\0\0\0\0\1\0\0\0\10", -EMSGSIZE},
        {"x\1\0\1\0\0\0\0\1\0\0\0\10\0\0\0", -EBADMSG},
        {"\0\1\0\1\0\0\0\0\1\0\0\0\10\0\0\0", -EBADMSG},
};

START_TEST(impossible_header_ends_it)
{
    g_auto(Peer) peer = {0};

    peer_start(&peer, &long_limits);
    greet(&peer);
    say(&peer, headers[_i].header, 16);
    wait_until(peer.closed != 0);
    ck_assert_int_eq(peer.closed, headers[_i].r);
}
END_TEST

/* sd-bus reads 24 bytes before it looks; here it must not get more than the message has. */
START_TEST(shortest_message_takes_nothing_from_the_next)
{
    g_auto(Peer) peer = {0};
    g_autoptr(GByteArray) call = call_with(10);
    g_autoptr(GByteArray) both = g_byte_array_new();

    g_byte_array_append(both, (const guint8 *)"l\1\0\1\0\0\0\0\1\0\0\0\0\0\0\0", 16);
    g_byte_array_append(both, call->data, call->len);
    peer_start(&peer, &long_limits);
    greet(&peer);
    say(&peer, both->data, both->len);
    wait_until(peer.received == 1 || peer.closed != 0);
}
END_TEST

/* Of a large message, what is said first. */
#define BEGUN 100000

static void begin_large(Peer *peers, guint n, const GByteArray *call)
{
    for (guint i = 0; i < n; i++) {
        peer_start(&peers[i], &long_limits);
        greet(&peers[i]);
        say(&peers[i], call->data, BEGUN);
    }
    settle();
}

/* Two of the largest of one user; the third has to wait until one is answered. */
START_TEST(large_messages_wait_for_room)
{
    g_autoptr(GByteArray) call = call_with(FLEET_INTAKE_MESSAGE_MAX - 100);
    Peer peers[3] = {{0}};

    begin_large(peers, 3, call);
    /* The third is not read from: the kernel is soon full. */
    while (send(peers[2].fd, call->data + BEGUN, BEGUN, MSG_NOSIGNAL) > 0)
        ck_assert_uint_eq(peers[2].received, 0);
    ck_assert_int_eq(errno, EAGAIN);

    peers[0].unanswered = 1;
    say(&peers[0], call->data + BEGUN, call->len - BEGUN);
    wait_until(peers[0].received == 1);
    settle();
    struct pollfd writable = {.fd = peers[2].fd, .events = POLLOUT};
    ck_assert_int_eq(poll(&writable, 1, 0), 0);
    peers[0].unanswered = 0;
    wait_until(poll(&writable, 1, 0) == 1);
    for (guint i = 0; i < 3; i++)
        peer_clear(&peers[i]);
}
END_TEST

/* The one that holds the room goes; the one that waits gets it. One that waits may go as well. */
START_TEST(room_of_who_leaves_is_free)
{
    g_autoptr(GByteArray) call = call_with(FLEET_INTAKE_MESSAGE_MAX - 100);
    Peer peers[5] = {{0}};

    begin_large(peers, 5, call);
    peer_clear(&peers[2]);
    peer_clear(&peers[0]);
    say(&peers[3], call->data + BEGUN, call->len - BEGUN);
    wait_until(peers[3].received == 1);
    say(&peers[4], call->data + BEGUN, call->len - BEGUN);
    wait_until(peers[4].received == 1);
    peer_clear(&peers[1]);
    peer_clear(&peers[3]);
    peer_clear(&peers[4]);
    fleet_room_free(g_steal_pointer(&room));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: peer source");
    TCase *time = fleet_test_case(suite, "time"), *bytes = fleet_test_case(suite, "bytes");

    tcase_add_loop_test(time, greeting_has_its_time, 0, 2);
    tcase_add_test(time, who_has_greeted_may_be_silent);
    tcase_add_loop_test(time, message_has_its_time, 0, (int)G_N_ELEMENTS(sizes));
    tcase_add_test(time, time_is_the_peers_own);
    tcase_add_loop_test(time, message_after_message_has_its_time, 0, (int)G_N_ELEMENTS(sizes));
    tcase_add_test(time, time_stops_while_calls_are_unanswered);
    tcase_add_test(bytes, byte_by_byte_is_as_good);
    tcase_add_test(bytes, messages_of_all_sizes_arrive);
    tcase_add_test(bytes, large_message_has_come_in_once_all_is_in_the_pipe);
    tcase_add_loop_test(bytes, impossible_header_ends_it, 0, (int)G_N_ELEMENTS(headers));
    tcase_add_test(bytes, shortest_message_takes_nothing_from_the_next);
    tcase_add_test(bytes, large_messages_wait_for_room);
    tcase_add_test(bytes, room_of_who_leaves_is_free);
    return fleet_test_main(suite);
}
