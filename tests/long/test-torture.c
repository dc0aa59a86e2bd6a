/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Everything at once: a crowd of clients, both drivers, and fleetd, which is killed again and again while its clock
 * jumps. Whatever happens, each action that was accepted comes to one end.
 */

#include "checker.h"

#include <signal.h>
#include <stdio.h>

#define ROUNDS 100

#define CONFIG                                                                                                         \
    "[Actions]\nRunningMax=150\nCancelTimeout=500ms\nRecoveryTimeout=500ms\n"                                          \
    "[Simulation]\nMinDuration=0\nMaxDuration=120ms\nSuccessRate=0.6\nTransientRate=0.7\n"                             \
    "[Retention]\nFinishedActions=200\n"                                                                               \
    "[Log]\nLevel=warning\n"                                                                                           \
    "[ActionType CONFIGURATION_CHANGE]\nRunningMax=20\n"                                                               \
    "[DeviceType command]\nDriver=command\n"

static char *make_config(const char *records)
{
    static const char *const types[] = {"SOFTWARE_UPDATE", "FIRMWARE_UPDATE", "SYSTEM_REBOOT", "CONFIGURATION_CHANGE"};
    GString *config = g_string_new(CONFIG);

    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        g_string_append_printf(config, "[Command %s]\nKillTimeout=100ms\nExec=%s %s\n", types[i],
                fleet_test_env("FLEET_TEST_ATTEMPT"), records);
    return g_string_free(config, FALSE);
}

/* The clock of deadlines. */

static gint64 shift; /* seconds */

static void set_shift(gint64 seconds)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, seconds);

    shift = seconds;
    g_setenv("FLEET_TEST_SHIFT", text, TRUE);
}

/* Can a program have a clock of its own here? Then fleetd gets one. The wall clock can only be set for the whole
 * machine, so it stays as it is. */
static gboolean take_clock(void)
{
    const char *const uptime[] = {fleet_test_env("FLEET_TEST_SHIFT_CLOCK"), "/bin/cat", "/proc/uptime", NULL};
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;

    if (g_getenv("FLEET_TEST_WRAPPER") != NULL)
        return FALSE;
    set_shift(1000000000);
    gboolean works = fleet_test_run(uptime, NULL, &out, &err) == 0 && g_ascii_strtod(out, NULL) > 1e9;
    set_shift(0);
    if (works)
        g_setenv("FLEET_TEST_WRAPPER", uptime[0], TRUE);
    return works;
}

/* The rounds. */

/* Lets the crowd run until that many ms are over. */
static void run_for(gint msec)
{
    fleet_test_run_for((guint)(msec * fleet_test_slowness()));
}

/* It must not have died before. */
static void kill_daemon(FleetTestDaemon *daemon)
{
    fleet_test_daemon_kill(daemon);
    int status = fleet_test_daemon_wait(daemon, 0);
    if (status != 128 + SIGKILL) {
        g_autofree char *written = fleet_test_daemon_stderr(daemon);
        fleet_test_fail("fleetd exits with %d: %s", status, written);
    }
}

/* A kill that comes before fleetd is ready. */
static void kill_at_start(FleetTestDaemon *daemon)
{
    fleet_test_daemon_launch(daemon);
    run_for(g_random_int_range(0, 60));
    kill_daemon(daemon);
}

static void run_round(FleetTestDaemon *daemon, Crowd *crowd)
{
    fleet_test_daemon_start(daemon);
    if (g_random_int_range(0, 4) > 0)
        crowd_check_devices(crowd);
    crowd_start(crowd);
    run_for(g_random_int_range(5, 600));
    crowd_expect_end(crowd);
    kill_daemon(daemon);
    crowd_finish(crowd);
}

START_TEST(each_accepted_action_comes_to_one_end)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    g_autofree char *records = fleet_test_directory_new();
    g_autofree char *config = make_config(records);
    guint rounds = MAX((guint)(ROUNDS / fleet_test_slowness()), 5);
    gboolean jumps = take_clock();
    guint32 seed = g_random_int();

    printf("# seed %u; %s\n", seed,
            jumps ? "the wall clock is not set: that would be the whole machine's"
                  : "no clock is set: this needs a time namespace (root, Linux 6.3), and no other wrapper");
    fflush(stdout);
    g_random_set_seed(seed);
    fleet_test_daemon_set_config(daemon, config);
    fleet_test_daemon_start(daemon);
    g_autoptr(Crowd) crowd = crowd_new(bus, daemon);
    kill_daemon(daemon);
    crowd_finish(crowd);
    for (guint round = 1; round < rounds; round++) {
        if (jumps && g_random_int_range(0, 4) == 0)
            set_shift(shift + g_random_int_range(1, 3600));
        if (g_random_int_range(0, 10) == 0)
            kill_at_start(daemon);
        else
            run_round(daemon, crowd);
    }

    fleet_test_daemon_start(daemon);
    crowd_check_devices(crowd);
    crowd_drain(crowd);
    crowd_check_devices(crowd);
    ck_assert_int_eq(fleet_test_daemon_stop(daemon), 0);
    g_autofree char *database = g_build_filename(fleet_test_daemon_state_directory(daemon), "fleet.db", NULL);
    checker_check_database(database);
    checker_check_promises(database, crowd_promises(crowd));
    guint attempts = checker_check_attempts(database, records);

    printf("# %u calls acknowledged, %u lost, %u requests repeated, %u actions, %u programs run\n",
            crowd_acknowledged(crowd), crowd_lost(crowd), crowd_repeated(crowd),
            g_hash_table_size(crowd_promises(crowd)), attempts);
    /* There was a crowd, and the kills did hit it. */
    ck_assert_uint_gt(crowd_acknowledged(crowd), rounds * 100);
    ck_assert_uint_gt(crowd_lost(crowd), rounds);
    ck_assert_uint_gt(crowd_repeated(crowd), rounds / 2);
    ck_assert_uint_gt(g_hash_table_size(crowd_promises(crowd)), rounds * 20);
    ck_assert_uint_gt(attempts, rounds);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("long: torture");

    tcase_add_test(fleet_test_case_with_timeout(suite, "kill", 290), each_accepted_action_comes_to_one_end);
    return fleet_test_main(suite);
}
