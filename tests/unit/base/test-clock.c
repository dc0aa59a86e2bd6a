/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/clock.h"

#include "lib/main.h"

#include <string.h>
#include <time.h>

/* What two readings of a clock, one after the other, may lie apart on a busy machine. */
#define SLACK (10 * FLEET_USEC_PER_SEC)

static gint64 now_of(clockid_t clock)
{
    struct timespec ts;

    ck_assert_int_eq(clock_gettime(clock, &ts), 0);
    return (gint64)ts.tv_sec * FLEET_USEC_PER_SEC + ts.tv_nsec / 1000;
}

START_TEST(realtime_is_the_wall_clock)
{
    gint64 before = now_of(CLOCK_REALTIME);
    gint64 read = fleet_clock_realtime();

    ck_assert_int_ge(read, before);
    ck_assert_int_le(read, now_of(CLOCK_REALTIME));
}
END_TEST

START_TEST(boottime_is_the_boot_clock)
{
    gint64 before = now_of(CLOCK_BOOTTIME);
    gint64 read = fleet_clock_boottime();

    ck_assert_int_ge(read, before);
    ck_assert_int_le(read, now_of(CLOCK_BOOTTIME));
}
END_TEST

START_TEST(boot_is_the_kernels_boot_id)
{
    g_autofree char *text = fleet_test_read("/proc/sys/kernel/random/boot_id");
    g_autofree char *digits = g_strdup_printf("%.8s%.4s%.4s", text, text + 9, text + 14);

    ck_assert_uint_ne(fleet_clock_boot(), 0);
    ck_assert_uint_eq(fleet_clock_boot(), g_ascii_strtoull(digits, NULL, 16));
    ck_assert_uint_eq(fleet_clock_boot(), fleet_clock_boot());
}
END_TEST

START_TEST(now_reads_all)
{
    FleetInstant now = fleet_clock_now();

    ck_assert_int_le(ABS(now.realtime - fleet_clock_realtime()), SLACK);
    ck_assert_int_le(ABS(now.boottime - fleet_clock_boottime()), SLACK);
    ck_assert_uint_eq(now.boot, fleet_clock_boot());
}
END_TEST

START_TEST(same_boot_is_exact)
{
    FleetInstant past = {.realtime = 1, .boottime = 42, .boot = fleet_clock_boot()};
    FleetInstant future = {.realtime = 1, .boottime = G_MAXINT64, .boot = fleet_clock_boot()};

    ck_assert_int_eq(fleet_instant_boottime(&past), 42);
    ck_assert_int_eq(fleet_instant_boottime(&future), G_MAXINT64);
}
END_TEST

/* Each of these boots is another one than this; 0 is one whose id could not be read. */
static guint64 other_boot(int i)
{
    return i == 0 ? 0 : fleet_clock_boot() ^ 1;
}

START_TEST(other_boot_goes_by_the_wall_clock)
{
    gint64 hour = 3600 * FLEET_USEC_PER_SEC;
    FleetInstant instant = {.realtime = fleet_clock_realtime() - hour, .boottime = 7, .boot = other_boot(_i)};
    gint64 expected = fleet_clock_boottime() - hour;

    ck_assert_int_le(ABS(fleet_instant_boottime(&instant) - expected), SLACK);
}
END_TEST

START_TEST(other_boot_may_lie_before_this_one)
{
    FleetInstant instant = {.realtime = 1, .boottime = 7, .boot = other_boot(_i)};

    ck_assert_int_lt(fleet_instant_boottime(&instant), 0);
}
END_TEST

START_TEST(other_boot_is_never_in_the_future)
{
    gint64 day = 86400 * FLEET_USEC_PER_SEC;
    FleetInstant instant = {.realtime = fleet_clock_realtime() + day, .boottime = 7, .boot = other_boot(_i)};
    gint64 reckoned = fleet_instant_boottime(&instant);

    ck_assert_int_le(reckoned, fleet_clock_boottime());
    ck_assert_int_le(fleet_clock_boottime() - reckoned, SLACK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *clocks = fleet_test_case(suite, "clocks");
    TCase *instants = fleet_test_case(suite, "instants");

    tcase_add_test(clocks, realtime_is_the_wall_clock);
    tcase_add_test(clocks, boottime_is_the_boot_clock);
    tcase_add_test(clocks, boot_is_the_kernels_boot_id);
    tcase_add_test(clocks, now_reads_all);
    tcase_add_test(instants, same_boot_is_exact);
    tcase_add_loop_test(instants, other_boot_goes_by_the_wall_clock, 0, 2);
    tcase_add_loop_test(instants, other_boot_may_lie_before_this_one, 0, 2);
    tcase_add_loop_test(instants, other_boot_is_never_in_the_future, 0, 2);
    return fleet_test_main(suite);
}
