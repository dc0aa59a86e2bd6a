/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A disk that refuses writes, for real: past RLIMIT_FSIZE each write of fleetd fails with EFBIG, and on a full tmpfs
 * with ENOSPC. Nothing may be acknowledged, announced or changed that is not stored, and all works again by itself.
 */

#include "fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPELINED 100

/* Starts fleetd with actions that take so many ms. */
static void start(guint msec)
{
    g_autofree char *config =
            g_strdup_printf("[Simulation]\nMinDuration=%ums\nMaxDuration=%ums\nSuccessRate=1\n", msec, msec);

    fleet_test_daemon_set_config(fleetd, config);
    fleet_test_daemon_start(fleetd);
}

static void limit_files(rlim_t size)
{
    const struct rlimit limit = {size, RLIM_INFINITY};

    if (prlimit(fleet_test_process_pid(fleet_test_daemon_process(fleetd)), RLIMIT_FSIZE, &limit, NULL) < 0)
        fleet_test_fail("cannot limit the files of fleetd: %m");
}

/* No whole page fits into the store's log. */
static void break_disk(void)
{
    limit_files(4096);
}

static void mend_disk(void)
{
    limit_files(RLIM_INFINITY);
}

static GVariant *add_arguments(const char *id)
{
    return g_variant_new("(ssssa{sv})", id, "", "", "", NULL);
}

static void add(const char *id)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", add_arguments(id));
}

/* Starts an action; its id. Owned by the caller, like the path. */
static char *initiate(const char *device, char **path)
{
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}a{sv})", device, "SOFTWARE_UPDATE", NULL, NULL), "(sos)");
    char *id;

    g_variant_get(reply, "(sos)", &id, path, NULL);
    return id;
}

static void assert_string(const char *path, const char *interface, const char *property, const char *expected)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, path, interface, property);

    ck_assert_str_eq(g_variant_get_string(value, NULL), expected);
}

static void assert_storage(const char *expected)
{
    assert_string(FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "StorageState", expected);
}

/* All objects, as text. Owned by the caller. */
static char *print_objects(void)
{
    g_autoptr(GVariant) reply = fleet_test_call(
            connection, FLEET_TEST_ROOT, FLEET_TEST_OBJECT_MANAGER, "GetManagedObjects", NULL, "(a{oa{sa{sv}}})");

    return g_variant_print(reply, FALSE);
}

/* Every call that changes something. */
static const struct {
    const char *path, *interface, *method;
    const char *arguments; /* as g_variant_parse() reads them */
} changes[] = {
        {FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", "('new', '', '', '', @a{sv} {})"},
        {FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "SetDeviceStatus", "('a', 'OFFLINE', @a{sv} {})"},
        {FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "UpdateDevice", "('a', {'Name': <'Other'>}, @a{sv} {})"},
        {FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "UnregisterDevice", "('a', @a{sv} {})"},
        {FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
                "('a', 'SOFTWARE_UPDATE', {'url': 'x'}, @a{sv} {})"},
        {FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevices", "([('new', '', '', '')], @a{sv} {})"},
        {FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevices",
                "([('new', '', '', ''), ('newer', '', '', '')], {'Atomic': <true>})"},
        {FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "SetDevicesStatus", "(['a', 'b'], 'OFFLINE', @a{sv} {})"},
        {FLEET_TEST_ROOT "/device/a", FLEET_TEST_DEVICE, "SetStatus", "('OFFLINE', @a{sv} {})"},
        {FLEET_TEST_ROOT "/device/a", FLEET_TEST_DEVICE, "InitiateAction", "('SYSTEM_REBOOT', @a{ss} {}, @a{sv} {})"},
        {FLEET_TEST_ROOT "/device/a", FLEET_TEST_DEVICE, "Unregister", "(@a{sv} {},)"},
};

/* Owned by the caller. */
static GVariant *parse(const char *arguments)
{
    g_autoptr(GError) error = NULL;
    GVariant *value = g_variant_parse(NULL, arguments, NULL, NULL, &error);

    fleet_test_assert_no_error(error);
    return value;
}

static void assert_changes_fail(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autoptr(GVariant) arguments = parse(changes[i].arguments);

        fleet_test_call_fails(connection, changes[i].path, changes[i].interface, changes[i].method, arguments,
                "org.fleet.Error.StorageFailed", "the change was not stored: ");
    }
}

static void assert_reading_works(const char *action)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "GetDeviceInfo", g_variant_new("(s)", "a"));
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ListDevices", NULL);
    fleet_test_call_void(
            connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "QueryDevices", g_variant_new("(a{sv}su)", NULL, "", 0));
    fleet_test_call_void(
            connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "QueryActions", g_variant_new("(a{sv}su)", NULL, "", 0));
    fleet_test_call_void(
            connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "GetDeviceActionStatus", g_variant_new("(s)", action));
    assert_string(FLEET_TEST_ROOT "/device/a", FLEET_TEST_DEVICE, "Status", "IDLE");
}

/* Fails if a signal told of anything but the Manager's own properties; its counters may still catch up. */
static void assert_no_signal_of_objects(void)
{
    fleet_test_signals_settle(signals);
    for (guint i = 0; i < fleet_test_signals_count(signals); i++)
        if (!g_str_equal(fleet_test_signals_get(signals, i)->path, FLEET_TEST_ROOT) ||
                !g_str_equal(fleet_test_signals_get(signals, i)->member, "PropertiesChanged")) {
            g_autofree char *all = fleet_test_signals_print(signals);
            fleet_test_fail("what is not stored was announced:%s", all);
        }
}

START_TEST(changes_fail_reading_works_and_it_heals)
{
    g_autofree char *path = NULL;

    start(0);
    add("a");
    add("b");
    g_autofree char *action = initiate("a", &path);
    fleet_test_signals_wait_property(signals, 0, path, "Status", "'COMPLETED'");
    g_autofree char *before = print_objects();
    fleet_test_signals_settle(signals);
    assert_storage("ok");

    fleet_test_signals_clear(signals);
    break_disk();
    assert_changes_fail();
    fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "StorageState", "'failed'");
    ck_assert(fleet_test_daemon_wait_notify(fleetd, "STATUS=Read-only*", FLEET_TEST_PATIENCE));
    assert_storage("failed");
    assert_reading_works(action);
    assert_no_signal_of_objects();
    g_autofree char *during = print_objects();
    ck_assert_str_eq(before, during);

    /* A refusal has its row in the audit, too, and is not told without it. */
    fleet_test_call_fails(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", add_arguments("a"),
            "org.fleet.Error.StorageFailed", NULL);

    mend_disk();
    fleet_test_signals_clear(signals);
    add("c");
    fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "StorageState", "'ok'");
    ck_assert(fleet_test_daemon_wait_notify(fleetd, "STATUS=Serving 2 devices", FLEET_TEST_PATIENCE));
    assert_storage("ok");

    /* And it is stored, not only said to be. */
    fleet_test_daemon_kill(fleetd);
    fleet_test_daemon_start(fleetd);
    assert_string(FLEET_TEST_ROOT "/device/c", FLEET_TEST_DEVICE, "Status", "IDLE");
    assert_storage("ok");
}
END_TEST

/* All that is in flight fails together, each call by itself. */
typedef struct {
    guint open, failed;
} Pipeline;

static void refused(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Pipeline *pipeline = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

    pipeline->open--;
    ck_assert_ptr_null(reply);
    g_autofree char *name = g_dbus_error_get_remote_error(error);
    /* An action whose device was refused before it was looked at has none to start on. */
    if (!g_str_equal(name, "org.fleet.Error.DeviceNotFound"))
        ck_assert_str_eq(name, "org.fleet.Error.StorageFailed");
    pipeline->failed++;
}

START_TEST(pipelined_calls_fail_each_and_leave_nothing)
{
    Pipeline pipeline = {0};
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    start(0);
    add("a");
    g_autofree char *before = print_objects();
    fleet_test_signals_settle(signals);
    fleet_test_signals_clear(signals);
    break_disk();
    for (guint i = 0; i < PIPELINED; i++) {
        g_autofree char *id = g_strdup_printf("device-%u", i / 2);
        gboolean new = i % 2 == 0;

        /* Every second one builds upon the one before it. */
        g_dbus_connection_call(connection, FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER,
                new ? "RegisterDevice" : "InitiateDeviceAction",
                new ? add_arguments(id) : g_variant_new("(ssa{ss}a{sv})", id, "SYSTEM_REBOOT", NULL, NULL), NULL,
                G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, refused, &pipeline);
        pipeline.open++;
    }
    while (pipeline.open > 0 && g_get_monotonic_time() < deadline)
        g_main_context_iteration(NULL, TRUE);
    ck_assert_uint_eq(pipeline.failed, PIPELINED);
    assert_no_signal_of_objects();
    g_autofree char *after = print_objects();
    ck_assert_str_eq(before, after);
    mend_disk();
    add("device-0");
}
END_TEST

static guint count_ends(const char *path)
{
    guint count = 0;

    for (guint i = 0; i < fleet_test_signals_count(signals); i++) {
        const FleetTestSignal *signal = fleet_test_signals_get(signals, i);
        const char *status;

        if (!g_str_equal(signal->path, path) || !g_str_equal(signal->member, "PropertiesChanged"))
            continue;
        g_autoptr(GVariant) changed = g_variant_get_child_value(signal->arguments, 1);
        if (g_variant_lookup(changed, "Status", "&s", &status) && !g_str_equal(status, "RUNNING"))
            count++;
    }
    return count;
}

/* Starts an action and lets its end meet a broken disk. */
static char *fail_to_end(char **path)
{
    start((guint)(300 * fleet_test_slowness()));
    add("a");
    char *id = initiate("a", path);
    break_disk();
    /* Nobody calls: the end of the action itself finds out. */
    fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "StorageState", "'failed'");
    ck_assert(fleet_test_daemon_wait_notify(fleetd, "STATUS=Read-only*", FLEET_TEST_PATIENCE));
    assert_string(*path, FLEET_TEST_ACTION, "Status", "RUNNING");
    assert_string(FLEET_TEST_ROOT "/device/a", FLEET_TEST_DEVICE, "Status", "UPDATING");
    assert_string(FLEET_TEST_ROOT "/device/a", FLEET_TEST_DEVICE, "CurrentActionId", id);
    ck_assert_uint_eq(count_ends(*path), 0);
    return id;
}

START_TEST(end_is_stored_once_the_disk_works_again)
{
    g_autofree char *path = NULL;
    g_autofree char *id = fail_to_end(&path);

    mend_disk();
    /* Nobody calls here either. */
    fleet_test_signals_wait_property(signals, 0, path, "Status", "'COMPLETED'");
    fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT "/device/a", "Status", "'IDLE'");
    fleet_test_signals_settle(signals);
    ck_assert_uint_eq(count_ends(path), 1);
    assert_storage("ok");

    fleet_test_daemon_kill(fleetd);
    fleet_test_daemon_start(fleetd);
    assert_string(path, FLEET_TEST_ACTION, "Status", "COMPLETED");
    assert_string(FLEET_TEST_ROOT "/device/a", FLEET_TEST_DEVICE, "Status", "IDLE");
}
END_TEST

START_TEST(end_that_was_never_stored_comes_after_the_restart)
{
    g_autofree char *path = NULL;
    g_autofree char *id = fail_to_end(&path);

    if (_i == 0)
        fleet_test_daemon_kill(fleetd);
    else
        ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
    fleet_test_signals_clear(signals);
    fleet_test_daemon_start(fleetd);
    fleet_test_signals_wait_property(signals, 0, path, "Status", "'COMPLETED'");
    fleet_test_signals_settle(signals);
    ck_assert_uint_eq(count_ends(path), 1);
    assert_string(path, FLEET_TEST_ACTION, "Id", id);
}
END_TEST

/* A full file system, in a mount namespace of the check's own. */

static gboolean mount_small(const char *path)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("fleet-test", path, "tmpfs", 0, "size=1m,mode=0755") == 0;
}

static void fill(const char *path)
{
    static const char zeroes[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    while (write(fd, zeroes, sizeof(zeroes)) > 0)
        ;
    close(fd);
}

static gboolean try_to_add(guint i)
{
    g_autofree char *id = g_strdup_printf("device-%u", i);
    g_autofree char *name = NULL;
    g_autofree char *message = NULL;
    g_autoptr(GVariant) reply = fleet_test_call_any(
            connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice", add_arguments(id), &name, &message);

    if (reply == NULL && g_strcmp0(name, "org.fleet.Error.StorageFailed") != 0)
        fleet_test_fail("a full disk gives %s: %s", name, message);
    return reply != NULL;
}

static guint count_devices(void)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceCount");

    return g_variant_get_uint32(value);
}

START_TEST(full_disk_is_survived)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *state = g_build_filename(directory, "state", NULL);
    g_autofree char *filler = g_build_filename(directory, "filler", NULL);
    guint added = 0;

    ck_assert(mount_small(directory));
    fleet_test_daemon_set_state_directory(fleetd, state);
    start(0);
    add("first");
    fill(filler);
    while (try_to_add(added))
        ck_assert_uint_lt(++added, 10000);
    assert_storage("failed");
    ck_assert_uint_eq(count_devices(), added + 1);
    ck_assert_int_eq(unlink(filler), 0);
    ck_assert(try_to_add(added));
    assert_storage("ok");

    fleet_test_daemon_kill(fleetd);
    fleet_test_daemon_start(fleetd);
    ck_assert_uint_eq(count_devices(), added + 2);
}
END_TEST

/* Whether this machine lets us mount; tried in a child, whose namespace ends with it. */
static gboolean may_mount(void)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0)
        _exit(mount_small("/tmp") ? 0 : 1);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(void)
{
    Suite *suite = suite_create("daemon: storage failure");
    TCase *limited = fleet_test_case(suite, "limited");

    tcase_add_checked_fixture(limited, fleet_test_fixture_setup, fleet_test_fixture_teardown);
    tcase_add_test(limited, changes_fail_reading_works_and_it_heals);
    tcase_add_test(limited, pipelined_calls_fail_each_and_leave_nothing);
    tcase_add_test(limited, end_is_stored_once_the_disk_works_again);
    tcase_add_loop_test(limited, end_that_was_never_stored_comes_after_the_restart, 0, 2);
    if (may_mount()) {
        TCase *full = fleet_test_case(suite, "full");

        tcase_add_checked_fixture(full, fleet_test_fixture_setup, fleet_test_fixture_teardown);
        tcase_add_test(full, full_disk_is_survived);
    } else
        printf("# full_disk_is_survived is skipped: a tmpfs may not be mounted here\n");
    return fleet_test_main(suite);
}
