/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "crowd.h"

#include <string.h>

#define IN_FLIGHT 16         /* calls of a client */
#define INITIATED_A_ROUND 60 /* by a client, so that the queues do not grow without end */
#define REMEMBERED 400       /* actions and requests of the last time that calls are about */

/* One request to initiate an action, which may be made again word for word. */
typedef struct {
    char *device;
    const char *type;
    GVariant *options; /* a{sv} */
    char *request;     /* "" = none */
    char *action;      /* what was answered; NULL: nothing yet */
} Request;

typedef struct {
    Crowd *crowd;
    guint number;
    GDBusConnection *connection; /* NULL: on the private socket, and fleetd is gone */
    guint subscription;
    guint in_flight;
    guint initiated;   /* in this round */
    GHashTable *ranks; /* action's id -> the rank of the status that a signal told last, from 1 */
} Client;

struct Crowd {
    const FleetTestBus *bus;
    FleetTestDaemon *daemon;
    GPtrArray *devices; /* of char * */
    Client clients[CROWD_CLIENTS];
    GHashTable *promises;
    GPtrArray *requests; /* of Request, all that ever were */
    GPtrArray *actions;  /* the ids of all that were acknowledged; owned by requests */
    gboolean running, ending;
    guint round_lost;
    guint acknowledged, lost, repeated;
};

/* One call on its way. */
typedef struct Call Call;
struct Call {
    Client *client;
    void (*answered)(const Call *call, GVariant *reply);
    const char *const *refusals; /* errors that are in order; NULL-terminated */
    Request *request;            /* for those that initiate */
    gboolean reuses;             /* with an id that was used for something else */
    const char *action;          /* for those about an action */
};

static void free_promise(gpointer data)
{
    CrowdPromise *promise = data;

    g_free(promise->device);
    g_free(promise->end);
    g_free(promise);
}

static void free_request(gpointer data)
{
    Request *request = data;

    g_free(request->device);
    g_variant_unref(request->options);
    g_free(request->request);
    g_free(request->action);
    g_free(request);
}

/* What is told. */

static CrowdPromise *promise_of(Crowd *crowd, const char *action)
{
    CrowdPromise *promise = g_hash_table_lookup(crowd->promises, action);

    if (promise == NULL) {
        promise = g_new0(CrowdPromise, 1);
        promise->request = "";
        g_hash_table_insert(crowd->promises, g_strdup(action), promise);
    }
    return promise;
}

static guint rank_of(const char *status)
{
    return g_str_equal(status, "PENDING") ? 1 : g_str_equal(status, "RUNNING") ? 2 : 3;
}

/* However often an end is told, it is the same. */
static void note_state(Crowd *crowd, const char *action, const char *status, const char *result)
{
    CrowdPromise *promise = promise_of(crowd, action);

    if (rank_of(status) < 3)
        return;
    g_autofree char *end = g_strdup_printf("%s %s", status, result);
    if (promise->end != NULL && !g_str_equal(promise->end, end))
        fleet_test_fail("%s ended as %s and then as %s", action, promise->end, end);
    if (promise->end == NULL)
        promise->end = g_steal_pointer(&end);
}

/* Statuses never go back, in no client's eyes, and the end is told once. */
static void note_signal(Client *client, const char *action, const char *status, const char *result)
{
    guint rank = rank_of(status);
    guint before = GPOINTER_TO_UINT(g_hash_table_lookup(client->ranks, action));

    if (rank <= before)
        fleet_test_fail("client %u: a signal tells that %s is %s, after one that told of rank %u", client->number,
                action, status, before);
    g_hash_table_insert(client->ranks, g_strdup(action), GUINT_TO_POINTER(rank));
    if (rank < 3)
        return;
    note_state(client->crowd, action, status, result);
    promise_of(client->crowd, action)->ends[client->number]++;
}

/* The action's id out of its object path, in which only '_' is escaped. */
static char *action_of_path(const char *path)
{
    GString *id = g_string_new(path + strlen(FLEET_TEST_ROOT "/action/"));

    g_string_replace(id, "_5f", "_", 0);
    return g_string_free(id, FALSE);
}

static void properties_changed(Client *client, const char *path, GVariant *arguments)
{
    g_autoptr(GVariant) changed = g_variant_get_child_value(arguments, 1);
    const char *status, *result = "";

    if (!g_str_has_prefix(path, FLEET_TEST_ROOT "/action/") || !g_variant_lookup(changed, "Status", "&s", &status))
        return;
    g_variant_lookup(changed, "Result", "&s", &result);
    g_autofree char *action = action_of_path(path);
    note_signal(client, action, status, result);
}

static void interfaces_added(Client *client, GVariant *arguments)
{
    g_autoptr(GVariant) interfaces = g_variant_get_child_value(arguments, 1);
    g_autoptr(GVariant) action = g_variant_lookup_value(interfaces, FLEET_TEST_ACTION, NULL);
    const char *id, *status, *result;

    if (action == NULL)
        return;
    ck_assert(g_variant_lookup(action, "Id", "&s", &id));
    ck_assert(g_variant_lookup(action, "Status", "&s", &status));
    ck_assert(g_variant_lookup(action, "Result", "&s", &result));
    note_signal(client, id, status, result);
}

static void signalled(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
        const char *member, GVariant *arguments, gpointer user_data)
{
    if (g_str_equal(member, "PropertiesChanged"))
        properties_changed(user_data, path, arguments);
    else if (g_str_equal(member, "InterfacesAdded"))
        interfaces_added(user_data, arguments);
}

/* Calls. */

static void send_next(Client *client);

static gboolean is_lost(const char *error)
{
    return error == NULL || g_str_equal(error, "org.freedesktop.DBus.Error.NoReply") ||
           g_str_equal(error, "org.freedesktop.DBus.Error.ServiceUnknown") ||
           g_str_equal(error, "org.freedesktop.DBus.Error.NameHasNoOwner");
}

/* What a refusal of a cancel says of the action's end: "... has ended already: COMPLETED (success)". */
static void note_refusal(const Call *call, const char *message)
{
    const char *end = strstr(message, "has ended already: ");

    if (end == NULL)
        return;
    g_auto(GStrv) words = g_strsplit_set(end + strlen("has ended already: "), " ()", -1);
    ck_assert_uint_ge(g_strv_length(words), 3);
    note_state(call->client->crowd, call->action, words[0], words[2]);
}

/* fleetd has died, most likely; then it says why. */
static void fail_lost(Crowd *crowd, const char *message)
{
    int status = fleet_test_daemon_wait(crowd->daemon, 1);
    g_autofree char *written = fleet_test_daemon_stderr(crowd->daemon);

    fleet_test_fail("a call is lost while fleetd runs (exit status %d): %s\n%s", status, message, written);
}

static void refused(const Call *call, const GError *error)
{
    Crowd *crowd = call->client->crowd;
    g_autofree char *name = g_dbus_error_get_remote_error(error);

    if (is_lost(name)) {
        if (!crowd->ending)
            fail_lost(crowd, error->message);
        crowd->lost++;
        crowd->round_lost++;
        return;
    }
    if (!g_strv_contains(call->refusals, name))
        fleet_test_fail("a call fails: %s", error->message);
    if (g_str_equal(name, "org.fleet.Error.AlreadyFinished"))
        note_refusal(call, error->message);
}

static void answered(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree Call *call = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

    call->client->in_flight--;
    if (reply == NULL)
        refused(call, error);
    else {
        call->client->crowd->acknowledged++;
        call->answered(call, reply);
    }
    send_next(call->client);
}

static void send_call(Client *client, Call call, const char *method, GVariant *arguments)
{
    static const char *const none[] = {NULL};
    Call *copy = g_memdup2(&call, sizeof(call));

    copy->client = client;
    if (copy->refusals == NULL)
        copy->refusals = none;
    client->in_flight++;
    g_dbus_connection_call(client->connection, FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, method, arguments,
            NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, (int)(FLEET_TEST_PATIENCE * fleet_test_slowness() * 1000), NULL,
            answered, copy);
}

static void ignore(const Call *call, GVariant *reply)
{
}

/* Initiating. */

static void initiated(const Call *call, GVariant *reply)
{
    Crowd *crowd = call->client->crowd;
    Request *request = call->request;
    const char *action, *status;

    g_variant_get(reply, "(&s&o&s)", &action, NULL, &status);
    if (call->reuses)
        fleet_test_fail("request '%s' was %s and is accepted for something else as %s", request->request,
                request->action, action);
    if (request->action != NULL) {
        ck_assert_str_eq(request->action, action); /* one request, one action */
        crowd->repeated++;
        return;
    }
    CrowdPromise *promise = promise_of(crowd, action);
    if (promise->device != NULL)
        fleet_test_fail("the id %s was given twice", action);
    promise->device = g_strdup(request->device);
    promise->request = request->request;
    request->action = g_strdup(action);
    g_ptr_array_add(crowd->actions, request->action);
}

static gboolean by_chance(double probability)
{
    return g_random_double() < probability;
}

static guint64 soon(gint from, gint to)
{
    return (guint64)(g_get_real_time() + g_random_int_range(from, to) * 1000);
}

static guint64 span(gint from, gint to)
{
    return (guint64)g_random_int_range(from, to) * 1000;
}

static GVariant *new_options(const char *request)
{
    static const char *const if_busy[] = {"fail", "queue", "queue", "replace"};
    GVariantDict options = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert(&options, "IfBusy", "s", if_busy[g_random_int_range(0, G_N_ELEMENTS(if_busy))]);
    if (by_chance(0.3))
        g_variant_dict_insert(&options, "Priority", "i", g_random_int_range(-3, 4));
    if (*request != '\0')
        g_variant_dict_insert(&options, "RequestId", "s", request);
    if (by_chance(0.15))
        g_variant_dict_insert(&options, "NotBefore", "t", soon(-50, 150));
    if (by_chance(0.15))
        g_variant_dict_insert(&options, "StartDeadline", "t", soon(-5, 200));
    if (by_chance(0.2))
        g_variant_dict_insert(&options, "Timeout", "t", span(1, 120));
    if (by_chance(0.2))
        g_variant_dict_insert(&options, "StepTimeout", "t", span(1, 60));
    if (by_chance(0.6)) {
        g_variant_dict_insert(&options, "MaxAttempts", "u", (guint32)g_random_int_range(1, 5));
        g_variant_dict_insert(&options, "RetryDelay", "t", span(0, 40));
    }
    return g_variant_ref_sink(g_variant_dict_end(&options));
}

static Request *new_request(Crowd *crowd)
{
    static const char *const types[] = {"SOFTWARE_UPDATE", "FIRMWARE_UPDATE", "SYSTEM_REBOOT", "CONFIGURATION_CHANGE"};
    Request *request = g_new0(Request, 1);

    request->device = g_strdup(crowd->devices->pdata[g_random_int_range(0, CROWD_DEVICES)]);
    request->type = types[g_random_int_range(0, G_N_ELEMENTS(types))];
    request->request = by_chance(0.6) ? g_strdup_printf("request %u", crowd->requests->len) : g_strdup("");
    request->options = new_options(request->request);
    g_ptr_array_add(crowd->requests, request);
    return request;
}

/* One of the newest in a list. NULL: there is none yet. */
static gpointer recent(const GPtrArray *list)
{
    gint n = (gint)list->len;

    return n > 0 ? list->pdata[g_random_int_range(MAX(0, n - REMEMBERED), n)] : NULL;
}

static void send_initiate(Client *client, Request *request, gboolean reuses)
{
    static const char *const refusals[] = {"org.fleet.Error.DeviceBusy", "org.fleet.Error.NotCancelable", NULL};
    static const char *const reused[] = {"org.fleet.Error.RequestIdReused", NULL};
    GVariantBuilder parameters;

    g_variant_builder_init(&parameters, G_VARIANT_TYPE("a{ss}"));
    if (reuses)
        g_variant_builder_add(&parameters, "{ss}", "another", "content");
    client->initiated++;
    send_call(client,
            (Call){.answered = initiated, .request = request, .reuses = reuses, .refusals = reuses ? reused : refusals},
            "InitiateDeviceAction",
            g_variant_new("(ssa{ss}@a{sv})", request->device, request->type, &parameters, request->options));
}

static void initiate(Client *client)
{
    if (client->initiated < INITIATED_A_ROUND)
        send_initiate(client, new_request(client->crowd), FALSE);
}

/* The answer may have been lost, or still be on its way; or the id is used for what was not asked for with it. */
static void initiate_again(Client *client)
{
    Request *request = recent(client->crowd->requests);

    if (request != NULL && *request->request != '\0')
        send_initiate(client, request, request->action != NULL && by_chance(0.2));
}

/* Cancelling. */

static void cancelled(const Call *call, GVariant *reply)
{
    const char *status;

    g_variant_get(reply, "(&s)", &status);
    if (g_str_equal(status, "CANCELLED")) {
        CrowdPromise *promise = promise_of(call->client->crowd, call->action);

        if (promise->cancelled)
            fleet_test_fail("%s was ended twice by a cancel", call->action);
        promise->cancelled = TRUE;
    } else
        ck_assert_str_eq(status, "RUNNING");
}

static void cancel(Client *client)
{
    static const char *const refusals[] = {"org.fleet.Error.AlreadyFinished", "org.fleet.Error.NotCancelable", NULL};
    const char *action = recent(client->crowd->actions);
    GVariantDict options = G_VARIANT_DICT_INIT(NULL);

    if (action == NULL)
        return;
    if (by_chance(0.4))
        g_variant_dict_insert(&options, "Force", "b", TRUE);
    send_call(client, (Call){.answered = cancelled, .action = action, .refusals = refusals}, "CancelDeviceAction",
            g_variant_new("(s@a{sv})", action, g_variant_dict_end(&options)));
}

/* Asking. */

static void told(const Call *call, GVariant *reply)
{
    g_autoptr(GVariant) info = g_variant_get_child_value(reply, 0);
    const char *status, *result, *device;

    ck_assert(g_variant_lookup(info, "Status", "&s", &status));
    ck_assert(g_variant_lookup(info, "Result", "&s", &result));
    ck_assert(g_variant_lookup(info, "DeviceId", "&s", &device));
    ck_assert_str_eq(device, promise_of(call->client->crowd, call->action)->device);
    note_state(call->client->crowd, call->action, status, result);
}

static void ask(Client *client)
{
    const char *action = recent(client->crowd->actions);

    if (action != NULL)
        send_call(client, (Call){.answered = told, .action = action}, "GetDeviceActionStatus",
                g_variant_new("(s)", action));
}

static void listed(const Call *call, GVariant *reply)
{
    g_autoptr(GVariantIter) actions = NULL;
    const char *action, *status, *result;

    g_variant_get(reply, "(a(sssssdttt)&s)", &actions, NULL);
    while (g_variant_iter_next(
            actions, "(&s&s&s&s&sdttt)", &action, NULL, NULL, &status, &result, NULL, NULL, NULL, NULL))
        note_state(call->client->crowd, action, status, result);
}

static void list(Client *client)
{
    GVariantDict filter = G_VARIANT_DICT_INIT(NULL);

    if (by_chance(0.5))
        g_variant_dict_insert(&filter, "DeviceId", "s",
                (const char *)client->crowd->devices->pdata[g_random_int_range(0, CROWD_DEVICES)]);
    else
        g_variant_dict_insert(&filter, "Active", "b", by_chance(0.5));
    send_call(client, (Call){.answered = listed}, "QueryActions",
            g_variant_new("(@a{sv}su)", g_variant_dict_end(&filter), "", 50));
}

static void set_status(Client *client)
{
    static const char *const refusals[] = {"org.fleet.Error.InvalidTransition", NULL};
    static const char *const statuses[] = {"IDLE", "IDLE", "IDLE", "ERROR", "UPDATING", "MAINTENANCE", "OFFLINE"};
    const char *device = client->crowd->devices->pdata[g_random_int_range(0, CROWD_DEVICES)];

    send_call(client, (Call){.answered = ignore, .refusals = refusals}, "SetDeviceStatus",
            g_variant_new("(ssa{sv})", device, statuses[g_random_int_range(0, G_N_ELEMENTS(statuses))], NULL));
}

static void send_next(Client *client)
{
    static void (*const all[])(Client *) = {initiate, initiate, initiate, initiate, initiate, initiate, initiate_again,
            initiate_again, cancel, cancel, cancel, ask, ask, list, set_status, set_status};
    Crowd *crowd = client->crowd;

    while (crowd->running && crowd->round_lost == 0 && client->in_flight < IN_FLIGHT)
        all[g_random_int_range(0, G_N_ELEMENTS(all))](client);
}

/* The rounds. */

static void connect_client(Client *client)
{
    g_autofree char *private = g_strconcat("unix:path=", fleet_test_daemon_socket(client->crowd->daemon), NULL);
    gboolean on_bus = client->number % 2 == 0;

    if (client->connection != NULL)
        return;
    client->connection = fleet_test_connect(on_bus ? fleet_test_bus_address(client->crowd->bus) : private);
    client->subscription = g_dbus_connection_signal_subscribe(client->connection, FLEET_TEST_NAME, NULL, NULL, NULL,
            NULL, G_DBUS_SIGNAL_FLAGS_NONE, signalled, client, NULL);
}

static void disconnect_client(Client *client)
{
    if (client->connection == NULL)
        return;
    g_dbus_connection_signal_unsubscribe(client->connection, client->subscription);
    g_clear_object(&client->connection);
}

static void register_devices(Crowd *crowd)
{
    GVariantBuilder devices;

    g_variant_builder_init(&devices, G_VARIANT_TYPE("a(ssss)"));
    for (guint i = 0; i < CROWD_DEVICES; i++) {
        gboolean command = i >= CROWD_DEVICES - CROWD_COMMAND_DEVICES;

        g_ptr_array_add(crowd->devices, g_strdup_printf("device-%u", i));
        g_variant_builder_add(&devices, "(ssss)", crowd->devices->pdata[i], "", command ? "command" : "simulated", "");
    }
    fleet_test_call_void(crowd->clients[0].connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevices",
            g_variant_new("(a(ssss)a{sv})", &devices, NULL));
}

Crowd *crowd_new(const FleetTestBus *bus, FleetTestDaemon *daemon)
{
    Crowd *crowd = g_new0(Crowd, 1);

    crowd->bus = bus;
    crowd->daemon = daemon;
    crowd->devices = g_ptr_array_new_with_free_func(g_free);
    crowd->promises = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_promise);
    crowd->requests = g_ptr_array_new_with_free_func(free_request);
    crowd->actions = g_ptr_array_new();
    for (guint i = 0; i < CROWD_CLIENTS; i++) {
        Client *client = &crowd->clients[i];

        client->crowd = crowd;
        client->number = i;
        client->ranks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        connect_client(client);
    }
    register_devices(crowd);
    return crowd;
}

void crowd_free(Crowd *crowd)
{
    for (guint i = 0; i < CROWD_CLIENTS; i++) {
        disconnect_client(&crowd->clients[i]);
        g_hash_table_unref(crowd->clients[i].ranks);
    }
    g_ptr_array_unref(crowd->devices);
    g_ptr_array_unref(crowd->actions);
    g_ptr_array_unref(crowd->requests);
    g_hash_table_unref(crowd->promises);
    g_free(crowd);
}

void crowd_start(Crowd *crowd)
{
    crowd->running = TRUE;
    crowd->ending = FALSE;
    crowd->round_lost = 0;
    for (guint i = 0; i < CROWD_CLIENTS; i++) {
        connect_client(&crowd->clients[i]);
        crowd->clients[i].initiated = 0;
        send_next(&crowd->clients[i]);
    }
}

void crowd_expect_end(Crowd *crowd)
{
    crowd->ending = TRUE;
}

static gboolean time_is_up(gpointer user_data)
{
    *(gboolean *)user_data = TRUE;
    return G_SOURCE_REMOVE;
}

void crowd_finish(Crowd *crowd)
{
    gboolean late = FALSE;
    guint timeout = g_timeout_add((guint)(FLEET_TEST_PATIENCE * fleet_test_slowness() * 1000), time_is_up, &late);

    crowd->running = FALSE;
    for (guint i = 0; i < CROWD_CLIENTS; i++) {
        while (crowd->clients[i].in_flight > 0) {
            if (late)
                fleet_test_fail("client %u: %u calls are neither answered nor lost", i, crowd->clients[i].in_flight);
            g_main_context_iteration(NULL, TRUE);
        }
        if (i % 2 != 0)
            disconnect_client(&crowd->clients[i]);
    }
    g_source_remove(timeout);
}

/* What is there, out of one answer, so that it is of one moment. */

static const char *text(GVariant *properties, const char *name)
{
    const char *value = NULL;

    if (!g_variant_lookup(properties, name, "&s", &value))
        fleet_test_fail("property %s is missing", name);
    return value;
}

static void check_device(GVariant *objects, GVariant *device)
{
    const char *id = text(device, "Id"), *status = text(device, "Status"), *current;

    ck_assert(g_variant_lookup(device, "CurrentAction", "&o", &current));
    ck_assert_int_eq(g_str_equal(current, "/"), *text(device, "CurrentActionId") == '\0');
    if (g_str_equal(current, "/")) {
        if (g_str_equal(status, "RECOVERING"))
            fleet_test_fail("%s is %s without an action", id, status);
        return;
    }
    g_autoptr(GVariant) interfaces = g_variant_lookup_value(objects, current, NULL);
    if (interfaces == NULL)
        fleet_test_fail("%s is busy with %s, which is not there", id, current);
    g_autoptr(GVariant) action = g_variant_lookup_value(interfaces, FLEET_TEST_ACTION, NULL);
    ck_assert_str_eq(text(action, "Id"), text(device, "CurrentActionId"));
    if (!g_str_equal(text(action, "Status"), "RUNNING") || !g_str_equal(text(action, "DeviceId"), id))
        fleet_test_fail(
                "%s is busy with %s, which is %s on %s", id, current, text(action, "Status"), text(action, "DeviceId"));
    if (g_str_equal(status, "IDLE") || g_str_equal(status, "ERROR"))
        fleet_test_fail("%s is %s while %s runs on it", id, status, current);
}

static void check_action(GVariant *objects, const char *path, GVariant *action, guint *queued)
{
    const char *device_path, *current;

    ck_assert(g_variant_lookup(action, "Device", "&o", &device_path));
    g_autoptr(GVariant) interfaces = g_variant_lookup_value(objects, device_path, NULL);
    ck_assert_ptr_nonnull(interfaces);
    g_autoptr(GVariant) device = g_variant_lookup_value(interfaces, FLEET_TEST_DEVICE, NULL);
    ck_assert(g_variant_lookup(device, "CurrentAction", "&o", &current));
    if (g_str_equal(text(action, "Status"), "RUNNING") != g_str_equal(current, path))
        fleet_test_fail("%s is %s, but its device is busy with %s", path, text(action, "Status"), current);
    if (g_str_equal(text(action, "Status"), "PENDING"))
        (*queued)++;
}

void crowd_check_devices(Crowd *crowd)
{
    g_autofree char *name = NULL;
    g_autofree char *message = NULL;
    g_autoptr(GVariant) reply = fleet_test_call_any(crowd->clients[0].connection, FLEET_TEST_ROOT,
            FLEET_TEST_OBJECT_MANAGER, "GetManagedObjects", NULL, &name, &message);
    if (reply == NULL)
        fail_lost(crowd, message);
    g_autoptr(GVariant) objects = g_variant_get_child_value(reply, 0);
    guint devices = 0, counted = 0, queued = 0;
    GVariantIter iter;
    const char *path;
    GVariant *interfaces;

    g_variant_iter_init(&iter, objects);
    while (g_variant_iter_next(&iter, "{&o@a{sa{sv}}}", &path, &interfaces)) {
        g_autoptr(GVariant) device = g_variant_lookup_value(interfaces, FLEET_TEST_DEVICE, NULL);
        g_autoptr(GVariant) action = g_variant_lookup_value(interfaces, FLEET_TEST_ACTION, NULL);
        guint32 waiting;

        if (device != NULL) {
            check_device(objects, device);
            ck_assert(g_variant_lookup(device, "QueuedActions", "u", &waiting));
            counted += waiting;
            devices++;
        }
        if (action != NULL)
            check_action(objects, path, action, &queued);
        g_variant_unref(interfaces);
    }
    ck_assert_uint_eq(devices, CROWD_DEVICES);
    ck_assert_uint_eq(counted, queued);
}

static gboolean is_counter(const FleetTestSignal *signal, gpointer user_data)
{
    return g_str_equal(signal->member, "PropertiesChanged");
}

static guint32 count_of(Crowd *crowd, const char *property)
{
    g_autoptr(GVariant) value =
            fleet_test_get(crowd->clients[0].connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, property);

    return g_variant_get_uint32(value);
}

static void set_all(Crowd *crowd, const char *status)
{
    GVariantBuilder ids;

    g_variant_builder_init(&ids, G_VARIANT_TYPE("as"));
    for (guint i = 0; i < CROWD_DEVICES; i++)
        g_variant_builder_add(&ids, "s", crowd->devices->pdata[i]);
    fleet_test_call_void(crowd->clients[0].connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "SetDevicesStatus",
            g_variant_new("(assa{sv})", &ids, status, NULL));
}

void crowd_drain(Crowd *crowd)
{
    g_autoptr(FleetTestSignals) signals =
            fleet_test_signals_new(crowd->clients[0].connection, NULL, NULL, FLEET_TEST_ROOT);

    for (;;) {
        fleet_test_signals_clear(signals);
        /* IDLE is refused where an action runs; UPDATING takes OFFLINE and MAINTENANCE back there. */
        set_all(crowd, "UPDATING");
        set_all(crowd, "IDLE");
        if (count_of(crowd, "PendingActions") == 0 && count_of(crowd, "RunningActions") == 0)
            break;
        fleet_test_signals_wait(signals, 0, is_counter, NULL);
    }
    fleet_test_signals_settle(signals);
}

GHashTable *crowd_promises(const Crowd *crowd)
{
    return crowd->promises;
}

guint crowd_acknowledged(const Crowd *crowd)
{
    return crowd->acknowledged;
}

guint crowd_lost(const Crowd *crowd)
{
    return crowd->lost;
}

guint crowd_repeated(const Crowd *crowd)
{
    return crowd->repeated;
}
