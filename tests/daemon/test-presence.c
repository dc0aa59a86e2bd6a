/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Devices that say that they are there, and that fall silent, as the daemon's clients see it. */

#include "fixture.h"
#include "wakeups.h"

#include <sqlite3.h>

#define MANY 100000
#define BATCH 10000

static void add(const char *id, const char *type)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssss@a{sv})", id, "", type, "", g_variant_new("a{sv}", NULL)));
}

static void beat(const char *id)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "Heartbeat",
            g_variant_new("(s@a{sv})", id, g_variant_new("a{sv}", NULL)));
}

static void assert_property(const char *path, const char *property, const char *expected)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, path, FLEET_TEST_DEVICE, property);
    g_autofree char *text = g_variant_print(value, FALSE);

    ck_assert_str_eq(text, expected);
}

static guint64 last_seen(const char *path)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, path, FLEET_TEST_DEVICE, "LastSeen");

    return g_variant_get_uint64(value);
}

static void start(const char *config)
{
    fleet_test_daemon_set_config(fleetd, config);
    fleet_test_daemon_start(fleetd);
}

static const char router[] = "/org/fleet/Manager/device/router1";

START_TEST(silence_outlives_a_kill)
{
    g_autofree char *patient =
            g_strdup_printf("[DeviceType router]\nHeartbeatInterval=%ums\n", (guint)(100 * fleet_test_slowness()));

    start(patient);
    add("router1", "router");
    assert_property(router, "Presence", "'UNKNOWN'");
    ck_assert_uint_eq(last_seen(router), 0);
    beat("router1");
    fleet_test_signals_wait_property(signals, 0, router, "Presence", "'ONLINE'");
    ck_assert_uint_gt(last_seen(router), 0);
    fleet_test_signals_wait_property(signals, 0, router, "Status", "'OFFLINE'");
    fleet_test_signals_wait_property(signals, 0, router, "Presence", "'OFFLINE'");

    fleet_test_daemon_kill(fleetd);
    fleet_test_daemon_start(fleetd);
    assert_property(router, "Status", "'OFFLINE'");
    assert_property(router, "Presence", "'OFFLINE'");
    fleet_test_signals_clear(signals);
    beat("router1");
    fleet_test_signals_wait_property(signals, 0, router, "Status", "'IDLE'");
}
END_TEST

/* Nobody heard anything while fleetd was away, and nobody is missed for it. */
START_TEST(time_without_fleetd_is_no_silence)
{
    start("[DeviceType router]\nOfflineAfter=1h\n");
    add("router1", "router");
    beat("router1");
    guint64 seen = last_seen(router);
    ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);

    fleet_test_daemon_set_config(fleetd, "[DeviceType router]\nOfflineAfter=1ms\n");
    fleet_test_daemon_launch(fleetd);
    fleet_test_signals_wait_property(signals, 0, router, "Status", "'OFFLINE'");
    ck_assert_uint_eq(last_seen(router), seen);
}
END_TEST

/* It could not hear "router1" either, nor read what that had sent. */
START_TEST(time_without_a_turn_is_no_silence)
{
    start("[DeviceType router]\nOfflineAfter=3s\n");
    add("router1", "router");
    beat("router1");
    fleet_test_daemon_signal(fleetd, SIGSTOP);
    fleet_test_run_for(7000);
    fleet_test_daemon_signal(fleetd, SIGCONT);
    add("router2", "router"); /* by then a silence would be on the disk, and told */
    assert_property(router, "Presence", "'ONLINE'");
    fleet_test_signals_wait_property(signals, 0, router, "Presence", "'OFFLINE'");
}
END_TEST

START_TEST(reload_changes_how_long_a_silence_may_be)
{
    start("[Presence]\nOfflineAfter=1h\n");
    add("router1", "router");
    beat("router1");
    fleet_test_daemon_set_config(fleetd, "[Presence]\nOfflineAfter=1ms\n");
    fleet_test_daemon_signal(fleetd, SIGHUP);
    fleet_test_signals_wait_property(signals, 0, router, "Status", "'OFFLINE'");
}
END_TEST

/* What SQLite tells another connection whenever somebody has committed. */
static int data_version(sqlite3 *database)
{
    sqlite3_stmt *statement;

    ck_assert_int_eq(sqlite3_prepare_v2(database, "PRAGMA data_version", -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int version = sqlite3_column_int(statement, 0);
    ck_assert_int_eq(sqlite3_finalize(statement), SQLITE_OK);
    return version;
}

static GVariant *ids_of_batch(guint batch)
{
    GVariantBuilder ids;

    g_variant_builder_init(&ids, G_VARIANT_TYPE("as"));
    for (guint i = 0; i < BATCH; i++) {
        g_autofree char *id = g_strdup_printf("device%u", batch * BATCH + i);
        g_variant_builder_add(&ids, "s", id);
    }
    return g_variant_builder_end(&ids);
}

static void register_many(void)
{
    for (guint batch = 0; batch < MANY / BATCH; batch++) {
        GVariantBuilder devices;

        g_variant_builder_init(&devices, G_VARIANT_TYPE("a(ssss)"));
        for (guint i = 0; i < BATCH; i++) {
            g_autofree char *id = g_strdup_printf("device%u", batch * BATCH + i);
            g_variant_builder_add(&devices, "(ssss)", id, "", "", "");
        }
        fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevices",
                g_variant_new("(@a(ssss)@a{sv})", g_variant_builder_end(&devices), g_variant_new("a{sv}", NULL)));
    }
}

static void beat_all(void)
{
    for (guint batch = 0; batch < MANY / BATCH; batch++) {
        g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "Heartbeats",
                g_variant_new("(@as)", ids_of_batch(batch)), "(ua(uss))");
        g_autoptr(GVariant) failures = g_variant_get_child_value(reply, 1);
        guint heard;

        g_variant_get_child(reply, 0, "u", &heard);
        ck_assert_uint_eq(heard, BATCH);
        ck_assert_uint_eq(g_variant_n_children(failures), 0);
    }
}

/* Of 100,000 devices no beat is written, and while they are waited for nothing wakes up. */
START_TEST(many_are_heard_without_the_disk)
{
    g_autofree char *path = g_build_filename(fleet_test_daemon_state_directory(fleetd), "fleet.db", NULL);
    sqlite3 *database;

    start("[Presence]\nHeartbeatInterval=10s\nOfflineAfter=1h\n");
    g_clear_pointer(&signals, fleet_test_signals_free); /* so many cost the check more than fleetd */
    register_many();
    ck_assert_int_eq(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    int version = data_version(database);
    beat_all();
    assert_property("/org/fleet/Manager/device/device99999", "Presence", "'ONLINE'");
    beat_all();
    ck_assert_int_eq(data_version(database), version);
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
    fleet_test_assert_asleep(fleetd, 2.0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon: presence");
    TCase *tcase = fleet_test_case(suite, "presence");

    tcase_add_checked_fixture(tcase, fleet_test_fixture_setup, fleet_test_fixture_teardown);
    tcase_add_test(tcase, silence_outlives_a_kill);
    tcase_add_test(tcase, time_without_fleetd_is_no_silence);
    tcase_add_test(tcase, time_without_a_turn_is_no_silence);
    tcase_add_test(tcase, reload_changes_how_long_a_silence_may_be);
    tcase_add_test(tcase, many_are_heard_without_the_disk);
    return fleet_test_main(suite);
}
