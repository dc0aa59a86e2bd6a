/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ten thousand devices behind one broker with its default limits, an action on each of them at the same time, and a
 * fleetd that is killed in the midst of it.
 */

#include "thin_edge_test.h"

#define DEVICES 10000
#define BATCH 5000

/* As many as may be about to be sent when fleetd is killed, and then are lost. */
#define LOST_MAX 128

static void register_all(ThinEdgeTest *test)
{
    for (guint i = 0; i < DEVICES; i += BATCH) {
        g_auto(GVariantBuilder) devices = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(ssss)"));

        for (guint k = i; k < i + BATCH; k++) {
            g_autofree char *id = g_strdup_printf("d-%u", k + 1);
            g_variant_builder_add(&devices, "(ssss)", id, "", "many", "");
        }
        g_autoptr(GVariant) reply = fleet_test_call(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER,
                "RegisterDevices", g_variant_new("(a(ssss)a{sv})", &devices, NULL), "(ua(uss))");
        g_autoptr(GVariant) failures = g_variant_get_child_value(reply, 1);
        ck_assert_uint_eq(g_variant_n_children(failures), 0);
    }
}

/* They wait until what the broker retains about them has come, and then start. */
static void start_all(ThinEdgeTest *test)
{
    for (guint i = 0; i < DEVICES; i += BATCH) {
        g_auto(GVariantBuilder) ids = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("as"));

        for (guint k = i; k < i + BATCH; k++) {
            g_autofree char *id = g_strdup_printf("d-%u", k + 1);
            g_variant_builder_add(&ids, "s", id);
        }
        g_autoptr(GVariant) reply =
                fleet_test_call(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceActions",
                        g_variant_new("(assa{ss}a{sv})", &ids, "SYSTEM_REBOOT", NULL, NULL), "(a(uso)a(uss))");
        g_autoptr(GVariant) failures = g_variant_get_child_value(reply, 1);
        ck_assert_uint_eq(g_variant_n_children(failures), 0);
    }
}

static guint32 count(ThinEdgeTest *test, const char *property)
{
    g_autoptr(GVariant) value = fleet_test_get(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, property);

    return g_variant_get_uint32(value);
}

static gboolean is_of_manager(const FleetTestSignal *signal, gpointer user_data)
{
    return g_str_equal(signal->path, FLEET_TEST_ROOT) && g_str_equal(signal->member, "PropertiesChanged");
}

/* Until no more than that run or wait. */
static void wait_until_left(ThinEdgeTest *test, guint32 most)
{
    for (;;) {
        guint from = fleet_test_signals_count(test->signals);

        if (count(test, "RunningActions") + count(test, "PendingActions") <= most)
            return;
        (void)fleet_test_signals_wait(test->signals, from, is_of_manager, NULL);
    }
}

/* What each action has come to, and whether its device was asked for that: once, or not at all if it was lost. */
static void check_all(ThinEdgeTest *test, const char *record)
{
    g_autofree char *text = fleet_test_read(record);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GHashTable) asked = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree char *cursor = g_strdup("");
    guint successes = 0, losses = 0;

    for (char **line = lines; *line != NULL; line++) {
        const char *command = strrchr(*line, ' ');

        if (command != NULL && !g_hash_table_add(asked, (gpointer)(command + 1)))
            fleet_test_fail("a device was asked twice: %s", *line);
    }
    do {
        g_autoptr(GVariant) reply = fleet_test_call(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER,
                "QueryActions", g_variant_new("(a{sv}su)", NULL, cursor, BATCH), "(a(sssssdttt)s)");
        g_autoptr(GVariant) rows = g_variant_get_child_value(reply, 0);
        GVariantIter iter;
        const char *id, *result;

        g_variant_iter_init(&iter, rows);
        while (g_variant_iter_loop(&iter, "(&s&s&s&s&sdttt)", &id, NULL, NULL, NULL, &result, NULL, NULL, NULL, NULL)) {
            g_autofree char *command = g_strdup_printf("fleet-%s-1", id);
            gboolean was_asked = g_hash_table_contains(asked, command);

            if (!g_str_equal(result, was_asked ? "success" : "lost"))
                fleet_test_fail("%s: %s, asked: %d", id, result, was_asked);
            if (was_asked)
                successes++;
            else
                losses++;
        }
        g_free(cursor);
        g_variant_get_child(reply, 1, "s", &cursor);
    } while (*cursor != '\0');
    ck_assert_uint_eq(successes + losses, DEVICES);
    ck_assert_uint_le(losses, LOST_MAX);
}

/* The devices are connected through a port; fleetd through that, or through a Unix socket. */
START_TEST(many_devices)
{
    g_autofree char *directory = fleet_test_directory_new();
    /* What the broker tells of each packet would take most of its time. */
    g_autofree char *lines = g_strdup_printf(
            "log_type none\nlog_type information\nlog_type notice\nlistener 0 %s/socket\nallow_anonymous true\n",
            directory);
    const FleetTestBrokerSettings settings = {.lines = lines};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(&settings, NULL);
    g_autofree char *socket = g_strdup_printf("%s/socket", directory);
    g_autofree char *config =
            g_strdup_printf("[ThinEdge]\nBroker=%s\n[DeviceType many]\nDriver=thin-edge\n[Actions]\nRunningMax=100000\n"
                            "RecoveryTimeout=5s\n[Log]\nLevel=warning\n[Retention]\nFinishedActions=0\n",
                    _i == 0 ? fleet_test_broker_address(test->broker) : socket);
    g_autofree char *record = g_build_filename(directory, "record", NULL);
    g_autofree char *option = g_strconcat("--record=", record, NULL);
    FleetTestProcess *devices = fleet_test_simulated_device_start(test->broker, "d", "--count=10000",
            "--per-connection=100", "--duration=1s", "--boot-time=1s", option, NULL);

    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    register_all(test);
    start_all(test);
    wait_until_left(test, DEVICES * 3 / 4);
    fleet_test_daemon_kill(test->daemon);
    fleet_test_daemon_start(test->daemon);
    wait_until_left(test, 0);
    check_all(test, record);
    fleet_test_simulated_device_stop(devices);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thin-edge-many");

    tcase_add_loop_test(fleet_test_case_with_timeout(suite, "many", 300), many_devices, 0, 2);
    return fleet_test_main(suite);
}
