/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Well-formed calls of every method, with values drawn at random, through the bus and on the private socket at the same
 * time. Whatever they ask for, fleetd lives, and each gets exactly one reply. FLEET_TEST_CALLS says how many are made,
 * FLEET_TEST_SEED which.
 */

#include "generate.h"
#include "lib/fleet_test.h"

#include <stdio.h>
#include <string.h>

#define IN_FLIGHT 32 /* calls of a client */
#define CLIENTS 2
#define MANY 50000
#define INPUT_SIZE 400 /* bytes that a call is made of */
#define ROUND 5000     /* calls to one fleetd: its fleet grows, and so do the replies that list it */

/* Actions end soon, in all ways. */
#define CONFIG                                                                                                         \
    "[Simulation]\nMinDuration=0\nMaxDuration=100ms\nSuccessRate=0.5\nTransientRate=0.5\n"                             \
    "[Retention]\nFinishedActions=50\n[Log]\nLevel=err\n"

typedef struct {
    guint made, succeeded, refused;
} Count;

typedef struct {
    FleetFuzzApi *api;
    GRand *random;
    GHashTable *counts; /* "interface.member" -> Count */
    guint left;         /* calls that are still to be made */
    guint waiting;      /* calls without a reply */
} Storm;

typedef struct {
    Storm *storm;
    GDBusConnection *connection;
    guint calls;
    gint replies; /* atomic: counted where they come in, so that one too many is seen */
} Client;

typedef struct {
    Client *client;
    Count *count;
    char *name;
} Call;

static Count *count_of(Storm *storm, const char *name)
{
    Count *count = g_hash_table_lookup(storm->counts, name);

    if (count == NULL) {
        count = g_new0(Count, 1);
        g_hash_table_insert(storm->counts, g_strdup(name), count);
    }
    return count;
}

static void send_calls(Client *client);

static void take_reply(Call *call, GDBusMessage *reply)
{
    GVariant *body = g_dbus_message_get_body(reply);
    const char *id;

    if (g_dbus_message_get_message_type(reply) == G_DBUS_MESSAGE_TYPE_ERROR) {
        const char *name = g_dbus_message_get_error_name(reply);
        call->count->refused++;
        /* What a bus says in the place of a service that does not answer. */
        if (g_str_has_suffix(name, ".NoReply") || g_str_has_suffix(name, ".ServiceUnknown"))
            fleet_test_fail("%s is answered with %s", call->name, name);
        return;
    }
    call->count->succeeded++;
    if (body != NULL && g_variant_is_of_type(body, G_VARIANT_TYPE("(sos)"))) {
        g_variant_get(body, "(&s&o&s)", &id, NULL, NULL);
        fleet_fuzz_api_note_action(call->client->storm->api, id);
    }
}

static void answered(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree Call *call = user_data;
    g_autofree char *name = call->name;
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusMessage) reply =
            g_dbus_connection_send_message_with_reply_finish(G_DBUS_CONNECTION(source), result, &error);

    if (reply == NULL)
        fleet_test_fail("%s is not answered: %s", name, error->message);
    take_reply(call, reply);
    call->client->storm->waiting--;
    send_calls(call->client);
}

static void send_call(Client *client)
{
    Storm *storm = client->storm;
    g_auto(FleetFuzzCall) made = {0};
    guint8 bytes[INPUT_SIZE];

    for (guint i = 0; i < sizeof(bytes); i++)
        bytes[i] = (guint8)g_rand_int(storm->random);
    FleetFuzzInput input = {bytes, sizeof(bytes)};
    fleet_fuzz_call_make(storm->api, &input, &made);
    g_autoptr(GDBusMessage) message =
            g_dbus_message_new_method_call(FLEET_TEST_NAME, made.path, made.interface, made.member);
    g_dbus_message_set_body(message, made.arguments);
    Call *call = g_new0(Call, 1);
    call->client = client;
    call->name = g_strdup_printf("%s.%s", made.interface, made.member);
    call->count = count_of(storm, call->name);
    call->count->made++;
    client->calls++;
    storm->waiting++;
    g_dbus_connection_send_message_with_reply(client->connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE,
            (int)(FLEET_TEST_PATIENCE * fleet_test_slowness() * 1000), NULL, NULL, answered, call);
}

static void send_calls(Client *client)
{
    Storm *storm = client->storm;

    if (storm->left == 0)
        return;
    storm->left--;
    send_call(client);
}

/* In GDBus's own thread. */
static GDBusMessage *count_replies(
        GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer user_data)
{
    Client *client = user_data;

    if (incoming && g_dbus_message_get_reply_serial(message) != 0)
        g_atomic_int_inc(&client->replies);
    return message;
}

static void ignore_signal(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
        const char *member, GVariant *arguments, gpointer user_data)
{
}

/* It gets all signals, so that they are made. */
static void start_client(Storm *storm, Client *client, const char *address)
{
    client->storm = storm;
    client->connection = fleet_test_connect(address);
    g_dbus_connection_signal_subscribe(client->connection, FLEET_TEST_NAME, NULL, NULL, NULL, NULL,
            G_DBUS_SIGNAL_FLAGS_NONE, ignore_signal, NULL, NULL);
    fleet_test_round_trip(client->connection);
    g_dbus_connection_add_filter(client->connection, count_replies, client, NULL);
    for (guint i = 0; i < IN_FLIGHT; i++)
        send_calls(client);
}

/* A reply that is one too many would come before that of a call that is made later. */
static void check_client(Client *client)
{
    fleet_test_round_trip(client->connection);
    ck_assert_int_eq(g_atomic_int_get(&client->replies), (int)client->calls + 1);
    g_object_unref(client->connection);
}

static void check_counts(const Storm *storm, guint calls)
{
    g_autoptr(GPtrArray) methods = fleet_fuzz_api_methods(storm->api);
    guint succeeded = 0, refused = 0;

    for (guint i = 0; i < methods->len; i++) {
        const char *name = g_ptr_array_index(methods, i);
        const Count *count = g_hash_table_lookup(storm->counts, name);
        if (count == NULL)
            fleet_test_fail("%s is never called", name);
        printf("# %-52s %6u made %6u succeeded %6u refused\n", name, count->made, count->succeeded, count->refused);
        /* So many that there are right ones for each method; no property can be set. */
        if (calls >= MANY && count->succeeded == 0 && !g_str_has_suffix(name, ".Set"))
            fleet_test_fail("no call of %s succeeds", name);
        succeeded += count->succeeded;
        refused += count->refused;
    }
    /* The calls mean something, and not all of them are right. */
    ck_assert_uint_eq(succeeded + refused, calls);
    ck_assert_uint_gt(succeeded, calls / 10);
    ck_assert_uint_gt(refused, calls / 10);
}

static guint32 number_from_env(const char *name, guint32 otherwise)
{
    const char *text = g_getenv(name);

    return text != NULL ? (guint32)g_ascii_strtoull(text, NULL, 10) : otherwise;
}

/* The part of the service manager, which reads what it is told: each Reload tells it something, and a socket that
 * nobody reads is full soon. */
static gboolean read_notifications(gpointer daemon)
{
    (void)fleet_test_daemon_wait_notify(daemon, "nothing that it says", 0);
    return G_SOURCE_CONTINUE;
}

/* One fleetd, from its start to its end. */
static void run_round(Storm *storm, const FleetTestBus *bus)
{
    g_autoptr(FleetTestDaemon) daemon = fleet_test_daemon_new();
    Client clients[CLIENTS] = {{0}};

    fleet_fuzz_api_forget(storm->api);
    fleet_test_daemon_set_config(daemon, CONFIG);
    fleet_test_daemon_start(daemon);
    g_autofree char *address = g_strdup_printf("unix:path=%s", fleet_test_daemon_socket(daemon));
    start_client(storm, &clients[0], fleet_test_bus_address(bus));
    start_client(storm, &clients[1], address);
    guint reading = g_timeout_add(5, read_notifications, daemon);
    while (storm->waiting > 0)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(reading);
    for (guint i = 0; i < CLIENTS; i++)
        check_client(&clients[i]);
    /* Under valgrind, and with sanitizers, this fails if anything was lost. */
    if (fleet_test_daemon_stop(daemon) != 0) {
        g_autofree char *written = fleet_test_daemon_stderr(daemon);
        fleet_test_fail("fleetd does not end well: %s", written);
    }
}

START_TEST(each_call_gets_one_reply)
{
    g_autoptr(FleetTestBus) bus = fleet_test_bus_new(NULL);
    g_autofree char *xml = g_build_filename(fleet_test_env("FLEET_SOURCE"), "dbus", NULL);
    g_autoptr(FleetFuzzApi) api = fleet_fuzz_api_new(xml);
    g_autoptr(GHashTable) counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    guint32 calls = number_from_env("FLEET_TEST_CALLS", 1000),
            seed = number_from_env("FLEET_TEST_SEED", g_random_int());
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    Storm storm = {.api = api, .random = random, .counts = counts};

    printf("# FLEET_TEST_SEED=%u\n", seed);
    fflush(stdout);
    for (guint made = 0; made < calls; made += ROUND) {
        storm.left = MIN(ROUND, calls - made);
        run_round(&storm, bus);
    }
    check_counts(&storm, calls);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("long: random calls");

    tcase_add_test(fleet_test_case_with_timeout(suite, "calls", 180), each_call_gets_one_reply);
    return fleet_test_main(suite);
}
