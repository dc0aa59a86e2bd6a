/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "promises.h"

#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS 3
#define IN_FLIGHT 24 /* calls of a client */
#define COUNTERS 8   /* devices whose name counts up */
#define WORKERS 40   /* devices that get actions */

typedef enum {
    PROMISED_DEVICE, /* number */
    PROMISED_COUNT,  /* number = counter, value = at least so much */
    PROMISED_ACTION, /* value = sequence */
    PROMISED_END,    /* value = sequence */
} PromiseKind;

typedef struct {
    gint64 position;
    PromiseKind kind;
    guint number;
    gint64 value;
} Promise;

struct FleetTestPromises {
    FleetTestDaemon *daemon;
    FleetTestDisk *disk;
    GDBusConnection *connections[CLIENTS]; /* NULL between the runs */
    guint subscriptions[CLIENTS];
    guint in_flight;
    guint devices; /* so many were asked for */
    gint64 counts[COUNTERS];
    GArray *promises;
    gboolean set_up, running, over;
    guint refused, refused_max;
};

typedef struct {
    FleetTestPromises *promises;
    guint client;
    Promise promise;
} Call;

FleetTestPromises *fleet_test_promises_new(FleetTestDaemon *daemon, FleetTestDisk *disk)
{
    FleetTestPromises *promises = g_new0(FleetTestPromises, 1);

    promises->daemon = daemon;
    promises->disk = disk;
    promises->promises = g_array_new(FALSE, FALSE, sizeof(Promise));
    return promises;
}

void fleet_test_promises_free(FleetTestPromises *promises)
{
    for (guint i = 0; i < CLIENTS; i++)
        g_clear_object(&promises->connections[i]);
    g_array_unref(promises->promises);
    g_free(promises);
}

static void note(FleetTestPromises *promises, Promise promise)
{
    promise.position = promises->disk != NULL ? fleet_test_disk_position(promises->disk) : 0;
    g_array_append_val(promises->promises, promise);
}

/* The number at the end of "..._17". */
static gint64 sequence_of(const char *id)
{
    return g_ascii_strtoll(strrchr(id, '_') + 1, NULL, 10);
}

static void call_more(FleetTestPromises *promises, guint client);

static void note_refusal(FleetTestPromises *promises, const GError *error)
{
    g_autofree char *name = g_dbus_error_get_remote_error(error);

    if (g_strcmp0(name, "org.fleet.Error.StorageFailed") == 0) {
        /* Each change of the storage's state is told to the service manager, who must take it. */
        (void)fleet_test_daemon_wait_notify(promises->daemon, "", 0);
        promises->refused++;
        if (promises->refused == promises->refused_max)
            promises->over = TRUE;
    } else if (name != NULL && !g_str_equal(name, "org.fleet.Error.DeviceBusy") &&
               !g_str_equal(name, "org.fleet.Error.DeviceNotFound") &&
               !g_str_equal(name, "org.fleet.Error.DeviceExists") &&
               !g_str_equal(name, "org.fleet.Error.ShuttingDown") &&
               !g_str_equal(name, "org.freedesktop.DBus.Error.NoReply"))
        fleet_test_fail("a call is refused: %s", error->message);
}

static void answered(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree Call *call = user_data;
    FleetTestPromises *promises = call->promises;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

    promises->in_flight--;
    if (reply == NULL)
        note_refusal(promises, error);
    else {
        if (call->promise.kind == PROMISED_ACTION) {
            const char *id;

            g_variant_get(reply, "(&sos)", &id, NULL, NULL);
            call->promise.value = sequence_of(id);
        }
        note(promises, call->promise);
    }
    if (g_dbus_connection_is_closed(G_DBUS_CONNECTION(source)))
        promises->running = FALSE;
    call_more(promises, call->client);
}

static void send_call(
        FleetTestPromises *promises, guint client, Promise promise, const char *method, GVariant *arguments)
{
    Call *call = g_new(Call, 1);

    *call = (Call){promises, client, promise};
    promises->in_flight++;
    g_dbus_connection_call(promises->connections[client], FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, method,
            arguments, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, (int)(FLEET_TEST_PATIENCE * fleet_test_slowness() * 1000),
            NULL, answered, call);
}

static void count_up(FleetTestPromises *promises, guint client)
{
    guint counter = (guint)g_random_int_range(0, COUNTERS) / CLIENTS * CLIENTS + client;

    counter %= COUNTERS;
    g_autofree char *id = g_strdup_printf("counter-%u", counter);
    g_autofree char *name = g_strdup_printf("%" G_GINT64_FORMAT, ++promises->counts[counter]);
    g_auto(GVariantDict) changes = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert(&changes, "Name", "s", name);
    send_call(promises, client,
            (Promise){.kind = PROMISED_COUNT, .number = counter, .value = promises->counts[counter]}, "UpdateDevice",
            g_variant_new("(s@a{sv}a{sv})", id, g_variant_dict_end(&changes), NULL));
}

static void call_more(FleetTestPromises *promises, guint client)
{
    while (promises->running && promises->in_flight < CLIENTS * IN_FLIGHT) {
        int choice = g_random_int_range(0, 10);

        if (choice < 4) {
            g_autofree char *id = g_strdup_printf("new-%u", promises->devices);

            send_call(promises, client, (Promise){.kind = PROMISED_DEVICE, .number = promises->devices++},
                    "RegisterDevice", g_variant_new("(ssssa{sv})", id, "", "", "", NULL));
        } else if (choice < 8)
            count_up(promises, client);
        else {
            g_autofree char *id = g_strdup_printf("worker-%d", g_random_int_range(0, WORKERS));

            send_call(promises, client, (Promise){.kind = PROMISED_ACTION}, "InitiateDeviceAction",
                    g_variant_new("(ssa{ss}a{sv})", id, "SYSTEM_REBOOT", NULL, NULL));
        }
    }
}

/* What is announced is on the disk like what is answered. */
static void announced(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
        const char *signal, GVariant *arguments, gpointer user_data)
{
    g_autoptr(GVariant) changed = g_variant_get_child_value(arguments, 1);
    g_auto(GStrv) parts = NULL;
    const char *status;

    if (!g_variant_lookup(changed, "Status", "&s", &status) || g_str_equal(status, "RUNNING"))
        return;
    parts = g_strsplit(path, "_5f", -1); /* '_' in a path */
    note(user_data,
            (Promise){.kind = PROMISED_END, .value = g_ascii_strtoll(parts[g_strv_length(parts) - 1], NULL, 10)});
}

static void set_up(GDBusConnection *connection)
{
    g_auto(GVariantBuilder) devices = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(ssss)"));

    for (guint i = 0; i < COUNTERS + WORKERS; i++) {
        g_autofree char *id =
                i < COUNTERS ? g_strdup_printf("counter-%u", i) : g_strdup_printf("worker-%u", i - COUNTERS);

        g_variant_builder_add(&devices, "(ssss)", id, i < COUNTERS ? "0" : "", "", "");
    }
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevices",
            g_variant_new("(a(ssss)a{sv})", &devices, NULL));
}

static gboolean time_is_up(gpointer user_data)
{
    ((FleetTestPromises *)user_data)->over = TRUE;
    return G_SOURCE_REMOVE;
}

void fleet_test_promises_run(FleetTestPromises *promises, guint msec, guint failures)
{
    g_autofree char *address = g_strconcat("unix:path=", fleet_test_daemon_socket(promises->daemon), NULL);
    g_autoptr(GSource) timeout = g_timeout_source_new(msec);

    g_source_set_callback(timeout, time_is_up, promises, NULL);
    g_source_attach(timeout, NULL);
    promises->over = FALSE;
    promises->refused = 0;
    promises->refused_max = failures;
    for (guint i = 0; i < CLIENTS; i++)
        if (promises->connections[i] == NULL) {
            promises->connections[i] = fleet_test_connect(address);
            if (i == 0)
                promises->subscriptions[0] = g_dbus_connection_signal_subscribe(promises->connections[0], NULL,
                        FLEET_TEST_PROPERTIES, "PropertiesChanged", NULL, FLEET_TEST_ACTION, G_DBUS_SIGNAL_FLAGS_NONE,
                        announced, promises, NULL);
        }
    if (!promises->set_up)
        set_up(promises->connections[0]);
    promises->set_up = TRUE;
    promises->running = TRUE;
    for (guint i = 0; i < CLIENTS; i++)
        call_more(promises, i);
    while (!promises->over)
        g_main_context_iteration(NULL, TRUE);
    g_source_destroy(timeout);
}

void fleet_test_promises_finish(FleetTestPromises *promises)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    promises->running = FALSE;
    while (promises->in_flight > 0) {
        g_main_context_iteration(NULL, TRUE);
        if (g_get_monotonic_time() > deadline)
            fleet_test_fail("%u calls are neither answered nor lost", promises->in_flight);
    }
    for (guint i = 0; i < CLIENTS; i++)
        g_clear_object(&promises->connections[i]);
}

guint fleet_test_promises_count(const FleetTestPromises *promises)
{
    return promises->promises->len;
}

guint fleet_test_promises_refused(const FleetTestPromises *promises)
{
    return promises->refused;
}

/* What a database holds. */
typedef struct {
    GHashTable *names;    /* of devices, by id */
    GHashTable *statuses; /* of actions, by sequence */
} Held;

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        fleet_test_fail("%s: %s", sql, sqlite3_errmsg(database));
    return statement;
}

static void check_sound(sqlite3 *database)
{
    sqlite3_stmt *statement = prepare(database, "PRAGMA integrity_check");

    if (sqlite3_step(statement) != SQLITE_ROW)
        fleet_test_fail("the database cannot be checked: %s", sqlite3_errmsg(database));
    if (g_strcmp0((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
        fleet_test_fail("the database is not sound: %s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
}

static Held read_all(const char *path)
{
    Held held = {.names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
            .statuses = g_hash_table_new(g_direct_hash, g_direct_equal)};
    sqlite3 *database = NULL;

    if (access(path, F_OK) < 0)
        return held;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    check_sound(database);
    sqlite3_stmt *devices = prepare(database, "SELECT id, name FROM devices");
    while (sqlite3_step(devices) == SQLITE_ROW)
        g_hash_table_insert(held.names, g_strdup((const char *)sqlite3_column_text(devices, 0)),
                g_strdup((const char *)sqlite3_column_text(devices, 1)));
    sqlite3_finalize(devices);
    sqlite3_stmt *actions = prepare(database, "SELECT sequence, status FROM actions");
    while (sqlite3_step(actions) == SQLITE_ROW)
        g_hash_table_insert(held.statuses, GINT_TO_POINTER(sqlite3_column_int(actions, 0)),
                GINT_TO_POINTER(sqlite3_column_int(actions, 1)));
    sqlite3_finalize(actions);
    sqlite3_close(database);
    return held;
}

static gboolean is_kept(const Held *held, const Promise *promise)
{
    gpointer status;
    const char *name;

    switch (promise->kind) {
    case PROMISED_DEVICE: {
        g_autofree char *id = g_strdup_printf("new-%u", promise->number);
        return g_hash_table_contains(held->names, id);
    }
    case PROMISED_COUNT: {
        g_autofree char *id = g_strdup_printf("counter-%u", promise->number);
        name = g_hash_table_lookup(held->names, id);
        return name != NULL && g_ascii_strtoll(name, NULL, 10) >= promise->value;
    }
    case PROMISED_ACTION:
    case PROMISED_END:
    default:
        return g_hash_table_lookup_extended(held->statuses, GINT_TO_POINTER(promise->value), NULL, &status) &&
               (promise->kind == PROMISED_ACTION || GPOINTER_TO_INT(status) >= 2);
    }
}

void fleet_test_promises_verify(const FleetTestPromises *promises, const char *directory, gint64 position)
{
    static const char *const kinds[] = {"device", "count", "action", "end of an action"};
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    Held held = read_all(path);
    guint kept = 0;

    for (guint i = 0; i < promises->promises->len; i++) {
        const Promise *promise = &g_array_index(promises->promises, Promise, i);

        if (promise->position > position)
            continue;
        if (!is_kept(&held, promise))
            fleet_test_fail("%s %u, %" G_GINT64_FORMAT " was promised at %" G_GINT64_FORMAT
                            " of the trace and is not there at %" G_GINT64_FORMAT ", as %u others are",
                    kinds[promise->kind], promise->number, promise->value, promise->position, position, kept);
        kept++;
    }
    g_hash_table_unref(held.names);
    g_hash_table_unref(held.statuses);
}
