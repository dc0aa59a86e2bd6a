/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "access/permits.h"

#include "lib/main.h"

static const FleetQuestion question = {
        .verb = FLEET_VERB_RUN_ACTIONS, .device = "d", .device_type = "t", .action_type = "A"};

START_TEST(remembers_for_its_span)
{
    g_autoptr(FleetPermits) permits = fleet_permits_new(100);

    ck_assert(!fleet_permits_have(permits, 1, &question, 0));
    fleet_permits_add(permits, 1, &question, 1000);
    ck_assert(fleet_permits_have(permits, 1, &question, 1000));
    ck_assert(fleet_permits_have(permits, 1, &question, 1099));
    ck_assert(!fleet_permits_have(permits, 1, &question, 1100));
    fleet_permits_add(permits, 1, &question, 1100);
    ck_assert(fleet_permits_have(permits, 1, &question, 1199));
}
END_TEST

static const FleetQuestion others[] = {
        {.verb = FLEET_VERB_CANCEL_ACTIONS, .device = "d", .device_type = "t", .action_type = "A"},
        {.verb = FLEET_VERB_RUN_ACTIONS, .device = "e", .device_type = "t", .action_type = "A"},
        {.verb = FLEET_VERB_RUN_ACTIONS, .device = "d", .device_type = "u", .action_type = "A"},
        {.verb = FLEET_VERB_RUN_ACTIONS, .device = "d", .device_type = "t", .action_type = "B"},
        {.verb = FLEET_VERB_RUN_ACTIONS, .device = "t", .device_type = "d", .action_type = "A"},
        {.verb = FLEET_VERB_RUN_ACTIONS, .device = "", .device_type = "", .action_type = ""},
};

START_TEST(is_for_that_alone)
{
    g_autoptr(FleetPermits) permits = fleet_permits_new(100);

    fleet_permits_add(permits, 1, &question, 0);
    ck_assert(!fleet_permits_have(permits, 1, &others[_i], 0));
    ck_assert(!fleet_permits_have(permits, 2, &question, 0));
    fleet_permits_add(permits, 1, &others[_i], 0);
    ck_assert(fleet_permits_have(permits, 1, &others[_i], 0));
    ck_assert(fleet_permits_have(permits, 1, &question, 0));
}
END_TEST

START_TEST(texts_are_copied)
{
    g_autoptr(FleetPermits) permits = fleet_permits_new(100);
    char device[] = "d";
    const FleetQuestion changing = {
            .verb = FLEET_VERB_RUN_ACTIONS, .device = device, .device_type = "t", .action_type = "A"};

    fleet_permits_add(permits, 1, &changing, 0);
    device[0] = 'x';
    ck_assert(fleet_permits_have(permits, 1, &question, 0));
    ck_assert(!fleet_permits_have(permits, 1, &changing, 0));
}
END_TEST

START_TEST(forgets_a_caller)
{
    g_autoptr(FleetPermits) permits = fleet_permits_new(100);

    for (guint i = 0; i < G_N_ELEMENTS(others); i++)
        fleet_permits_add(permits, 1, &others[i], 0);
    fleet_permits_add(permits, 2, &question, 0);
    fleet_permits_forget(permits, 1);
    fleet_permits_forget(permits, 3);
    for (guint i = 0; i < G_N_ELEMENTS(others); i++)
        ck_assert(!fleet_permits_have(permits, 1, &others[i], 0));
    ck_assert(fleet_permits_have(permits, 2, &question, 0));
    fleet_permits_clear(permits);
    ck_assert(!fleet_permits_have(permits, 2, &question, 0));
}
END_TEST

/* Not only is it not believed any more, which would show at 40 as well: it does not stay in memory. */
START_TEST(what_is_too_old_goes)
{
    g_autoptr(FleetPermits) permits = fleet_permits_new(100);

    fleet_permits_add(permits, 1, &others[0], 0);
    fleet_permits_add(permits, 1, &others[1], 50);
    fleet_permits_add(permits, 2, &question, 99);
    ck_assert(fleet_permits_have(permits, 1, &others[0], 40));
    fleet_permits_add(permits, 2, &question, 100);
    ck_assert(!fleet_permits_have(permits, 1, &others[0], 40));
    ck_assert(fleet_permits_have(permits, 1, &others[1], 40));
    fleet_permits_add(permits, 1, &others[1], 120); /* renewed */
    fleet_permits_add(permits, 3, &question, 199);
    ck_assert(fleet_permits_have(permits, 2, &question, 40));
    fleet_permits_add(permits, 3, &question, 219);
    ck_assert(!fleet_permits_have(permits, 2, &question, 40));
    ck_assert(fleet_permits_have(permits, 1, &others[1], 219));
    fleet_permits_add(permits, 3, &question, 220);
    ck_assert(!fleet_permits_have(permits, 1, &others[1], 40));
}
END_TEST

/* Whoever may do much does not fill the memory: the oldest go. */
START_TEST(there_are_only_so_many)
{
    g_autoptr(FleetPermits) permits = fleet_permits_new(G_MAXINT32);
    guint n = 0;

    for (guint i = 0; i < 50000; i++) {
        char id[16];
        g_snprintf(id, sizeof(id), "%u", i);
        const FleetQuestion many = {
                .verb = FLEET_VERB_MANAGE_DEVICES, .device = id, .device_type = "", .action_type = ""};
        fleet_permits_add(permits, i % 7, &many, i);
    }
    for (guint i = 0; i < 50000; i++) {
        char id[16];
        g_snprintf(id, sizeof(id), "%u", i);
        const FleetQuestion many = {
                .verb = FLEET_VERB_MANAGE_DEVICES, .device = id, .device_type = "", .action_type = ""};
        gboolean have = fleet_permits_have(permits, i % 7, &many, 50000);
        n += have;
        ck_assert(have == (n > 0)); /* no gap */
    }
    ck_assert_uint_eq(n, 16384);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access: permits");
    TCase *tcase = fleet_test_case(suite, "permits");

    tcase_add_test(tcase, remembers_for_its_span);
    tcase_add_loop_test(tcase, is_for_that_alone, 0, G_N_ELEMENTS(others));
    tcase_add_test(tcase, texts_are_copied);
    tcase_add_test(tcase, forgets_a_caller);
    tcase_add_test(tcase, what_is_too_old_goes);
    tcase_add_test(tcase, there_are_only_so_many);
    return fleet_test_main(suite);
}
