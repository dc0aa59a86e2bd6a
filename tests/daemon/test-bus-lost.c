/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bus is gone: fleetd goes on without it, and is there again, whole, once the bus is. */

#include "load.h"

#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROUNDS 3
#define PORTION 5000 /* devices registered in one call */

#define CONFIG                                                                                                         \
    "[Simulation]\nMinDuration=0\nMaxDuration=150ms\nSuccessRate=0.5\n"                                                \
    "[Log]\nLevel=notice\n"

static FleetTestBus *bus;
static FleetTestDaemon *fleetd;
static GDBusConnection *direct; /* on the private socket */

static void start(const char *config)
{
    fleet_test_daemon_set_config(fleetd, config);
    fleet_test_daemon_start(fleetd);
    g_autofree char *address = g_strconcat("unix:path=", fleet_test_daemon_socket(fleetd), NULL);
    direct = fleet_test_connect(address);
}

static void setup(void)
{
    bus = fleet_test_bus_new(NULL);
    fleetd = fleet_test_daemon_new();
}

static void teardown(void)
{
    g_clear_object(&direct);
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&bus, fleet_test_bus_free);
}

static void told(const char *status)
{
    if (!fleet_test_daemon_wait_notify(fleetd, status, FLEET_TEST_PATIENCE))
        fleet_test_fail("the service manager is not told '%s'", status);
}

static void lose_bus(void)
{
    fleet_test_daemon_forget_notified(fleetd); /* that it was lost before */
    fleet_test_bus_kill(bus);
    told("STATUS=*; the bus is lost, trying to reach it again");
}

static void name_appeared(GDBusConnection *connection, const char *name, const char *owner, gpointer user_data)
{
    *(gboolean *)user_data = TRUE;
}

static void name_vanished(GDBusConnection *connection, const char *name, gpointer user_data)
{
    *(gboolean *)user_data = TRUE;
}

/* Waits until the name has, or has not, an owner. */
static void wait_name(GDBusConnection *connection, gboolean wanted)
{
    gboolean reached = FALSE;
    guint watch = g_bus_watch_name_on_connection(connection, FLEET_TEST_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
            wanted ? name_appeared : NULL, wanted ? NULL : name_vanished, &reached, NULL);

    if (!fleet_test_run_until(fleet_test_is_set, &reached))
        fleet_test_fail("the name is %s", wanted ? "not taken" : "not free");
    g_bus_unwatch_name(watch);
}

/* The bus comes back, and fleetd on it. A connection to it; owned by the caller. */
static GDBusConnection *regain_bus(void)
{
    fleet_test_bus_start(bus);
    GDBusConnection *connection = fleet_test_connect(fleet_test_bus_address(bus));
    wait_name(connection, TRUE);
    return connection;
}

static void register_device(GDBusConnection *connection, const char *id)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", id, "", "", "", NULL));
}

/* Starts an action. Its object's path; owned by the caller. */
static char *initiate(GDBusConnection *connection, const char *id)
{
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}a{sv})", id, "SYSTEM_REBOOT", NULL, NULL), "(sos)");
    char *path;

    g_variant_get(reply, "(sos)", NULL, &path, NULL);
    return path;
}

static void assert_text(GDBusConnection *connection, const char *path, const char *interface, const char *property,
        const char *expected)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, path, interface, property);

    ck_assert_str_eq(g_variant_get_string(value, NULL), expected);
}

static GVariant *managed_objects(GDBusConnection *connection)
{
    return fleet_test_call(
            connection, FLEET_TEST_ROOT, FLEET_TEST_OBJECT_MANAGER, "GetManagedObjects", NULL, "(a{oa{sa{sv}}})");
}

static guint count_lines(const char *text, const char *part)
{
    guint n = 0;

    for (const char *found = text; (found = strstr(found, part)) != NULL; found++)
        n++;
    return n;
}

/* Clients of the bus lose their connection, those of the private socket nothing. */
START_TEST(under_load_nothing_acknowledged_is_lost)
{
    start(CONFIG);
    GPid pid = fleet_test_process_pid(fleet_test_daemon_process(fleetd));
    g_autoptr(FleetTestLoad) load = fleet_test_load_new(bus, fleetd);

    for (guint round = 0; round < ROUNDS; round++) {
        fleet_test_load_start(load);
        fleet_test_run_for((guint)(g_random_int_range(20, 200) * fleet_test_slowness()));
        fleet_test_load_expect_end(load);
        lose_bus();
        fleet_test_load_finish(load);
        ck_assert_uint_gt(fleet_test_load_acknowledged(load), 0);
        ck_assert_uint_eq(fleet_test_load_refused(load), 0);
        fleet_test_load_settle(load);
        fleet_test_load_verify(load);
        g_object_unref(regain_bus());
    }
    ck_assert_int_eq(fleet_test_daemon_wait(fleetd, 0), -1);
    ck_assert_int_eq(fleet_test_process_pid(fleet_test_daemon_process(fleetd)), pid);
}
END_TEST

START_TEST(actions_and_the_private_socket_go_on)
{
    g_autoptr(GDBusConnection) before = fleet_test_connect(fleet_test_bus_address(bus));

    start("[Simulation]\nMinDuration=400ms\nMaxDuration=400ms\nSuccessRate=1\n");
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(direct, NULL, NULL, NULL);
    register_device(before, "a");
    g_autofree char *ended = initiate(before, "a");
    lose_bus();

    /* What ran when the bus was lost ends, and what is asked for now is done. */
    fleet_test_signals_wait_property(signals, 0, ended, "Status", "'COMPLETED'");
    register_device(direct, "b");
    fleet_test_daemon_set_config(fleetd, "[Simulation]\nMinDuration=1h\nMaxDuration=1h\n");
    fleet_test_daemon_signal(fleetd, SIGHUP);
    told("RELOADING=1");
    g_autofree char *running = initiate(direct, "b");

    g_autoptr(GDBusConnection) after = regain_bus();
    assert_text(after, ended, FLEET_TEST_ACTION, "Status", "COMPLETED");
    assert_text(after, running, FLEET_TEST_ACTION, "Status", "RUNNING");
    g_autoptr(GVariant) there = managed_objects(after);
    g_autoptr(GVariant) here = managed_objects(direct);
    ck_assert_msg(g_variant_equal(there, here), "what is published on the bus is not what there is");

    /* It can be called, and heard. */
    g_autoptr(FleetTestSignals) heard = fleet_test_signals_new(after, NULL, NULL, NULL);
    register_device(after, "c");
    fleet_test_signals_wait_property(heard, 0, FLEET_TEST_ROOT, "DeviceCount", "3");
    told("STATUS=Serving 2 devices");
}
END_TEST

START_TEST(it_is_logged_once)
{
    start(CONFIG);
    for (guint i = 1; i <= 2; i++) {
        lose_bus();
        /* Several attempts, by the delays that they have. */
        fleet_test_run_for(1000);
        g_object_unref(regain_bus());
        ck_assert(fleet_test_process_wait_output(fleet_test_daemon_process(fleetd), FLEET_TEST_STDERR,
                i == 1 ? "the bus is back" : "(?s)the bus is back.*the bus is back", FLEET_TEST_PATIENCE));
        g_autofree char *written = fleet_test_daemon_stderr(fleetd);
        ck_assert_uint_eq(count_lines(written, "the connection to the bus is lost"), i);
        ck_assert_uint_eq(count_lines(written, "the bus is back"), i);
        ck_assert_uint_eq(count_lines(written, "cannot be"), 0);
    }
}
END_TEST

static void request_name(GDBusConnection *connection, const char *method, GVariant *arguments, guint expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
            "org.freedesktop.DBus", method, arguments, G_VARIANT_TYPE("(u)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
    guint32 result;

    fleet_test_assert_no_error(error);
    g_variant_get(reply, "(u)", &result);
    ck_assert_uint_eq(result, expected);
}

/* Who was quicker keeps the name, until he lets go of it. */
START_TEST(a_taken_name_is_waited_for)
{
    g_autofree char *blocked = g_strconcat(fleet_test_bus_address(bus) + strlen("unix:path="), ".away", NULL);
    const char *path = fleet_test_bus_address(bus) + strlen("unix:path=");

    start(CONFIG);
    lose_bus();
    /* fleetd does not find the bus before the name is taken. */
    ck_assert_int_eq(g_rename(path, blocked), 0);
    fleet_test_bus_start(bus);
    ck_assert_int_eq(g_rename(path, blocked), 0);
    g_autofree char *address = g_strconcat("unix:path=", blocked, NULL);
    g_autoptr(GDBusConnection) other = fleet_test_connect(address);
    request_name(other, "RequestName", g_variant_new("(su)", FLEET_TEST_NAME, 0u), 1);
    ck_assert_int_eq(g_rename(blocked, path), 0);

    ck_assert(fleet_test_process_wait_output(fleet_test_daemon_process(fleetd), FLEET_TEST_STDERR,
            "the bus is back, but the name 'org.fleet.Manager' cannot be taken: another process owns it",
            FLEET_TEST_PATIENCE));
    fleet_test_round_trip(direct);
    request_name(other, "ReleaseName", g_variant_new("(s)", FLEET_TEST_NAME), 1);
    wait_name(other, TRUE);
    fleet_test_round_trip(other);
    g_autofree char *written = fleet_test_daemon_stderr(fleetd);
    ck_assert_uint_eq(count_lines(written, "another process owns it"), 1);
}
END_TEST

/* In the place of the bus. */
static int bind_silent_bus(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = fleet_test_bus_address(bus) + strlen("unix:path=");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    ck_assert_int_eq(g_unlink(path), 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    return fd;
}

static gboolean set_flag_when_readable(int fd, GIOCondition condition, gpointer flag)
{
    *(gboolean *)flag = TRUE;
    return G_SOURCE_REMOVE;
}

/* Waits for fleetd's next attempt and takes it, or fails. */
static int accept_attempt(int fd)
{
    gboolean readable = FALSE;

    g_unix_fd_add(fd, G_IO_IN, set_flag_when_readable, &readable);
    ck_assert_msg(fleet_test_run_until(fleet_test_is_set, &readable), "fleetd does not try to reach the bus");
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(accepted, 0);
    return accepted;
}

/* One that takes connections and says nothing, as a bus that hangs does. */
START_TEST(a_silent_bus_holds_nobody_up)
{
    start(CONFIG);
    lose_bus();
    int listening = bind_silent_bus();
    int accepted = accept_attempt(listening);

    /* It is asked again only when this attempt has come to nothing. */
    register_device(direct, "a");
    for (guint i = 0; i < 10; i++)
        fleet_test_round_trip(direct);
    close(accepted);
    close(accept_attempt(listening));
    close(listening);
    g_object_unref(regain_bus());
}
END_TEST

static void register_many(guint first, guint n)
{
    g_auto(GVariantBuilder) devices = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(ssss)"));
    g_autofree char *name = g_strnfill(1024, 'n');

    for (guint i = first; i < first + n; i++) {
        g_autofree char *id = g_strdup_printf("d%u", i);
        g_variant_builder_add(&devices, "(ssss)", id, name, "", "");
    }
    fleet_test_call_void(direct, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevices",
            g_variant_new("(a(ssss)a{sv})", &devices, NULL));
}

static gboolean has_written(const char *text)
{
    g_autofree char *written = fleet_test_daemon_stderr(fleetd);

    return strstr(written, text) != NULL;
}

/* Signals for a bus that does not read must not fill the memory. */
START_TEST(a_bus_that_hangs_is_given_up_in_the_end)
{
    guint n = 0;

    start(CONFIG);
    fleet_test_bus_freeze(bus);
    while (!has_written("the bus does not read; the connection to it is closed")) {
        ck_assert_uint_lt(n, 40 * PORTION); /* of more than 1 KB each */
        register_many(n, PORTION);
        n += PORTION;
    }
    told("STATUS=*; the bus is lost, trying to reach it again");
    fleet_test_bus_thaw(bus);
    ck_assert(fleet_test_process_wait_output(
            fleet_test_daemon_process(fleetd), FLEET_TEST_STDERR, "the bus is back\n", FLEET_TEST_PATIENCE));
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));
    g_autoptr(GVariant) count = fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceCount");
    ck_assert_uint_eq(g_variant_get_uint32(count), n);
}
END_TEST

/* The intervals grow, so that nobody is kept awake by a bus that does not come back. */
START_TEST(attempts_get_rare)
{
    start(CONFIG);
    lose_bus();
    int listening = bind_silent_bus();
    gint64 first = 0, last = 0;

    /* The shortest that the delays before the second to the sixth can be. */
    for (guint i = 0; i < 6; i++) {
        close(accept_attempt(listening));
        last = g_get_monotonic_time();
        if (i == 0)
            first = last;
    }
    ck_assert_int_ge(last - first, (100 + 200 + 400 + 800) * 1000);
    close(listening);
}
END_TEST

START_TEST(it_can_be_stopped_meanwhile)
{
    start(CONFIG);
    register_device(direct, "a");
    lose_bus();
    ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
    ck_assert_int_eq(fleet_test_daemon_start_fails(fleetd), 3);

    fleet_test_bus_start(bus);
    fleet_test_daemon_start(fleetd);
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));
    g_autoptr(GVariant) count = fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceCount");
    ck_assert_uint_eq(g_variant_get_uint32(count), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon: bus lost");
    TCase *tcase = fleet_test_case(suite, "bus lost");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, under_load_nothing_acknowledged_is_lost);
    tcase_add_test(tcase, actions_and_the_private_socket_go_on);
    tcase_add_test(tcase, it_is_logged_once);
    tcase_add_test(tcase, a_taken_name_is_waited_for);
    tcase_add_test(tcase, a_silent_bus_holds_nobody_up);
    tcase_add_test(tcase, a_bus_that_hangs_is_given_up_in_the_end);
    tcase_add_test(tcase, attempts_get_rare);
    tcase_add_test(tcase, it_can_be_stopped_meanwhile);
    return fleet_test_main(suite);
}
