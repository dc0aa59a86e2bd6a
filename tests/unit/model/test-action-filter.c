/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/action_filter.h"

#include "lib/main.h"

static void assert_empty(const FleetActionFilter *filter)
{
    ck_assert_ptr_null(filter->device_id);
    ck_assert_ptr_null(filter->types);
    ck_assert_uint_eq(filter->statuses, 0);
    ck_assert_uint_eq(filter->results, 0);
    ck_assert_int_eq(filter->since, 0);
    ck_assert_int_eq(filter->until, 0);
    ck_assert_int_eq(filter->owner_uid, -1); /* 0 would be root's only */
    ck_assert_int_eq(filter->before, 0);
    ck_assert_uint_gt(filter->limit, 0);
}

START_TEST(new_filter_asks_for_any)
{
    FleetActionFilter filter = FLEET_ACTION_FILTER_INIT;

    assert_empty(&filter);
}
END_TEST

START_TEST(clear_empties)
{
    FleetActionFilter filter = {.device_id = g_strdup("router-1"),
            .statuses = 1,
            .results = 1,
            .types = g_strsplit("a,b", ",", -1),
            .since = 1,
            .until = 2,
            .owner_uid = 0,
            .before = 3,
            .limit = 4};

    fleet_action_filter_clear(&filter);
    assert_empty(&filter);
    fleet_action_filter_clear(&filter);
    assert_empty(&filter);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("action filter");
    TCase *tcase = fleet_test_case(suite, "action filter");

    tcase_add_test(tcase, new_filter_asks_for_any);
    tcase_add_test(tcase, clear_empties);
    return fleet_test_main(suite);
}
