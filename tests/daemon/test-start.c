/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A start that takes its time: what the service manager is told meanwhile, and what signals do to it. */

#include "lib/fleet_test.h"

#include <signal.h>
#include <sqlite3.h>

/* Enough for a signal to meet the loading, on a machine of any speed. */
#define DEVICES 300000
#define ATTEMPTS 10

static FleetTestBus *bus;
static FleetTestDaemon *fleetd;

static void setup(void)
{
    bus = fleet_test_bus_new(NULL);
    fleetd = fleet_test_daemon_new();
}

static void teardown(void)
{
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&bus, fleet_test_bus_free);
}

static void make_devices(void)
{
    g_autofree char *path = g_build_filename(fleet_test_daemon_state_directory(fleetd), "fleet.db", NULL);
    sqlite3 *database = NULL;

    fleet_test_daemon_start(fleetd);
    ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    int code = sqlite3_exec(database,
            "PRAGMA synchronous = OFF; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
            "LIMIT " G_STRINGIFY(DEVICES) ") INSERT INTO devices (key, id, name, type, driver, status, registered_at, "
                                          "updated_at, last_seen_at) SELECT i, printf('device-%08d', i), 'd', '', "
                                          "'simulated', 0, 1, 1, 0 FROM n",
            NULL, NULL, NULL);
    ck_assert_msg(code == SQLITE_OK, "%s", sqlite3_errmsg(database));
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
}

static void told(const char *assignment)
{
    if (!fleet_test_daemon_wait_notify(fleetd, assignment, FLEET_TEST_PATIENCE))
        fleet_test_fail("the service manager is not told '%s'", assignment);
}

static guint count_devices(void)
{
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));
    g_autoptr(GVariant) count = fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceCount");

    return g_variant_get_uint32(count);
}

START_TEST(each_phase_is_told)
{
    fleet_test_daemon_start(fleetd);
    told("STATUS=Opening the database");
    told("STATUS=Loading devices and actions");
    told("EXTEND_TIMEOUT_USEC=60000000");
    told("STATUS=Serving 0 devices");
    ck_assert(!fleet_test_daemon_wait_notify(fleetd, "STATUS=Bringing*", 0));
    ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
    told("STATUS=Finishing what was accepted");
}
END_TEST

/* Nothing was promised to anybody yet, so there is nothing to finish. */
START_TEST(sigterm_ends_it_at_once)
{
    int status = 0;

    make_devices();
    for (guint i = 0; i < ATTEMPTS && status == 0; i++) {
        fleet_test_daemon_launch(fleetd);
        told("STATUS=Loading devices and actions");
        fleet_test_daemon_signal(fleetd, SIGTERM);
        status = fleet_test_daemon_wait(fleetd, FLEET_TEST_PATIENCE);
    }
    ck_assert_int_eq(status, 128 + SIGTERM);
    ck_assert(!fleet_test_daemon_wait_notify(fleetd, "READY=1", 0));
    fleet_test_daemon_start(fleetd);
    ck_assert_uint_eq(count_devices(), DEVICES);
}
END_TEST

/* The configuration that it has read may be old by now. */
START_TEST(sighup_reloads_once_it_is_over)
{
    make_devices();
    fleet_test_daemon_launch(fleetd);
    told("STATUS=Loading devices and actions");
    fleet_test_daemon_set_config(fleetd, "[ActionType CALIBRATION]\nDeviceStatus=BUSY\n");
    fleet_test_daemon_signal(fleetd, SIGHUP);
    told("RELOADING=1");
    ck_assert(fleet_test_daemon_wait_notify(fleetd, "READY=1", 0));
    ck_assert_uint_eq(count_devices(), DEVICES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon: start");
    TCase *tcase = fleet_test_case(suite, "start");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, each_phase_is_told);
    tcase_add_test(tcase, sigterm_ends_it_at_once);
    tcase_add_test(tcase, sighup_reloads_once_it_is_over);
    return fleet_test_main(suite);
}
