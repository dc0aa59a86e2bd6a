/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/device_filter.h"

#include "lib/main.h"

static gboolean matches(const FleetDeviceFilter *filter)
{
    g_autoptr(FleetDevice) device = fleet_device_new("router-001", "Main Router", "router", "simulated");

    device->status = FLEET_DEVICE_OFFLINE;
    return fleet_device_filter_matches(filter, device);
}

START_TEST(empty_filter_takes_all)
{
    ck_assert(matches(&(FleetDeviceFilter){0}));
}
END_TEST

START_TEST(status_must_be_among_those_asked_for)
{
    FleetDeviceFilter one = {.statuses = 1u << _i}, others = {.statuses = ~(1u << _i)};

    ck_assert(matches(&one) == (_i == FLEET_DEVICE_OFFLINE));
    ck_assert(matches(&others) == (_i != FLEET_DEVICE_OFFLINE));
}
END_TEST

START_TEST(type_must_be_among_those_asked_for)
{
    char *one[] = {(char *)"router", NULL}, *two[] = {(char *)"sensor", (char *)"router", NULL};
    char *other[] = {(char *)"sensor", (char *)"Router", (char *)"route", (char *)"", NULL}, *none[] = {NULL};

    ck_assert(matches(&(FleetDeviceFilter){.types = one}));
    ck_assert(matches(&(FleetDeviceFilter){.types = two}));
    ck_assert(!matches(&(FleetDeviceFilter){.types = other}));
    ck_assert(!matches(&(FleetDeviceFilter){.types = none}));
}
END_TEST

START_TEST(id_must_have_the_prefix)
{
    static const char *const good[] = {"", "r", "router-", "router-001"};
    static const char *const bad[] = {"R", "outer", "router-0011", "-001"};

    ck_assert(matches(&(FleetDeviceFilter){.id_prefix = (char *)good[_i]}));
    ck_assert(!matches(&(FleetDeviceFilter){.id_prefix = (char *)bad[_i]}));
}
END_TEST

START_TEST(name_must_contain_the_part)
{
    static const char *const good[] = {"", "Main Router", "n R", "Router"};
    static const char *const bad[] = {"main", "ROUTER", "Main Router ", "x"};

    ck_assert(matches(&(FleetDeviceFilter){.name_contains = (char *)good[_i]}));
    ck_assert(!matches(&(FleetDeviceFilter){.name_contains = (char *)bad[_i]}));
}
END_TEST

/* All four hold; then each in turn does not. */
START_TEST(all_conditions_must_hold)
{
    char *right[] = {(char *)"router", NULL}, *wrong[] = {(char *)"sensor", NULL};
    FleetDeviceFilter filter = {.statuses = 1u << FLEET_DEVICE_OFFLINE,
            .types = right,
            .id_prefix = (char *)"r",
            .name_contains = (char *)"M"};

    ck_assert(matches(&filter));
    if (_i == 0)
        filter.statuses = 1u << FLEET_DEVICE_IDLE;
    else if (_i == 1)
        filter.types = wrong;
    else if (_i == 2)
        filter.id_prefix = (char *)"x";
    else
        filter.name_contains = (char *)"x";
    ck_assert(!matches(&filter));
}
END_TEST

START_TEST(clear_empties)
{
    FleetDeviceFilter filter = {.statuses = 1u << FLEET_DEVICE_IDLE,
            .types = g_strsplit("a,b", ",", -1),
            .id_prefix = g_strdup("x"),
            .name_contains = g_strdup("x")};

    ck_assert(!matches(&filter));
    fleet_device_filter_clear(&filter);
    ck_assert(matches(&filter));
    ck_assert_uint_eq(filter.statuses, 0);
    ck_assert_ptr_null(filter.types);
    ck_assert_ptr_null(filter.id_prefix);
    ck_assert_ptr_null(filter.name_contains);
    fleet_device_filter_clear(&filter);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("device filter");
    TCase *tcase = fleet_test_case(suite, "device filter");

    tcase_add_test(tcase, empty_filter_takes_all);
    tcase_add_loop_test(tcase, status_must_be_among_those_asked_for, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_test(tcase, type_must_be_among_those_asked_for);
    tcase_add_loop_test(tcase, id_must_have_the_prefix, 0, 4);
    tcase_add_loop_test(tcase, name_must_contain_the_part, 0, 4);
    tcase_add_loop_test(tcase, all_conditions_must_hold, 0, 4);
    tcase_add_test(tcase, clear_empties);
    return fleet_test_main(suite);
}
