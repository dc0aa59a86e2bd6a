/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A hundred starts and ends in a row, at random moments, idle and under load: each in good order, nothing left behind,
 * nothing acknowledged lost. And fifty crashes.
 */

#include "promises.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ENDS 100
#define CRASHES 50
#define KILLED_BY_SIGTERM 143

#define CONFIG                                                                                                         \
    "[Simulation]\nMinDuration=0\nMaxDuration=20ms\nSuccessRate=1\n"                                                   \
    "[Retention]\nFinishedActions=100\n"                                                                               \
    "[Log]\nLevel=warning\n"

static FleetTestDaemon *fleetd;
static FleetTestPromises *promises;

static void setup(void)
{
    fleetd = fleet_test_daemon_new();
    fleet_test_daemon_set_mode(fleetd, "--no-bus");
    fleet_test_daemon_set_config(fleetd, CONFIG);
    promises = fleet_test_promises_new(fleetd, NULL);
}

static void teardown(void)
{
    g_clear_pointer(&promises, fleet_test_promises_free);
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
}

static guint count(guint n)
{
    guint factor = g_getenv("FLEET_TEST_LONG") != NULL ? 10 : 1;

    return MAX((guint)(n * factor / fleet_test_slowness()), 5);
}

static gboolean is_there(const char *name)
{
    g_autofree char *path = g_build_filename(fleet_test_daemon_state_directory(fleetd), name, NULL);

    return access(path, F_OK) == 0;
}

/* The file of the lock stays, the lock does not. */
static void assert_not_locked(void)
{
    g_autofree char *path = g_build_filename(fleet_test_daemon_state_directory(fleetd), "lock", NULL);
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_GETLK, &range), 0);
    ck_assert_int_eq(range.l_type, F_UNLCK);
    close(fd);
}

static void assert_clean(void)
{
    static const char *const leftovers[] = {"fleet.db-wal", "fleet.db-shm", "fleet.db-journal", "fleet.db.new"};

    for (guint i = 0; i < G_N_ELEMENTS(leftovers); i++)
        if (is_there(leftovers[i]))
            fleet_test_fail("'%s' is left behind", leftovers[i]);
    ck_assert_int_ne(access(fleet_test_daemon_socket(fleetd), F_OK), 0);
    assert_not_locked();
    g_autofree char *written = fleet_test_daemon_stderr(fleetd);
    ck_assert_str_eq(written, "");
}

/* A random moment of the start. */
static void let_it_start_for_a_while(void)
{
    fleet_test_run_for((guint)(g_random_int_range(0, 25) * fleet_test_slowness()));
}

START_TEST(each_end_is_clean)
{
    for (guint i = 0, n = count(ENDS); i < n; i++) {
        gboolean early = i % 4 == 3, load = i % 2 == 0;

        if (early) {
            fleet_test_daemon_launch(fleetd);
            let_it_start_for_a_while();
        } else
            fleet_test_daemon_start(fleetd);
        if (load)
            fleet_test_promises_run(promises, (guint)(g_random_int_range(0, 20) * fleet_test_slowness()), 0);
        int status = fleet_test_daemon_stop(fleetd);
        fleet_test_promises_finish(promises);
        /* Before it is ready a signal may still end it as the kernel does; then it has promised nothing yet. */
        if (status != 0 && !(early && status == KILLED_BY_SIGTERM))
            fleet_test_fail("end %u has status %d", i, status);
        if (status == 0)
            assert_clean();
    }
    fleet_test_promises_verify(promises, fleet_test_daemon_state_directory(fleetd), G_MAXINT64);
    ck_assert_uint_gt(fleet_test_promises_count(promises), count(ENDS) / 4);
}
END_TEST

START_TEST(each_crash_is_survived)
{
    for (guint i = 0, n = count(CRASHES); i < n; i++) {
        if (i % 4 == 3) {
            fleet_test_daemon_launch(fleetd);
            let_it_start_for_a_while();
        } else {
            fleet_test_daemon_start(fleetd);
            fleet_test_promises_run(promises, (guint)(g_random_int_range(0, 20) * fleet_test_slowness()), 0);
        }
        fleet_test_daemon_kill(fleetd);
        fleet_test_promises_finish(promises);
        assert_not_locked();
    }
    fleet_test_daemon_start(fleetd);
    ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
    assert_clean();
    fleet_test_promises_verify(promises, fleet_test_daemon_state_directory(fleetd), G_MAXINT64);
    ck_assert_uint_gt(fleet_test_promises_count(promises), count(CRASHES) / 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults: starts");
    TCase *starts = fleet_test_case_with_timeout(suite, "starts", g_getenv("FLEET_TEST_LONG") != NULL ? 600 : 90);

    tcase_add_checked_fixture(starts, setup, teardown);
    tcase_add_test(starts, each_end_is_clean);
    tcase_add_test(starts, each_crash_is_survived);
    return fleet_test_main(suite);
}
