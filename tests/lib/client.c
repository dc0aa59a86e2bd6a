/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/client.h"

#include "lib/main.h"

GDBusConnection *fleet_test_connect(const char *address)
{
    g_autoptr(GError) error = NULL;
    GDBusConnection *connection = g_dbus_connection_new_for_address_sync(address,
            G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL, NULL,
            &error);

    if (connection == NULL)
        fleet_test_fail("cannot connect to %s: %s", address, error->message);
    return connection;
}

static GVariant *call(GDBusConnection *connection, const char *path, const char *interface, const char *method,
        GVariant *arguments, const char *type, GError **error)
{
    return g_dbus_connection_call_sync(connection, FLEET_TEST_NAME, path, interface, method, arguments,
            type != NULL ? G_VARIANT_TYPE(type) : NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START,
            (int)(FLEET_TEST_PATIENCE * fleet_test_slowness() * 1000), NULL, error);
}

GVariant *fleet_test_call_at(const char *file, int line, GDBusConnection *connection, const char *path,
        const char *interface, const char *method, GVariant *arguments, const char *type)
{
    g_autoptr(GError) error = NULL;
    GVariant *reply = call(connection, path, interface, method, arguments, type, &error);

    if (reply == NULL)
        fleet_test_fail_at(file, line, "%s.%s on %s: %s", interface, method, path, error->message);
    return reply;
}

GVariant *fleet_test_call_any(GDBusConnection *connection, const char *path, const char *interface, const char *method,
        GVariant *arguments, char **name, char **message)
{
    g_autoptr(GError) error = NULL;
    GVariant *reply = call(connection, path, interface, method, arguments, NULL, &error);

    *name = *message = NULL;
    if (reply == NULL) {
        *name = g_dbus_error_get_remote_error(error);
        g_dbus_error_strip_remote_error(error);
        *message = g_strdup(error->message);
    }
    return reply;
}

void fleet_test_call_fails_at(const char *file, int line, GDBusConnection *connection, const char *path,
        const char *interface, const char *method, GVariant *arguments, const char *name, const char *part)
{
    g_autofree char *actual = NULL;
    g_autofree char *message = NULL;
    g_autoptr(GVariant) reply = fleet_test_call_any(connection, path, interface, method, arguments, &actual, &message);

    if (reply != NULL) {
        g_autofree char *text = g_variant_print(reply, TRUE);
        fleet_test_fail_at(file, line, "%s.%s on %s answers %s where %s was due", interface, method, path, text, name);
    }
    if (g_strcmp0(actual, name) != 0)
        fleet_test_fail_at(file, line, "%s.%s on %s fails with %s where %s was due: %s", interface, method, path,
                actual != NULL ? actual : "no D-Bus error", name, message);
    if (part != NULL)
        fleet_test_assert_contains_at(file, line, message, part);
}

GVariant *fleet_test_get_at(const char *file, int line, GDBusConnection *connection, const char *path,
        const char *interface, const char *property)
{
    g_autoptr(GVariant) reply = fleet_test_call_at(file, line, connection, path, FLEET_TEST_PROPERTIES, "Get",
            g_variant_new("(ss)", interface, property), "(v)");
    GVariant *value;

    g_variant_get(reply, "(v)", &value);
    return value;
}

void fleet_test_round_trip(GDBusConnection *connection)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, "org.freedesktop.DBus.Peer", "Ping", NULL);
}
