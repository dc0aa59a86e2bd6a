/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of devices: their order, their filters, and paging. */

#include "bus_test.h"

/* Of devices, and of actions, as org.fleet.Manager(5) has it. */
#define INTROSPECTED_MAX 10000

START_TEST(list_is_in_order_of_bytes)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    static const char *const ids[] = {"b", "a", "ab", "B", "a-", "ä", "z", "a10", "a9"};

    g_autoptr(GVariant) empty = fleet_test_manager(fleet->connection, "ListDevices", NULL, "(a(ssssttos))");
    fleet_test_assert_prints(g_variant_get_child_value(empty, 0), "[]");
    for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
        fleet_test_register(fleet->connection, ids[i]);
    g_autoptr(GVariant) list = fleet_test_manager(fleet->connection, "ListDevices", NULL, "(a(ssssttos))");
    g_autofree char *order = fleet_test_row_ids(list);
    ck_assert_str_eq(order, "B a a- a10 a9 ab b z ä");
    fleet_test_unregister(fleet->connection, "a9");
    g_autoptr(GVariant) fewer = fleet_test_manager(fleet->direct, "ListDevices", NULL, "(a(ssssttos))");
    g_autofree char *without = fleet_test_row_ids(fewer);
    ck_assert_str_eq(without, "B a a- a10 ab b z ä");
}
END_TEST

START_TEST(rows_tell_what_info_tells)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    g_autofree char *path = NULL;

    fleet_test_register_as(fleet->connection, "r", "Name", "type", "");
    g_autofree char *action = fleet_test_initiate(fleet->connection, "r", "SYSTEM_REBOOT", &path);
    g_autoptr(GVariant) info = fleet_test_device_info(fleet->connection, "r");
    guint64 registered, updated;
    ck_assert(g_variant_lookup(info, "RegisteredAt", "t", &registered));
    ck_assert(g_variant_lookup(info, "UpdatedAt", "t", &updated));
    g_autoptr(GVariant) expected = g_variant_ref_sink(
            g_variant_new("(ssssttos)", "r", "Name", "type", "BUSY", registered, updated, path, action));
    g_autoptr(GVariant) list = fleet_test_manager(fleet->connection, "ListDevices", NULL, "(a(ssssttos))");
    g_autoptr(GVariant) rows = g_variant_get_child_value(list, 0);
    g_autoptr(GVariant) row = g_variant_get_child_value(rows, 0);
    ck_assert(g_variant_equal(row, expected));
}
END_TEST

static const struct {
    const char *filter, *ids;
} filters[] = {
        {"@a{sv} {}", "cam-1 cam-2 hub-1 r-1 r-2"},
        {"{'Status': <['IDLE']>}", "cam-1 hub-1 r-2"},
        {"{'Status': <['OFFLINE', 'ERROR']>}", "cam-2 r-1"},
        {"{'Status': <@as []>}", "cam-1 cam-2 hub-1 r-1 r-2"},
        {"{'Type': <['router']>}", "r-1 r-2"},
        {"{'Type': <['router', 'hub']>}", "hub-1 r-1 r-2"},
        {"{'Type': <['rout']>}", ""},
        {"{'Type': <@as []>}", "cam-1 cam-2 hub-1 r-1 r-2"},
        {"{'IdPrefix': <'cam-'>}", "cam-1 cam-2"},
        {"{'IdPrefix': <''>}", "cam-1 cam-2 hub-1 r-1 r-2"},
        {"{'IdPrefix': <'r-2'>}", "r-2"},
        {"{'IdPrefix': <'x'>}", ""},
        {"{'NameContains': <'Door'>}", "cam-1 r-1"},
        {"{'NameContains': <'door'>}", ""},
        {"{'NameContains': <''>}", "cam-1 cam-2 hub-1 r-1 r-2"},
        {"{'NameContains': <'Door'>, 'Type': <['router']>, 'IdPrefix': <'r'>, 'Status': <['ERROR']>}", "r-1"},
        {"{'NameContains': <'Door'>, 'Type': <['router']>, 'IdPrefix': <'c'>}", ""},
};

START_TEST(filters_choose)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");

    fleet_test_register_as(fleet->connection, "cam-1", "Front Door", "camera", "IDLE");
    fleet_test_register_as(fleet->connection, "cam-2", "Yard", "camera", "OFFLINE");
    fleet_test_register_as(fleet->connection, "hub-1", "Hub", "hub", "IDLE");
    fleet_test_register_as(fleet->connection, "r-1", "Back Door", "router", "ERROR");
    fleet_test_register_as(fleet->connection, "r-2", "Hall", "router", "IDLE");
    for (guint i = 0; i < G_N_ELEMENTS(filters); i++) {
        g_autoptr(GVariant) filter = g_variant_ref_sink(g_variant_new_parsed(filters[i].filter));
        g_autoptr(GVariant) reply = fleet_test_manager(
                fleet->connection, "QueryDevices", g_variant_new("(@a{sv}su)", filter, "", 0u), "(a(ssssttos)s)");
        g_autofree char *ids = fleet_test_row_ids(reply);
        ck_assert_msg(g_str_equal(ids, filters[i].ids), "%s gives '%s'", filters[i].filter, ids);
    }
}
END_TEST

/* The next page. Its ids; the cursor is replaced. */
static char *next_page(GDBusConnection *connection, const char *filter, char **cursor, guint limit)
{
    g_autoptr(GVariant) parsed = g_variant_ref_sink(g_variant_new_parsed(filter));
    g_autoptr(GVariant) reply = fleet_test_manager(
            connection, "QueryDevices", g_variant_new("(@a{sv}su)", parsed, *cursor, limit), "(a(ssssttos)s)");

    g_free(*cursor);
    g_variant_get_child(reply, 1, "s", cursor);
    return fleet_test_row_ids(reply);
}

START_TEST(pages_follow_each_other)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *cursor = g_strdup("");
    guint pages = 0, rows = 0;

    fleet_test_register_many(fleet->connection, "d", 2500);
    do {
        g_autofree char *ids = next_page(fleet->connection, "@a{sv} {}", &cursor, 0);
        g_auto(GStrv) split = g_strsplit(ids, " ", -1);
        for (char **id = split; *id != NULL; id++) {
            g_autofree char *due = g_strdup_printf("d-%05u", rows++);
            ck_assert_str_eq(*id, due);
        }
        ck_assert_uint_le(g_strv_length(split), 1000);
        pages++;
    } while (*cursor != '\0');
    ck_assert_uint_eq(rows, 2500);
    ck_assert_uint_eq(pages, 3);
}
END_TEST

/* Nothing is listed twice, and nothing that stayed is missed. */
START_TEST(pages_are_stable_while_devices_come_and_go)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *cursor = g_strdup("");

    for (const char *p = "bdfhjln"; *p != '\0'; p++) {
        const char id[] = {*p, '\0'};
        fleet_test_register(fleet->connection, id);
    }
    g_autofree char *first = next_page(fleet->connection, "@a{sv} {}", &cursor, 3);
    ck_assert_str_eq(first, "b d f");
    fleet_test_unregister(fleet->connection, "f"); /* where the cursor stands */
    fleet_test_unregister(fleet->connection, "b"); /* before it */
    fleet_test_unregister(fleet->connection, "j"); /* behind it */
    fleet_test_register(fleet->connection, "a");
    fleet_test_register(fleet->connection, "g");
    g_autofree char *second = next_page(fleet->connection, "@a{sv} {}", &cursor, 3);
    ck_assert_str_eq(second, "g h l");
    ck_assert_str_ne(cursor, "");
    g_autofree char *third = next_page(fleet->connection, "@a{sv} {}", &cursor, 3);
    ck_assert_str_eq(third, "n");
    ck_assert_str_eq(cursor, "");
}
END_TEST

START_TEST(pages_of_a_filter_end)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autofree char *cursor = g_strdup("");

    fleet_test_register_many(fleet->connection, "a", 5);
    fleet_test_register_many(fleet->connection, "b", 3);
    fleet_test_register_many(fleet->connection, "c", 5);
    g_autofree char *first = next_page(fleet->connection, "{'IdPrefix': <'b'>}", &cursor, 2);
    ck_assert_str_eq(first, "b-00000 b-00001");
    g_autofree char *second = next_page(fleet->connection, "{'IdPrefix': <'b'>}", &cursor, 2);
    ck_assert_str_eq(second, "b-00002");
    ck_assert_str_eq(cursor, "");
}
END_TEST

/* More than a reply may have on either connection, by their names alone. */
#define TOO_MANY 33000
#define PORTION 5500

static void register_with_long_names(GDBusConnection *connection, guint first, guint n)
{
    g_auto(GVariantBuilder) devices = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(ssss)"));
    g_autofree char *name = g_strnfill(1024, 'n');

    for (guint i = first; i < first + n; i++) {
        g_autofree char *id = g_strdup_printf("d%u", i);
        g_variant_builder_add(&devices, "(ssss)", id, name, "", "");
    }
    fleet_test_manager_void(connection, "RegisterDevices", g_variant_new("(a(ssss)a{sv})", &devices, NULL));
}

static guint count_in_pages(GDBusConnection *connection)
{
    g_autofree char *cursor = g_strdup("");
    guint n = 0;

    do {
        g_autoptr(GVariant) page = fleet_test_manager(
                connection, "QueryDevices", g_variant_new("(a{sv}su)", NULL, cursor, 10000), "(a(ssssttos)s)");
        g_autoptr(GVariant) rows = g_variant_get_child_value(page, 0);

        n += (guint)g_variant_n_children(rows);
        g_free(cursor);
        g_variant_get_child(page, 1, "s", &cursor);
    } while (*cursor != '\0');
    return n;
}

/* A service that sends too much to a bus is disconnected by it. */
START_TEST(too_large_a_list_is_refused)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("[Quota]\nDevicesPerUser=0\n");
    GDBusConnection *const connections[] = {fleet->connection, fleet->direct};

    for (guint i = 0; i < TOO_MANY; i += PORTION)
        register_with_long_names(fleet->direct, i, PORTION);
    for (guint i = 0; i < G_N_ELEMENTS(connections); i++) {
        fleet_test_call_fails(connections[i], FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "ListDevices", NULL,
                "org.fleet.Error.LimitExceeded", "use QueryDevices");
        fleet_test_call_fails(connections[i], FLEET_TEST_ROOT, FLEET_TEST_OBJECT_MANAGER, "GetManagedObjects", NULL,
                "org.fleet.Error.LimitExceeded", "use QueryDevices and QueryActions");
        ck_assert_uint_eq(count_in_pages(connections[i]), TOO_MANY);
    }
}
END_TEST

/* Introspection knows no pages, so it lists some only: here one less than there are. */
START_TEST(introspection_is_bounded)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    GDBusConnection *const connections[] = {fleet->connection, fleet->direct};

    fleet_test_register_many(fleet->connection, "d", INTROSPECTED_MAX);
    fleet_test_register(fleet->connection, "one-more");
    for (guint i = 0; i < G_N_ELEMENTS(connections); i++) {
        g_autoptr(GVariant) reply = fleet_test_call(connections[i], FLEET_TEST_ROOT "/device",
                "org.freedesktop.DBus.Introspectable", "Introspect", NULL, "(s)");
        const char *xml;
        g_variant_get(reply, "(&s)", &xml);
        g_autoptr(GError) error = NULL;
        g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(xml, &error);
        fleet_test_assert_no_error(error);
        ck_assert_uint_eq(g_strv_length((char **)node->nodes), INTROSPECTED_MAX);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: device lists");
    TCase *tcase = fleet_test_case(suite, "lists");

    tcase_add_test(tcase, list_is_in_order_of_bytes);
    tcase_add_test(tcase, rows_tell_what_info_tells);
    tcase_add_test(tcase, filters_choose);
    tcase_add_test(tcase, pages_follow_each_other);
    tcase_add_test(tcase, pages_are_stable_while_devices_come_and_go);
    tcase_add_test(tcase, pages_of_a_filter_end);
    tcase_add_test(tcase, too_large_a_list_is_refused);
    tcase_add_test(tcase, introspection_is_bounded);
    return fleet_test_main(suite);
}
