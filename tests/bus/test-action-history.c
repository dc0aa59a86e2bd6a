/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Actions that have ended: how long they stay on the bus, and that history keeps them. */

#include "bus_test.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define SHORT "[Simulation]\nMinDuration=20ms\nMaxDuration=20ms\nSuccessRate=1\n"

static gboolean is_removal(const FleetTestSignal *signal, gpointer user_data)
{
    const char *path;

    if (!g_str_equal(signal->member, "InterfacesRemoved"))
        return FALSE;
    g_variant_get_child(signal->arguments, 0, "&o", &path);
    return g_str_equal(path, user_data);
}

/* Starts an action and waits for its end. */
static char *run_action(GDBusConnection *connection, const char *device, char **path)
{
    char *id = fleet_test_initiate(connection, device, "SYSTEM_REBOOT", path);
    g_autofree char *device_path = fleet_test_device_path(device);

    fleet_test_wait_for(connection, device_path, FLEET_TEST_DEVICE, "CurrentActionId", "");
    return id;
}

/* The ids that QueryActions lists for a filter, in pages of so many rows, with blanks between. */
static char *query(GDBusConnection *connection, const char *filter, guint limit)
{
    g_autoptr(GPtrArray) pages = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *cursor = g_strdup("");

    do {
        g_autoptr(GVariant) parsed = g_variant_ref_sink(g_variant_new_parsed(filter));
        g_autoptr(GVariant) reply = fleet_test_manager(
                connection, "QueryActions", g_variant_new("(@a{sv}su)", parsed, cursor, limit), "(a(sssssdttt)s)");
        g_free(cursor);
        g_variant_get_child(reply, 1, "s", &cursor);
        g_ptr_array_add(pages, fleet_test_row_ids(reply));
    } while (*cursor != '\0');
    g_ptr_array_add(pages, NULL);
    return g_strjoinv(" ", (char **)pages->pdata);
}

static char *managed_objects(GDBusConnection *connection)
{
    g_autoptr(GVariant) objects = fleet_test_call(
            connection, FLEET_TEST_ROOT, FLEET_TEST_OBJECT_MANAGER, "GetManagedObjects", NULL, "(a{oa{sa{sv}}})");

    return g_variant_print(objects, FALSE);
}

START_TEST(newest_finished_actions_stay)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(SHORT "[Retention]\nFinishedActions=2\n");
    GDBusConnection *connection = fleet->connection;
    g_autoptr(FleetTestSignals) signals =
            fleet_test_signals_new(connection, FLEET_TEST_OBJECT_MANAGER, "InterfacesRemoved", NULL);
    g_auto(GStrv) ids = g_new0(char *, 5);
    g_auto(GStrv) paths = g_new0(char *, 5);

    fleet_test_register(connection, "r");
    for (guint i = 0; i < 4; i++)
        ids[i] = run_action(connection, "r", &paths[i]);
    guint first = fleet_test_signals_wait(signals, 0, is_removal, paths[0]);
    guint second = fleet_test_signals_wait(signals, 0, is_removal, paths[1]);
    ck_assert_uint_lt(first, second);
    fleet_test_signals_settle(signals);
    ck_assert_uint_eq(fleet_test_signals_count(signals), 2);

    g_autofree char *objects = managed_objects(connection);
    for (guint i = 0; i < 4; i++) {
        ck_assert_int_eq(strstr(objects, paths[i]) != NULL, i >= 2);
        g_autoptr(GVariant) info = fleet_test_action_info(connection, ids[i]);
        fleet_test_assert_entry(info, "Status", "'COMPLETED'");
        fleet_test_assert_entry(info, "Message", "'simulated success'");
    }
    fleet_test_call_fails(connection, paths[0], FLEET_TEST_PROPERTIES, "GetAll",
            g_variant_new("(s)", FLEET_TEST_ACTION), "org.freedesktop.DBus.Error.UnknownObject", NULL);
    g_autofree char *due = g_strjoin(" ", ids[3], ids[2], ids[1], ids[0], NULL);
    g_autofree char *listed = query(connection, "@a{sv} {}", 0);
    ck_assert_str_eq(listed, due);
}
END_TEST

START_TEST(finished_actions_leave_in_time)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(SHORT "[Retention]\nFinishedActionsAge=100ms\n");
    g_autoptr(FleetTestSignals) signals =
            fleet_test_signals_new(fleet->connection, FLEET_TEST_OBJECT_MANAGER, "InterfacesRemoved", NULL);
    g_autofree char *path = NULL;

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = run_action(fleet->connection, "r", &path);
    (void)fleet_test_signals_wait(signals, 0, is_removal, path);
    g_autoptr(GVariant) info = fleet_test_action_info(fleet->direct, id);
    fleet_test_assert_entry(info, "Status", "'COMPLETED'");
    g_autofree char *listed = query(fleet->connection, "{'DeviceId': <'r'>}", 0);
    ck_assert_str_eq(listed, id);
}
END_TEST

/* What an action is does not depend on where it is kept. */
START_TEST(history_tells_what_the_bus_told)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_FAILING);
    g_autoptr(FleetTestSignals) signals =
            fleet_test_signals_new(fleet->connection, FLEET_TEST_OBJECT_MANAGER, "InterfacesRemoved", NULL);
    g_autofree char *path = NULL;

    fleet_test_register(fleet->connection, "r");
    g_autoptr(GVariant) reply = fleet_test_manager(fleet->connection, "InitiateDeviceAction",
            g_variant_new_parsed("('r', 'SOFTWARE_UPDATE', {'b': '2', 'a': '1'}, @a{sv} {})"), "(sos)");
    g_autofree char *id = NULL;
    g_variant_get(reply, "(sos)", &id, &path, NULL);
    fleet_test_wait_for(fleet->connection, path, FLEET_TEST_ACTION, "Status", "FAILED");
    g_autoptr(GVariant) on_bus = fleet_test_action_info(fleet->connection, id);
    fleet_test_daemon_set_config(fleet->daemon, "[Retention]\nFinishedActions=0\n");
    fleet_test_daemon_signal(fleet->daemon, SIGHUP);
    (void)fleet_test_signals_wait(signals, 0, is_removal, path);
    g_autoptr(GVariant) in_history = fleet_test_action_info(fleet->connection, id);
    g_autofree char *before = g_variant_print(on_bus, TRUE);
    g_autofree char *after = g_variant_print(in_history, TRUE);
    ck_assert_str_eq(after, before);
}
END_TEST

START_TEST(history_outlives_device_and_daemon)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(SHORT);

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = run_action(fleet->connection, "r", NULL);
    g_autoptr(GVariant) before = fleet_test_action_info(fleet->connection, id);
    fleet_test_unregister(fleet->connection, "r");
    fleet_test_daemon_restart(fleet->daemon);
    g_autoptr(GVariant) after = fleet_test_action_info(fleet->connection, id);
    ck_assert(g_variant_equal(before, after));
    g_autofree char *listed = query(fleet->connection, "{'DeviceId': <'r'>}", 0);
    ck_assert_str_eq(listed, id);
}
END_TEST

/* Four actions: a and b done by the first daemon, c failed by the second, d under way by the third. */
static void fill(const FleetTestFleet *fleet, char **ids)
{
    GDBusConnection *connection = fleet->connection;

    fleet_test_register(connection, "r");
    fleet_test_register(connection, "s");
    ids[0] = run_action(connection, "r", NULL);
    ids[1] = run_action(connection, "s", NULL);
    fleet_test_daemon_set_config(fleet->daemon, FLEET_TEST_FAILING);
    fleet_test_daemon_restart(fleet->daemon);
    ids[2] = run_action(connection, "r", NULL);
    fleet_test_daemon_set_config(fleet->daemon, FLEET_TEST_ENDLESS);
    fleet_test_daemon_restart(fleet->daemon);
    ids[3] = fleet_test_initiate(connection, "s", "SOFTWARE_UPDATE", NULL);
}

/* Where a filter has @N, the time at which action N was initiated is put in; @U is our user. */
static const struct {
    const char *filter, *letters;
} filters[] = {
        {"@a{sv} {}", "dcba"},
        {"{'DeviceId': <'r'>}", "ca"},
        {"{'DeviceId': <'nobody'>}", ""},
        {"{'Status': <['COMPLETED']>}", "ba"},
        {"{'Status': <['RUNNING', 'FAILED']>}", "dc"},
        {"{'Status': <['CANCELLED']>}", ""},
        {"{'Status': <@as []>}", "dcba"},
        {"{'Type': <['SOFTWARE_UPDATE']>}", "d"},
        {"{'Type': <['SOFTWARE_UPDATE', 'SYSTEM_REBOOT']>}", "dcba"},
        {"{'Type': <['NO_SUCH_TYPE']>}", ""},
        {"{'Result': <['success']>}", "ba"},
        {"{'Result': <['failed', '']>}", "dc"},
        {"{'Active': <true>}", "d"},
        {"{'Active': <false>}", "cba"},
        {"{'Active': <true>, 'Status': <['COMPLETED']>}", ""},
        {"{'Active': <false>, 'Status': <['COMPLETED', 'RUNNING']>}", "ba"},
        {"{'Since': <uint64 @1>}", "dcb"},
        {"{'Until': <uint64 @1>}", "a"},
        {"{'Since': <uint64 @1>, 'Until': <uint64 @3>}", "cb"},
        {"{'Since': <uint64 @3>, 'DeviceId': <'r'>}", ""},
        {"{'OwnerUid': <uint32 @U>}", "dcba"},
        {"{'OwnerUid': <uint32 4000000>}", ""},
        {"{'DeviceId': <'s'>, 'Status': <['COMPLETED']>, 'Type': <['SYSTEM_REBOOT']>, 'Result': <['success']>}", "b"},
};

static char *substitute(GDBusConnection *connection, const char *filter, char *const *ids)
{
    g_autoptr(GString) text = g_string_new(filter);
    g_autofree char *uid = g_strdup_printf("%u", geteuid());

    g_string_replace(text, "@U", uid, 0);
    for (guint i = 0; i < 4; i++) {
        g_autoptr(GVariant) info = fleet_test_action_info(connection, ids[i]);
        g_autofree char *place = g_strdup_printf("@%u", i);
        guint64 initiated;
        ck_assert(g_variant_lookup(info, "InitiatedAt", "t", &initiated));
        g_autofree char *time = g_strdup_printf("%" G_GUINT64_FORMAT, initiated);
        g_string_replace(text, place, time, 0);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

START_TEST(filters_choose)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(SHORT);
    g_auto(GStrv) ids = g_new0(char *, 5);

    fill(fleet, ids);
    for (guint i = 0; i < G_N_ELEMENTS(filters); i++) {
        g_autofree char *filter = substitute(fleet->connection, filters[i].filter, ids);
        g_autofree char *all = query(fleet->connection, filter, 0);
        g_autofree char *one_by_one = query(fleet->connection, filter, 1);
        g_autoptr(GString) due = g_string_new(NULL);
        for (const char *letter = filters[i].letters; *letter != '\0'; letter++)
            g_string_append_printf(due, "%s%s", due->len > 0 ? " " : "", ids[*letter - 'a']);
        ck_assert_msg(g_str_equal(all, due->str), "%s gives '%s' instead of '%s'", filter, all, due->str);
        ck_assert_str_eq(one_by_one, due->str);
    }
}
END_TEST

START_TEST(rows_tell_what_info_tells)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_FAILING);
    g_autofree char *path = NULL;

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = run_action(fleet->connection, "r", &path);
    g_autoptr(GVariant) info = fleet_test_action_info(fleet->connection, id);
    guint64 initiated, started, completed;
    double progress;
    ck_assert(g_variant_lookup(info, "InitiatedAt", "t", &initiated));
    ck_assert(g_variant_lookup(info, "StartedAt", "t", &started));
    ck_assert(g_variant_lookup(info, "CompletedAt", "t", &completed));
    ck_assert(g_variant_lookup(info, "Progress", "d", &progress));
    g_autoptr(GVariant) due = g_variant_ref_sink(g_variant_new(
            "(sssssdttt)", id, "r", "SYSTEM_REBOOT", "FAILED", "failed", progress, initiated, started, completed));
    g_autoptr(GVariant) reply = fleet_test_manager(
            fleet->connection, "QueryActions", g_variant_new_parsed("(@a{sv} {}, '', uint32 5)"), "(a(sssssdttt)s)");
    g_autoptr(GVariant) rows = g_variant_get_child_value(reply, 0);
    g_autoptr(GVariant) row = g_variant_get_child_value(rows, 0);
    ck_assert(g_variant_equal(row, due));
}
END_TEST

/* Newest first, nothing twice; what starts meanwhile does not come in. */
START_TEST(pages_follow_each_other)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *cursor = g_strdup("");
    guint left = 25;

    fleet_test_register_many(fleet->connection, "d", 30);
    for (guint i = 0; i < 25; i++) {
        g_autofree char *device = g_strdup_printf("d-%05u", i);
        g_ptr_array_add(ids, fleet_test_initiate(fleet->connection, device, "SYSTEM_REBOOT", NULL));
    }
    for (guint page = 0; page == 0 || *cursor != '\0'; page++) {
        g_autofree char *device = g_strdup_printf("d-%05u", 25 + page);
        g_autoptr(GVariant) reply = fleet_test_manager(
                fleet->connection, "QueryActions", g_variant_new("(a{sv}su)", NULL, cursor, 10u), "(a(sssssdttt)s)");
        g_autofree char *text = fleet_test_row_ids(reply);
        g_auto(GStrv) rows = g_strsplit(text, " ", -1);
        g_free(cursor);
        g_variant_get_child(reply, 1, "s", &cursor);
        for (char **row = rows; *row != NULL; row++)
            ck_assert_str_eq(*row, ids->pdata[--left]);
        g_autofree char *meanwhile = fleet_test_initiate(fleet->connection, device, "SYSTEM_REBOOT", NULL);
    }
    ck_assert_uint_eq(left, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: action history");
    TCase *retention = fleet_test_case(suite, "retention");
    TCase *lists = fleet_test_case(suite, "lists");

    tcase_add_test(retention, newest_finished_actions_stay);
    tcase_add_test(retention, finished_actions_leave_in_time);
    tcase_add_test(retention, history_tells_what_the_bus_told);
    tcase_add_test(retention, history_outlives_device_and_daemon);
    tcase_add_test(lists, filters_choose);
    tcase_add_test(lists, rows_tell_what_info_tells);
    tcase_add_test(lists, pages_follow_each_other);
    return fleet_test_main(suite);
}
