/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients that want too much: what they cost fleetd is bounded, and the others are served. */

#include "bus_test.h"
#include "raw.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUTER FLEET_TEST_ROOT "/device/router"

#define MIB ((gsize)1024 * 1024)

/* What fleetd may grow by in a check that means no harm, bytes. Sanitizers keep what is freed for a while. */
#define NOISE (24 * MIB)

/* The memory that fleetd has in use, bytes. */
static gsize memory_of(const FleetTestFleet *fleet)
{
    g_autofree char *path =
            g_strdup_printf("/proc/%d/status", (int)fleet_test_process_pid(fleet_test_daemon_process(fleet->daemon)));
    g_autofree char *status = fleet_test_read(path);
    const char *line = strstr(status, "VmRSS:");

    ck_assert_ptr_nonnull(line);
    return g_ascii_strtoull(line + strlen("VmRSS:"), NULL, 10) * 1024;
}

/* Shadow memory and quarantines are not fleetd's. */
static gboolean memory_counts(void)
{
    return fleet_test_slowness() <= 1;
}

static void assert_grown_less(const FleetTestFleet *fleet, gsize before, gsize limit)
{
    gsize now = memory_of(fleet);

    if (memory_counts())
        ck_assert_msg(now < before + limit, "it has grown from %zu to %zu KiB", before / 1024, now / 1024);
}

static void assert_served(const FleetTestFleet *fleet)
{
    fleet_test_round_trip(fleet->direct);
    fleet_test_round_trip(fleet->connection);
    g_autoptr(GVariant) info = fleet_test_device_info(fleet->direct, "router");
}

static FleetTestFleet *new_fleet(const char *config)
{
    FleetTestFleet *fleet = fleet_test_fleet_new(config);

    fleet_test_register(fleet->connection, "router");
    return fleet;
}

static FleetTestRaw *new_raw(const FleetTestFleet *fleet)
{
    return fleet_test_raw_new(fleet_test_daemon_socket(fleet->daemon));
}

START_TEST(connections_beyond_the_quota_are_refused)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("[Quota]\nConnectionsPerUser=10\n");
    FleetTestRaw *raws[9];

    for (guint i = 0; i < 9; i++) { /* with the check's own it is ten */
        raws[i] = new_raw(fleet);
        if (i % 2 == 0)
            fleet_test_raw_begin(raws[i]);
    }
    for (guint i = 0; i < 3; i++) {
        g_autoptr(FleetTestRaw) refused = new_raw(fleet);
        g_autofree char *said = fleet_test_raw_receive_all(refused);
        fleet_test_assert_matches(said,
                "^ERROR user [0-9]+ has reached the quota ConnectionsPerUser=: 10 of 10 connections are open; .*\r\n$");
    }
    assert_served(fleet);
    fleet_test_raw_free(raws[8]);
    fleet_test_daemon_set_config(fleet->daemon, "[Quota]\nConnectionsPerUser=11\n");
    fleet_test_daemon_signal(fleet->daemon, SIGHUP);
    ck_assert(fleet_test_daemon_wait_notify(fleet->daemon, "RELOADING=1", FLEET_TEST_PATIENCE));
    fleet_test_round_trip(fleet->connection);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *address = fleet_test_fleet_address(fleet);
        GDBusConnection *again = fleet_test_connect(address); /* stays */
        fleet_test_round_trip(again);
    }
    for (guint i = 0; i < 8; i++)
        fleet_test_raw_free(raws[i]);
    g_autofree char *log = fleet_test_daemon_stderr(fleet->daemon);
    fleet_test_assert_contains(log, "a connection on the private socket is refused: user ");
}
END_TEST

START_TEST(flood_of_connections_costs_nothing)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");
    FleetTestRaw *kept[200];
    gsize before = memory_of(fleet);

    for (guint i = 0; i < 2000; i++) {
        FleetTestRaw *raw = new_raw(fleet);

        fleet_test_raw_send(raw, "\0AUTH EXTERNAL\r\n", 16);
        if (i % 10 == 0)
            kept[i / 10] = raw;
        else
            fleet_test_raw_free(raw);
        if (i % 100 == 0)
            assert_served(fleet);
    }
    assert_served(fleet);
    assert_grown_less(fleet, before, NOISE);
    g_autofree char *log = fleet_test_daemon_stderr(fleet->daemon);
    g_auto(GStrv) lines = g_strsplit(log, "\n", -1);
    ck_assert_uint_lt(g_strv_length(lines), 100);
    for (guint i = 0; i < G_N_ELEMENTS(kept); i++)
        fleet_test_raw_free(kept[i]);
}
END_TEST

/* Those who are there go on; whoever comes is let in once there is room again. */
START_TEST(lack_of_file_descriptors_passes)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("[Quota]\nConnectionsPerUser=0\n");
    const struct rlimit limit = {.rlim_cur = 60, .rlim_max = 60};
    FleetTestRaw *raws[40];
    g_autofree char *address = fleet_test_fleet_address(fleet);

    ck_assert_int_eq(
            prlimit(fleet_test_process_pid(fleet_test_daemon_process(fleet->daemon)), RLIMIT_NOFILE, &limit, NULL), 0);
    for (guint i = 0; i < G_N_ELEMENTS(raws); i++) {
        raws[i] = new_raw(fleet);
        fleet_test_raw_send(raws[i], "\0AUTH EXTERNAL\r\n", 16);
    }
    assert_served(fleet);
    g_autofree char *log = g_strdup("");
    while (strstr(log, "refused: Too many open files") == NULL) {
        fleet_test_round_trip(fleet->direct);
        g_free(log);
        log = fleet_test_daemon_stderr(fleet->daemon);
    }
    for (guint i = 0; i < G_N_ELEMENTS(raws); i++)
        fleet_test_raw_free(raws[i]);
    g_autoptr(GDBusConnection) again = fleet_test_connect(address);
    fleet_test_round_trip(again);
}
END_TEST

/* The header of a call with a body of that size. */
static GByteArray *announce(guint32 body)
{
    GByteArray *bytes = fleet_test_raw_call(1, "RegisterDevice", g_variant_new("(ssssa{sv})", "a", "", "", "", NULL));

    memcpy(bytes->data + 4, &(guint32){GUINT32_TO_LE(body)}, 4);
    return bytes;
}

START_TEST(message_that_is_too_large_is_not_read)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");
    gsize before = memory_of(fleet);

    for (guint i = 0; i < 3; i++) {
        g_autoptr(FleetTestRaw) raw = new_raw(fleet);
        g_autoptr(GByteArray) header = announce((guint32)(127 * MIB));
        g_autofree guint8 *body = g_malloc(MIB);

        memset(body, 'a', MIB);
        fleet_test_raw_begin(raw);
        fleet_test_raw_send(raw, header->data, header->len);
        for (guint n = 0; n < 127; n++)
            fleet_test_raw_send(raw, body, MIB);
        fleet_test_raw_wait_closed(raw);
        assert_served(fleet);
    }
    assert_grown_less(fleet, before, NOISE);
    g_autofree char *log = fleet_test_daemon_stderr(fleet->daemon);
    fleet_test_assert_matches(log,
            "the connection of peer :1\\.[0-9]+ of user [0-9]+ is closed: it announces a message of more than 16 MiB");
}
END_TEST

/* What they send is kept only as far as there is room for it, and that is given back. */
START_TEST(half_messages_are_bounded)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");
    g_autoptr(GByteArray) header = announce((guint32)(15 * MIB));
    g_autofree guint8 *body = g_malloc0(14 * MIB);
    gsize before = memory_of(fleet);
    FleetTestRaw *raws[20];

    for (guint i = 0; i < G_N_ELEMENTS(raws); i++) {
        raws[i] = new_raw(fleet);
        fleet_test_raw_begin(raws[i]);
        fleet_test_raw_send(raws[i], header->data, header->len);
        for (gsize sent = 0; sent < 14 * MIB && fleet_test_raw_try_send(raws[i], body, MIB / 16, 0.1); sent += MIB / 16)
            ;
        assert_served(fleet);
    }
    /* There is room for two of one user. */
    assert_grown_less(fleet, before, 32 * MIB + NOISE);
    for (guint i = 0; i < G_N_ELEMENTS(raws); i++)
        fleet_test_raw_free(raws[i]);
    assert_served(fleet);
}
END_TEST

/* The whole fleet in one call, near the limit: that is what there is room for. */
START_TEST(largest_useful_message_is_taken)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");
    g_auto(GVariantBuilder) devices = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(ssss)"));
    g_autofree char *name = g_strnfill(1024, 'n');
    guint registered;

    for (guint i = 0; i < 10000; i++) {
        g_autofree char *id = g_strdup_printf("%0255u", i);
        g_variant_builder_add(&devices, "(ssss)", id, name, "", "");
    }
    g_autoptr(GVariant) reply = fleet_test_manager(
            fleet->direct, "RegisterDevices", g_variant_new("(a(ssss)a{sv})", &devices, NULL), "(ua(uss))");
    g_variant_get(reply, "(ua(uss))", &registered, NULL);
    ck_assert_uint_eq(registered, 10000);
}
END_TEST

START_TEST(unread_replies_are_bounded)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("");
    FleetTestRaw *raws[20];

    fleet_test_register_many(fleet->connection, "d", 2000);
    gsize before = memory_of(fleet);
    for (guint i = 0; i < G_N_ELEMENTS(raws); i++) {
        raws[i] = new_raw(fleet);
        fleet_test_raw_begin(raws[i]);
        for (guint32 serial = 1;; serial++) {
            g_autoptr(GByteArray) call = fleet_test_raw_call(serial, "ListDevices", NULL);

            if (!fleet_test_raw_try_send(raws[i], call->data, call->len, 0.05))
                break;
            ck_assert_uint_lt(serial, 50000);
        }
        assert_served(fleet);
    }
    /* A list has some 200 KB; each peer may have one on its way and one that waits. */
    assert_grown_less(fleet, before, G_N_ELEMENTS(raws) * MIB + NOISE);
    for (guint i = 0; i < G_N_ELEMENTS(raws); i++)
        fleet_test_raw_free(raws[i]);
}
END_TEST

/* More than fleetd carries out of one sender at the same time; a bus daemon allows 128. */
#define CALLS 120

typedef struct {
    guint waiting, fine, refused;
    char *message;
} Outcomes;

static void count_outcome(GObject *connection, GAsyncResult *result, gpointer user_data)
{
    Outcomes *outcomes = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(connection), result, &error);

    outcomes->waiting--;
    if (reply != NULL)
        outcomes->fine++;
    else {
        g_autofree char *name = g_dbus_error_get_remote_error(error);
        ck_assert_str_eq(name, FLEET_TEST_ERROR "QuotaExceeded");
        g_free(outcomes->message);
        outcomes->message = g_strdup(error->message);
        outcomes->refused++;
    }
}

static Outcomes flood(GDBusConnection *connection, guint calls)
{
    Outcomes outcomes = {.waiting = calls};

    for (guint i = 0; i < calls; i++)
        g_dbus_connection_call(connection, FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "SetDeviceStatus",
                g_variant_new("(ssa{sv})", "router", i % 2 == 0 ? "ERROR" : "IDLE", NULL), NULL, G_DBUS_CALL_FLAGS_NONE,
                -1, NULL, count_outcome, &outcomes);
    while (outcomes.waiting > 0)
        g_main_context_iteration(NULL, TRUE);
    return outcomes;
}

START_TEST(calls_beyond_the_quota_are_refused)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("[Quota]\nCallsPerUser=2\n");
    GDBusConnection *connection = _i == 0 ? fleet->connection : fleet->direct;
    Outcomes outcomes;

    for (;;) { /* it may happen that fleetd answers faster than it is asked */
        outcomes = flood(connection, CALLS);
        ck_assert_uint_eq(outcomes.fine + outcomes.refused, CALLS);
        ck_assert_uint_ge(outcomes.fine, 2);
        if (outcomes.refused > 0)
            break;
    }
    g_autofree char *message = outcomes.message;
    fleet_test_assert_matches(message, "user [0-9]+ has reached the quota CallsPerUser=: 2 of 2 calls are in "
                                       "flight; wait until some are answered");
    fleet_test_set_status(connection, "router", "ERROR");
    /* They leave no row each. */
    g_autoptr(GVariant) audit =
            fleet_test_manager(connection, "QueryAudit", g_variant_new("(su)", "", 10000), "(a(tusssss)s)");
    g_autofree char *rows = g_variant_print(audit, FALSE);
    ck_assert_ptr_null(strstr(rows, "QuotaExceeded"));
}
END_TEST

/* Nothing of a peer's waits in memory, so it cannot come beyond what one connection may have under way. */
START_TEST(peer_that_sends_a_lot_is_slowed_down)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("[Quota]\nCallsPerUser=64\n");
    Outcomes outcomes = flood(fleet->direct, 5000);

    ck_assert_uint_eq(outcomes.fine, 5000);
}
END_TEST

/* On the bus they wait in fleetd, up to the quota, in their order. */
START_TEST(calls_that_wait_are_answered_in_order)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet("[Quota]\nCallsPerUser=0\n");
    g_autoptr(FleetTestSignals) signals =
            fleet_test_signals_new(fleet->connection, FLEET_TEST_PROPERTIES, NULL, ROUTER);

    for (guint i = 1; i <= 10; i++) {
        Outcomes outcomes = flood(fleet->connection, CALLS);

        ck_assert_uint_eq(outcomes.fine, CALLS);
        fleet_test_signals_settle(signals);
        ck_assert_uint_eq(fleet_test_signals_count(signals), i * CALLS);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: flood");
    TCase *tcase = fleet_test_case(suite, "flood");

    tcase_add_test(tcase, connections_beyond_the_quota_are_refused);
    tcase_add_test(tcase, flood_of_connections_costs_nothing);
    tcase_add_test(tcase, lack_of_file_descriptors_passes);
    tcase_add_test(tcase, message_that_is_too_large_is_not_read);
    tcase_add_test(tcase, half_messages_are_bounded);
    tcase_add_test(tcase, largest_useful_message_is_taken);
    tcase_add_test(tcase, unread_replies_are_bounded);
    tcase_add_loop_test(tcase, calls_beyond_the_quota_are_refused, 0, 2);
    tcase_add_test(tcase, peer_that_sends_a_lot_is_slowed_down);
    tcase_add_test(tcase, calls_that_wait_are_answered_in_order);
    return fleet_test_main(suite);
}
