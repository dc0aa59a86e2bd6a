/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The XML files in dbus/ are the contract. What fleetd publishes is compared with them: introspection, the types of all
 * that is read, and the contents of every signal. */

#include "access/verbs.h"
#include "bus_test.h"

#include <signal.h>
#include <sys/resource.h>

#define DEVICE FLEET_TEST_ROOT "/device/router_2d1"

#define EMITS "org.freedesktop.DBus.Property.EmitsChangedSignal"

/* By a name of our own, for GIO 2.74 has no g_autoptr of it and a later one may. */
typedef GDBusInterfaceInfo Interface;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Interface, g_dbus_interface_info_unref)

static const char *const interfaces[] = {FLEET_TEST_MANAGER, FLEET_TEST_DEVICE, FLEET_TEST_ACTION, NULL};

/* What this release never changes once it is there. */
static const char *const unchanging[] = {FLEET_TEST_DEVICE ".Driver", NULL};

/* An interface as its XML file has it. Owned by the caller. */
static Interface *contract_of(const char *interface)
{
    g_autofree char *file = g_strconcat(interface, ".xml", NULL);
    g_autofree char *path = g_build_filename(fleet_test_env("FLEET_SOURCE"), "dbus", file, NULL);
    g_autofree char *xml = fleet_test_read(path);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(xml, &error);

    fleet_test_assert_no_error(error);
    GDBusInterfaceInfo *info = g_dbus_node_info_lookup_interface(node, interface);
    ck_assert_ptr_nonnull(info);
    return g_dbus_interface_info_ref(info);
}

/* An object's interface as introspection shows it. Owned by the caller. */
static Interface *published(GDBusConnection *connection, const char *path, const char *interface)
{
    g_autoptr(GVariant) reply =
            fleet_test_call(connection, path, "org.freedesktop.DBus.Introspectable", "Introspect", NULL, "(s)");
    g_autoptr(GError) error = NULL;
    const char *xml;

    g_variant_get(reply, "(&s)", &xml);
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(xml, &error);
    fleet_test_assert_no_error(error);
    GDBusInterfaceInfo *info = g_dbus_node_info_lookup_interface(node, interface);
    if (info == NULL)
        fleet_test_fail("%s has no interface %s", path, interface);
    return g_dbus_interface_info_ref(info);
}

static void append_arguments(GString *line, const char *direction, GDBusArgInfo **arguments)
{
    for (; arguments != NULL && *arguments != NULL; arguments++)
        g_string_append_printf(line, " %s %s %s", direction, (*arguments)->signature, (*arguments)->name);
}

/* All members, one a line, in order of the alphabet: what two descriptions of one interface have in common. An
 * annotation that is missing means "true" (D-Bus specification, "Introspection Data Format"). */
static char *describe(const GDBusInterfaceInfo *info)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    for (GDBusMethodInfo **method = info->methods; method != NULL && *method != NULL; method++) {
        GString *line = g_string_new("method ");
        g_string_append(line, (*method)->name);
        append_arguments(line, "in", (*method)->in_args);
        append_arguments(line, "out", (*method)->out_args);
        if ((*method)->annotations != NULL && (*method)->annotations[0] != NULL)
            g_string_append(line, " annotated");
        g_ptr_array_add(lines, g_string_free(line, FALSE));
    }
    for (GDBusSignalInfo **signal = info->signals; signal != NULL && *signal != NULL; signal++)
        g_ptr_array_add(lines, g_strconcat("signal ", (*signal)->name, NULL));
    for (GDBusPropertyInfo **property = info->properties; property != NULL && *property != NULL; property++) {
        const char *emits = g_dbus_annotation_info_lookup((*property)->annotations, EMITS);
        g_ptr_array_add(
                lines, g_strdup_printf("property %s %s %s%s emits=%s", (*property)->name, (*property)->signature,
                               (*property)->flags & G_DBUS_PROPERTY_INFO_FLAGS_READABLE ? "r" : "",
                               (*property)->flags & G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE ? "w" : "",
                               emits != NULL ? emits : "true"));
    }
    g_ptr_array_sort(lines, fleet_test_compare_strings);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}

static void assert_as_promised(GDBusConnection *connection, const char *path, const char *interface)
{
    g_autoptr(Interface) promised = contract_of(interface);
    g_autoptr(Interface) actual = published(connection, path, interface);
    g_autofree char *promise = describe(promised);
    g_autofree char *fact = describe(actual);

    ck_assert_str_eq(fact, promise);
}

START_TEST(introspection_equals_the_xml)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    GDBusConnection *const connections[] = {fleet->connection, fleet->direct};
    g_autofree char *device = fleet_test_device_path("router-1");
    g_autofree char *action = NULL;

    fleet_test_register(fleet->connection, "router-1");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "router-1", "SYSTEM_REBOOT", &action);
    for (guint i = 0; i < G_N_ELEMENTS(connections); i++) {
        assert_as_promised(connections[i], FLEET_TEST_ROOT, FLEET_TEST_MANAGER);
        assert_as_promised(connections[i], device, FLEET_TEST_DEVICE);
        assert_as_promised(connections[i], action, FLEET_TEST_ACTION);
        g_autoptr(Interface) manager = published(connections[i], FLEET_TEST_ROOT, FLEET_TEST_OBJECT_MANAGER);
        ck_assert_ptr_nonnull(g_dbus_interface_info_lookup_method(manager, "GetManagedObjects"));
    }
}
END_TEST

START_TEST(xml_says_of_each_property_what_it_signals)
{
    g_autoptr(Interface) info = contract_of(interfaces[_i]);

    for (GDBusPropertyInfo **property = info->properties; *property != NULL; property++)
        if (g_dbus_annotation_info_lookup((*property)->annotations, EMITS) == NULL)
            fleet_test_fail("%s.%s has no annotation " EMITS, info->name, (*property)->name);
}
END_TEST

/* A method without a row would be denied to everyone. */
START_TEST(each_method_has_a_verb)
{
    g_autoptr(Interface) info = contract_of(interfaces[_i]);

    for (GDBusMethodInfo **method = info->methods; method != NULL && *method != NULL; method++) {
        g_autoptr(GError) error = NULL;
        FleetVerb verb;
        gboolean reads = g_str_has_prefix((*method)->name, "Get") || g_str_has_prefix((*method)->name, "List") ||
                         g_str_has_prefix((*method)->name, "Query");

        ck_assert(fleet_verb_of(info->name, (*method)->name, &verb, &error));
        ck_assert_msg((verb == FLEET_VERB_READ || verb == FLEET_VERB_READ_AUDIT) == reads, "%s has the wrong verb",
                (*method)->name);
    }
}
END_TEST

/* Exactly the properties of the interface, each of the promised type. */
static void assert_complete(GVariant *dict, const GDBusInterfaceInfo *info)
{
    guint n = 0;

    for (; info->properties[n] != NULL; n++) {
        const GDBusPropertyInfo *property = info->properties[n];
        g_autoptr(GVariant) value = g_variant_lookup_value(dict, property->name, NULL);
        if (value == NULL || !g_str_equal(g_variant_get_type_string(value), property->signature))
            fleet_test_fail("%s.%s is %s where a value of type %s was due", info->name, property->name,
                    value != NULL ? g_variant_get_type_string(value) : "missing", property->signature);
    }
    ck_assert_uint_eq(g_variant_n_children(dict), n);
}

static GVariant *get_all(GDBusConnection *connection, const char *path, const char *interface)
{
    g_autoptr(GVariant) reply = fleet_test_call(
            connection, path, FLEET_TEST_PROPERTIES, "GetAll", g_variant_new("(s)", interface), "(a{sv})");

    return g_variant_get_child_value(reply, 0);
}

static void assert_same(GVariant *actual, GVariant *expected, const char *what)
{
    g_autofree char *text = g_variant_print(actual, TRUE);
    g_autofree char *due = g_variant_print(expected, TRUE);

    if (!g_variant_equal(actual, expected))
        fleet_test_fail("%s is %s where %s was due", what, text, due);
}

/* Get of each, and GetAll; expected is NULL where only types matter. */
static void assert_readable(GDBusConnection *connection, const char *path, const char *interface, GVariant *expected)
{
    g_autoptr(Interface) info = contract_of(interface);
    g_autoptr(GVariant) all = get_all(connection, path, interface);

    assert_complete(all, info);
    for (GDBusPropertyInfo **property = info->properties; *property != NULL; property++) {
        g_autoptr(GVariant) value = fleet_test_get(connection, path, interface, (*property)->name);
        g_autoptr(GVariant) same = g_variant_lookup_value(all, (*property)->name, NULL);
        assert_same(value, same, (*property)->name);
        if (expected != NULL) {
            g_autoptr(GVariant) told = g_variant_lookup_value(expected, (*property)->name, NULL);
            assert_same(value, told, (*property)->name);
        }
    }
    if (expected != NULL)
        assert_complete(expected, info);
}

/* The entry of an object in GetManagedObjects. */
static GVariant *managed(GDBusConnection *connection, const char *path, const char *interface)
{
    g_autoptr(GVariant) reply = fleet_test_call(
            connection, FLEET_TEST_ROOT, FLEET_TEST_OBJECT_MANAGER, "GetManagedObjects", NULL, "(a{oa{sa{sv}}})");
    g_autoptr(GVariant) objects = g_variant_get_child_value(reply, 0);
    GVariantIter iter;
    const char *name;
    GVariant *contents;

    g_variant_iter_init(&iter, objects);
    while (g_variant_iter_next(&iter, "{&o@a{sa{sv}}}", &name, &contents)) {
        g_autoptr(GVariant) owned = contents;
        if (g_str_equal(name, path))
            return g_variant_lookup_value(owned, interface, G_VARIANT_TYPE_VARDICT);
    }
    fleet_test_fail("%s is not managed", path);
}

START_TEST(properties_are_read_in_all_ways_alike)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_FAILING);
    GDBusConnection *const connections[] = {fleet->connection, fleet->direct};
    g_autofree char *device = fleet_test_device_path("router-1");
    g_autofree char *path = NULL;

    fleet_test_register_as(fleet->connection, "router-1", "Main", "router", "ERROR");
    g_autofree char *action = fleet_test_initiate(fleet->connection, "router-1", "SOFTWARE_UPDATE", &path);
    fleet_test_wait_for(fleet->connection, path, FLEET_TEST_ACTION, "Status", "FAILED");
    for (guint i = 0; i < G_N_ELEMENTS(connections); i++) {
        g_autoptr(GVariant) device_info = fleet_test_device_info(connections[i], "router-1");
        g_autoptr(GVariant) action_info = fleet_test_action_info(connections[i], action);
        g_autoptr(GVariant) managed_device = managed(connections[i], device, FLEET_TEST_DEVICE);
        g_autoptr(GVariant) managed_action = managed(connections[i], path, FLEET_TEST_ACTION);

        assert_readable(connections[i], FLEET_TEST_ROOT, FLEET_TEST_MANAGER, NULL);
        assert_readable(connections[i], device, FLEET_TEST_DEVICE, device_info);
        assert_readable(connections[i], path, FLEET_TEST_ACTION, action_info);
        assert_same(managed_device, device_info, "the device in GetManagedObjects");
        assert_same(managed_action, action_info, "the action in GetManagedObjects");
    }
}
END_TEST

static void assert_read_only(GDBusConnection *connection, const char *path, const char *interface)
{
    g_autoptr(Interface) info = contract_of(interface);

    for (GDBusPropertyInfo **property = info->properties; *property != NULL; property++) {
        GVariant *same = fleet_test_get(connection, path, interface, (*property)->name);
        fleet_test_call_fails(connection, path, FLEET_TEST_PROPERTIES, "Set",
                g_variant_new("(ssv)", interface, (*property)->name, same),
                "org.freedesktop.DBus.Error.PropertyReadOnly", (*property)->name);
        g_variant_unref(same);
    }
}

START_TEST(no_property_can_be_set)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    g_autofree char *device = fleet_test_device_path("router-1");
    g_autofree char *action = NULL;

    fleet_test_register(fleet->connection, "router-1");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "router-1", "SYSTEM_REBOOT", &action);
    assert_read_only(fleet->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER);
    assert_read_only(fleet->connection, device, FLEET_TEST_DEVICE);
    assert_read_only(fleet->direct, action, FLEET_TEST_ACTION);
}
END_TEST

/* What the signals so far told of: "INTERFACE.PROPERTY" and "InterfacesAdded INTERFACE". */
typedef struct {
    GHashTable *infos; /* name of an interface -> GDBusInterfaceInfo */
    GHashTable *seen;
} Coverage;

static const GDBusInterfaceInfo *info_of(const Coverage *coverage, const char *interface)
{
    const GDBusInterfaceInfo *info = g_hash_table_lookup(coverage->infos, interface);

    if (info == NULL)
        fleet_test_fail("a signal tells of the interface %s", interface);
    return info;
}

static void check_added(const Coverage *coverage, GVariant *arguments)
{
    g_autoptr(GVariantIter) iter = NULL;
    const char *interface;
    GVariant *properties;
    guint n = 0;

    ck_assert_str_eq(g_variant_get_type_string(arguments), "(oa{sa{sv}})");
    g_variant_get(arguments, "(&oa{sa{sv}})", NULL, &iter);
    for (; g_variant_iter_next(iter, "{&s@a{sv}}", &interface, &properties); n++) {
        g_autoptr(GVariant) owned = properties;
        assert_complete(owned, info_of(coverage, interface));
        g_hash_table_add(coverage->seen, g_strconcat("InterfacesAdded ", interface, NULL));
    }
    ck_assert_uint_eq(n, 1);
}

static void check_removed(const Coverage *coverage, GVariant *arguments)
{
    g_autofree const char **names = NULL;

    ck_assert_str_eq(g_variant_get_type_string(arguments), "(oas)");
    g_variant_get(arguments, "(&o^a&s)", NULL, &names);
    ck_assert_uint_eq(g_strv_length((char **)names), 1);
    (void)info_of(coverage, names[0]);
    g_hash_table_add(coverage->seen, g_strconcat("InterfacesRemoved ", names[0], NULL));
}

static void check_changed(const Coverage *coverage, GVariant *arguments)
{
    g_autoptr(GVariantIter) changed = NULL;
    g_autoptr(GVariant) invalidated = NULL;
    const char *interface, *name;
    GVariant *value;

    ck_assert_str_eq(g_variant_get_type_string(arguments), "(sa{sv}as)");
    g_variant_get(arguments, "(&sa{sv}@as)", &interface, &changed, &invalidated);
    ck_assert_uint_eq(g_variant_n_children(invalidated), 0);
    const GDBusInterfaceInfo *info = info_of(coverage, interface);
    while (g_variant_iter_next(changed, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) owned = value;
        GDBusPropertyInfo *property = g_dbus_interface_info_lookup_property((GDBusInterfaceInfo *)info, name);

        ck_assert_msg(property != NULL, "%s.%s changed, which the XML does not have", interface, name);
        ck_assert_str_eq(g_variant_get_type_string(owned), property->signature);
        ck_assert_str_eq(g_dbus_annotation_info_lookup(property->annotations, EMITS), "true");
        g_hash_table_add(coverage->seen, g_strconcat(interface, ".", name, NULL));
    }
}

static void check_signal(const Coverage *coverage, const FleetTestSignal *signal)
{
    if (g_str_equal(signal->member, "InterfacesAdded"))
        check_added(coverage, signal->arguments);
    else if (g_str_equal(signal->member, "InterfacesRemoved"))
        check_removed(coverage, signal->arguments);
    else if (g_str_equal(signal->member, "PropertiesChanged"))
        check_changed(coverage, signal->arguments);
    else
        fleet_test_fail("the API has no signal %s.%s", signal->interface, signal->member);
}

static void assert_seen(const Coverage *coverage, const char *what)
{
    if (!g_hash_table_contains(coverage->seen, what))
        fleet_test_fail("no signal tells of %s", what);
}

static void assert_all_seen(const Coverage *coverage)
{
    for (const char *const *interface = interfaces; *interface != NULL; interface++) {
        const GDBusInterfaceInfo *info = info_of(coverage, *interface);
        for (GDBusPropertyInfo **property = info->properties; *property != NULL; property++) {
            g_autofree char *what = g_strconcat(*interface, ".", (*property)->name, NULL);
            if (g_str_equal(g_dbus_annotation_info_lookup((*property)->annotations, EMITS), "true") &&
                    !g_strv_contains(unchanging, what))
                assert_seen(coverage, what);
        }
    }
    assert_seen(coverage, "InterfacesAdded " FLEET_TEST_DEVICE);
    assert_seen(coverage, "InterfacesAdded " FLEET_TEST_ACTION);
    assert_seen(coverage, "InterfacesRemoved " FLEET_TEST_DEVICE);
    assert_seen(coverage, "InterfacesRemoved " FLEET_TEST_ACTION);
}

/* Files must not grow: the database cannot be written. */
static void limit_files(const FleetTestFleet *fleet, rlim_t size)
{
    const struct rlimit limit = {.rlim_cur = size, .rlim_max = RLIM_INFINITY};
    GPid pid = fleet_test_process_pid(fleet_test_daemon_process(fleet->daemon));

    ck_assert_int_eq(prlimit(pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* Has each thing happen that a signal tells of. */
static void provoke_all(const FleetTestFleet *fleet, FleetTestSignals *signals)
{
    GDBusConnection *connection = fleet->connection;
    g_autofree char *path = NULL;

    fleet_test_register(connection, "router-1");
    fleet_test_manager_void(connection, "UpdateDevice",
            g_variant_new_parsed(
                    "('router-1', {'Name': <'Main'>, 'Type': <'router'>, 'Address': <'floor 1'>}, @a{sv} {})"));
    g_autofree char *id = fleet_test_initiate(connection, "router-1", "FIRMWARE_UPDATE", &path);
    fleet_test_manager_void(connection, "InitiateDeviceAction",
            g_variant_new_parsed("('router-1', 'SYSTEM_REBOOT', @a{ss} {}, {'IfBusy': <'queue'>})"));
    (void)fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "PendingActions", "1");
    guint failed = fleet_test_signals_wait_property(signals, 0, path, "Status", "'FAILED'");
    (void)fleet_test_signals_wait_property(signals, failed + 1, DEVICE, "Status", "'ERROR'");
    (void)fleet_test_signals_wait_property(signals, failed + 2, DEVICE, "Status", "'ERROR'");

    limit_files(fleet, 1);
    fleet_test_manager_fails(connection, "SetDeviceStatus", g_variant_new_parsed("('router-1', 'IDLE', @a{sv} {})"),
            FLEET_TEST_ERROR "StorageFailed", NULL);
    (void)fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "StorageState", "'failed'");
    limit_files(fleet, RLIM_INFINITY);
    fleet_test_set_status(connection, "router-1", "IDLE");
    (void)fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "StorageState", "'ok'");

    fleet_test_daemon_set_config(
            fleet->daemon, "[Retention]\nFinishedActions=0\n[ActionType BACKUP]\nDeviceStatus=BUSY\n");
    fleet_test_daemon_signal(fleet->daemon, SIGHUP);
    (void)fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "ActionTypes", NULL);
    fleet_test_unregister(connection, "router-1");
    (void)fleet_test_signals_wait_property(signals, 0, FLEET_TEST_ROOT, "DeviceCount", "0");
}

static void unref_interface(gpointer info)
{
    g_dbus_interface_info_unref(info);
}

START_TEST(each_signal_has_the_promised_contents)
{
    /* Longer than the interval of the counters, so that they show it. */
    g_autoptr(FleetTestFleet) fleet =
            fleet_test_fleet_new("[Simulation]\nMinDuration=800ms\nMaxDuration=800ms\nSuccessRate=0\n");
    g_autoptr(FleetTestSignals) on_bus = fleet_test_signals_new(fleet->connection, NULL, NULL, NULL);
    g_autoptr(FleetTestSignals) on_socket = fleet_test_signals_new(fleet->direct, NULL, NULL, NULL);
    FleetTestSignals *const collections[] = {on_bus, on_socket};

    provoke_all(fleet, on_bus);
    for (guint i = 0; i < G_N_ELEMENTS(collections); i++) {
        g_autoptr(GHashTable) infos = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_interface);
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        const Coverage coverage = {.infos = infos, .seen = seen};

        for (const char *const *interface = interfaces; *interface != NULL; interface++)
            g_hash_table_insert(infos, (gpointer)*interface, contract_of(*interface));
        fleet_test_signals_settle(collections[i]);
        for (guint j = 0; j < fleet_test_signals_count(collections[i]); j++)
            check_signal(&coverage, fleet_test_signals_get(collections[i], j));
        assert_all_seen(&coverage);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: contract");
    TCase *tcase = fleet_test_case(suite, "contract");

    tcase_add_test(tcase, introspection_equals_the_xml);
    tcase_add_loop_test(tcase, xml_says_of_each_property_what_it_signals, 0, G_N_ELEMENTS(interfaces) - 1);
    tcase_add_loop_test(tcase, each_method_has_a_verb, 0, G_N_ELEMENTS(interfaces) - 1);
    tcase_add_test(tcase, properties_are_read_in_all_ways_alike);
    tcase_add_test(tcase, no_property_can_be_set);
    tcase_add_test(tcase, each_signal_has_the_promised_contents);
    return fleet_test_main(suite);
}
