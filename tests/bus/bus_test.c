/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus_test.h"

#include <string.h>
#include <unistd.h>

FleetTestFleet *fleet_test_fleet_new(const char *config)
{
    FleetTestFleet *fleet = g_new0(FleetTestFleet, 1);

    fleet->bus = fleet_test_bus_new(NULL);
    fleet->daemon = fleet_test_daemon_new();
    fleet_test_daemon_set_config(fleet->daemon, config);
    fleet_test_daemon_start(fleet->daemon);
    g_autofree char *address = fleet_test_fleet_address(fleet);
    fleet->connection = fleet_test_connect(fleet_test_bus_address(fleet->bus));
    fleet->direct = fleet_test_connect(address);
    return fleet;
}

void fleet_test_fleet_free(FleetTestFleet *fleet)
{
    g_object_unref(fleet->direct);
    g_object_unref(fleet->connection);
    fleet_test_daemon_free(fleet->daemon);
    fleet_test_bus_free(fleet->bus);
    g_free(fleet);
}

GDBusConnection *fleet_test_connect_as(uid_t uid, const char *address)
{
    if (seteuid(uid) < 0)
        fleet_test_fail("cannot become user %u: %m", (guint)uid);
    GDBusConnection *connection = fleet_test_connect(address);
    if (seteuid(0) < 0)
        fleet_test_fail("cannot become root again: %m");
    return connection;
}

char *fleet_test_fleet_address(const FleetTestFleet *fleet)
{
    return g_strconcat("unix:path=", fleet_test_daemon_socket(fleet->daemon), NULL);
}

void fleet_test_register_many(GDBusConnection *connection, const char *prefix, guint n)
{
    g_auto(GVariantBuilder) devices = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(ssss)"));

    for (guint i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("%s-%05u", prefix, i);
        g_variant_builder_add(&devices, "(ssss)", id, "", "", "");
    }
    g_autoptr(GVariant) reply = fleet_test_manager(
            connection, "RegisterDevices", g_variant_new("(a(ssss)a{sv})", &devices, NULL), "(ua(uss))");
    g_autoptr(GVariant) failures = g_variant_get_child_value(reply, 1);
    ck_assert_uint_eq(g_variant_n_children(failures), 0);
}

GVariant *fleet_test_action_arguments(const char *id, const char *type)
{
    return g_variant_new("(ssa{ss}a{sv})", id, type, NULL, NULL);
}

char *fleet_test_initiate(GDBusConnection *connection, const char *id, const char *type, char **path)
{
    g_autoptr(GVariant) reply =
            fleet_test_manager(connection, "InitiateDeviceAction", fleet_test_action_arguments(id, type), "(sos)");
    char *action;

    g_variant_get(reply, "(sos)", &action, path, NULL);
    return action;
}

struct FleetTestPending {
    gboolean done;
    char *outcome;
};

static void answered(GObject *connection, GAsyncResult *result, gpointer user_data)
{
    FleetTestPending *pending = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(connection), result, &error);

    pending->done = TRUE;
    pending->outcome = reply != NULL ? g_strdup("") : g_dbus_error_get_remote_error(error);
    if (pending->outcome == NULL)
        pending->outcome = g_strdup(error->message);
}

FleetTestPending *fleet_test_send(
        GDBusConnection *connection, const char *path, const char *interface, const char *method, GVariant *arguments)
{
    FleetTestPending *pending = g_new0(FleetTestPending, 1);

    g_dbus_connection_call(connection, FLEET_TEST_NAME, path, interface, method, arguments, NULL,
            G_DBUS_CALL_FLAGS_NONE, (int)(FLEET_TEST_PATIENCE * fleet_test_slowness() * 1000), NULL, answered, pending);
    return pending;
}

char *fleet_test_outcome(FleetTestPending *pending)
{
    g_autofree FleetTestPending *owned = pending;

    while (!owned->done) /* GDBus ends each call in time */
        g_main_context_iteration(NULL, TRUE);
    return owned->outcome;
}

typedef struct {
    GDBusConnection *connection;
    const char *path, *interface, *property, *text;
} Wanted;

static gboolean has_text(const Wanted *wanted)
{
    g_autoptr(GVariant) value = fleet_test_get(wanted->connection, wanted->path, wanted->interface, wanted->property);

    return g_str_equal(g_variant_get_string(value, NULL), wanted->text);
}

static gboolean signal_has_text(const FleetTestSignal *signal, gpointer user_data)
{
    return has_text(user_data);
}

void fleet_test_wait_for_at(const char *file, int line, GDBusConnection *connection, const char *path,
        const char *interface, const char *property, const char *text)
{
    Wanted wanted = {connection, path, interface, property, text};
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(connection, FLEET_TEST_PROPERTIES, NULL, path);

    if (!has_text(&wanted))
        (void)fleet_test_signals_wait_at(file, line, signals, 0, signal_has_text, &wanted);
}

static char *encode(const char *prefix, const char *id)
{
    GString *path = g_string_new(prefix);

    for (const char *p = id; *p != '\0'; p++)
        if (g_ascii_isalpha(*p) || (g_ascii_isdigit(*p) && p > id))
            g_string_append_c(path, *p);
        else
            g_string_append_printf(path, "_%02x", (guchar)*p);
    return g_string_free(path, FALSE);
}

char *fleet_test_device_path(const char *id)
{
    return encode(FLEET_TEST_ROOT "/device/", id);
}

char *fleet_test_action_path(const char *id)
{
    return encode(FLEET_TEST_ROOT "/action/", id);
}

static GVariant *info(GDBusConnection *connection, const char *method, const char *id)
{
    g_autoptr(GVariant) reply = fleet_test_manager(connection, method, g_variant_new("(s)", id), "(a{sv})");

    return g_variant_get_child_value(reply, 0);
}

GVariant *fleet_test_device_info(GDBusConnection *connection, const char *id)
{
    return info(connection, "GetDeviceInfo", id);
}

GVariant *fleet_test_action_info(GDBusConnection *connection, const char *id)
{
    return info(connection, "GetDeviceActionStatus", id);
}

char *fleet_test_row_ids(GVariant *reply)
{
    g_autoptr(GVariant) rows = g_variant_get_child_value(reply, 0);
    GString *ids = g_string_new(NULL);

    for (gsize i = 0; i < g_variant_n_children(rows); i++) {
        g_autoptr(GVariant) row = g_variant_get_child_value(rows, i);
        const char *id;
        g_variant_get_child(row, 0, "&s", &id);
        g_string_append_printf(ids, "%s%s", i > 0 ? " " : "", id);
    }
    return g_string_free(ids, FALSE);
}

int fleet_test_compare_strings(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void fleet_test_assert_same_text_at(const char *file, int line, const char *actual, const char *due)
{
    g_auto(GStrv) is = g_strsplit(actual, "\n", -1);
    g_auto(GStrv) should_be = g_strsplit(due, "\n", -1);

    for (guint i = 0; is[i] != NULL || should_be[i] != NULL; i++)
        if (g_strcmp0(is[i], should_be[i]) != 0)
            fleet_test_fail_at(file, line, "line %u is '%.1000s' where '%.1000s' was due", i + 1,
                    is[i] != NULL ? is[i] : "(the end)", should_be[i] != NULL ? should_be[i] : "(the end)");
}

void fleet_test_assert_entry_at(const char *file, int line, GVariant *dict, const char *key, const char *text)
{
    g_autoptr(GVariant) value = g_variant_lookup_value(dict, key, NULL);
    g_autofree char *actual = value != NULL ? g_variant_print(value, FALSE) : NULL;

    if (g_strcmp0(actual, text) != 0)
        fleet_test_fail_at(file, line, "%s is %s where %s was due", key, actual != NULL ? actual : "missing", text);
}

void fleet_test_assert_prints_at(const char *file, int line, GVariant *value, const char *text)
{
    g_autoptr(GVariant) owned = g_variant_take_ref(value);
    g_autofree char *actual = g_variant_print(owned, FALSE);

    if (!g_str_equal(actual, text))
        fleet_test_fail_at(file, line, "it is %s where %s was due", actual, text);
}

GVariant *fleet_test_snapshot(GDBusConnection *connection)
{
    g_autoptr(GVariant) objects = fleet_test_call(
            connection, FLEET_TEST_ROOT, FLEET_TEST_OBJECT_MANAGER, "GetManagedObjects", NULL, "(a{oa{sa{sv}}})");
    g_autoptr(GVariant) manager = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_PROPERTIES, "GetAll",
            g_variant_new("(s)", FLEET_TEST_MANAGER), "(a{sv})");

    return g_variant_ref_sink(g_variant_new("(@(a{oa{sa{sv}}})@(a{sv}))", objects, manager));
}
