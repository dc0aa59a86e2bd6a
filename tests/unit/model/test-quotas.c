/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What each user may have, who is bound by it, and what one is told who has it all. */

#include "base/error.h"
#include "lib/main.h"
#include "model/usage.h"

#define OWN 990 /* the daemon's user */

static FleetUsage *usage;

static void make(FleetQuota quota, guint limit)
{
    FleetQuotas quotas = {0};

    g_clear_pointer(&usage, fleet_usage_free);
    usage = fleet_usage_new(quota, OWN);
    quotas.limits[quota] = limit;
    fleet_usage_configure(usage, &quotas);
}

static void teardown(void)
{
    g_clear_pointer(&usage, fleet_usage_free);
}

static void add(uid_t uid, guint n)
{
    for (guint i = 0; i < n; i++)
        fleet_usage_add(usage, uid);
}

static void assert_refused(uid_t uid, const char *message)
{
    g_autoptr(GError) error = NULL;

    ck_assert(!fleet_usage_check(usage, uid, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_QUOTA_EXCEEDED);
    ck_assert_str_eq(error->message, message);
}

static const struct {
    FleetQuota quota;
    gboolean binds_all;
    const char *message;
} quotas[] = {
        {FLEET_QUOTA_CALLS, TRUE,
                "user 1000 has reached the quota CallsPerUser=: 2 of 2 calls are in flight; wait until some are "
                "answered, or have it raised in fleetd.conf"},
        {FLEET_QUOTA_CONNECTIONS, TRUE,
                "user 1000 has reached the quota ConnectionsPerUser=: 2 of 2 connections are open; close some, or have "
                "it raised in fleetd.conf"},
        {FLEET_QUOTA_PENDING_ACTIONS, FALSE,
                "user 1000 has reached the quota PendingActionsPerUser=: 2 of 2 actions are pending; wait until some "
                "have started, cancel some, or have it raised in fleetd.conf"},
        {FLEET_QUOTA_DEVICES, FALSE,
                "user 1000 has reached the quota DevicesPerUser=: 2 of 2 devices are registered; unregister some, or "
                "have it raised in fleetd.conf"},
};

START_TEST(refusal_names_the_quota_and_the_remedy)
{
    make(quotas[_i].quota, 2);
    add(1000, 1);
    ck_assert(fleet_usage_check(usage, 1000, NULL));
    add(1000, 1);
    assert_refused(1000, quotas[_i].message);
    ck_assert(fleet_usage_check(usage, 1001, NULL));
    fleet_usage_remove(usage, 1000);
    ck_assert(fleet_usage_check(usage, 1000, NULL));
}
END_TEST

START_TEST(root_and_the_daemon_are_bound_by_some)
{
    make(quotas[_i].quota, 1);
    add(0, 1);
    add(OWN, 1);
    add((uid_t)-2, 1);
    ck_assert(fleet_usage_check(usage, 0, NULL) == !quotas[_i].binds_all);
    ck_assert(fleet_usage_check(usage, OWN, NULL) == !quotas[_i].binds_all);
    ck_assert(!fleet_usage_check(usage, (uid_t)-2, NULL));
}
END_TEST

START_TEST(zero_is_no_limit)
{
    make(FLEET_QUOTA_CALLS, 0);
    add(1000, 5000);
    ck_assert(fleet_usage_check(usage, 1000, NULL));
    ck_assert_uint_eq(fleet_usage_count(usage, 1000), 5000);
}
END_TEST

START_TEST(limit_is_the_default_until_configured)
{
    g_autoptr(FleetUsage) fresh = fleet_usage_new(FLEET_QUOTA_CONNECTIONS, OWN);

    for (guint i = 0; i < fleet_quotas_default.limits[FLEET_QUOTA_CONNECTIONS]; i++) {
        ck_assert(fleet_usage_check(fresh, 7, NULL));
        fleet_usage_add(fresh, 7);
    }
    ck_assert(!fleet_usage_check(fresh, 7, NULL));
}
END_TEST

START_TEST(lowered_limit_takes_nothing_away)
{
    FleetQuotas lower = {.limits = {[FLEET_QUOTA_DEVICES] = 1}};

    make(FLEET_QUOTA_DEVICES, 3);
    add(1000, 3);
    fleet_usage_configure(usage, &lower);
    ck_assert_uint_eq(fleet_usage_count(usage, 1000), 3);
    assert_refused(1000, "user 1000 has reached the quota DevicesPerUser=: 3 of 1 devices are registered; unregister "
                         "some, or have it raised in fleetd.conf");
    fleet_usage_remove(usage, 1000);
    fleet_usage_remove(usage, 1000);
    ck_assert(!fleet_usage_check(usage, 1000, NULL));
    fleet_usage_remove(usage, 1000);
    ck_assert(fleet_usage_check(usage, 1000, NULL));
    ck_assert_uint_eq(fleet_usage_count(usage, 1000), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model: quotas");
    TCase *tcase = fleet_test_case(suite, "quotas");

    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_loop_test(tcase, refusal_names_the_quota_and_the_remedy, 0, G_N_ELEMENTS(quotas));
    tcase_add_loop_test(tcase, root_and_the_daemon_are_bound_by_some, 0, G_N_ELEMENTS(quotas));
    tcase_add_test(tcase, zero_is_no_limit);
    tcase_add_test(tcase, limit_is_the_default_until_configured);
    tcase_add_test(tcase, lowered_limit_takes_nothing_away);
    return fleet_test_main(suite);
}
