/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An action that runs when fleetd ends goes on when it is back: with the same id, and until the time that it was given
 * at its start. */

#include "fixture.h"

#define MANY 200

/* Starts fleetd with actions that take so many ms. */
static void start(guint msec)
{
    g_autofree char *config = g_strdup_printf(
            "[Simulation]\nMinDuration=%ums\nMaxDuration=%ums\nSuccessRate=1\n[Log]\nLevel=warning\n", msec, msec);

    fleet_test_daemon_set_config(fleetd, config);
    fleet_test_daemon_start(fleetd);
}

static void kill_and_start(void)
{
    fleet_test_daemon_kill(fleetd);
    fleet_test_daemon_start(fleetd);
}

static void stop_and_start(void)
{
    fleet_test_daemon_restart(fleetd);
}

/* Both ways of ending; what follows is the same. */
static void (*const ways[])(void) = {kill_and_start, stop_and_start};

static char *path_of_device(const char *id)
{
    return g_strconcat(FLEET_TEST_ROOT "/device/", id, NULL);
}

static void add(const char *id)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", id, "", "", "", NULL));
}

/* Starts an action; its id and path. Owned by the caller. */
static char *initiate(const char *device, char **path)
{
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}a{sv})", device, "SOFTWARE_UPDATE", NULL, NULL), "(sos)");
    char *id;
    const char *status;

    g_variant_get(reply, "(so&s)", &id, path, &status);
    ck_assert_str_eq(status, "RUNNING");
    return id;
}

static char *get_string(const char *path, const char *interface, const char *property)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, path, interface, property);

    return g_variant_dup_string(value, NULL);
}

static guint64 get_time(const char *path, const char *property)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, path, FLEET_TEST_ACTION, property);

    return g_variant_get_uint64(value);
}

static void assert_string(const char *path, const char *interface, const char *property, const char *expected)
{
    g_autofree char *value = get_string(path, interface, property);

    ck_assert_str_eq(value, expected);
}

/* How many signals tell that the object has got that status (as g_variant_print() has it). */
static guint count_status(const char *path, const char *status)
{
    guint count = 0;

    for (guint i = 0; i < fleet_test_signals_count(signals); i++) {
        const FleetTestSignal *signal = fleet_test_signals_get(signals, i);
        const char *value;

        if (!g_str_equal(signal->path, path) || !g_str_equal(signal->member, "PropertiesChanged"))
            continue;
        g_autoptr(GVariant) changed = g_variant_get_child_value(signal->arguments, 1);
        if (g_variant_lookup(changed, "Status", "&s", &value) && g_str_equal(value, status))
            count++;
    }
    return count;
}

START_TEST(running_action_goes_on)
{
    g_autofree char *path = NULL;
    g_autofree char *device = path_of_device("router1");
    /* Enough that the restart lies within it. */
    guint msec = (guint)(2000 * fleet_test_slowness());

    start(msec);
    add("router1");
    g_autofree char *id = initiate("router1", &path);
    guint64 started = get_time(path, "StartedAt");
    guint first = fleet_test_signals_wait_property(signals, 0, path, "Phase", "'downloading'");
    ck_assert_uint_eq(count_status(path, "COMPLETED"), 0);
    fleet_test_signals_clear(signals);
    ck_assert_uint_ge(first, 1);
    ways[_i]();

    assert_string(path, FLEET_TEST_ACTION, "Status", "RUNNING");
    assert_string(path, FLEET_TEST_ACTION, "Id", id);
    assert_string(path, FLEET_TEST_ACTION, "DeviceId", "router1");
    ck_assert_uint_eq(get_time(path, "StartedAt"), started);
    assert_string(device, FLEET_TEST_DEVICE, "Status", "UPDATING");
    assert_string(device, FLEET_TEST_DEVICE, "CurrentActionId", id);
    fleet_test_call_fails(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}a{sv})", "router1", "SYSTEM_REBOOT", NULL, NULL), "org.fleet.Error.DeviceBusy",
            "is busy with action");

    fleet_test_signals_wait_property(signals, 0, path, "Status", "'COMPLETED'");
    fleet_test_signals_wait_property(signals, 0, device, "Status", "'IDLE'");
    fleet_test_signals_settle(signals);
    ck_assert_uint_eq(count_status(path, "COMPLETED"), 1);
    ck_assert_uint_eq(count_status(path, "RUNNING"), 0);
    ck_assert_uint_eq(count_status(device, "IDLE"), 1);
    assert_string(device, FLEET_TEST_DEVICE, "CurrentActionId", "");

    /* At its time: neither sooner, nor later by what the restart took. */
    guint64 took = get_time(path, "CompletedAt") - started;
    ck_assert_uint_ge(took, msec * 1000);
    ck_assert_uint_le(took, msec * 1000 + (guint64)(700000 * fleet_test_slowness()));
}
END_TEST

/* Once more, and several times: each restart takes up the same action. */
START_TEST(restart_after_restart_changes_nothing)
{
    g_autofree char *path = NULL;
    guint msec = (guint)(1500 * fleet_test_slowness());

    start(msec);
    add("router1");
    g_autofree char *id = initiate("router1", &path);
    guint64 started = get_time(path, "StartedAt");
    for (guint i = 0; i < 4; i++)
        ways[i % 2]();
    assert_string(path, FLEET_TEST_ACTION, "Id", id);
    fleet_test_signals_wait_property(signals, 0, path, "Status", "'COMPLETED'");
    fleet_test_signals_settle(signals);
    ck_assert_uint_eq(count_status(path, "COMPLETED"), 1);
    ck_assert_uint_ge(get_time(path, "CompletedAt") - started, msec * 1000);

    /* And the end stays what it is. */
    guint64 completed = get_time(path, "CompletedAt");
    fleet_test_signals_clear(signals);
    kill_and_start();
    ck_assert_uint_eq(get_time(path, "CompletedAt"), completed);
    assert_string(path, FLEET_TEST_ACTION, "Status", "COMPLETED");
    assert_string(path, FLEET_TEST_ACTION, "Result", "success");
    fleet_test_signals_settle(signals);
    ck_assert_uint_eq(count_status(path, "COMPLETED"), 0);
}
END_TEST

START_TEST(action_whose_time_passed_meanwhile_ends_soon)
{
    g_autofree char *path = NULL;
    g_autofree char *device = path_of_device("router1");
    guint msec = (guint)(400 * fleet_test_slowness());

    start(msec);
    add("router1");
    g_autofree char *id = initiate("router1", &path);
    fleet_test_signals_clear(signals);
    if (_i == 0)
        fleet_test_daemon_kill(fleetd);
    else
        ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
    fleet_test_run_for(msec);

    gint64 before = g_get_monotonic_time();
    fleet_test_daemon_start(fleetd);
    fleet_test_signals_wait_property(signals, 0, path, "Status", "'COMPLETED'");
    ck_assert_int_le(g_get_monotonic_time() - before, (gint64)(2000000 * fleet_test_slowness()));
    fleet_test_signals_wait_property(signals, 0, device, "Status", "'IDLE'");
    fleet_test_signals_settle(signals);
    ck_assert_uint_eq(count_status(path, "COMPLETED"), 1);
    assert_string(path, FLEET_TEST_ACTION, "Id", id);
}
END_TEST

START_TEST(operators_status_outlasts_the_kill)
{
    g_autofree char *path = NULL;
    g_autofree char *device = path_of_device("router1");

    start((guint)(1000 * fleet_test_slowness()));
    add("router1");
    g_autofree char *id = initiate("router1", &path);
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "SetDeviceStatus",
            g_variant_new("(ssa{sv})", "router1", "MAINTENANCE", NULL));
    fleet_test_signals_clear(signals);
    kill_and_start();
    assert_string(device, FLEET_TEST_DEVICE, "Status", "MAINTENANCE");
    assert_string(device, FLEET_TEST_DEVICE, "CurrentActionId", id);
    fleet_test_signals_wait_property(signals, 0, device, "CurrentActionId", "''");
    fleet_test_signals_settle(signals);
    assert_string(path, FLEET_TEST_ACTION, "Status", "COMPLETED");
    assert_string(device, FLEET_TEST_DEVICE, "Status", "MAINTENANCE");
}
END_TEST

static guint count_running(void)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RunningActions");

    return g_variant_get_uint32(value);
}

START_TEST(many_go_on_and_end_once_each)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    start((guint)(2500 * fleet_test_slowness()));
    for (guint i = 0; i < MANY; i++) {
        g_autofree char *device = g_strdup_printf("device%u", i);
        char *path;

        add(device);
        g_free(initiate(device, &path));
        g_ptr_array_add(paths, path);
    }
    fleet_test_signals_settle(signals);
    fleet_test_signals_clear(signals);
    ways[_i]();
    ck_assert_uint_gt(count_running(), 0);

    for (guint i = 0; i < MANY; i++) {
        g_autofree char *device = g_strdup_printf("device%u", i);

        assert_string(paths->pdata[i], FLEET_TEST_ACTION, "DeviceId", device);
    }
    fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "RunningActions", "0");
    fleet_test_signals_settle(signals);
    for (guint i = 0; i < MANY; i++) {
        assert_string(paths->pdata[i], FLEET_TEST_ACTION, "Status", "COMPLETED");
        ck_assert_uint_eq(count_status(paths->pdata[i], "COMPLETED"), 1);
    }
    ck_assert_uint_eq(count_running(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon: recovery");
    TCase *tcase = fleet_test_case(suite, "recovery");

    tcase_add_checked_fixture(tcase, fleet_test_fixture_setup, fleet_test_fixture_teardown);
    tcase_add_loop_test(tcase, running_action_goes_on, 0, G_N_ELEMENTS(ways));
    tcase_add_test(tcase, restart_after_restart_changes_nothing);
    tcase_add_loop_test(tcase, action_whose_time_passed_meanwhile_ends_soon, 0, G_N_ELEMENTS(ways));
    tcase_add_test(tcase, operators_status_outlasts_the_kill);
    tcase_add_loop_test(tcase, many_go_on_and_end_once_each, 0, G_N_ELEMENTS(ways));
    return fleet_test_main(suite);
}
