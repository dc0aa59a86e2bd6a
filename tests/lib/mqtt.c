/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/mqtt.h"

#include "lib/loop.h"
#include "lib/main.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <mosquitto.h>
#include <string.h>

#define KEEPALIVE_SECONDS 600
#define PRINTED 25 /* messages, so that they fit into what a check may say */

struct FleetTestMqtt {
    const FleetTestBroker *broker; /* weak */
    char *filter, *echo_topic;
    struct mosquitto *client;
    GSource *source;
    GPtrArray *messages; /* of FleetTestMessage */
    gboolean connected, subscribed, echoed;
    guint unacknowledged;
};

/* libmosquitto on the main loop. */
typedef struct {
    GSource source;
    struct mosquitto *client; /* weak */
    gpointer tag;
} Source;

static GIOCondition wanted_of(const Source *source)
{
    return G_IO_IN | (mosquitto_want_write(source->client) ? G_IO_OUT : 0);
}

static gboolean prepare(GSource *base, int *timeout)
{
    Source *source = (Source *)base;

    *timeout = -1;
    if (mosquitto_socket(source->client) >= 0)
        g_source_modify_unix_fd(base, source->tag, wanted_of(source));
    return FALSE;
}

static gboolean check(GSource *base)
{
    return g_source_query_unix_fd(base, ((Source *)base)->tag) != 0;
}

static gboolean dispatch(GSource *base, GSourceFunc callback, gpointer user_data)
{
    Source *source = (Source *)base;
    GIOCondition events = g_source_query_unix_fd(base, source->tag);
    int result = MOSQ_ERR_SUCCESS;

    /* Left over from an earlier call, it would have the library leave what TLS has read already. */
    errno = 0;
    if (events & ~G_IO_OUT)
        result = mosquitto_loop_read(source->client, 1);
    if (result == MOSQ_ERR_SUCCESS && events & G_IO_OUT)
        result = mosquitto_loop_write(source->client, 1);
    return result == MOSQ_ERR_SUCCESS && mosquitto_socket(source->client) >= 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static GSourceFuncs source_funcs = {.prepare = prepare, .check = check, .dispatch = dispatch};

static void attach(FleetTestMqtt *mqtt)
{
    Source *source = (Source *)g_source_new(&source_funcs, sizeof(Source));

    source->client = mqtt->client;
    source->tag = g_source_add_unix_fd(&source->source, mosquitto_socket(mqtt->client), wanted_of(source));
    g_source_attach(&source->source, NULL);
    mqtt->source = &source->source;
}

static void detach(FleetTestMqtt *mqtt)
{
    if (mqtt->source != NULL) {
        g_source_destroy(mqtt->source);
        g_source_unref(mqtt->source);
    }
    mqtt->source = NULL;
    g_clear_pointer(&mqtt->client, mosquitto_destroy);
    mqtt->connected = mqtt->subscribed = FALSE;
    mqtt->unacknowledged = 0;
}

static void on_connect(struct mosquitto *client, void *data, int code)
{
    if (code != 0)
        fleet_test_fail("the broker refuses: %s", mosquitto_connack_string(code));
    ((FleetTestMqtt *)data)->connected = TRUE;
}

static void on_subscribe(struct mosquitto *client, void *data, int number, int n, const int *granted)
{
    ((FleetTestMqtt *)data)->subscribed = TRUE;
}

static void on_publish(struct mosquitto *client, void *data, int number)
{
    ((FleetTestMqtt *)data)->unacknowledged--;
}

static void on_message(struct mosquitto *client, void *data, const struct mosquitto_message *message)
{
    FleetTestMqtt *mqtt = data;

    if (strcmp(message->topic, mqtt->echo_topic) == 0) {
        mqtt->echoed = TRUE;
        return;
    }
    FleetTestMessage *copy = g_new0(FleetTestMessage, 1);
    copy->topic = g_strdup(message->topic);
    copy->length = (gsize)message->payloadlen;
    copy->payload = g_malloc0(copy->length + 1);
    if (copy->length > 0)
        memcpy(copy->payload, message->payload, copy->length);
    copy->retained = message->retain;
    g_ptr_array_add(mqtt->messages, copy);
}

static void free_message(gpointer data)
{
    FleetTestMessage *message = data;

    g_free(message->topic);
    g_free(message->payload);
    g_free(message);
}

static void expect(int result, const char *what)
{
    if (result != MOSQ_ERR_SUCCESS)
        fleet_test_fail("cannot %s: %s", what, mosquitto_strerror(result));
}

static void wait_for(gboolean *flag, const char *what)
{
    if (!fleet_test_run_until(fleet_test_is_set, flag))
        fleet_test_fail("the broker does not answer: %s", what);
}

static void configure(FleetTestMqtt *mqtt)
{
    const FleetTestBrokerSettings *settings = fleet_test_broker_settings(mqtt->broker);
    const FleetTestCertificates *certificates = fleet_test_broker_certificates(mqtt->broker);

    /* Small messages that follow each other are not to wait for one another. */
    expect(mosquitto_int_option(mqtt->client, MOSQ_OPT_TCP_NODELAY, 1), "set TCP_NODELAY");
    mosquitto_connect_callback_set(mqtt->client, on_connect);
    mosquitto_subscribe_callback_set(mqtt->client, on_subscribe);
    mosquitto_publish_callback_set(mqtt->client, on_publish);
    mosquitto_message_callback_set(mqtt->client, on_message);
    if (settings->username != NULL)
        expect(mosquitto_username_pw_set(mqtt->client, settings->username, settings->password), "set a password");
    if (certificates != NULL)
        expect(mosquitto_tls_set(mqtt->client, fleet_test_certificates_authority(certificates), NULL,
                       fleet_test_certificates_client(certificates), fleet_test_certificates_client_key(certificates),
                       NULL),
                "set certificates");
}

static void subscribe(FleetTestMqtt *mqtt, const char *filter)
{
    mqtt->subscribed = FALSE;
    expect(mosquitto_subscribe(mqtt->client, NULL, filter, 1), "subscribe");
    wait_for(&mqtt->subscribed, "SUBSCRIBE");
}

static void connect_to_broker(FleetTestMqtt *mqtt)
{
    mqtt->client = mosquitto_new(NULL, true, mqtt);
    configure(mqtt);
    expect(mosquitto_connect(mqtt->client, fleet_test_broker_host(mqtt->broker), fleet_test_broker_port(mqtt->broker),
                   KEEPALIVE_SECONDS),
            "connect");
    attach(mqtt);
    wait_for(&mqtt->connected, "CONNECT");
    subscribe(mqtt, mqtt->echo_topic);
    if (mqtt->filter != NULL)
        subscribe(mqtt, mqtt->filter);
}

FleetTestMqtt *fleet_test_mqtt_new(const FleetTestBroker *broker, const char *filter)
{
    static guint number;
    FleetTestMqtt *mqtt = g_new0(FleetTestMqtt, 1);

    mosquitto_lib_init();
    mqtt->broker = broker;
    mqtt->filter = g_strdup(filter);
    mqtt->echo_topic = g_strdup_printf("echo/%u", number++);
    mqtt->messages = g_ptr_array_new_with_free_func(free_message);
    connect_to_broker(mqtt);
    return mqtt;
}

void fleet_test_mqtt_free(FleetTestMqtt *mqtt)
{
    if (mqtt->connected)
        (void)mosquitto_disconnect(mqtt->client);
    detach(mqtt);
    g_ptr_array_unref(mqtt->messages);
    g_free(mqtt->filter);
    g_free(mqtt->echo_topic);
    g_free(mqtt);
}

void fleet_test_mqtt_reconnect(FleetTestMqtt *mqtt)
{
    detach(mqtt);
    connect_to_broker(mqtt);
}

static void queue(FleetTestMqtt *mqtt, const char *topic, const void *payload, gsize length, gboolean retained)
{
    mqtt->unacknowledged++;
    expect(mosquitto_publish(mqtt->client, NULL, topic, (int)length, payload, 1, retained), "publish");
}

static gboolean all_acknowledged(gpointer data)
{
    return ((const FleetTestMqtt *)data)->unacknowledged == 0;
}

void fleet_test_mqtt_flush(FleetTestMqtt *mqtt)
{
    if (!fleet_test_run_until(all_acknowledged, mqtt))
        fleet_test_fail("the broker does not answer: PUBLISH");
}

void fleet_test_mqtt_queue(FleetTestMqtt *mqtt, const char *topic, const char *payload, gboolean retained)
{
    queue(mqtt, topic, payload, strlen(payload), retained);
}

void fleet_test_mqtt_publish_bytes(
        FleetTestMqtt *mqtt, const char *topic, const void *payload, gsize length, gboolean retained)
{
    queue(mqtt, topic, payload, length, retained);
    fleet_test_mqtt_flush(mqtt);
}

void fleet_test_mqtt_publish(FleetTestMqtt *mqtt, const char *topic, const char *payload, gboolean retained)
{
    fleet_test_mqtt_publish_bytes(mqtt, topic, payload, strlen(payload), retained);
}

guint fleet_test_mqtt_count(const FleetTestMqtt *mqtt)
{
    return mqtt->messages->len;
}

const FleetTestMessage *fleet_test_mqtt_get(const FleetTestMqtt *mqtt, guint i)
{
    g_assert(i < mqtt->messages->len);
    return mqtt->messages->pdata[i];
}

/* A broker sends to one client in the order in which it has got it. */
void fleet_test_mqtt_settle(FleetTestMqtt *mqtt)
{
    mqtt->echoed = FALSE;
    fleet_test_mqtt_queue(mqtt, mqtt->echo_topic, "", FALSE);
    wait_for(&mqtt->echoed, "PUBLISH");
}

typedef struct {
    const FleetTestMqtt *mqtt;
    guint next;
    FleetTestMessageFunc wanted;
    gpointer user_data;
} Search;

static gboolean has_come(gpointer data)
{
    Search *search = data;

    for (; search->next < search->mqtt->messages->len; search->next++) {
        if (search->wanted(search->mqtt->messages->pdata[search->next], search->user_data))
            return TRUE;
    }
    return FALSE;
}

guint fleet_test_mqtt_wait_at(
        const char *file, int line, FleetTestMqtt *mqtt, guint from, FleetTestMessageFunc wanted, gpointer user_data)
{
    Search search = {mqtt, from, wanted, user_data};

    if (!fleet_test_run_until(has_come, &search)) {
        g_autofree char *all = fleet_test_mqtt_print(mqtt);
        fleet_test_fail_at(file, line, "the message did not come; the last that did:%s", all);
    }
    return search.next;
}

char *fleet_test_message_string(const FleetTestMessage *message, const char *member)
{
    g_autoptr(JsonNode) root = message->length > 0 ? json_from_string(message->payload, NULL) : NULL;
    JsonNode *node = NULL;

    if (root != NULL && JSON_NODE_HOLDS_OBJECT(root))
        node = json_object_get_member(json_node_get_object(root), member);
    return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_dup_string(node) : NULL;
}

typedef struct {
    const char *topic, *status;
} StatusWanted;

static gboolean has_status(const FleetTestMessage *message, gpointer user_data)
{
    const StatusWanted *wanted = user_data;

    if (strcmp(message->topic, wanted->topic) != 0)
        return FALSE;
    if (wanted->status == NULL || *wanted->status == '\0')
        return wanted->status == NULL || message->length == 0;
    g_autofree char *status = fleet_test_message_string(message, "status");
    return g_strcmp0(status, wanted->status) == 0;
}

guint fleet_test_mqtt_wait_status_at(
        const char *file, int line, FleetTestMqtt *mqtt, guint from, const char *topic, const char *status)
{
    StatusWanted wanted = {topic, status};

    return fleet_test_mqtt_wait_at(file, line, mqtt, from, has_status, &wanted);
}

char *fleet_test_mqtt_statuses(const FleetTestMqtt *mqtt, const char *topic)
{
    GString *statuses = g_string_new(NULL);

    for (guint i = 0; i < mqtt->messages->len; i++) {
        const FleetTestMessage *message = mqtt->messages->pdata[i];

        if (strcmp(message->topic, topic) != 0)
            continue;
        g_autofree char *status = fleet_test_message_string(message, "status");
        const char *otherwise = message->length == 0 ? "." : "-";
        g_string_append_printf(statuses, "%s%s", statuses->len > 0 ? " " : "", status != NULL ? status : otherwise);
    }
    return g_string_free(statuses, FALSE);
}

char *fleet_test_mqtt_print(const FleetTestMqtt *mqtt)
{
    guint first = mqtt->messages->len > PRINTED ? mqtt->messages->len - PRINTED : 0;
    GString *text = g_string_new(NULL);

    if (first > 0)
        g_string_append_printf(text, "\n  and %u before these:", first);
    for (guint i = first; i < mqtt->messages->len; i++) {
        const FleetTestMessage *message = mqtt->messages->pdata[i];

        g_string_append_printf(
                text, "\n  %s %s%s", message->topic, message->payload, message->retained ? " (retained)" : "");
    }
    return g_string_free(text, FALSE);
}
