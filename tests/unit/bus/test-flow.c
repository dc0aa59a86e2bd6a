/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whose call goes when, and how many may be on their way; and the room for large messages. */

#include "bus/flow.h"
#include "bus/room.h"

#include "base/error.h"
#include "lib/main.h"

typedef struct {
    FleetFlowCall flow;
    char name;
} Call;

static FleetFlow *flow;
static GString *gone; /* the names of the calls that went, in their order */

static void go(FleetFlowCall *call)
{
    g_string_append_c(gone, ((Call *)call->data)->name);
}

static void setup(void)
{
    flow = fleet_flow_new();
    gone = g_string_new("");
}

static void teardown(void)
{
    fleet_flow_free(flow);
    g_string_free(gone, TRUE);
}

static void begin(Call *call, FleetFlowSender *sender, uid_t uid, char name)
{
    g_autoptr(GError) error = NULL;

    *call = (Call){.flow = {.go = go, .data = call}, .name = name};
    ck_assert(fleet_flow_begin(&call->flow, sender, uid, &error));
}

static void turn(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

/* So many of a sender that is alone, and still under way, before others may go while it is not. */
#define TOO_MANY (FLEET_FLOW_CALLS_MAX - FLEET_FLOW_CALLS_SHARED)

/* Fills a sender, so that what follows waits. */
static void fill(Call *calls, guint n, FleetFlowSender *sender)
{
    for (guint i = 0; i < n; i++)
        begin(&calls[i], sender, 1, '-');
    ck_assert_uint_eq(gone->len, n);
    ck_assert(fleet_flow_is_full(sender));
    g_string_truncate(gone, 0);
}

static void finish(Call *calls, guint n)
{
    for (guint i = 0; i < n; i++)
        fleet_flow_end(&calls[i].flow);
}

START_TEST(one_of_many_waits_and_others_pass)
{
    g_autoptr(FleetFlowSender) greedy = fleet_flow_sender_new(flow);
    g_autoptr(FleetFlowSender) other = fleet_flow_sender_new(flow);
    Call full[FLEET_FLOW_CALLS_MAX], waiting[3], passing;

    fill(full, FLEET_FLOW_CALLS_MAX, greedy);
    for (guint i = 0; i < 3; i++)
        begin(&waiting[i], greedy, 1, (char)('a' + i));
    turn();
    ck_assert_str_eq(gone->str, "");
    ck_assert(!fleet_flow_is_idle(flow));
    ck_assert_uint_eq(fleet_flow_unanswered(greedy), FLEET_FLOW_CALLS_MAX + 3);
    begin(&passing, other, 1, 'x');
    ck_assert_str_eq(gone->str, "x");

    /* Now there are two, so less is enough. */
    finish(full, TOO_MANY);
    turn();
    ck_assert_str_eq(gone->str, "x");
    finish(full + TOO_MANY, 2);
    turn();
    ck_assert_str_eq(gone->str, "xab");
    finish(full + TOO_MANY + 2, FLEET_FLOW_CALLS_SHARED - 2);
    turn();
    ck_assert_str_eq(gone->str, "xabc");
    ck_assert(fleet_flow_is_idle(flow));
    finish(waiting, 3);
    finish(&passing, 1);
    ck_assert_uint_eq(fleet_flow_unanswered(greedy), 0);
}
END_TEST

/* A call that comes when there is room again still waits behind those that wait already. */
START_TEST(order_of_one_sender_is_kept)
{
    g_autoptr(FleetFlowSender) sender = fleet_flow_sender_new(flow);
    Call full[FLEET_FLOW_CALLS_MAX], waiting[2];

    fill(full, FLEET_FLOW_CALLS_MAX, sender);
    begin(&waiting[0], sender, 1, 'a');
    finish(full, FLEET_FLOW_CALLS_MAX);
    begin(&waiting[1], sender, 1, 'b');
    ck_assert_str_eq(gone->str, "");
    turn();
    ck_assert_str_eq(gone->str, "ab");
    finish(waiting, 2);
}
END_TEST

START_TEST(those_who_wait_take_turns)
{
    g_autoptr(FleetFlowSender) one = fleet_flow_sender_named(flow, ":1.1");
    g_autoptr(FleetFlowSender) two = fleet_flow_sender_named(flow, ":1.2");
    Call full_one[FLEET_FLOW_CALLS_MAX], full_two[FLEET_FLOW_CALLS_SHARED], first[3], second[3];

    fill(full_one, FLEET_FLOW_CALLS_MAX, one);
    fill(full_two, FLEET_FLOW_CALLS_SHARED, two);
    for (guint i = 0; i < 3; i++)
        begin(&first[i], one, 1, (char)('a' + i));
    for (guint i = 0; i < 3; i++)
        begin(&second[i], two, 2, (char)('A' + i));
    finish(full_one, FLEET_FLOW_CALLS_MAX);
    finish(full_two, FLEET_FLOW_CALLS_SHARED);
    turn();
    ck_assert_str_eq(gone->str, "aAbBcC");
    finish(first, 3);
    finish(second, 3);
}
END_TEST

START_TEST(a_name_is_one_sender_as_long_as_it_has_calls)
{
    FleetFlowSender *sender = fleet_flow_sender_named(flow, ":1.1");
    Call call;

    begin(&call, sender, 1, 'a');
    fleet_flow_sender_unref(sender);
    g_autoptr(FleetFlowSender) same = fleet_flow_sender_named(flow, ":1.1");
    g_autoptr(FleetFlowSender) other = fleet_flow_sender_named(flow, ":1.2");
    ck_assert_uint_eq(fleet_flow_unanswered(same), 1);
    ck_assert_uint_eq(fleet_flow_unanswered(other), 0);
    finish(&call, 1);
}
END_TEST

/* Who waits for polkit keeps nobody waiting, so it may have more under way; but it does not go beyond all. */
START_TEST(parked_calls_make_room)
{
    g_autoptr(FleetFlowSender) other = fleet_flow_sender_new(flow);
    g_autoptr(FleetFlowSender) sender = fleet_flow_sender_new(flow);
    Call calls[FLEET_FLOW_CALLS_MAX + 1], passing;

    begin(&passing, other, 2, 'x');
    for (guint i = 0; i < FLEET_FLOW_CALLS_MAX; i++) {
        begin(&calls[i], sender, 1, '-');
        fleet_flow_park(&calls[i].flow);
        fleet_flow_park(&calls[i].flow);
    }
    ck_assert_uint_eq(gone->len, 1 + FLEET_FLOW_CALLS_MAX);
    begin(&calls[FLEET_FLOW_CALLS_MAX], sender, 1, 'a');
    turn();
    ck_assert_uint_eq(gone->len, 1 + FLEET_FLOW_CALLS_MAX);
    ck_assert_uint_eq(fleet_flow_unanswered(sender), FLEET_FLOW_CALLS_MAX + 1);
    fleet_flow_unpark(&calls[0].flow);
    finish(calls, 2);
    turn();
    ck_assert_uint_eq(gone->len, 2 + FLEET_FLOW_CALLS_MAX);
    finish(calls + 2, FLEET_FLOW_CALLS_MAX - 1);
    ck_assert_uint_eq(fleet_flow_unanswered(sender), 0);
    finish(&passing, 1);
}
END_TEST

START_TEST(quota_counts_what_waits_too)
{
    const FleetQuotas quotas = {.limits = {[FLEET_QUOTA_CALLS] = FLEET_FLOW_CALLS_MAX + 2}};
    g_autoptr(FleetFlowSender) one = fleet_flow_sender_new(flow);
    g_autoptr(FleetFlowSender) two = fleet_flow_sender_new(flow);
    g_autoptr(GError) error = NULL;
    Call full[FLEET_FLOW_CALLS_MAX], waiting[2], refused = {.flow = {.go = go, .data = &refused}}, others;

    fleet_flow_configure(flow, &quotas);
    fill(full, FLEET_FLOW_CALLS_MAX, one);
    begin(&waiting[0], one, 1, 'a');
    begin(&waiting[1], two, 1, 'b');
    ck_assert(!fleet_flow_begin(&refused.flow, two, 1, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_QUOTA_EXCEEDED);
    fleet_test_assert_contains(error->message, "user 1 has reached the quota CallsPerUser=: 66 of 66 calls");
    fleet_flow_end(&refused.flow);
    begin(&others, two, 2, 'c');
    finish(full, TOO_MANY + 1);
    begin(&refused, two, 1, 'd');
    turn();
    ck_assert_str_eq(gone->str, "bcda");
    finish(full + TOO_MANY + 1, FLEET_FLOW_CALLS_SHARED - 1);
    finish(waiting, 2);
    finish(&others, 1);
    finish(&refused, 1);
}
END_TEST

static void granted(FleetRoomClaim *claim)
{
    g_string_append_c(gone, *(const char *)claim->data);
}

START_TEST(room_is_shared_by_users)
{
    g_autoptr(FleetRoom) room = fleet_room_new();
    const gsize half = FLEET_ROOM_BYTES_PER_USER / 2;
    FleetRoomClaim claims[7];

    for (guint i = 0; i < G_N_ELEMENTS(claims); i++)
        claims[i] = (FleetRoomClaim){.uid = i / 3, .granted = granted, .data = (gpointer) & "abcdefg"[i]};
    /* A user's third does not fit; another user's first does, until there is no room for anybody. */
    ck_assert(fleet_room_claim(room, &claims[0], half));
    ck_assert(fleet_room_claim(room, &claims[1], half));
    ck_assert(!fleet_room_claim(room, &claims[2], 1));
    ck_assert(fleet_room_claim(room, &claims[3], half));
    ck_assert(fleet_room_claim(room, &claims[4], half));
    ck_assert(!fleet_room_claim(room, &claims[6], 1));
    fleet_room_release(room, &claims[3]);
    ck_assert_str_eq(gone->str, "g");
    fleet_room_release(room, &claims[1]);
    ck_assert_str_eq(gone->str, "gc");
    for (guint i = 0; i < G_N_ELEMENTS(claims); i++)
        fleet_room_release(room, &claims[i]);
    ck_assert_str_eq(gone->str, "gc");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: flow");
    TCase *tcase = fleet_test_case(suite, "flow");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, one_of_many_waits_and_others_pass);
    tcase_add_test(tcase, order_of_one_sender_is_kept);
    tcase_add_test(tcase, those_who_wait_take_turns);
    tcase_add_test(tcase, a_name_is_one_sender_as_long_as_it_has_calls);
    tcase_add_test(tcase, parked_calls_make_room);
    tcase_add_test(tcase, quota_counts_what_waits_too);
    tcase_add_test(tcase, room_is_shared_by_users);
    return fleet_test_main(suite);
}
