/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Well-formed calls on the private socket, one after the other or many at once. Each gets exactly one reply, and the
 * connection stays.
 */

#include "fuzz.h"
#include "generate.h"
#include "server.h"

#include <string.h>
#include <unistd.h>

#define CALLS_MAX 64 /* of one input */

static const char handshake[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";

typedef struct {
    FleetFuzzApi *api;
    guint32 serial;                /* of the newest call */
    gboolean waits[CALLS_MAX + 2]; /* by serial */
    guint waiting;
    gboolean greeted; /* the text of the handshake is read */
} Client;

static void take_action_id(Client *client, GDBusMessage *message)
{
    GVariant *body = g_dbus_message_get_body(message);
    const char *id;

    if (body == NULL || !g_variant_is_of_type(body, G_VARIANT_TYPE("(sos)")))
        return;
    g_variant_get(body, "(&s&o&s)", &id, NULL, NULL);
    fleet_fuzz_api_note_action(client->api, id);
}

static void take_message(Client *client, GDBusMessage *message)
{
    GDBusMessageType type = g_dbus_message_get_message_type(message);
    guint32 serial = g_dbus_message_get_reply_serial(message);

    if (type == G_DBUS_MESSAGE_TYPE_SIGNAL)
        return;
    g_assert_true(type == G_DBUS_MESSAGE_TYPE_METHOD_RETURN || type == G_DBUS_MESSAGE_TYPE_ERROR);
    g_assert_cmpuint(serial, >, 0);
    g_assert_cmpuint(serial, <=, client->serial);
    if (!client->waits[serial])
        g_error("a second reply to call %u", serial);
    client->waits[serial] = FALSE;
    client->waiting--;
    if (type == G_DBUS_MESSAGE_TYPE_ERROR) {
        g_assert_nonnull(g_dbus_message_get_error_name(message));
        return;
    }
    take_action_id(client, message);
}

/* The two lines of the handshake. FALSE if they are not here yet. */
static gboolean take_greeting(GByteArray *received)
{
    const guint8 *end = received->len > 0 ? memmem(received->data, received->len, "\r\nOK ", 5) : NULL;

    if (end != NULL)
        end = memmem(end + 2, received->len - (gsize)(end + 2 - received->data), "\r\n", 2);
    if (end == NULL)
        return FALSE;
    g_byte_array_remove_range(received, 0, (guint)(end + 2 - received->data));
    return TRUE;
}

static gboolean all_answered(GByteArray *received, gpointer user_data)
{
    Client *client = user_data;
    gsize taken = 0;

    if (!client->greeted)
        client->greeted = take_greeting(received);
    while (client->greeted && received->len - taken >= 16) {
        guint8 *start = received->data + taken;
        gssize size = g_dbus_message_bytes_needed(start, received->len - taken, NULL);
        g_assert_cmpint(size, >, 0);
        if ((gsize)size > received->len - taken)
            break;
        g_autoptr(GError) error = NULL;
        g_autoptr(GDBusMessage) message =
                g_dbus_message_new_from_blob(start, (gsize)size, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
        g_assert_no_error(error);
        take_message(client, message);
        taken += (gsize)size;
    }
    g_byte_array_remove_range(received, 0, (guint)taken);
    return client->greeted && client->waiting == 0;
}

static void append_call(Client *client, FleetFuzzInput *input, GByteArray *bytes)
{
    g_auto(FleetFuzzCall) call = {0};
    g_autoptr(GError) error = NULL;
    gsize size;

    fleet_fuzz_call_make(client->api, input, &call);
    g_autoptr(GDBusMessage) message =
            g_dbus_message_new_method_call("org.fleet.Manager", call.path, call.interface, call.member);
    g_dbus_message_set_body(message, call.arguments);
    g_dbus_message_set_serial(message, ++client->serial);
    g_autofree guint8 *blob = g_dbus_message_to_blob(message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
    g_assert_no_error(error);
    g_byte_array_append(bytes, blob, (guint)size);
    client->waits[client->serial] = TRUE;
    client->waiting++;
}

/* The first byte of each call says whether the replies to all so far are waited for before it. */
int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static FleetFuzzApi *api;
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GByteArray) received = g_byte_array_new();
    FleetFuzzInput input = {data, size};

    if (api == NULL)
        api = fleet_fuzz_api_new(FLEET_FUZZ_XML);
    fleet_fuzz_api_forget(api);
    fleet_fuzz_server_start();
    Client client = {.api = api};
    int fd = fleet_fuzz_server_connect();
    g_byte_array_append(bytes, (const guint8 *)handshake, sizeof(handshake) - 1);
    while (input.left > 0 && client.serial < CALLS_MAX) {
        if (fleet_fuzz_below(&input, 4) != 3) {
            if (!fleet_fuzz_server_exchange(fd, bytes->data, bytes->len, FALSE, received, all_answered, &client))
                g_error("fleetd closes the connection");
            g_byte_array_set_size(bytes, 0);
        }
        append_call(&client, &input, bytes);
    }
    if (!fleet_fuzz_server_exchange(fd, bytes->data, bytes->len, FALSE, received, all_answered, &client))
        g_error("fleetd closes the connection");
    close(fd);
    fleet_fuzz_server_was_changed();
    return 0;
}
