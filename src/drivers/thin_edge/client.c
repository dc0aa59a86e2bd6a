/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/thin_edge/client.h"

#include "base/clock.h"
#include "base/quotable.h"
#include "drivers/thin_edge/message.h"

#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* So long may it take until the broker lets us in. */
#define CONNECT_USEC (30 * FLEET_USEC_PER_SEC)

/* Messages that the library has, and the broker has not confirmed. All others wait here: the library reads as many
 * packets in one go as it has messages. */
#define WINDOW 16

/* The broker may send so many messages before we confirm the first: as many as it likes. */
#define RECEIVE_MAXIMUM 65535

/* What a packet has besides its payload. */
#define PACKET_MAX (FLEET_THIN_EDGE_PAYLOAD_MAX + 4096)

/* So long is read in one turn of the loop: more than others have, for brokers drop what is not read, and reading is the
 * smallest part of the work that a message makes (inbox.h). */
#define READ_USEC 500

#define REFUSED 0x80 /* the first reason code that is one for a refusal */

typedef struct {
    guint64 id;
    char *topic, *payload;
    gboolean retained;
} Outgoing;

struct FleetThinEdgeClient {
    FleetThinEdgeSettings *settings;
    const FleetThinEdgeClientFuncs *funcs;
    gpointer user_data;
    struct mosquitto *library;
    GSource *source;
    gpointer tag; /* of the socket in the source; NULL = it has none */
    int fd;       /* the library's */
    gboolean is_connected, is_up, is_deaf;
    char *failure;     /* why it is over; NULL = it is not */
    char *tls_failure; /* what the library said of it */
    gint64 deadline;   /* until it has to be up; µs of g_get_monotonic_time(), as those below */
    gint64 last_out, last_in;
    gint64 keep_alive;       /* µs */
    GQueue outbox;           /* of Outgoing */
    GHashTable *unconfirmed; /* the library's id -> guint64 * */
    guint64 last_id;
};

/* What the main loop knows it by. */
typedef struct {
    GSource source;
    FleetThinEdgeClient *client;
} Source;

static void free_outgoing(gpointer data)
{
    Outgoing *outgoing = data;

    g_free(outgoing->topic);
    g_free(outgoing->payload);
    g_free(outgoing);
}

/* Failures. The first one counts; whoever has to know is told on the next turn of the loop. */

void fleet_thin_edge_client_fail(FleetThinEdgeClient *client, const char *reason)
{
    if (client->failure != NULL)
        return;
    client->failure = fleet_printable(reason);
    g_source_set_ready_time(client->source, 0);
}

/* With TLS 1.3 a broker that wants a certificate lets the greeting pass and then hangs up; whether its reason arrives
 * before that is a matter of luck. */
static const char *describe(const FleetThinEdgeClient *client, int result, int cause)
{
    gboolean greets = client->settings->ca_file != NULL && client->is_connected && !client->is_up;

    if (greets && client->tls_failure != NULL)
        return client->tls_failure;
    if (greets && (result == MOSQ_ERR_CONN_LOST || result == MOSQ_ERR_NO_CONN || result == MOSQ_ERR_ERRNO))
        return "it has ended the TLS before it let us in; it may want a certificate of ours, or another one";
    switch (result) {
    case MOSQ_ERR_ERRNO:
        return g_strerror(cause);
    case MOSQ_ERR_EAI:
        return gai_strerror(cause);
    case MOSQ_ERR_TLS:
        return client->tls_failure != NULL ? client->tls_failure : mosquitto_strerror(result);
    case MOSQ_ERR_KEEPALIVE:
        return "it does not answer any more";
    case MOSQ_ERR_CONN_LOST:
    case MOSQ_ERR_NO_CONN:
        return "it has closed the connection";
    default:
        return mosquitto_strerror(result);
    }
}

/* What a call of the library's has come to. */
static gboolean check(FleetThinEdgeClient *client, int result)
{
    int cause = errno;

    if (result == MOSQ_ERR_SUCCESS && mosquitto_socket(client->library) >= 0)
        return TRUE;
    fleet_thin_edge_client_fail(
            client, describe(client, result != MOSQ_ERR_SUCCESS ? result : MOSQ_ERR_CONN_LOST, cause));
    return FALSE;
}

/* What the library calls. It looks at errno when a call has come back, and would leave what TLS has read already if it
 * found something there. */

static const char *describe_refusal(int code)
{
    switch (code) {
    case 1: /* what brokers of MQTT 3 say */
    case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION:
        return "it does not speak MQTT 5";
    case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
        return "it refuses the user name or the password";
    case MQTT_RC_NOT_AUTHORIZED:
        return "it does not let us in: Username=, PasswordFile= and the certificate do not satisfy it";
    default:
        return mosquitto_reason_string(code);
    }
}

/* What the broker must be able to do is everything that is not forbidden by a property. */
static const char *find_lack(const mosquitto_property *properties)
{
    uint8_t value;

    if (mosquitto_property_read_byte(properties, MQTT_PROP_RETAIN_AVAILABLE, &value, false) != NULL && value == 0)
        return "it does not retain messages";
    if (mosquitto_property_read_byte(properties, MQTT_PROP_MAXIMUM_QOS, &value, false) != NULL && value == 0)
        return "it does not confirm messages (QoS 1)";
    if (mosquitto_property_read_byte(properties, MQTT_PROP_WILDCARD_SUB_AVAILABLE, &value, false) != NULL && value == 0)
        return "it does not allow filters with wildcards";
    return NULL;
}

static void on_connect(struct mosquitto *library, void *data, int code, int flags, const mosquitto_property *properties)
{
    FleetThinEdgeClient *client = data;
    const char *lack = find_lack(properties);
    uint16_t keep_alive;

    if (code != 0 || lack != NULL) {
        fleet_thin_edge_client_fail(client, code != 0 ? describe_refusal(code) : lack);
        return;
    }
    if (mosquitto_property_read_int16(properties, MQTT_PROP_SERVER_KEEP_ALIVE, &keep_alive, false) != NULL &&
            keep_alive > 0)
        client->keep_alive = keep_alive * FLEET_USEC_PER_SEC;
    client->is_up = TRUE;
    mosquitto_log_callback_set(library, NULL);
    client->funcs->up(client->user_data);
    errno = 0;
}

static void on_disconnect(struct mosquitto *library, void *data, int code, const mosquitto_property *properties)
{
    if (code == MQTT_RC_SESSION_TAKEN_OVER)
        fleet_thin_edge_client_fail(data, "another client has taken our place; give each its own ClientId=");
    else if (code >= REFUSED)
        fleet_thin_edge_client_fail(data, mosquitto_reason_string(code));
}

/* Set only as long as it is not up: the library makes up its messages for nobody otherwise. */
static void on_log(struct mosquitto *library, void *data, int level, const char *text)
{
    FleetThinEdgeClient *client = data;

    if (level == MOSQ_LOG_ERR && client->tls_failure == NULL)
        client->tls_failure = g_strconcat("TLS has failed: ", text, NULL);
}

static void on_message(struct mosquitto *library, void *data, const struct mosquitto_message *message)
{
    FleetThinEdgeClient *client = data;

    if (message->qos > 0)
        client->last_out = g_get_monotonic_time(); /* it is confirmed */
    if (client->failure == NULL)
        client->funcs->message(message->topic, message->payload, (gsize)message->payloadlen, client->user_data);
    errno = 0;
}

static void on_subscribe(
        struct mosquitto *library, void *data, int id, int n, const int *codes, const mosquitto_property *properties)
{
    FleetThinEdgeClient *client = data;
    g_autofree const char **refusals = g_new0(const char *, (gsize)n + 1);

    for (int i = 0; i < n; i++)
        if (codes[i] >= REFUSED)
            refusals[i] = mosquitto_reason_string(codes[i]);
    client->funcs->subscribed((guint)id, refusals, (guint)n, client->user_data);
    errno = 0;
}

static void on_publish(struct mosquitto *library, void *data, int id, int code, const mosquitto_property *properties)
{
    FleetThinEdgeClient *client = data;
    gpointer ours = NULL;

    if (!g_hash_table_steal_extended(client->unconfirmed, GINT_TO_POINTER(id), NULL, &ours))
        return;
    guint64 which = *(guint64 *)ours;
    g_free(ours);
    client->funcs->published(which, code >= REFUSED ? mosquitto_reason_string(code) : NULL, client->user_data);
    errno = 0;
}

/* The socket. */

/* Is there something for which the window has room? */
static gboolean can_flush(const FleetThinEdgeClient *client)
{
    return client->outbox.head != NULL && g_hash_table_size(client->unconfirmed) < WINDOW;
}

static void flush(FleetThinEdgeClient *client)
{
    while (client->failure == NULL && can_flush(client)) {
        Outgoing *outgoing = g_queue_pop_head(&client->outbox);
        int id = 0;
        int result = mosquitto_publish(client->library, &id, outgoing->topic, (int)strlen(outgoing->payload),
                outgoing->payload, 1, outgoing->retained);

        client->last_out = g_get_monotonic_time();
        if (result == MOSQ_ERR_OVERSIZE_PACKET || result == MOSQ_ERR_PAYLOAD_SIZE || result == MOSQ_ERR_INVAL)
            client->funcs->published(outgoing->id, mosquitto_strerror(result), client->user_data);
        else if (check(client, result))
            g_hash_table_insert(
                    client->unconfirmed, GINT_TO_POINTER(id), g_memdup2(&outgoing->id, sizeof(outgoing->id)));
        free_outgoing(outgoing);
    }
}

/* Once TCP is through: whether it is. The library would wait on for a TLS that cannot come. */
static gboolean finish_connecting(FleetThinEdgeClient *client)
{
    int cause = 0;
    socklen_t size = sizeof(cause);

    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &cause, &size) == 0 && cause != 0) {
        fleet_thin_edge_client_fail(client, g_strerror(cause));
        return FALSE;
    }
    client->is_connected = TRUE;
    return TRUE;
}

static gboolean is_readable(const FleetThinEdgeClient *client)
{
    struct pollfd wait = {.fd = client->fd, .events = POLLIN};

    return poll(&wait, 1, 0) > 0;
}

/* The other end may wait for our confirmations before it sends on. */
static void confirm_at_once(const FleetThinEdgeClient *client)
{
    int on = 1;

    if (client->settings->port != 0)
        setsockopt(client->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static void read_some(FleetThinEdgeClient *client)
{
    gint64 end = g_get_monotonic_time() + READ_USEC;

    do {
        if (!check(client, mosquitto_loop_read(client->library, 1)))
            return;
        client->last_in = g_get_monotonic_time();
    } while (client->last_in < end && !client->is_deaf && is_readable(client));
    confirm_at_once(client);
}

/* As long as a TLS greets, it is the reading that gets on; what is to be written waits for it. Later it may have read
 * what the library had to leave because it could not write. */
static void handle_socket(FleetThinEdgeClient *client, GIOCondition condition)
{
    gboolean reads = !client->is_up || (condition != 0 && client->settings->ca_file != NULL);
    int rest = 0;

    if (!client->is_connected && ((condition & (G_IO_OUT | G_IO_ERR | G_IO_HUP)) == 0 || !finish_connecting(client)))
        return;
    if (((condition & G_IO_IN) != 0 || reads) && !client->is_deaf)
        read_some(client);
    if (client->failure == NULL && ((condition & G_IO_OUT) != 0 || !client->is_up) &&
            !check(client, mosquitto_loop_write(client->library, 1)))
        return;
    if (client->failure == NULL && !client->is_deaf && (condition & (G_IO_ERR | G_IO_HUP)) != 0 &&
            (ioctl(client->fd, FIONREAD, &rest) < 0 || rest == 0))
        fleet_thin_edge_client_fail(client, describe(client, MOSQ_ERR_CONN_LOST, 0));
}

/* When something has to be done though nothing comes. */
static gint64 next_moment(const FleetThinEdgeClient *client)
{
    return client->is_up ? MIN(client->last_in, client->last_out) + client->keep_alive : client->deadline;
}

static void handle_time(FleetThinEdgeClient *client)
{
    gint64 now = g_get_monotonic_time();

    if (now < next_moment(client))
        return;
    if (!client->is_up) {
        fleet_thin_edge_client_fail(client, "it does not answer");
        return;
    }
    if (check(client, mosquitto_loop_misc(client->library)))
        client->last_in = client->last_out = now;
}

/* While a TLS greets, the library may say that it wants to write long after it has. */
static void update_source(FleetThinEdgeClient *client)
{
    gboolean greets = client->settings->ca_file != NULL && !client->is_up;
    gboolean writes = !client->is_connected || (!greets && mosquitto_want_write(client->library));
    GIOCondition reads = client->is_deaf ? 0 : G_IO_IN;

    g_source_modify_unix_fd(client->source, client->tag, writes ? reads | G_IO_OUT : reads);
    g_source_set_ready_time(client->source, can_flush(client) ? 0 : next_moment(client));
}

/* Is the last thing that happens to a client. */
static void tell_lost(FleetThinEdgeClient *client)
{
    g_source_set_ready_time(client->source, -1);
    if (client->tag != NULL)
        g_source_remove_unix_fd(client->source, client->tag);
    client->tag = NULL;
    client->is_up = FALSE;
    client->funcs->lost(client->failure, client->user_data);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    FleetThinEdgeClient *client = ((Source *)source)->client;

    if (client->failure == NULL) {
        handle_socket(client, g_source_query_unix_fd(source, client->tag));
        if (client->failure == NULL)
            handle_time(client);
        flush(client);
        if (client->failure == NULL)
            update_source(client);
    }
    if (client->failure != NULL)
        tell_lost(client);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = dispatch};

/* What was asked for from outside a dispatch goes out, and the loop has to know if it could not at once. */
static void push(FleetThinEdgeClient *client)
{
    client->last_out = g_get_monotonic_time();
    if (client->failure == NULL)
        update_source(client);
}

void fleet_thin_edge_client_set_reading(FleetThinEdgeClient *client, gboolean reading)
{
    if (client->is_deaf != reading || client->failure != NULL)
        return;
    client->is_deaf = !reading;
    update_source(client);
}

/* The beginning and the end. */

/* A key that wants a password is of no use to a daemon; OpenSSL would ask on the terminal. */
static int refuse_password(char *buffer, int size, int is_written, void *data)
{
    return 0;
}

static int set_options(FleetThinEdgeClient *client)
{
    const FleetThinEdgeSettings *settings = client->settings;
    struct mosquitto *library = client->library;
    mosquitto_property *properties = NULL;
    int result = mosquitto_int_option(library, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);

    if (result == MOSQ_ERR_SUCCESS)
        result = mosquitto_int_option(library, MOSQ_OPT_RECEIVE_MAXIMUM, RECEIVE_MAXIMUM);
    if (result == MOSQ_ERR_SUCCESS)
        result = mosquitto_int_option(library, MOSQ_OPT_TCP_NODELAY, settings->port != 0);
    if (result == MOSQ_ERR_SUCCESS && settings->username != NULL)
        result = mosquitto_username_pw_set(library, settings->username, settings->password);
    if (result == MOSQ_ERR_SUCCESS && settings->ca_file != NULL)
        result = mosquitto_tls_set(
                library, settings->ca_file, NULL, settings->certificate_file, settings->key_file, refuse_password);
    if (result == MOSQ_ERR_SUCCESS)
        result = mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, PACKET_MAX);
    /* Of the calls that connect only one takes properties, and that one waits; without a host it ends before. */
    if (result == MOSQ_ERR_SUCCESS &&
            mosquitto_connect_bind_v5(library, NULL, 1, 60, NULL, properties) != MOSQ_ERR_INVAL)
        result = MOSQ_ERR_UNKNOWN;
    mosquitto_property_free_all(&properties);
    return result;
}

/* A socket of one family can be bound to that family's wildcard only, which is how others are passed over. */
static void begin(FleetThinEdgeClient *client, const char *host, int family)
{
    const char *bind = family == AF_INET ? "0.0.0.0" : family == AF_INET6 ? "::" : NULL;
    int result = set_options(client);

    errno = 0;
    if (result == MOSQ_ERR_SUCCESS)
        result = mosquitto_connect_bind_async(
                client->library, host, client->settings->port, (int)client->settings->keep_alive, bind);
    if (!check(client, result))
        return;
    client->fd = mosquitto_socket(client->library);
    if (fcntl(client->fd, F_SETFD, FD_CLOEXEC) < 0) {
        fleet_thin_edge_client_fail(client, g_strerror(errno));
        return;
    }
    client->tag = g_source_add_unix_fd(client->source, client->fd, G_IO_IN | G_IO_OUT);
    g_source_set_ready_time(client->source, client->deadline);
}

/* It is never cleaned up: that would take away from OpenSSL what the next connection needs. */
static void start_library(void)
{
    static gboolean is_started;

    if (!is_started && mosquitto_lib_init() != MOSQ_ERR_SUCCESS)
        g_error("libmosquitto does not start");
    is_started = TRUE;
}

FleetThinEdgeClient *fleet_thin_edge_client_new(FleetThinEdgeSettings *settings, const char *host, int family,
        const FleetThinEdgeClientFuncs *funcs, gpointer user_data)
{
    FleetThinEdgeClient *client = g_new0(FleetThinEdgeClient, 1);

    start_library();
    client->settings = fleet_thin_edge_settings_ref(settings);
    client->funcs = funcs;
    client->user_data = user_data;
    client->fd = -1;
    client->unconfirmed = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    client->keep_alive = settings->keep_alive * FLEET_USEC_PER_SEC;
    client->last_in = client->last_out = g_get_monotonic_time();
    client->deadline = client->last_in + CONNECT_USEC;
    client->source = g_source_new(&source_funcs, sizeof(Source));
    ((Source *)client->source)->client = client;
    g_source_set_static_name(client->source, "thin-edge");
    g_source_attach(client->source, NULL);
    client->library = mosquitto_new(settings->client_id, true, client);
    if (client->library == NULL)
        g_error("libmosquitto makes no client: %s", g_strerror(errno));
    mosquitto_log_callback_set(client->library, on_log);
    mosquitto_connect_v5_callback_set(client->library, on_connect);
    mosquitto_disconnect_v5_callback_set(client->library, on_disconnect);
    mosquitto_message_callback_set(client->library, on_message);
    mosquitto_subscribe_v5_callback_set(client->library, on_subscribe);
    mosquitto_publish_v5_callback_set(client->library, on_publish);
    begin(client, host, family);
    return client;
}

/* A goodbye that does not go out at once is not worth waiting for. */
void fleet_thin_edge_client_free(FleetThinEdgeClient *client)
{
    if (client->is_up && client->failure == NULL)
        (void)mosquitto_disconnect(client->library);
    mosquitto_destroy(client->library);
    g_source_destroy(client->source);
    g_source_unref(client->source);
    g_queue_clear_full(&client->outbox, free_outgoing);
    g_hash_table_unref(client->unconfirmed);
    fleet_thin_edge_settings_unref(client->settings);
    g_free(client->failure);
    g_free(client->tls_failure);
    g_free(client);
}

guint fleet_thin_edge_client_subscribe(FleetThinEdgeClient *client, const char *const *filters, guint n)
{
    int id = 0;

    if (client->failure == NULL)
        (void)check(client, mosquitto_subscribe_multiple(client->library, &id, (int)n, (char *const *)filters, 1,
                                    MQTT_SUB_OPT_SEND_RETAIN_ALWAYS, NULL));
    push(client);
    return (guint)id;
}

void fleet_thin_edge_client_unsubscribe(FleetThinEdgeClient *client, const char *const *filters, guint n)
{
    if (client->failure == NULL)
        (void)check(
                client, mosquitto_unsubscribe_multiple(client->library, NULL, (int)n, (char *const *)filters, NULL));
    push(client);
}

guint64 fleet_thin_edge_client_publish(
        FleetThinEdgeClient *client, const char *topic, const char *payload, gboolean retained)
{
    Outgoing *outgoing = g_new0(Outgoing, 1);

    outgoing->id = ++client->last_id;
    outgoing->topic = g_strdup(topic);
    outgoing->payload = g_strdup(payload);
    outgoing->retained = retained;
    g_queue_push_tail(&client->outbox, outgoing);
    g_source_set_ready_time(client->source, 0); /* nobody is told of it before its id is known */
    return client->last_id;
}
