/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A desktop program's view: GDBusObjectManagerClient sees devices appear, change and go, in order, however fast that
 * is. */

#include "bus_test.h"

#include <string.h>

#define SEED 20240115
#define DEVICES 150
#define IN_FLIGHT 100 /* the bus lets a client have 128 */

static const char *const statuses[] = {"IDLE", "BUSY", "OFFLINE", "MAINTENANCE", "UPDATING", "RECOVERING", "ERROR"};

/* A device as the operations so far leave it, and all that must be and was told of it. */
typedef struct {
    char *id, *path;
    gboolean registered;
    const char *status;
    guint name, type;
    GString *due, *told;
} Device;

typedef struct {
    GDBusConnection *connection; /* of the operations */
    GRand *random;
    Device devices[DEVICES];
    GHashTable *by_path;
    FleetTestPending *pending[IN_FLIGHT];
    guint sent;
} Trial;

static void trial_init(Trial *trial, GDBusConnection *connection)
{
    trial->connection = connection;
    trial->random = g_rand_new_with_seed(SEED);
    trial->by_path = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < DEVICES; i++) {
        Device *device = &trial->devices[i];
        device->id = g_strdup_printf("device-%u", i);
        device->path = fleet_test_device_path(device->id);
        device->due = g_string_new(NULL);
        device->told = g_string_new(NULL);
        g_hash_table_insert(trial->by_path, device->path, device);
    }
}

static void trial_clear(Trial *trial)
{
    for (guint i = 0; i < DEVICES; i++) {
        g_free(trial->devices[i].id);
        g_free(trial->devices[i].path);
        g_string_free(trial->devices[i].due, TRUE);
        g_string_free(trial->devices[i].told, TRUE);
    }
    g_hash_table_unref(trial->by_path);
    g_rand_free(trial->random);
}

static void wait_for_one(Trial *trial, guint i)
{
    FleetTestPending *pending = g_steal_pointer(&trial->pending[i]);

    if (pending != NULL) {
        g_autofree char *outcome = fleet_test_outcome(pending);
        ck_assert_str_eq(outcome, "");
    }
}

static void send_call(Trial *trial, const char *method, GVariant *arguments)
{
    guint i = trial->sent++ % IN_FLIGHT;

    wait_for_one(trial, i);
    trial->pending[i] = fleet_test_send(trial->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, method, arguments);
}

static void register_device(Trial *trial, Device *device)
{
    g_autofree char *name = g_strdup_printf("%u", device->name = g_rand_int(trial->random));
    g_autofree char *type = g_strdup_printf("%u", device->type = g_rand_int(trial->random));

    device->registered = TRUE;
    device->status = statuses[g_rand_int_range(trial->random, 0, G_N_ELEMENTS(statuses))];
    g_string_append_printf(device->due, "added %s %s %s\n", name, type, device->status);
    send_call(trial, "RegisterDevice", g_variant_new("(ssssa{sv})", device->id, name, type, device->status, NULL));
}

static void set_status(Trial *trial, Device *device)
{
    const char *status = statuses[g_rand_int_range(trial->random, 0, G_N_ELEMENTS(statuses))];

    if (status != device->status)
        g_string_append_printf(device->due, "Status '%s'\n", status);
    device->status = status;
    send_call(trial, "SetDeviceStatus", g_variant_new("(ssa{sv})", device->id, status, NULL));
}

static void update(Trial *trial, Device *device)
{
    g_autofree char *name = g_strdup_printf("%u", device->name = g_rand_int(trial->random));
    g_auto(GVariantBuilder) changes = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

    g_variant_builder_add(&changes, "{sv}", "Name", g_variant_new_string(name));
    g_string_append_printf(device->due, "Name '%s'\n", name);
    if (g_rand_boolean(trial->random)) {
        g_autofree char *type = g_strdup_printf("%u", device->type = g_rand_int(trial->random));
        g_variant_builder_add(&changes, "{sv}", "Type", g_variant_new_string(type));
        g_string_append_printf(device->due, "Type '%s'\n", type);
    }
    send_call(trial, "UpdateDevice", g_variant_new("(sa{sv}a{sv})", device->id, &changes, NULL));
}

static void unregister(Trial *trial, Device *device)
{
    device->registered = FALSE;
    g_string_append(device->due, "removed\n");
    send_call(trial, "UnregisterDevice", g_variant_new("(sa{sv})", device->id, NULL));
}

/* Any operation that the device allows. */
static void operate(Trial *trial)
{
    Device *device = &trial->devices[g_rand_int_range(trial->random, 0, DEVICES)];

    if (!device->registered) {
        register_device(trial, device);
        return;
    }
    switch (g_rand_int_range(trial->random, 0, 4)) {
    case 0:
        unregister(trial, device);
        break;
    case 1:
        update(trial, device);
        break;
    default:
        set_status(trial, device);
        break;
    }
}

static Device *device_of(const Trial *trial, GDBusObject *object)
{
    Device *device = g_hash_table_lookup(trial->by_path, g_dbus_object_get_object_path(object));

    if (device == NULL)
        fleet_test_fail("an object %s was told of", g_dbus_object_get_object_path(object));
    return device;
}

/* A cached property of a device's object. Owned by the caller. */
static char *cached(GDBusObject *object, const char *property)
{
    g_autoptr(GDBusInterface) proxy = g_dbus_object_get_interface(object, FLEET_TEST_DEVICE);
    g_autoptr(GVariant) value = proxy != NULL ? g_dbus_proxy_get_cached_property(G_DBUS_PROXY(proxy), property) : NULL;

    if (value == NULL)
        fleet_test_fail("%s has no %s", g_dbus_object_get_object_path(object), property);
    return g_variant_is_of_type(value, G_VARIANT_TYPE_STRING) ? g_variant_dup_string(value, NULL)
                                                              : g_variant_print(value, FALSE);
}

static void object_added(GDBusObjectManager *manager, GDBusObject *object, gpointer trial)
{
    g_autofree char *name = cached(object, "Name");
    g_autofree char *type = cached(object, "Type");
    g_autofree char *status = cached(object, "Status");

    g_string_append_printf(device_of(trial, object)->told, "added %s %s %s\n", name, type, status);
}

static void object_removed(GDBusObjectManager *manager, GDBusObject *object, gpointer trial)
{
    g_string_append(device_of(trial, object)->told, "removed\n");
}

static void properties_changed(GDBusObjectManagerClient *manager, GDBusObjectProxy *object, GDBusProxy *proxy,
        GVariant *changed, const char *const *invalidated, gpointer trial)
{
    static const char *const properties[] = {"Status", "Name", "Type"};
    Device *device = device_of(trial, G_DBUS_OBJECT(object));

    for (guint i = 0; i < G_N_ELEMENTS(properties); i++) {
        g_autoptr(GVariant) value = g_variant_lookup_value(changed, properties[i], NULL);
        if (value != NULL)
            g_string_append_printf(device->told, "%s '%s'\n", properties[i], g_variant_get_string(value, NULL));
    }
}

static GDBusObjectManager *watch(GDBusConnection *connection, Trial *trial)
{
    g_autoptr(GError) error = NULL;
    GDBusObjectManager *manager =
            g_dbus_object_manager_client_new_sync(connection, G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_DO_NOT_AUTO_START,
                    FLEET_TEST_NAME, FLEET_TEST_ROOT, NULL, NULL, NULL, NULL, &error);

    fleet_test_assert_no_error(error);
    g_signal_connect(manager, "object-added", G_CALLBACK(object_added), trial);
    g_signal_connect(manager, "object-removed", G_CALLBACK(object_removed), trial);
    g_signal_connect(manager, "interface-proxy-properties-changed", G_CALLBACK(properties_changed), trial);
    return manager;
}

/* The same rows as ListDevices gives, out of what the client holds. */
static char *client_view(GDBusObjectManager *manager)
{
    static const char *const properties[] = {
            "Id", "Name", "Type", "Status", "RegisteredAt", "UpdatedAt", "CurrentAction", "CurrentActionId"};
    GList *objects = g_dbus_object_manager_get_objects(manager);
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(g_free);

    for (GList *object = objects; object != NULL; object = object->next) {
        GString *row = g_string_new(NULL);
        for (guint i = 0; i < G_N_ELEMENTS(properties); i++) {
            g_autofree char *value = cached(object->data, properties[i]);
            g_string_append_printf(row, "%s ", value);
        }
        g_ptr_array_add(rows, g_string_free(row, FALSE));
    }
    g_list_free_full(objects, g_object_unref);
    g_ptr_array_sort(rows, fleet_test_compare_strings);
    g_ptr_array_add(rows, NULL);
    return g_strjoinv("\n", (char **)rows->pdata);
}

static char *daemon_view(GDBusConnection *connection)
{
    g_autoptr(GVariant) reply = fleet_test_manager(connection, "ListDevices", NULL, "(a(ssssttos))");
    g_autoptr(GVariantIter) iter = NULL;
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(g_free);
    const char *id, *name, *type, *status, *action, *action_id;
    guint64 registered, updated;

    g_variant_get(reply, "(a(ssssttos))", &iter);
    while (g_variant_iter_next(
            iter, "(&s&s&s&stt&o&s)", &id, &name, &type, &status, &registered, &updated, &action, &action_id))
        g_ptr_array_add(rows, g_strdup_printf("%s %s %s %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " '%s' %s ", id,
                                      name, type, status, registered, updated, action, action_id));
    g_ptr_array_sort(rows, fleet_test_compare_strings);
    g_ptr_array_add(rows, NULL);
    return g_strjoinv("\n", (char **)rows->pdata);
}

static void run_trial(GDBusConnection *actor, GDBusConnection *spectator, guint operations)
{
    Trial *trial = g_new0(Trial, 1);

    trial_init(trial, actor);
    g_autoptr(GDBusObjectManager) manager = watch(spectator, trial);
    for (guint i = 0; i < operations; i++)
        operate(trial);
    for (guint i = 0; i < IN_FLIGHT; i++)
        wait_for_one(trial, i);
    /* What was answered to the one has been told to the other; a round trip brings it here. */
    fleet_test_round_trip(spectator);
    while (g_main_context_iteration(NULL, FALSE))
        ;

    for (guint i = 0; i < DEVICES; i++)
        fleet_test_assert_same_text(trial->devices[i].told->str, trial->devices[i].due->str);
    g_autofree char *seen = client_view(manager);
    g_autofree char *held = daemon_view(actor);
    fleet_test_assert_same_text(seen, held);
    g_clear_object(&manager);
    trial_clear(trial);
    g_free(trial);
}

START_TEST(client_on_the_bus_sees_all_in_order)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autoptr(GDBusConnection) spectator = fleet_test_connect(fleet_test_bus_address(fleet->bus));

    run_trial(fleet->connection, spectator, 10000);
}
END_TEST

START_TEST(client_on_the_private_socket_sees_all_in_order)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");

    run_trial(fleet->connection, fleet->direct, 2000);
}
END_TEST

/* A client that comes later is told all at once, and then what changes. */
START_TEST(client_that_comes_late_sees_what_is_there)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("");
    g_autoptr(GError) error = NULL;

    fleet_test_register_many(fleet->connection, "d", 500);
    g_autoptr(GDBusObjectManager) manager = g_dbus_object_manager_client_new_sync(fleet->connection,
            G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE, FLEET_TEST_NAME, FLEET_TEST_ROOT, NULL, NULL, NULL, NULL, &error);
    fleet_test_assert_no_error(error);
    fleet_test_set_status(fleet->direct, "d-00007", "ERROR");
    fleet_test_unregister(fleet->direct, "d-00008");
    fleet_test_round_trip(fleet->connection);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_autofree char *seen = client_view(manager);
    g_autofree char *held = daemon_view(fleet->direct);
    fleet_test_assert_same_text(seen, held);
    fleet_test_assert_contains(seen, "d-00007 d-00007  ERROR");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: object manager");
    TCase *tcase = fleet_test_case_with_timeout(suite, "object manager", 120);

    tcase_add_test(tcase, client_on_the_bus_sees_all_in_order);
    tcase_add_test(tcase, client_on_the_private_socket_sees_all_in_order);
    tcase_add_test(tcase, client_that_comes_late_sees_what_is_there);
    return fleet_test_main(suite);
}
