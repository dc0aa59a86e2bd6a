/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fleet-simulated-device: what takes its time, as very many devices do in one process.
 */

#include "device_test.h"
#include "lib/loop.h"

#include <stdio.h>
#include <sys/resource.h>

#define SHARED 10000
#define OWN 5000
#define FILES_PER_CONNECTION 3
#define FILES_BESIDES 100
#define MEMORY_MAX_KIB (64 * 1024)

/* The broker's own limits are none of what is tested. */
static void setup(void)
{
    device_test_setup();
    fleet_test_broker_stop(broker);
    fleet_test_broker_set_lines(broker, "max_queued_messages 0\nlog_type error\n");
    fleet_test_broker_start(broker);
    fleet_test_mqtt_reconnect(mqtt);
}

/* The most memory that the process has had, in KiB. */
static guint64 peak_of(const FleetTestProcess *process)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", fleet_test_process_pid(process));
    g_autofree char *status = fleet_test_read(path);
    const char *line = strstr(status, "VmHWM:");

    ck_assert_ptr_nonnull(line);
    return g_ascii_strtoull(line + strlen("VmHWM:"), NULL, 10);
}

static gboolean has_succeeded(const FleetTestMessage *message, gpointer user_data)
{
    g_autofree char *status = NULL;

    if (strstr(message->topic, "///cmd/restart/") == NULL)
        return FALSE;
    status = fleet_test_message_string(message, "status");
    return g_strcmp0(status, "successful") == 0;
}

/* Each device is given one command, and each ends it. */
static void give_each_a_command(guint n)
{
    guint place = 0;

    for (guint i = 1; i <= n; i++) {
        g_autofree char *topic = g_strdup_printf("te/device/rtr-%u///cmd/restart/%u", i, i);

        fleet_test_mqtt_queue(mqtt, topic, "{}", TRUE);
    }
    fleet_test_mqtt_flush(mqtt);
    for (guint i = 0; i < n; i++)
        place = fleet_test_mqtt_wait(mqtt, place, has_succeeded, NULL) + 1;
}

static void expect_each_once(const char *name, guint n)
{
    g_autofree char *path = device_test_path(name);
    g_autofree char *text = fleet_test_read(path);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; *lines[i] != '\0'; i++)
        ck_assert_msg(g_hash_table_add(seen, lines[i]), "'%s' was begun twice", lines[i]);
    ck_assert_uint_eq(g_hash_table_size(seen), n);
}

static void run(guint n, const char *per_connection)
{
    g_autofree char *count = g_strdup_printf("--count=%u", n), *record = device_test_option("record", "record");
    FleetTestProcess *devices = fleet_test_simulated_device_start(
            broker, "rtr", count, per_connection, "--duration=0", "--boot-time=0", record, NULL);

    give_each_a_command(n);
    /* A sanitizer has memory of its own. */
    if (fleet_test_slowness() == 1)
        ck_assert_uint_lt(peak_of(devices), MEMORY_MAX_KIB);
    fleet_test_simulated_device_stop(devices);
    expect_each_once("record", n);
}

START_TEST(ten_thousand_devices_share_connections)
{
    run(SHARED, "--per-connection=100");
}
END_TEST

START_TEST(thousands_have_connections_of_their_own)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    run((guint)MIN(OWN, (limit.rlim_max - FILES_BESIDES) / FILES_PER_CONNECTION), "--per-connection=1");
}
END_TEST

/* It takes the connection, for that is the kernel's work, and says nothing: 30 s are enough. */
START_TEST(broker_that_does_not_answer_is_given_up)
{
    fleet_test_broker_pause(broker);
    FleetTestProcess *device = fleet_test_simulated_device_launch(broker, "rtr", NULL);

    ck_assert(fleet_test_process_wait_output(
            device, FLEET_TEST_STDERR, "^rtr: no connection: the broker does not answer$", 60));
    fleet_test_broker_resume(broker);
    fleet_test_simulated_device_wait(device);
    fleet_test_simulated_device_stop(device);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("device-many");
    TCase *tests = fleet_test_case_with_timeout(suite, "device-many", 300);

    tcase_add_checked_fixture(tests, setup, device_test_teardown);
    tcase_add_test(tests, ten_thousand_devices_share_connections);
    tcase_add_test(tests, thousands_have_connections_of_their_own);
    tcase_add_test(tests, broker_that_does_not_answer_is_given_up);
    return fleet_test_main(suite);
}
