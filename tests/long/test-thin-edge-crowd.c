/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * 10,000 devices of thin-edge.io on one broker, as it is configured by default: registered, then all updated, 1,000 at
 * the same time. Each action's end is held against what its device has said. Prints how long that took, and what memory
 * fleetd had.
 */

#include "lib/fleet_test.h"
#include "lib/mqtt.h"
#include "lib/simulated_device.h"

#include <stdio.h>
#include <string.h>

#define MANY 10000
#define RUNNING_MAX 1000
#define PAGE 10000

static FleetTestBus *bus;
static FleetTestDaemon *fleetd;
static FleetTestBroker *broker;
static FleetTestProcess *devices;
static GDBusConnection *connection;
static FleetTestSignals *signals; /* of the Manager itself: those of 10,000 actions would cost more than all else */

static void setup(void)
{
    const FleetTestBrokerSettings settings = {0};
    g_autofree char *count = g_strdup_printf("--count=%u", MANY);

    broker = fleet_test_broker_new(&settings);
    devices = fleet_test_simulated_device_start(
            broker, "crowd", count, "--per-connection=100", "--duration=20ms", "--fail-rate=0.1", "--seed=7", NULL);
    bus = fleet_test_bus_new(NULL);
    fleetd = fleet_test_daemon_new();
    g_autofree char *config = g_strdup_printf("[ThinEdge]\nBroker=%s\n[Actions]\nRunningMax=%u\n[Log]\nLevel=warning\n",
            fleet_test_broker_address(broker), RUNNING_MAX);
    fleet_test_daemon_set_config(fleetd, config);
    fleet_test_daemon_start(fleetd);
    connection = fleet_test_connect(fleet_test_bus_address(bus));
    signals = fleet_test_signals_new(connection, FLEET_TEST_PROPERTIES, "PropertiesChanged", FLEET_TEST_ROOT);
}

static void teardown(void)
{
    g_clear_pointer(&signals, fleet_test_signals_free);
    g_clear_object(&connection);
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&devices, fleet_test_simulated_device_stop);
    g_clear_pointer(&bus, fleet_test_bus_free);
    g_clear_pointer(&broker, fleet_test_broker_free);
}

static guint64 memory_of_fleetd(const char *what)
{
    g_autofree char *path =
            g_strdup_printf("/proc/%d/status", fleet_test_process_pid(fleet_test_daemon_process(fleetd)));
    g_autofree char *status = fleet_test_read(path);
    const char *line = strstr(status, what);

    ck_assert_ptr_nonnull(line);
    return g_ascii_strtoull(line + strlen(what), NULL, 10);
}

static void register_all(void)
{
    GVariantBuilder specs;

    g_variant_builder_init(&specs, G_VARIANT_TYPE("a(ssss)"));
    for (guint i = 1; i <= MANY; i++) {
        g_autofree char *id = g_strdup_printf("crowd-%u", i);
        g_variant_builder_add(&specs, "(ssss)", id, "", "", "");
    }
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevices",
            g_variant_new("(@a(ssss)@a{sv})", g_variant_builder_end(&specs),
                    g_variant_new_parsed("{'Driver': <'thin-edge'>}")));
}

static void update_all(void)
{
    GVariantBuilder ids;

    g_variant_builder_init(&ids, G_VARIANT_TYPE("as"));
    for (guint i = 1; i <= MANY; i++) {
        g_autofree char *id = g_strdup_printf("crowd-%u", i);
        g_variant_builder_add(&ids, "s", id);
    }
    g_autoptr(GVariant) reply =
            fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceActions",
                    g_variant_new("(@ass@a{ss}@a{sv})", g_variant_builder_end(&ids), "SOFTWARE_UPDATE",
                            g_variant_new_parsed("{'name': 'app', 'version': '2'}"),
                            g_variant_new_parsed("{'IfBusy': <'queue'>}")),
                    "(a(uso)a(uss))");
    g_autoptr(GVariant) started = g_variant_get_child_value(reply, 0);
    ck_assert_uint_eq(g_variant_n_children(started), MANY);
}

/* Never more than may run; and in the end none is left. */
static void wait_for_the_end(void)
{
    guint place = 0;

    for (;;) {
        place = fleet_test_signals_wait_property(signals, place, FLEET_TEST_ROOT, "RunningActions", NULL);
        g_autoptr(GVariant) properties =
                g_variant_get_child_value(fleet_test_signals_get(signals, place)->arguments, 1);
        guint running, pending = G_MAXUINT;

        ck_assert(g_variant_lookup(properties, "RunningActions", "u", &running));
        ck_assert_uint_le(running, RUNNING_MAX);
        g_autoptr(GVariant) value = fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "PendingActions");
        pending = g_variant_get_uint32(value);
        if (running == 0 && pending == 0)
            return;
        place++;
    }
}

/* How each command has ended, as its device tells it on stderr ("crowd-7: software_update COMMAND: failed"): command ->
 * "successful" or "failed". */
static GHashTable *ends_of_devices(void)
{
    GHashTable *ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autofree char *told = fleet_test_process_output(devices, FLEET_TEST_STDERR);
    g_auto(GStrv) lines = g_strsplit(told, "\n", -1);

    for (guint i = 0; lines[i] != NULL; i++) {
        char device[64], command[128], end[64];

        if (sscanf(lines[i], "%63[^:]: software_update %127[^:]: %63[a-z]", device, command, end) != 3 ||
                (!g_str_equal(end, "successful") && !g_str_equal(end, "failed")))
            continue;
        ck_assert_msg(g_hash_table_insert(ends, g_strdup(command), g_strdup(end)), "%s has ended twice", command);
    }
    return ends;
}

static void check_all(void)
{
    g_autoptr(GHashTable) ends = ends_of_devices();
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "QueryActions",
            g_variant_new_parsed("(@a{sv} {}, '', uint32 10000)"), "(a(sssssdttt)s)");
    g_autoptr(GVariant) actions = g_variant_get_child_value(reply, 0);
    guint failed = 0;

    ck_assert_uint_eq(g_hash_table_size(ends), MANY);
    ck_assert_uint_eq(g_variant_n_children(actions), MANY);
    for (guint i = 0; i < MANY; i++) {
        const char *id, *status;

        g_variant_get_child(actions, i, "(&s&s&s&s&sdttt)", &id, NULL, NULL, &status, NULL, NULL, NULL, NULL, NULL);
        g_autofree char *command = g_strdup_printf("fleet-%s-1", id);
        const char *said = g_hash_table_lookup(ends, command);
        ck_assert_ptr_nonnull(said);
        ck_assert_str_eq(status, g_str_equal(said, "successful") ? "COMPLETED" : "FAILED");
        failed += g_str_equal(said, "failed");
    }
    ck_assert_uint_gt(failed, 0);
    ck_assert_uint_lt(failed, MANY / 5);
}

static void assert_nothing_is_left(void)
{
    g_autoptr(FleetTestMqtt) later = fleet_test_mqtt_new(broker, "te/device/+///cmd/software_update/+");

    fleet_test_mqtt_settle(later);
    ck_assert_uint_eq(fleet_test_mqtt_count(later), 0);
}

START_TEST(ten_thousand_devices_are_updated)
{
    gint64 begin = g_get_monotonic_time();
    guint64 before = memory_of_fleetd("VmRSS:");

    register_all();
    gint64 registered = g_get_monotonic_time();
    update_all();
    wait_for_the_end();
    gint64 end = g_get_monotonic_time();
    check_all();
    assert_nothing_is_left();
    printf("# %u devices: registered in %.2f s, all updated in %.1f s (%.0f/s), %.1f MiB before, %.1f MiB at most\n",
            MANY, (double)(registered - begin) / 1e6, (double)(end - registered) / 1e6,
            MANY / ((double)(end - registered) / 1e6), (double)before / 1024,
            (double)memory_of_fleetd("VmHWM:") / 1024);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("long: thin-edge crowd");
    TCase *tcase = fleet_test_case_with_timeout(suite, "crowd", 600);

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, ten_thousand_devices_are_updated);
    return fleet_test_main(suite);
}
