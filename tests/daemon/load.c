/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "load.h"

#include <string.h>

#define CLIENTS 4
#define IN_FLIGHT 16 /* calls of a client */
#define SINGLES 8    /* devices of a client that come, change and go */
#define GROUP 10     /* devices of a client that always change together */
#define WORKERS 5    /* devices of a client that get actions */

static const char *const statuses[] = {"IDLE", "BUSY", "OFFLINE", "MAINTENANCE", "UPDATING", "RECOVERING", "ERROR"};

/* What a device may be. */
typedef struct {
    gboolean exists;
    guint status; /* index into statuses */
    guint name;   /* number in its name; 0 = named by its id */
} State;

/* One device, or a group that is changed as one, in the states that it was asked to go through. */
typedef struct {
    GPtrArray *ids;
    GArray *states; /* of State; the first one is stored for sure */
    guint acknowledged;
    guint last_possible; /* what comes after was refused */
} Subject;

typedef struct {
    FleetTestLoad *load;
    guint number;
    GDBusConnection *connection; /* NULL between the rounds */
    guint in_flight;
    guint64 sent, answered; /* numbers of calls, to see that answers keep their order */
    GPtrArray *singles;     /* of Subject */
    Subject *group;
    GPtrArray *workers; /* of char * */
} Client;

struct FleetTestLoad {
    const FleetTestBus *bus;
    FleetTestDaemon *daemon;
    Client clients[CLIENTS];
    GHashTable *actions; /* id -> the device's id, of all that were acknowledged */
    GPtrArray *recent;   /* ids of this round's, borrowed */
    GRand *rand;
    guint names;
    gboolean running;
    gboolean ending;
    guint acknowledged, refused, lost;
};

/* One call on its way. */
typedef struct {
    Client *client;
    guint64 number;
    Subject *subject; /* NULL: an action on a worker */
    guint state;
    const char *worker;
} Call;

static void free_subject(gpointer data)
{
    Subject *subject = data;

    g_ptr_array_unref(subject->ids);
    g_array_unref(subject->states);
    g_free(subject);
}

static Subject *new_subject(State first)
{
    Subject *subject = g_new0(Subject, 1);

    subject->ids = g_ptr_array_new_with_free_func(g_free);
    subject->states = g_array_new(FALSE, FALSE, sizeof(State));
    subject->last_possible = G_MAXUINT;
    g_array_append_val(subject->states, first);
    return subject;
}

static void init_client(Client *client, FleetTestLoad *load, guint number)
{
    client->load = load;
    client->number = number;
    client->singles = g_ptr_array_new_with_free_func(free_subject);
    client->workers = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < SINGLES; i++) {
        Subject *single = new_subject((State){0});

        g_ptr_array_add(single->ids, g_strdup_printf("single-%u-%u", number, i));
        g_ptr_array_add(client->singles, single);
    }
    client->group = new_subject((State){.exists = TRUE});
    for (guint i = 0; i < GROUP; i++)
        g_ptr_array_add(client->group->ids, g_strdup_printf("group-%u-%u", number, i));
    for (guint i = 0; i < WORKERS; i++)
        g_ptr_array_add(client->workers, g_strdup_printf("worker-%u-%u", number, i));
}

static void register_all(GDBusConnection *connection, const GPtrArray *ids)
{
    g_auto(GVariantBuilder) devices = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(ssss)"));

    for (guint i = 0; i < ids->len; i++)
        g_variant_builder_add(&devices, "(ssss)", ids->pdata[i], "", "", "");
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevices",
            g_variant_new("(a(ssss)a{sv})", &devices, NULL));
}

FleetTestLoad *fleet_test_load_new(const FleetTestBus *bus, FleetTestDaemon *daemon)
{
    FleetTestLoad *load = g_new0(FleetTestLoad, 1);
    g_autoptr(GDBusConnection) connection = fleet_test_connect(fleet_test_bus_address(bus));

    load->bus = bus;
    load->daemon = daemon;
    load->actions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    load->recent = g_ptr_array_new();
    load->rand = g_rand_new();
    for (guint i = 0; i < CLIENTS; i++) {
        init_client(&load->clients[i], load, i);
        register_all(connection, load->clients[i].group->ids);
        register_all(connection, load->clients[i].workers);
    }
    return load;
}

void fleet_test_load_free(FleetTestLoad *load)
{
    for (guint i = 0; i < CLIENTS; i++) {
        g_clear_object(&load->clients[i].connection);
        g_ptr_array_unref(load->clients[i].singles);
        g_ptr_array_unref(load->clients[i].workers);
        free_subject(load->clients[i].group);
    }
    g_hash_table_unref(load->actions);
    g_ptr_array_unref(load->recent);
    g_rand_free(load->rand);
    g_free(load);
}

/* Calls. */

static void send_next(Client *client);

static void note_action(Client *client, const Call *call, GVariant *reply)
{
    FleetTestLoad *load = client->load;
    char *id;

    g_variant_get(reply, "(sos)", &id, NULL, NULL);
    if (g_hash_table_contains(load->actions, id))
        fleet_test_fail("the id %s was given twice", id);
    g_hash_table_insert(load->actions, id, (gpointer)call->worker);
    g_ptr_array_add(load->recent, id);
}

static void note_error(Client *client, const Call *call, const GError *error)
{
    FleetTestLoad *load = client->load;
    g_autofree char *name = g_dbus_error_get_remote_error(error);

    if (call->subject == NULL && g_strcmp0(name, "org.fleet.Error.DeviceBusy") == 0)
        return;
    if (!load->ending)
        fleet_test_fail("a call fails under load: %s", error->message);
    if (name == NULL || g_str_equal(name, "org.freedesktop.DBus.Error.NoReply") ||
            g_str_equal(name, "org.freedesktop.DBus.Error.ServiceUnknown") ||
            g_str_equal(name, "org.freedesktop.DBus.Error.NameHasNoOwner")) {
        load->lost++;
        return;
    }
    if (!g_str_equal(name, "org.fleet.Error.ShuttingDown"))
        fleet_test_fail("a call is refused at the end with: %s", error->message);
    load->refused++;
    if (call->subject != NULL)
        call->subject->last_possible = MIN(call->subject->last_possible, call->state - 1);
}

static void answered(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree Call *call = user_data;
    Client *client = call->client;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

    client->in_flight--;
    if (reply == NULL)
        note_error(client, call, error);
    else {
        /* One connection's calls are carried out, and answered, in their order. */
        if (call->number < client->answered)
            fleet_test_fail("client %u: call %" G_GUINT64_FORMAT " is answered after %" G_GUINT64_FORMAT,
                    client->number, call->number, client->answered);
        client->answered = call->number;
        client->load->acknowledged++;
        if (call->subject != NULL)
            call->subject->acknowledged = MAX(call->subject->acknowledged, call->state);
        else
            note_action(client, call, reply);
    }
    send_next(client);
}

static void send_call(Client *client, Call call, const char *method, GVariant *arguments)
{
    Call *copy = g_memdup2(&call, sizeof(call));

    copy->client = client;
    copy->number = ++client->sent;
    client->in_flight++;
    g_dbus_connection_call(client->connection, FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, method, arguments,
            NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, (int)(FLEET_TEST_PATIENCE * fleet_test_slowness() * 1000), NULL,
            answered, copy);
}

static Call asked(Subject *subject, State state)
{
    g_array_append_val(subject->states, state);
    return (Call){.subject = subject, .state = subject->states->len - 1};
}

static State latest(const Subject *subject)
{
    return g_array_index(subject->states, State, subject->states->len - 1);
}

static char *name_of(const char *id, guint name)
{
    return name == 0 ? g_strdup(id) : g_strdup_printf("name %u", name);
}

static void register_single(Client *client, Subject *single)
{
    const State state = {
            .exists = TRUE, .status = (guint)g_rand_int_range(client->load->rand, 0, G_N_ELEMENTS(statuses))};

    send_call(client, asked(single, state), "RegisterDevice",
            g_variant_new("(ssssa{sv})", single->ids->pdata[0], "", "", statuses[state.status], NULL));
}

static void unregister_single(Client *client, Subject *single)
{
    send_call(client, asked(single, (State){0}), "UnregisterDevice",
            g_variant_new("(sa{sv})", single->ids->pdata[0], NULL));
}

static void rename_single(Client *client, Subject *single)
{
    State state = latest(single);
    g_auto(GVariantDict) changes = G_VARIANT_DICT_INIT(NULL);

    state.name = ++client->load->names;
    g_autofree char *name = name_of(NULL, state.name);
    g_variant_dict_insert(&changes, "Name", "s", name);
    send_call(client, asked(single, state), "UpdateDevice",
            g_variant_new("(s@a{sv}a{sv})", single->ids->pdata[0], g_variant_dict_end(&changes), NULL));
}

static void set_single(Client *client, Subject *single)
{
    State state = latest(single);

    state.status = (guint)g_rand_int_range(client->load->rand, 0, G_N_ELEMENTS(statuses));
    send_call(client, asked(single, state), "SetDeviceStatus",
            g_variant_new("(ssa{sv})", single->ids->pdata[0], statuses[state.status], NULL));
}

static void change_single(Client *client)
{
    Subject *single = client->singles->pdata[g_rand_int_range(client->load->rand, 0, SINGLES)];
    int choice = g_rand_int_range(client->load->rand, 0, 5);

    if (!latest(single).exists)
        register_single(client, single);
    else if (choice == 0)
        unregister_single(client, single);
    else if (choice < 3)
        rename_single(client, single);
    else
        set_single(client, single);
}

static void change_group(Client *client)
{
    State state = latest(client->group);
    g_auto(GVariantBuilder) ids = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("as"));

    for (guint i = 0; i < client->group->ids->len; i++)
        g_variant_builder_add(&ids, "s", client->group->ids->pdata[i]);
    state.status = (guint)g_rand_int_range(client->load->rand, 0, G_N_ELEMENTS(statuses));
    send_call(client, asked(client->group, state), "SetDevicesStatus",
            g_variant_new("(assa{sv})", &ids, statuses[state.status], NULL));
}

static void start_action(Client *client)
{
    static const char *const types[] = {"SOFTWARE_UPDATE", "SYSTEM_REBOOT"};
    GRand *rand = client->load->rand;
    const char *worker = client->workers->pdata[g_rand_int_range(rand, 0, WORKERS)];

    send_call(client, (Call){.worker = worker}, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}a{sv})", worker, types[g_rand_int_range(rand, 0, 2)], NULL, NULL));
}

static void send_next(Client *client)
{
    while (client->load->running && client->load->lost == 0 && client->in_flight < IN_FLIGHT) {
        int choice = g_rand_int_range(client->load->rand, 0, 20);

        if (choice < 12)
            change_single(client);
        else if (choice < 15)
            change_group(client);
        else
            start_action(client);
    }
}

void fleet_test_load_start(FleetTestLoad *load)
{
    g_autofree char *private = g_strconcat("unix:path=", fleet_test_daemon_socket(load->daemon), NULL);

    load->running = TRUE;
    load->ending = FALSE;
    load->acknowledged = load->refused = load->lost = 0;
    g_ptr_array_set_size(load->recent, 0);
    for (guint i = 0; i < CLIENTS; i++) {
        load->clients[i].connection = fleet_test_connect(i % 2 == 0 ? fleet_test_bus_address(load->bus) : private);
        send_next(&load->clients[i]);
    }
}

void fleet_test_load_expect_end(FleetTestLoad *load)
{
    load->ending = TRUE;
}

static gboolean time_is_up(gpointer user_data)
{
    *(gboolean *)user_data = TRUE;
    return G_SOURCE_REMOVE;
}

void fleet_test_load_finish(FleetTestLoad *load)
{
    gboolean late = FALSE;
    guint timeout = g_timeout_add((guint)(FLEET_TEST_PATIENCE * fleet_test_slowness() * 1000), time_is_up, &late);

    load->running = FALSE;
    for (guint i = 0; i < CLIENTS; i++) {
        Client *client = &load->clients[i];

        while (client->in_flight > 0) {
            if (late)
                fleet_test_fail("client %u: %u calls are neither answered nor lost", i, client->in_flight);
            g_main_context_iteration(NULL, TRUE);
        }
        g_clear_object(&client->connection);
    }
    g_source_remove(timeout);
}

void fleet_test_load_settle(FleetTestLoad *load)
{
    g_autofree char *private = g_strconcat("unix:path=", fleet_test_daemon_socket(load->daemon), NULL);
    g_autoptr(GDBusConnection) connection = fleet_test_connect(private);
    g_autoptr(GPtrArray) nothing = g_ptr_array_new();

    /* Each of these is answered after all that were begun before it. That lets those go which wait for their turn, one
     * of each client at the least, so that they have begun before the next of these. */
    for (guint i = 0; i <= IN_FLIGHT; i++)
        register_all(connection, nothing);
}

guint fleet_test_load_acknowledged(const FleetTestLoad *load)
{
    return load->acknowledged;
}

guint fleet_test_load_refused(const FleetTestLoad *load)
{
    return load->refused;
}

guint fleet_test_load_lost(const FleetTestLoad *load)
{
    return load->lost;
}

GHashTable *fleet_test_load_actions(const FleetTestLoad *load)
{
    return load->actions;
}

/* Verification: what is there, out of one answer, so that it is of one moment. */

typedef struct {
    GHashTable *devices; /* id -> properties */
    GHashTable *actions; /* id -> properties */
} Found;

static void unref_variant(gpointer variant)
{
    g_variant_unref(variant);
}

static const char *text(GVariant *properties, const char *name)
{
    const char *value = NULL;

    if (!g_variant_lookup(properties, name, "&s", &value))
        fleet_test_fail("property %s is missing", name);
    return value;
}

static Found find_all(GDBusConnection *connection)
{
    Found found = {.devices = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_variant),
            .actions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_variant)};
    g_autoptr(GVariant) reply = fleet_test_call(
            connection, FLEET_TEST_ROOT, FLEET_TEST_OBJECT_MANAGER, "GetManagedObjects", NULL, "(a{oa{sa{sv}}})");
    g_autoptr(GVariantIter) iter = NULL;
    GVariant *interfaces;

    g_variant_get(reply, "(a{oa{sa{sv}}})", &iter);
    while (g_variant_iter_next(iter, "{o@a{sa{sv}}}", NULL, &interfaces)) {
        GVariant *device = g_variant_lookup_value(interfaces, FLEET_TEST_DEVICE, NULL);
        GVariant *action = g_variant_lookup_value(interfaces, FLEET_TEST_ACTION, NULL);

        if (device != NULL)
            g_hash_table_insert(found.devices, (gpointer)text(device, "Id"), device);
        if (action != NULL)
            g_hash_table_insert(found.actions, (gpointer)text(action, "Id"), action);
        g_variant_unref(interfaces);
    }
    return found;
}

static gboolean is_state(const Found *found, const char *id, State state)
{
    GVariant *device = g_hash_table_lookup(found->devices, id);
    g_autofree char *name = name_of(id, state.name);

    if (device == NULL || !state.exists)
        return (device == NULL) == !state.exists;
    return g_str_equal(text(device, "Status"), statuses[state.status]) && g_str_equal(text(device, "Name"), name);
}

static gboolean all_are(const Found *found, const Subject *subject, State state)
{
    for (guint i = 0; i < subject->ids->len; i++)
        if (!is_state(found, subject->ids->pdata[i], state))
            return FALSE;
    return TRUE;
}

static void fail_subject(const Found *found, const Subject *subject)
{
    g_autoptr(GString) message = g_string_new(NULL);

    for (guint i = subject->acknowledged; i < subject->states->len; i++) {
        const State *state = &g_array_index(subject->states, State, i);

        g_string_append_printf(message, "\n  %s %s%s, name %u",
                i == subject->acknowledged ? "acknowledged" : "asked for",
                state->exists ? statuses[state->status] : "gone", i > subject->last_possible ? " (refused)" : "",
                state->name);
    }
    for (guint i = 0; i < subject->ids->len; i++) {
        GVariant *device = g_hash_table_lookup(found->devices, subject->ids->pdata[i]);

        g_string_append_printf(message, "\n  found %s %s, %s", (const char *)subject->ids->pdata[i],
                device != NULL ? text(device, "Status") : "gone", device != NULL ? text(device, "Name") : "");
    }
    fleet_test_fail("a promise is broken:%s", message->str);
}

/* It must be in the state that was acknowledged last, or in one that was asked for since. */
static void verify_subject(const Found *found, Subject *subject)
{
    guint last = MIN(subject->last_possible, subject->states->len - 1);

    for (guint i = subject->acknowledged; i <= last; i++) {
        State state = g_array_index(subject->states, State, i);

        if (!all_are(found, subject, state))
            continue;
        g_array_set_size(subject->states, 0);
        g_array_append_val(subject->states, state);
        subject->acknowledged = 0;
        subject->last_possible = G_MAXUINT;
        return;
    }
    fail_subject(found, subject);
}

/* A device is at work if and only if its action runs. */
static void verify_worker(const Found *found, const char *id)
{
    GVariant *device = g_hash_table_lookup(found->devices, id);

    if (device == NULL)
        fleet_test_fail("%s is gone", id);
    const char *current = text(device, "CurrentActionId"), *status = text(device, "Status");
    if (*current == '\0') {
        if (!g_str_equal(status, "IDLE") && !g_str_equal(status, "ERROR"))
            fleet_test_fail("%s is %s without an action", id, status);
        return;
    }
    GVariant *action = g_hash_table_lookup(found->actions, current);
    if (action == NULL || !g_str_equal(text(action, "Status"), "RUNNING") || !g_str_equal(text(action, "DeviceId"), id))
        fleet_test_fail("%s is busy with %s, which does not run on it", id, current);
    gboolean update = g_str_equal(text(action, "Type"), "SOFTWARE_UPDATE");
    if (!g_str_equal(status, update ? "UPDATING" : "BUSY"))
        fleet_test_fail("%s is %s while %s runs", id, status, text(action, "Type"));
}

static void verify_running(const Found *found)
{
    GHashTableIter iter;
    gpointer id, action;

    g_hash_table_iter_init(&iter, found->actions);
    while (g_hash_table_iter_next(&iter, &id, &action)) {
        const char *status = text(action, "Status");
        GVariant *device = g_hash_table_lookup(found->devices, text(action, "DeviceId"));

        if (g_str_equal(status, "PENDING"))
            fleet_test_fail("%s never started", (const char *)id);
        if (g_str_equal(status, "RUNNING") && (device == NULL || !g_str_equal(text(device, "CurrentActionId"), id)))
            fleet_test_fail("%s runs, and its device does not know", (const char *)id);
    }
}

/* The action's promise holds as long as history does, so it is asked for by its id. */
static void verify_action(FleetTestLoad *load, GDBusConnection *connection, const char *id)
{
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER,
            "GetDeviceActionStatus", g_variant_new("(s)", id), "(a{sv})");
    g_autoptr(GVariant) info = g_variant_get_child_value(reply, 0);

    ck_assert_str_eq(text(info, "DeviceId"), g_hash_table_lookup(load->actions, id));
    ck_assert_str_ne(text(info, "Status"), "PENDING");
    ck_assert_str_ne(text(info, "Status"), "CANCELLED");
}

void fleet_test_load_verify(FleetTestLoad *load)
{
    g_autofree char *private = g_strconcat("unix:path=", fleet_test_daemon_socket(load->daemon), NULL);
    g_autoptr(GDBusConnection) connection = fleet_test_connect(private);
    Found found = find_all(connection);

    for (guint i = 0; i < CLIENTS; i++) {
        Client *client = &load->clients[i];

        for (guint j = 0; j < SINGLES; j++)
            verify_subject(&found, client->singles->pdata[j]);
        verify_subject(&found, client->group);
        for (guint j = 0; j < WORKERS; j++)
            verify_worker(&found, client->workers->pdata[j]);
    }
    verify_running(&found);
    for (guint i = 0; i < load->recent->len; i++)
        verify_action(load, connection, load->recent->pdata[i]);
    g_hash_table_unref(found.devices);
    g_hash_table_unref(found.actions);
}
