/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "connection.h"

#include <errno.h>
#include <mosquitto.h>
#include <string.h>
#include <sys/socket.h>

#define KEEPALIVE_SECONDS 60
#define CARE_USEC (20 * G_USEC_PER_SEC) /* the library wants to be asked now and then whether it is time for a ping */
#define PATIENCE_USEC (30 * G_USEC_PER_SEC) /* for the broker's answer to the greeting */

struct SimConnection {
    SimLoop *loop;                     /* weak */
    const SimBroker *broker;           /* weak */
    const SimConnectionEvents *events; /* static */
    gpointer data;                     /* weak */
    char *client_id;
    char *will_topic, *will_payload;
    struct mosquitto *client; /* NULL while it is down */
    SimWatch watch;
    SimTimer care;
    gboolean reached; /* the other end, by TCP or a socket in the file system; TLS and the greeting come after that */
    gboolean up;
    /* What the library says inside a call of it is taken up when that has returned: until then it must not be freed,
     * and what is published before it has taken in the broker's greeting would be sent twice. */
    guint inside;
    gboolean greeted, closing, ended;
    char *reason; /* for its end */
};

static void end(SimConnection *connection, const char *reason)
{
    if (!connection->ended)
        connection->reason = g_strdup(reason);
    connection->ended = TRUE;
}

static void on_connect(struct mosquitto *client, void *data, int code)
{
    SimConnection *connection = data;

    if (code == 0)
        connection->greeted = TRUE;
    else
        end(connection, mosquitto_connack_string(code));
}

static void on_disconnect(struct mosquitto *client, void *data, int code)
{
    end(data, code == 0 ? "closed" : mosquitto_strerror(code));
}

static void on_message(struct mosquitto *client, void *data, const struct mosquitto_message *message)
{
    SimConnection *connection = data;
    /* The library puts a 0 behind a payload, but gives none at all for an empty one. */
    const char *payload = message->payloadlen > 0 ? message->payload : "";

    if (!connection->ended)
        connection->events->message(
                message->topic, payload, (gsize)message->payloadlen, message->retain, connection->data);
}

static void on_publish(struct mosquitto *client, void *data, int number)
{
    SimConnection *connection = data;

    if (!connection->ended)
        connection->events->acknowledged(number, connection->data);
}

static void discard(SimConnection *connection)
{
    sim_loop_unwatch(connection->loop, &connection->watch);
    sim_loop_stop_timer(&connection->care);
    g_clear_pointer(&connection->client, mosquitto_destroy);
    g_clear_pointer(&connection->reason, g_free);
    connection->reached = connection->up = FALSE;
    connection->greeted = connection->closing = connection->ended = FALSE;
}

/* While a TLS begins, the library does not say that it waits for the other end to be reached, and may say that it wants
 * to write long after it has; each answer that comes then leads on. */
static gboolean wants_write(const SimConnection *connection)
{
    gboolean begins_tls = connection->broker->cafile != NULL && !connection->up;

    return !connection->reached || (!begins_tls && mosquitto_want_write(connection->client));
}

/* Takes up what the library has said, and watches its socket for what it wants now. */
static void settle(SimConnection *connection)
{
    if (connection->inside > 0 || connection->client == NULL)
        return;
    if (connection->greeted && !connection->ended) {
        connection->greeted = FALSE;
        connection->up = TRUE;
        sim_loop_set_timer(connection->loop, &connection->care, CARE_USEC);
        connection->events->up(connection->data);
        if (connection->client == NULL)
            return;
    }
    if (connection->ended) {
        g_autofree char *reason = g_steal_pointer(&connection->reason);

        discard(connection);
        connection->events->down(reason, connection->data);
        return;
    }
    sim_loop_watch(connection->loop, &connection->watch, mosquitto_socket(connection->client),
            EPOLLIN | (wants_write(connection) ? EPOLLOUT : 0));
}

/* To be put around each call of the library that may call back or lose the connection. */
static void enter(SimConnection *connection)
{
    connection->inside++;
}

static void leave(SimConnection *connection, int result)
{
    connection->inside--;
    if (result != MOSQ_ERR_SUCCESS)
        end(connection, result == MOSQ_ERR_ERRNO ? g_strerror(errno) : mosquitto_strerror(result));
    settle(connection);
}

/* The other end is reached, or cannot be: the library would wait on for a TLS that cannot come. */
static int finish_reaching(SimConnection *connection)
{
    int cause = 0;
    socklen_t size = sizeof(cause);

    if (getsockopt(mosquitto_socket(connection->client), SOL_SOCKET, SO_ERROR, &cause, &size) == 0 && cause != 0) {
        errno = cause;
        return MOSQ_ERR_ERRNO;
    }
    connection->reached = TRUE;
    return MOSQ_ERR_SUCCESS;
}

static void on_ready(guint32 events, gpointer data)
{
    SimConnection *connection = data;
    gboolean was_up = connection->up, is_tls = connection->broker->cafile != NULL;
    int result = MOSQ_ERR_SUCCESS;

    if (connection->client == NULL)
        return; /* it was closed since in the same turn of the loop */
    enter(connection);
    if (!connection->reached)
        result = finish_reaching(connection);
    /* Within TLS more may have been read from the socket than is handed out at once: the library goes on by itself,
     * but only if this is not left over from an earlier call, and not if it had to wait to write. */
    if (result == MOSQ_ERR_SUCCESS && (is_tls || events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
        errno = 0;
        result = mosquitto_loop_read(connection->client, 1);
    }
    if (result == MOSQ_ERR_SUCCESS && (!was_up || events & EPOLLOUT) && !connection->ended)
        result = mosquitto_loop_write(connection->client, 1);
    leave(connection, result);
}

static void on_care(gpointer data)
{
    SimConnection *connection = data;

    if (!connection->up) {
        end(connection, "the broker does not answer");
        settle(connection);
        return;
    }
    sim_loop_set_timer(connection->loop, &connection->care, CARE_USEC);
    enter(connection);
    leave(connection, mosquitto_loop_misc(connection->client));
}

SimConnection *sim_connection_new(
        SimLoop *loop, const SimBroker *broker, const char *client_id, const SimConnectionEvents *events, gpointer data)
{
    SimConnection *connection = g_new0(SimConnection, 1);

    connection->loop = loop;
    connection->broker = broker;
    connection->client_id = g_strdup(client_id);
    connection->events = events;
    connection->data = data;
    connection->watch = (SimWatch){.func = on_ready, .data = connection, .fd = -1};
    connection->care = (SimTimer){.func = on_care, .data = connection};
    return connection;
}

void sim_connection_free(SimConnection *connection)
{
    discard(connection);
    g_free(connection->client_id);
    g_free(connection->will_topic);
    g_free(connection->will_payload);
    g_free(connection);
}

void sim_connection_set_will(SimConnection *connection, const char *topic, const char *payload)
{
    g_free(connection->will_topic);
    g_free(connection->will_payload);
    connection->will_topic = g_strdup(topic);
    connection->will_payload = g_strdup(payload);
}

static int configure(SimConnection *connection)
{
    const SimBroker *broker = connection->broker;
    struct mosquitto *client = connection->client;
    int result = mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);

    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_disconnect_callback_set(client, on_disconnect);
    mosquitto_message_callback_set(client, on_message);
    mosquitto_publish_callback_set(client, on_publish);
    if (result == MOSQ_ERR_SUCCESS && connection->will_topic != NULL)
        result = mosquitto_will_set(client, connection->will_topic, (int)strlen(connection->will_payload),
                connection->will_payload, 1, true);
    if (result == MOSQ_ERR_SUCCESS && broker->username != NULL)
        result = mosquitto_username_pw_set(client, broker->username, broker->password);
    if (result == MOSQ_ERR_SUCCESS && broker->cafile != NULL)
        result = mosquitto_tls_set(client, broker->cafile, NULL, broker->cert, broker->key, NULL);
    return result;
}

gboolean sim_connection_open(SimConnection *connection, char **reason)
{
    const SimBroker *broker = connection->broker;

    connection->client = mosquitto_new(connection->client_id, true, connection);
    if (connection->client == NULL) {
        *reason = g_strdup(g_strerror(errno));
        return FALSE;
    }
    enter(connection);
    int result = configure(connection);
    if (result == MOSQ_ERR_SUCCESS)
        result = mosquitto_connect_async(connection->client, broker->host, broker->port, KEEPALIVE_SECONDS);
    connection->inside--;
    if (result != MOSQ_ERR_SUCCESS) {
        *reason = g_strdup(result == MOSQ_ERR_ERRNO ? g_strerror(errno) : mosquitto_strerror(result));
        discard(connection);
        return FALSE;
    }
    sim_loop_set_timer(connection->loop, &connection->care, PATIENCE_USEC);
    settle(connection);
    return TRUE;
}

gboolean sim_connection_is_up(const SimConnection *connection)
{
    return connection->up && !connection->closing && !connection->ended;
}

gboolean sim_connection_is_down(const SimConnection *connection)
{
    return connection->client == NULL;
}

int sim_connection_publish(SimConnection *connection, const char *topic, const char *payload, gboolean retained)
{
    int number = 0, result;

    if (!sim_connection_is_up(connection))
        return 0;
    enter(connection);
    result = mosquitto_publish(connection->client, &number, topic, (int)strlen(payload), payload, 1, retained);
    leave(connection, result);
    return result == MOSQ_ERR_SUCCESS ? number : 0;
}

void sim_connection_subscribe(SimConnection *connection, const char *first, const char *second)
{
    char *const filters[] = {(char *)first, (char *)second};

    if (!sim_connection_is_up(connection))
        return;
    enter(connection);
    leave(connection,
            mosquitto_subscribe_multiple(connection->client, NULL, G_N_ELEMENTS(filters), filters, 1, 0, NULL));
}

void sim_connection_unsubscribe(SimConnection *connection, const char *first, const char *second)
{
    char *const filters[] = {(char *)first, (char *)second};

    if (!sim_connection_is_up(connection))
        return;
    enter(connection);
    leave(connection, mosquitto_unsubscribe_multiple(connection->client, NULL, G_N_ELEMENTS(filters), filters, NULL));
}

void sim_connection_close(SimConnection *connection)
{
    if (!sim_connection_is_up(connection)) {
        sim_connection_drop(connection);
        return;
    }
    connection->closing = TRUE;
    enter(connection);
    leave(connection, mosquitto_disconnect(connection->client));
}

void sim_connection_drop(SimConnection *connection)
{
    if (connection->client == NULL)
        return;
    end(connection, "dropped");
    settle(connection);
}
