/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A D-Bus client in the check itself, by GDBus, so that sd-bus is not tested against itself.
 */

#include <gio/gio.h>

#define FLEET_TEST_NAME "org.fleet.Manager"
#define FLEET_TEST_ROOT "/org/fleet/Manager"
#define FLEET_TEST_MANAGER "org.fleet.Manager"
#define FLEET_TEST_DEVICE "org.fleet.Device"
#define FLEET_TEST_ACTION "org.fleet.Action"
#define FLEET_TEST_PROPERTIES "org.freedesktop.DBus.Properties"
#define FLEET_TEST_OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

/* Connects to a bus, or to the private socket of fleetd ("unix:path=..."), which takes the same greeting. A connection
 * that nobody else has. Owned by the caller. */
GDBusConnection *fleet_test_connect(const char *address) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Calls a method of org.fleet.Manager's connection, which must succeed. Arguments (floating, or NULL for none) are
 * taken. The reply must be of that type, e.g. "(o)"; owned by the caller.
 */
#define fleet_test_call(connection, path, interface, method, arguments, type)                                          \
    fleet_test_call_at(__FILE__, __LINE__, (connection), (path), (interface), (method), (arguments), (type))
GVariant *fleet_test_call_at(const char *file, int line, GDBusConnection *connection, const char *path,
        const char *interface, const char *method, GVariant *arguments, const char *type) G_GNUC_WARN_UNUSED_RESULT;

/* The same, for a method whose reply does not matter. */
#define fleet_test_call_void(connection, path, interface, method, arguments)                                           \
    g_variant_unref(fleet_test_call(connection, path, interface, method, arguments, NULL))

/* The same, for a call that must fail with that D-Bus error, and a message that contains that part (NULL = any). */
#define fleet_test_call_fails(connection, path, interface, method, arguments, name, part)                              \
    fleet_test_call_fails_at(                                                                                          \
            __FILE__, __LINE__, (connection), (path), (interface), (method), (arguments), (name), (part))
void fleet_test_call_fails_at(const char *file, int line, GDBusConnection *connection, const char *path,
        const char *interface, const char *method, GVariant *arguments, const char *name, const char *part);

/* The same as fleet_test_call(), but of any outcome: the reply, or NULL and the error with its D-Bus name stripped off
 * into name (owned by the caller, as the message). */
GVariant *fleet_test_call_any(GDBusConnection *connection, const char *path, const char *interface, const char *method,
        GVariant *arguments, char **name, char **message);

/* One property, out of its variant. Owned by the caller. */
#define fleet_test_get(connection, path, interface, property)                                                          \
    fleet_test_get_at(__FILE__, __LINE__, (connection), (path), (interface), (property))
GVariant *fleet_test_get_at(const char *file, int line, GDBusConnection *connection, const char *path,
        const char *interface, const char *property) G_GNUC_WARN_UNUSED_RESULT;

/* Waits until all that the connection's other end sent before now has arrived: one round trip to org.fleet.Manager. */
void fleet_test_round_trip(GDBusConnection *connection);
