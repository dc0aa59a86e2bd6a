/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/thin_edge/connection.h"

#include "base/clock.h"
#include "base/log.h"
#include "drivers/thin_edge/inbox.h"
#include "drivers/thin_edge/limit.h"
#include "drivers/thin_edge/resolver.h"

#include <string.h>
#include <sys/socket.h>

/* How long to wait before another attempt: at first, and at the most. Each is twice the one before, less up to half of
 * it by chance, so that not all clients of a broker come back at the same moment. */
#define FIRST_DELAY_MSEC 500
#define LAST_DELAY_MSEC 60000

/* One that has held for so long was good, and the next delay is the first one again. */
#define GOOD_USEC (60 * FLEET_USEC_PER_SEC)

/* What has not changed is told again after so long. */
#define TELL_AGAIN_USEC (3600 * FLEET_USEC_PER_SEC)

struct FleetThinEdgeConnection {
    const FleetThinEdgeConnectionFuncs *funcs;
    gpointer user_data;
    FleetThinEdgeSettings *settings; /* NULL before the start */
    FleetThinEdgeResolver *resolver; /* while it is asked */
    char **addresses;                /* of the broker; NULL = not known yet */
    guint next_address;              /* to be tried */
    FleetThinEdgeClient *client;
    FleetThinEdgeInbox *inbox;
    gboolean is_up;
    gint64 since; /* when it came up, µs of g_get_monotonic_time() */
    guint delay;  /* before the next attempt, ms; 0 = none was made yet */
    guint again;  /* a timeout, or 0 */
    char *told;   /* why there is no broker, as the log has it; NULL = there was one since */
    gint64 told_at;
    FleetThinEdgeLimit limit;
};

static void try_now(FleetThinEdgeConnection *connection);

static gboolean try_again(gpointer data)
{
    FleetThinEdgeConnection *connection = data;

    connection->again = 0;
    try_now(connection);
    return G_SOURCE_REMOVE;
}

static void try_later(FleetThinEdgeConnection *connection)
{
    guint delay = connection->delay == 0 ? FIRST_DELAY_MSEC : MIN(2 * connection->delay, LAST_DELAY_MSEC);

    connection->delay = delay;
    g_clear_pointer(&connection->addresses, g_strfreev);
    connection->again = g_timeout_add((guint)(delay * g_random_double_range(0.5, 1.0)), try_again, connection);
}

/* How often the log hears of a broker that comes and goes is limited. */
static void tell(FleetThinEdgeConnection *connection, int level, FleetMessage message, const char *text)
{
    guint64 left_out = 0;

    if (!fleet_thin_edge_limit_take(&connection->limit, &left_out))
        fleet_log_debug("%s", text);
    else if (left_out > 0)
        fleet_log_about(level, FLEET_LOG_SUBJECT(.message = message),
                "%s (%" G_GUINT64_FORMAT " changes of the connection were not told)", text, left_out);
    else
        fleet_log_about(level, FLEET_LOG_SUBJECT(.message = message), "%s", text);
}

static void tell_unreachable(FleetThinEdgeConnection *connection, const char *reason)
{
    gint64 now = g_get_monotonic_time();
    g_autofree char *text = g_strdup_printf(
            "the MQTT broker '%s' cannot be used: %s; trying again and again", connection->settings->broker, reason);

    if (g_strcmp0(connection->told, reason) == 0 && now - connection->told_at < TELL_AGAIN_USEC) {
        fleet_log_debug("%s", text);
        return;
    }
    g_free(connection->told);
    connection->told = g_strdup(reason);
    connection->told_at = now;
    tell(connection, LOG_WARNING, FLEET_MESSAGE_BROKER_UNREACHABLE, text);
}

/* The client's doings. */

static void up(gpointer user_data)
{
    FleetThinEdgeConnection *connection = user_data;
    g_autofree char *text = g_strdup_printf(
            "the MQTT broker '%s' lets us in, as '%s'", connection->settings->broker, connection->settings->client_id);

    connection->is_up = TRUE;
    connection->since = g_get_monotonic_time();
    g_clear_pointer(&connection->told, g_free);
    tell(connection, LOG_NOTICE, FLEET_MESSAGE_BROKER_CONNECTED, text);
    connection->funcs->up(connection->user_data);
}

/* The next address may be better, if it has not even let us in. */
static void attempt_failed(FleetThinEdgeConnection *connection, const char *reason)
{
    if (connection->addresses != NULL && connection->addresses[connection->next_address] != NULL) {
        fleet_log_debug("an address of the MQTT broker '%s' cannot be used: %s", connection->settings->broker, reason);
        try_now(connection);
        return;
    }
    tell_unreachable(connection, reason);
    try_later(connection);
}

static void lost(const char *reason, gpointer user_data)
{
    FleetThinEdgeConnection *connection = user_data;
    g_autofree char *why = g_strdup(reason);

    g_clear_pointer(&connection->client, fleet_thin_edge_client_free);
    if (!connection->is_up) {
        attempt_failed(connection, why);
        return;
    }
    g_autofree char *text =
            g_strdup_printf("the connection to the MQTT broker '%s' is lost: %s", connection->settings->broker, why);
    connection->is_up = FALSE;
    fleet_thin_edge_inbox_clear(connection->inbox); /* what matters is retained */
    if (g_get_monotonic_time() - connection->since >= GOOD_USEC)
        connection->delay = 0;
    tell(connection, LOG_WARNING, FLEET_MESSAGE_BROKER_LOST, text);
    try_later(connection);
    connection->funcs->down(connection->user_data);
}

static void message(const char *topic, const char *payload, gsize length, gpointer user_data)
{
    FleetThinEdgeConnection *connection = user_data;

    fleet_thin_edge_inbox_add(connection->inbox, topic, payload, length);
    if (fleet_thin_edge_inbox_is_full(connection->inbox))
        fleet_thin_edge_client_set_reading(connection->client, FALSE);
}

static void take_message(const char *topic, const char *payload, gsize length, gpointer user_data)
{
    const FleetThinEdgeConnection *connection = user_data;

    if (!fleet_thin_edge_inbox_is_full(connection->inbox))
        fleet_thin_edge_client_set_reading(connection->client, TRUE);
    connection->funcs->message(topic, payload, length, connection->user_data);
}

static void subscribed(guint id, const char *const *refusals, guint n, gpointer user_data)
{
    const FleetThinEdgeConnection *connection = user_data;

    connection->funcs->subscribed(id, refusals, n, connection->user_data);
}

static void published(guint64 id, const char *refusal, gpointer user_data)
{
    const FleetThinEdgeConnection *connection = user_data;

    connection->funcs->published(id, refusal, connection->user_data);
}

static const FleetThinEdgeClientFuncs client_funcs = {
        .up = up,
        .lost = lost,
        .message = message,
        .subscribed = subscribed,
        .published = published,
};

/* Attempts. */

static void resolved(const char *const *addresses, const char *failure, gpointer user_data)
{
    FleetThinEdgeConnection *connection = user_data;

    connection->resolver = NULL;
    if (addresses == NULL) {
        tell_unreachable(connection, failure);
        try_later(connection);
        return;
    }
    connection->addresses = g_strdupv((char **)addresses);
    connection->next_address = 0;
    try_now(connection);
}

static int family_of(const char *address)
{
    return strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
}

/* With TLS it is the name that the certificate is for. So the library is given that, and asks for the addresses anew,
 * right after somebody has answered; it takes the first one of a family. */
static void try_address(FleetThinEdgeConnection *connection)
{
    const char *address = connection->addresses[connection->next_address++];
    int family = family_of(address);
    gboolean by_name = connection->settings->ca_file != NULL;

    while (by_name && connection->addresses[connection->next_address] != NULL &&
            family_of(connection->addresses[connection->next_address]) == family)
        connection->next_address++;
    connection->client = fleet_thin_edge_client_new(connection->settings,
            by_name ? connection->settings->host : address, by_name ? family : 0, &client_funcs, connection);
}

static void try_now(FleetThinEdgeConnection *connection)
{
    FleetThinEdgeSettings *settings = connection->settings;

    if (connection->addresses != NULL)
        try_address(connection);
    else if (settings->port == 0 || g_hostname_is_ip_address(settings->host))
        connection->client = fleet_thin_edge_client_new(settings, settings->host, 0, &client_funcs, connection);
    else
        connection->resolver = fleet_thin_edge_resolver_start(settings->host, resolved, connection);
}

/* The beginning and the end. */

FleetThinEdgeConnection *fleet_thin_edge_connection_new(const FleetThinEdgeConnectionFuncs *funcs, gpointer user_data)
{
    FleetThinEdgeConnection *connection = g_new0(FleetThinEdgeConnection, 1);

    connection->funcs = funcs;
    connection->user_data = user_data;
    connection->inbox = fleet_thin_edge_inbox_new(take_message, connection);
    connection->limit = (FleetThinEdgeLimit)FLEET_THIN_EDGE_LIMIT_INIT(20, 5 * 60 * FLEET_USEC_PER_SEC);
    return connection;
}

static void stop(FleetThinEdgeConnection *connection)
{
    g_clear_pointer(&connection->resolver, fleet_thin_edge_resolver_cancel);
    g_clear_pointer(&connection->client, fleet_thin_edge_client_free);
    fleet_thin_edge_inbox_clear(connection->inbox);
    g_clear_pointer(&connection->addresses, g_strfreev);
    g_clear_pointer(&connection->told, g_free);
    g_clear_handle_id(&connection->again, g_source_remove);
    g_clear_pointer(&connection->settings, fleet_thin_edge_settings_unref);
    connection->delay = 0;
}

void fleet_thin_edge_connection_free(FleetThinEdgeConnection *connection)
{
    stop(connection);
    fleet_thin_edge_inbox_free(connection->inbox);
    g_free(connection);
}

void fleet_thin_edge_connection_start(FleetThinEdgeConnection *connection, FleetThinEdgeSettings *settings)
{
    gboolean was_up = connection->is_up;

    connection->is_up = FALSE;
    stop(connection);
    connection->settings = fleet_thin_edge_settings_ref(settings);
    if (was_up)
        connection->funcs->down(connection->user_data);
    if (settings->host != NULL)
        try_now(connection);
}

FleetThinEdgeClient *fleet_thin_edge_connection_client(const FleetThinEdgeConnection *connection)
{
    return connection->is_up ? connection->client : NULL;
}
