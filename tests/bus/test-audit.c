/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who did what: each call that changes something leaves a row, also one that is refused or denied; and only root and
 * the daemon's own user may read them. */

#include "bus_test.h"

#include <string.h>
#include <unistd.h>

/* The rows, oldest first, without time, executable and sender: "UID METHOD OBJECT OUTCOME" one a line. */
static char *audit(GDBusConnection *connection)
{
    g_autoptr(GVariant) reply =
            fleet_test_manager(connection, "QueryAudit", g_variant_new("(su)", "", 0u), "(a(tusssss)s)");
    g_autoptr(GVariant) rows = g_variant_get_child_value(reply, 0);
    GString *text = g_string_new(NULL);

    for (gsize i = g_variant_n_children(rows); i > 0; i--) {
        const char *method, *object, *outcome;
        guint32 uid;

        g_variant_get_child(rows, i - 1, "(tuss&s&s&s)", NULL, &uid, NULL, NULL, &method, &object, &outcome);
        g_string_append_printf(text, "%s %s '%s' %s\n",
                uid == geteuid() ? "us"
                : uid == 65534   ? "nobody"
                                 : "other",
                method, object,
                g_str_has_prefix(outcome, FLEET_TEST_ERROR) ? outcome + strlen(FLEET_TEST_ERROR) : outcome);
    }
    return g_string_free(text, FALSE);
}

START_TEST(each_change_leaves_a_row)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    GDBusConnection *connection = _i == 0 ? fleet->connection : fleet->direct;
    g_autofree char *path = NULL;

    fleet_test_register(connection, "r");
    fleet_test_manager_fails(connection, "RegisterDevice", g_variant_new_parsed("('r', '', '', '', @a{sv} {})"),
            FLEET_TEST_ERROR "DeviceExists", NULL);
    fleet_test_manager_void(connection, "UpdateDevice", g_variant_new_parsed("('r', {'Name': <'x'>}, @a{sv} {})"));
    fleet_test_set_status(connection, "r", "IDLE"); /* it is so already; it was asked for all the same */
    fleet_test_manager_fails(connection, "SetDeviceStatus", g_variant_new_parsed("('r', 'SLEEPY', @a{sv} {})"),
            FLEET_TEST_ERROR "InvalidArgument", NULL);
    fleet_test_manager_fails(connection, "UnregisterDevice", g_variant_new_parsed("('nobody', @a{sv} {})"),
            FLEET_TEST_ERROR "DeviceNotFound", NULL);
    fleet_test_register_many(connection, "d", 3);
    fleet_test_call_void(connection, FLEET_TEST_ROOT "/device/r", FLEET_TEST_DEVICE, "SetStatus",
            g_variant_new_parsed("('ERROR', @a{sv} {})"));
    g_autofree char *id = fleet_test_initiate(connection, "r", "SYSTEM_REBOOT", &path);
    fleet_test_manager_fails(connection, "InitiateDeviceAction", fleet_test_action_arguments("r", "SYSTEM_REBOOT"),
            FLEET_TEST_ERROR "DeviceBusy", NULL);
    fleet_test_manager_void(
            connection, "CancelDeviceAction", g_variant_new("(s@a{sv})", id, g_variant_new_parsed("@a{sv} {}")));
    fleet_test_manager_fails(connection, "CancelDeviceAction", g_variant_new_parsed("('x', @a{sv} {})"),
            FLEET_TEST_ERROR "ActionNotFound", NULL);
    fleet_test_wait_for(connection, path, FLEET_TEST_ACTION, "Status", "CANCELLED");
    fleet_test_call_fails(connection, path, FLEET_TEST_ACTION, "Cancel", g_variant_new_parsed("(@a{sv} {},)"),
            FLEET_TEST_ERROR "AlreadyFinished", NULL);
    g_autoptr(GVariant) list = fleet_test_manager(connection, "ListDevices", NULL, NULL); /* it only reads */
    fleet_test_daemon_kill(fleet->daemon);
    fleet_test_daemon_start(fleet->daemon);

    g_autofree char *rows = audit(fleet->connection);
    g_autofree char *due = g_strdup_printf("us RegisterDevice 'r' ok\n"
                                           "us RegisterDevice 'r' DeviceExists\n"
                                           "us UpdateDevice 'r' ok\n"
                                           "us SetDeviceStatus 'r' ok\n"
                                           "us SetDeviceStatus 'r' InvalidArgument\n"
                                           "us UnregisterDevice 'nobody' DeviceNotFound\n"
                                           "us RegisterDevices '(3 entries)' ok\n"
                                           "us SetStatus 'r' ok\n"
                                           "us InitiateDeviceAction 'r' ok\n"
                                           "us InitiateDeviceAction 'r' DeviceBusy\n"
                                           "us CancelDeviceAction '%s' ok\n"
                                           "us CancelDeviceAction 'x' ActionNotFound\n"
                                           "us Cancel '%s' AlreadyFinished\n",
            id, id);
    fleet_test_assert_same_text(rows, due);
}
END_TEST

START_TEST(rows_tell_when_and_who)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    GDBusConnection *connection = _i == 0 ? fleet->connection : fleet->direct;
    gint64 before = g_get_real_time();
    const char *executable, *sender;
    guint32 uid;
    guint64 at;

    fleet_test_register(connection, "r");
    g_autoptr(GVariant) reply =
            fleet_test_manager(fleet->connection, "QueryAudit", g_variant_new("(su)", "", 0u), "(a(tusssss)s)");
    g_autoptr(GVariant) rows = g_variant_get_child_value(reply, 0);
    ck_assert_uint_eq(g_variant_n_children(rows), 1);
    g_variant_get_child(rows, 0, "(tu&s&ssss)", &at, &uid, &executable, &sender, NULL, NULL, NULL);
    ck_assert_int_ge((gint64)at, before);
    ck_assert_int_le((gint64)at, g_get_real_time());
    ck_assert_uint_eq(uid, geteuid());
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    ck_assert_str_eq(executable, self);
    ck_assert_str_eq(sender, g_dbus_connection_get_unique_name(connection));
}
END_TEST

/* Runs gdbus as another user; it must be denied. */
static void denied(const char *const *call, const char *part)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    static const char *const begin[] = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "gdbus", "call",
            "--system", "--dest", FLEET_TEST_NAME, "--object-path", FLEET_TEST_ROOT, "--method"};
    g_autofree char *err = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(begin); i++)
        g_ptr_array_add(argv, (gpointer)begin[i]);
    for (; *call != NULL; call++)
        g_ptr_array_add(argv, (gpointer)*call);
    g_ptr_array_add(argv, NULL);
    ck_assert_int_eq(fleet_test_run((const char *const *)argv->pdata, NULL, NULL, &err), 1);
    fleet_test_assert_contains(err, FLEET_TEST_DENIED ": user 65534 may not");
    fleet_test_assert_contains(err, part);
}

START_TEST(denied_calls_leave_a_row_and_cannot_read_them)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    static const char *const change[] = {FLEET_TEST_MANAGER ".UnregisterDevice", "r", "{}", NULL};
    static const char *const look[] = {FLEET_TEST_MANAGER ".QueryAudit", "", "0", NULL};

    if (geteuid() != 0) /* only root can become another user */
        return;
    fleet_test_register(fleet->connection, "r");
    denied(change, "manage devices");
    denied(look, "look at the audit");
    g_autofree char *rows = audit(fleet->direct);
    fleet_test_assert_matches(
            rows, "^us RegisterDevice 'r' ok\nnobody UnregisterDevice '(r)?' " FLEET_TEST_DENIED "\n");
    g_autoptr(GVariant) info = fleet_test_device_info(fleet->connection, "r");
    fleet_test_assert_entry(info, "Id", "'r'");
}
END_TEST

START_TEST(pages_follow_each_other)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *cursor = g_strdup("");
    guint left = 25;

    for (guint i = 0; i < left; i++) {
        g_autofree char *id = g_strdup_printf("%u", i);
        fleet_test_register(fleet->connection, id);
    }
    for (guint page = 0; page == 0 || *cursor != '\0'; page++) {
        g_autofree char *meanwhile = g_strdup_printf("meanwhile-%u", page);
        g_autoptr(GVariant) reply = fleet_test_manager(
                fleet->connection, "QueryAudit", g_variant_new("(su)", cursor, 10u), "(a(tusssss)s)");
        g_autoptr(GVariant) rows = g_variant_get_child_value(reply, 0);

        g_free(cursor);
        g_variant_get_child(reply, 1, "s", &cursor);
        for (gsize i = 0; i < g_variant_n_children(rows); i++) {
            g_autofree char *due = g_strdup_printf("%u", --left);
            const char *object;
            g_variant_get_child(rows, i, "(tusss&ss)", NULL, NULL, NULL, NULL, NULL, &object, NULL);
            ck_assert_str_eq(object, due);
        }
        fleet_test_register(fleet->connection, meanwhile);
    }
    ck_assert_uint_eq(left, 0);
}
END_TEST

START_TEST(odd_objects_are_written_as_they_can_be_read)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *longest = g_strnfill(5000, 'x');

    fleet_test_manager_fails(fleet->connection, "UnregisterDevice", g_variant_new("(sa{sv})", "a\nb\x1b[0m", NULL),
            FLEET_TEST_ERROR "DeviceNotFound", NULL);
    fleet_test_manager_fails(fleet->connection, "UnregisterDevice", g_variant_new("(sa{sv})", longest, NULL),
            FLEET_TEST_ERROR "DeviceNotFound", NULL);
    g_autofree char *rows = audit(fleet->connection);
    fleet_test_assert_contains(rows, "us UnregisterDevice 'a\\x0ab\\x1b[0m' DeviceNotFound\n");
    ck_assert_uint_lt(strlen(rows), 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: audit");
    TCase *tcase = fleet_test_case(suite, "audit");

    tcase_add_loop_test(tcase, each_change_leaves_a_row, 0, 2);
    tcase_add_loop_test(tcase, rows_tell_when_and_who, 0, 2);
    tcase_add_test(tcase, denied_calls_leave_a_row_and_cannot_read_them);
    tcase_add_test(tcase, pages_follow_each_other);
    tcase_add_test(tcase, odd_objects_are_written_as_they_can_be_read);
    return fleet_test_main(suite);
}
