/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the checks of the API share: a bus, fleetd on it, a client of each endpoint, and the calls that most checks
 * begin with. The argument connection is either client.
 */

#include "lib/fleet_test.h"

#include <gio/gio.h>

/* Actions that end soon and well, and actions that do not end while a check runs. */
#define FLEET_TEST_QUICK "[Simulation]\nMinDuration=200ms\nMaxDuration=200ms\nSuccessRate=1\n"
#define FLEET_TEST_FAILING "[Simulation]\nMinDuration=200ms\nMaxDuration=200ms\nSuccessRate=0\n"
#define FLEET_TEST_ENDLESS "[Simulation]\nMinDuration=1h\nMaxDuration=1h\nSuccessRate=1\n"

#define FLEET_TEST_ERROR "org.fleet.Error."
#define FLEET_TEST_DENIED "org.freedesktop.DBus.Error.AccessDenied"

typedef struct {
    FleetTestBus *bus;
    FleetTestDaemon *daemon;
    GDBusConnection *connection; /* through the bus */
    GDBusConnection *direct;     /* on the private socket */
} FleetTestFleet;

/* Starts a bus and fleetd with that configuration, and connects. Owned by the caller. */
FleetTestFleet *fleet_test_fleet_new(const char *config) G_GNUC_WARN_UNUSED_RESULT;
void fleet_test_fleet_free(FleetTestFleet *fleet);

/* The address of the private socket, for --address=. Owned by the caller. */
char *fleet_test_fleet_address(const FleetTestFleet *fleet) G_GNUC_WARN_UNUSED_RESULT;

/* Connects as another user, which only root can: who connects is who it is at that moment. Owned by the caller. */
GDBusConnection *fleet_test_connect_as(uid_t uid, const char *address) G_GNUC_WARN_UNUSED_RESULT;

/* A call of a method of org.fleet.Manager; see lib/client.h. */
#define fleet_test_manager(connection, method, arguments, type)                                                        \
    fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, method, arguments, type)
#define fleet_test_manager_void(connection, method, arguments)                                                         \
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, method, arguments)
#define fleet_test_manager_fails(connection, method, arguments, name, part)                                            \
    fleet_test_call_fails(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, method, arguments, name, part)

/* Registers a device with all defaults, or with these values. */
#define fleet_test_register(connection, id) fleet_test_register_as(connection, id, "", "", "")
#define fleet_test_register_as(connection, id, name, type, status)                                                     \
    fleet_test_manager_void(                                                                                           \
            connection, "RegisterDevice", g_variant_new("(ssssa{sv})", (id), (name), (type), (status), NULL))

/* Registers n devices prefix-00000, prefix-00001, ... */
void fleet_test_register_many(GDBusConnection *connection, const char *prefix, guint n);

#define fleet_test_set_status(connection, id, status)                                                                  \
    fleet_test_manager_void(connection, "SetDeviceStatus", g_variant_new("(ssa{sv})", (id), (status), NULL))
#define fleet_test_unregister(connection, id)                                                                          \
    fleet_test_manager_void(connection, "UnregisterDevice", g_variant_new("(sa{sv})", (id), NULL))

/* The arguments of InitiateDeviceAction without parameters. Floating. */
GVariant *fleet_test_action_arguments(const char *id, const char *type);

/* Starts an action without parameters. Its id; its object's path where path is not NULL. Owned by the caller. */
char *fleet_test_initiate(
        GDBusConnection *connection, const char *id, const char *type, char **path) G_GNUC_WARN_UNUSED_RESULT;

/* A call that is on its way. */
typedef struct FleetTestPending FleetTestPending;

/* Sends a call and does not wait. Arguments (floating, or NULL) are taken. Owned by the caller, until its outcome is
 * asked for. */
FleetTestPending *fleet_test_send(GDBusConnection *connection, const char *path, const char *interface,
        const char *method, GVariant *arguments) G_GNUC_WARN_UNUSED_RESULT;

/* Waits for the reply, and frees. The name of the error, "" if it is none. Owned by the caller. */
char *fleet_test_outcome(FleetTestPending *pending) G_GNUC_WARN_UNUSED_RESULT;

/* Waits until a property of an object has that text. It is read at every signal of the object's and at first, so that
 * none is missed. */
#define fleet_test_wait_for(connection, path, interface, property, text)                                               \
    fleet_test_wait_for_at(__FILE__, __LINE__, connection, path, interface, property, text)
void fleet_test_wait_for_at(const char *file, int line, GDBusConnection *connection, const char *path,
        const char *interface, const char *property, const char *text);

/* The path of a device's or an action's object, by the rule of the API's documentation. Owned by the caller. */
char *fleet_test_device_path(const char *id) G_GNUC_WARN_UNUSED_RESULT;
char *fleet_test_action_path(const char *id) G_GNUC_WARN_UNUSED_RESULT;

/* All properties of a device or an action, from GetDeviceInfo or GetDeviceActionStatus. Owned by the caller. */
GVariant *fleet_test_device_info(GDBusConnection *connection, const char *id) G_GNUC_WARN_UNUSED_RESULT;
GVariant *fleet_test_action_info(GDBusConnection *connection, const char *id) G_GNUC_WARN_UNUSED_RESULT;

/* The first column of a list of devices or actions that was answered, with blanks between. Owned by the caller. */
char *fleet_test_row_ids(GVariant *reply) G_GNUC_WARN_UNUSED_RESULT;

/* For g_ptr_array_sort() of strings. */
int fleet_test_compare_strings(gconstpointer a, gconstpointer b);

/* Fails unless two long texts are the same, and shows the first line in which they are not. */
#define fleet_test_assert_same_text(actual, due) fleet_test_assert_same_text_at(__FILE__, __LINE__, (actual), (due))
void fleet_test_assert_same_text_at(const char *file, int line, const char *actual, const char *due);

/* Fails unless an entry of an a{sv} prints as that text ("'IDLE'", "1.0"). */
#define fleet_test_assert_entry(dict, key, text) fleet_test_assert_entry_at(__FILE__, __LINE__, (dict), (key), (text))
void fleet_test_assert_entry_at(const char *file, int line, GVariant *dict, const char *key, const char *text);

/* Fails unless a value, which is taken, prints as that text, without types. */
#define fleet_test_assert_prints(value, text) fleet_test_assert_prints_at(__FILE__, __LINE__, (value), (text))
void fleet_test_assert_prints_at(const char *file, int line, GVariant *value, const char *text);

/* All that the daemon publishes: what GetManagedObjects answers, and the Manager's own properties. Owned by the caller.
 */
GVariant *fleet_test_snapshot(GDBusConnection *connection) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestFleet, fleet_test_fleet_free)
