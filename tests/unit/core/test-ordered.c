/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/ordered.h"

#include "lib/main.h"

#include <string.h>

#define NAMES 3000
#define STEPS 60000

static const char *name_of(gconstpointer item)
{
    return item;
}

static gboolean gather(gpointer item, gpointer user_data)
{
    g_ptr_array_add(user_data, item);
    return TRUE;
}

static GPtrArray *all(const FleetOrdered *ordered, const char *start, gboolean inclusive)
{
    GPtrArray *found = g_ptr_array_new();

    fleet_ordered_visit(ordered, start, inclusive, gather, found);
    return found;
}

static char **make_names(void)
{
    char **names = g_new0(char *, NAMES + 1);

    for (guint i = 0; i < NAMES; i++)
        names[i] = g_strdup_printf("device-%05u", i);
    return names;
}

/* What is in there, by the plainest means: one flag a name. */
static void assert_holds(
        const FleetOrdered *ordered, char **names, const gboolean *there, guint from, gboolean inclusive)
{
    g_autoptr(GPtrArray) found = all(ordered, names[from], inclusive);
    guint n = 0;

    for (guint i = inclusive ? from : from + 1; i < NAMES; i++) {
        if (!there[i])
            continue;
        ck_assert_uint_lt(n, found->len);
        ck_assert_ptr_eq(g_ptr_array_index(found, n), names[i]);
        n++;
    }
    ck_assert_uint_eq(n, found->len);
}

START_TEST(keeps_the_order)
{
    g_autoptr(FleetOrdered) ordered = fleet_ordered_new(name_of);
    g_auto(GStrv) names = make_names();
    g_autofree gboolean *there = g_new0(gboolean, NAMES);
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)_i);

    for (guint step = 0; step < STEPS; step++) {
        /* Tides, so that it is now nearly full, now nearly empty. */
        gboolean rising = step / (STEPS / 6) % 2 == 0;
        guint i = (guint)g_rand_int_range(rand, 0, NAMES);

        if (!there[i] && (rising || g_rand_int_range(rand, 0, 8) == 0))
            fleet_ordered_insert(ordered, names[i]);
        else if (there[i] && (!rising || g_rand_int_range(rand, 0, 8) == 0))
            fleet_ordered_remove(ordered, names[i]);
        else
            continue;
        there[i] = !there[i];
        if (step % 500 == 0)
            assert_holds(ordered, names, there, (guint)g_rand_int_range(rand, 0, NAMES), step % 1000 == 0);
    }
    assert_holds(ordered, names, there, 0, TRUE);
    for (guint i = 0; i < NAMES; i++)
        if (there[i])
            fleet_ordered_remove(ordered, names[i]);
    g_autoptr(GPtrArray) none = all(ordered, "", TRUE);
    ck_assert_uint_eq(none->len, 0);
}
END_TEST

static void insert_all(FleetOrdered *ordered, char **names, gboolean forward)
{
    for (guint i = 0; i < NAMES; i++)
        fleet_ordered_insert(ordered, names[forward ? i : NAMES - 1 - i]);
}

START_TEST(takes_what_is_sorted_already)
{
    g_autoptr(FleetOrdered) ordered = fleet_ordered_new(name_of);
    g_auto(GStrv) names = make_names();

    insert_all(ordered, names, _i == 0);
    g_autoptr(GPtrArray) found = all(ordered, "", TRUE);
    ck_assert_uint_eq(found->len, NAMES);
    for (guint i = 0; i < NAMES; i++)
        ck_assert_ptr_eq(g_ptr_array_index(found, i), names[i]);
}
END_TEST

static gboolean stop_at_third(gpointer item, gpointer user_data)
{
    return ++*(guint *)user_data < 3;
}

START_TEST(begins_and_ends_anywhere)
{
    g_autoptr(FleetOrdered) ordered = fleet_ordered_new(name_of);
    g_auto(GStrv) names = make_names();
    guint visited = 0;

    insert_all(ordered, names, TRUE);
    g_autoptr(GPtrArray) between = all(ordered, "device-00041x", TRUE);
    ck_assert_str_eq(g_ptr_array_index(between, 0), "device-00042");
    g_autoptr(GPtrArray) at = all(ordered, "device-00042", TRUE);
    ck_assert_str_eq(g_ptr_array_index(at, 0), "device-00042");
    g_autoptr(GPtrArray) after = all(ordered, "device-00042", FALSE);
    ck_assert_str_eq(g_ptr_array_index(after, 0), "device-00043");
    g_autoptr(GPtrArray) behind = all(ordered, "zzz", TRUE);
    ck_assert_uint_eq(behind->len, 0);
    fleet_ordered_visit(ordered, "", TRUE, stop_at_third, &visited);
    ck_assert_uint_eq(visited, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ordered");
    TCase *tcase = fleet_test_case(suite, "ordered");

    tcase_add_loop_test(tcase, keeps_the_order, 0, 4);
    tcase_add_loop_test(tcase, takes_what_is_sorted_already, 0, 2);
    tcase_add_test(tcase, begins_and_ends_anywhere);
    return fleet_test_main(suite);
}
