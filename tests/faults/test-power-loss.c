/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The promise of docs/storage.md: what was acknowledged survives the loss of power at any moment, whatever of the
 * writes that were not synced has reached the disk, torn or not. Each run of fleetd is cut at many moments afterwards.
 */

#include "promises.h"

#include <errno.h>
#include <stdlib.h>

#define CONFIG                                                                                                         \
    "[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=1\n"                                                      \
    "[Retention]\nFinishedActions=100\n"                                                                               \
    "[Log]\nLevel=error\n"

static FleetTestDaemon *fleetd;
static FleetTestDisk *disk;
static FleetTestPromises *promises;
static gint64 done; /* so far the trace was looked at */
static guint cuts;

static gboolean is_long(void)
{
    return g_getenv("FLEET_TEST_LONG") != NULL;
}

static void setup(void)
{
    fleetd = fleet_test_daemon_new();
    fleet_test_daemon_set_mode(fleetd, "--no-bus");
    fleet_test_daemon_set_config(fleetd, CONFIG);
    disk = fleet_test_disk_new(fleetd);
    promises = fleet_test_promises_new(fleetd, disk);
    done = 0;
}

static void teardown(void)
{
    g_clear_pointer(&promises, fleet_test_promises_free);
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&disk, fleet_test_disk_free);
}

/* fleetd itself, on what a loss of power has left. */
static void start_there(const char *directory)
{
    g_autoptr(FleetTestDaemon) other = fleet_test_daemon_new();

    fleet_test_daemon_set_mode(other, "--no-bus");
    fleet_test_daemon_set_config(other, CONFIG);
    fleet_test_daemon_set_state_directory(other, directory);
    fleet_test_daemon_start(other);
    ck_assert_int_eq(fleet_test_daemon_stop(other), 0);
}

/* Takes the power away at that moment; and lets fleetd start on it, or only SQLite. */
static void cut(gint64 position, gboolean start)
{
    g_autofree char *directory = fleet_test_directory_new();
    guint32 seed = g_random_int();

    fleet_test_disk_cut(disk, position, seed, directory);
    if (start)
        start_there(directory);
    fleet_test_promises_verify(promises, directory, position);
    fleet_test_remove(directory);
    cuts++;
}

static int compare(const void *a, const void *b)
{
    const gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;

    return left < right ? -1 : left > right;
}

/* Cuts at so many moments since the last look, and at the last one in several ways. */
static void cut_all(guint n)
{
    gint64 now = fleet_test_disk_position(disk);
    g_autofree gint64 *positions = g_new(gint64, n);

    for (guint i = 0; i < n; i++)
        positions[i] = done + (gint64)(g_random_double() * (double)(now - done));
    qsort(positions, n, sizeof(*positions), compare);
    for (guint i = 0; i < n; i++)
        cut(positions[i], FALSE);
    for (guint i = 0; i < 4; i++)
        cut(now, i == 0);
    done = now;
}

/* Lets fleetd work, and ends it in one way or the other. */
static void work(guint msec, gboolean kill)
{
    fleet_test_promises_run(promises, (guint)(msec * fleet_test_slowness()), 0);
    if (kill)
        fleet_test_daemon_kill(fleetd);
    else
        ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
    fleet_test_promises_finish(promises);
}

START_TEST(acknowledgements_survive_the_loss_of_power)
{
    guint rounds = is_long() ? 40 : 6;

    for (guint i = 0; i < rounds; i++) {
        fleet_test_daemon_start(fleetd);
        work((guint)g_random_int_range(50, is_long() ? 1500 : 200), i % 3 != 2);
        cut_all(is_long() ? 60 : 20);
    }
    ck_assert_uint_gt(fleet_test_promises_count(promises), rounds * 100);
    ck_assert_uint_ge(cuts, rounds * 24);
}
END_TEST

/* A sync that failed has written nothing, and SQLite's later ones do not make up for it: the kernel has forgotten. */
START_TEST(a_failed_sync_is_not_believed)
{
    static const guint files[] = {
            FLEET_TEST_DISK_LOG, FLEET_TEST_DISK_DATABASE, FLEET_TEST_DISK_LOG | FLEET_TEST_DISK_DATABASE};

    fleet_test_daemon_start(fleetd);
    fleet_test_promises_run(promises, 100, 0);
    for (guint i = 0; i < 4; i++) {
        fleet_test_disk_fail(disk, FLEET_TEST_DISK_SYNC, FLEET_TEST_DISK_LOG, g_random_int_range(0, 10), -1, EIO);
        fleet_test_promises_run(promises, 5000, 1);
        ck_assert_uint_ge(fleet_test_promises_refused(promises), 1);
        fleet_test_disk_fail(disk, FLEET_TEST_DISK_SYNC, files[_i], g_random_int_range(0, 10), 2, EIO);
        fleet_test_promises_run(promises, (guint)(100 * fleet_test_slowness()), 0);
        fleet_test_disk_mend(disk);
        fleet_test_promises_run(promises, (guint)(50 * fleet_test_slowness()), 0);
    }
    fleet_test_daemon_kill(fleetd);
    fleet_test_promises_finish(promises);
    cut_all(20);
}
END_TEST

/* The next process reads what the kernel has in memory, and must not build upon it as if it were on the disk. */
START_TEST(a_failed_sync_before_a_crash_is_not_believed_after_it)
{
    for (guint i = 0; i < 4; i++) {
        fleet_test_daemon_start(fleetd);
        fleet_test_promises_run(promises, (guint)(30 * fleet_test_slowness()), 0);
        fleet_test_disk_fail(disk, FLEET_TEST_DISK_SYNC,
                _i == 0 ? FLEET_TEST_DISK_LOG : FLEET_TEST_DISK_DATABASE | FLEET_TEST_DISK_LOG, 0, -1, EIO);
        fleet_test_promises_run(promises, 5000, 1);
        ck_assert_uint_ge(fleet_test_promises_refused(promises), 1);
        fleet_test_daemon_kill(fleetd);
        fleet_test_promises_finish(promises);
        ck_assert_uint_ge(fleet_test_disk_mend(disk), 1);

        fleet_test_daemon_start(fleetd);
        work((guint)(30 * fleet_test_slowness()), TRUE);
        cut_all(4);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults: power loss");
    TCase *power = fleet_test_case_with_timeout(suite, "power", is_long() ? 600 : 60);

    tcase_add_checked_fixture(power, setup, teardown);
    tcase_add_test(power, acknowledgements_survive_the_loss_of_power);
    tcase_add_loop_test(power, a_failed_sync_is_not_believed, 0, 3);
    tcase_add_loop_test(power, a_failed_sync_before_a_crash_is_not_believed_after_it, 0, 2);
    return fleet_test_main(suite);
}
