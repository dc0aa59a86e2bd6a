/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a broker retains arrives in one go after a subscription, and mosquitto drops what exceeds its queue (1,000
 * messages by default): of a large fleet that is nearly all. So devices are fetched a slice at a time. That a slice is
 * complete is told by a mark, a message on a topic of our own: the broker sends it behind all that was asked for
 * before. A slice of which so much came that something may have been dropped is fetched again, in smaller ones.
 *
 * Marks are retained. So the broker, when it is found again, tells by the last one whether it has forgotten anything.
 */

#include "drivers/thin_edge/private.h"

#include "base/log.h"
#include "drivers/thin_edge/topic.h"

#include <string.h>

#define SLICE_DEVICES 64

/* More messages than that in one slice are suspicious: brokers that are set up to drop early do so at 1,000. */
#define SLICE_MESSAGES 500

/* Topics of a device: its commands and capabilities, and its health. */
#define FILTERS 2

/* One device of which so much comes is asked for so often: it may be others that have so much to say. */
#define TRIES_MAX 3

/* A mark that has not come back by then may have been dropped, and another one is made; so often. */
#define MARK_MSEC 5000
#define MARKS_MAX 12

/* With so many registrations at once, the broker may have had more. */
#define REGISTRATIONS_MANY 1000

struct FleetThinEdgeSync {
    FleetThinEdge *self;
    char *topic;         /* of the marks; NULL while there is no broker */
    char nonce[17];      /* of this fleetd */
    guint64 sent;        /* the last mark that was made; numbers go on from connection to connection */
    guint64 first;       /* of this connection */
    guint64 came;        /* the last one that has come back */
    guint64 recalled;    /* the one that the broker still had; 0 = none of ours */
    guint64 publication; /* of the last mark */
    guint overdue;       /* a timeout, or 0 */
    guint late;          /* so many marks in a row have not come back */
    guint own;           /* the subscription to the marks */
    GQueue waiting;      /* of FleetThinEdgeDevice */
    guint size;          /* of the next slice */
    GPtrArray *slice;    /* of FleetThinEdgeDevice, which may have gone (NULL) by now */
    guint64 slice_mark;  /* 0 = there is no slice under way */
    guint subscription;  /* of the slice */
    guint messages;      /* that came since its beginning */
    guint tries;         /* of slices of one device that were too much */
};

FleetThinEdgeSync *fleet_thin_edge_sync_new(FleetThinEdge *self)
{
    FleetThinEdgeSync *sync = g_new0(FleetThinEdgeSync, 1);

    sync->self = self;
    sync->slice = g_ptr_array_new();
    g_snprintf(sync->nonce, sizeof(sync->nonce), "%08x%08x", g_random_int(), g_random_int());
    return sync;
}

void fleet_thin_edge_sync_free(FleetThinEdgeSync *sync)
{
    fleet_thin_edge_sync_end(sync);
    g_ptr_array_unref(sync->slice);
    g_free(sync);
}

/* Marks. */

/* Without them nothing works. */
static void refuse(FleetThinEdgeSync *sync, const char *fault)
{
    g_autofree char *reason =
            g_strdup_printf("messages on '%s' do not pass it (%s); allow '%s' to read and write there", sync->topic,
                    fault, sync->self->settings->client_id);

    fleet_thin_edge_client_fail(fleet_thin_edge_client(sync->self), reason);
}

static gboolean is_overdue(gpointer data)
{
    FleetThinEdgeSync *sync = data;

    sync->overdue = 0;
    if (++sync->late < MARKS_MAX)
        (void)fleet_thin_edge_sync_mark(sync);
    else
        refuse(sync, "they do not come back");
    return G_SOURCE_REMOVE;
}

static void expect(FleetThinEdgeSync *sync)
{
    g_clear_handle_id(&sync->overdue, g_source_remove);
    if (sync->came < sync->sent)
        sync->overdue = g_timeout_add(MARK_MSEC, is_overdue, sync);
}

guint64 fleet_thin_edge_sync_mark(FleetThinEdgeSync *sync)
{
    g_autofree char *payload = g_strdup_printf("%s %" G_GUINT64_FORMAT, sync->nonce, ++sync->sent);

    sync->publication = fleet_thin_edge_client_publish(fleet_thin_edge_client(sync->self), sync->topic, payload, TRUE);
    if (sync->overdue == 0)
        expect(sync);
    return sync->sent;
}

gboolean fleet_thin_edge_sync_remembers(const FleetThinEdgeSync *sync, guint64 mark)
{
    return sync->recalled >= mark;
}

/* The number in a mark of ours, or 0. */
static guint64 read_mark(const FleetThinEdgeSync *sync, const char *payload, gsize length)
{
    g_autofree char *text = length < 64 ? g_strndup(payload, length) : NULL;
    guint64 number;

    if (text == NULL || !g_str_has_prefix(text, sync->nonce) || text[strlen(sync->nonce)] != ' ' ||
            !g_ascii_string_to_unsigned(text + strlen(sync->nonce) + 1, 10, 1, sync->sent, &number, NULL))
        return 0;
    return number;
}

gboolean fleet_thin_edge_sync_published(FleetThinEdgeSync *sync, guint64 id, const char *refusal)
{
    if (id != sync->publication)
        return FALSE;
    if (refusal != NULL)
        refuse(sync, refusal);
    return TRUE;
}

/* Slices. */

static void add_filters(const FleetThinEdgeSync *sync, const FleetThinEdgeDevice *device, GPtrArray *filters)
{
    const FleetThinEdgeSettings *settings = sync->self->settings;

    g_ptr_array_add(filters, fleet_thin_edge_filter_commands(settings->root, device->address));
    g_ptr_array_add(filters, fleet_thin_edge_filter_health(settings->root, device->address, settings->health_service));
}

/* Commands that were sent when the device, or the root of all topics, was another one. */
static void add_filters_elsewhere(const FleetThinEdgeSync *sync, const FleetThinEdgeDevice *device, GPtrArray *filters)
{
    g_autofree char *filter = fleet_thin_edge_filter_commands(sync->self->settings->root, device->address);

    filter[strlen(filter) - strlen("#")] = '\0';
    for (GSList *i = device->commands; i != NULL; i = i->next) {
        const char *topic = fleet_thin_edge_command_elsewhere(i->data, filter);

        if (topic != NULL)
            g_ptr_array_add(filters, g_strdup(topic));
    }
}

static void stop_waiting(FleetThinEdgeSync *sync, FleetThinEdgeDevice *device)
{
    if (device->is_waiting)
        g_queue_unlink(&sync->waiting, &device->waiting);
    device->is_waiting = FALSE;
}

/* The filters of single commands come last, so that it is known whose the others are. */
static void fetch_slice(FleetThinEdgeSync *sync)
{
    g_autoptr(GPtrArray) filters = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) elsewhere = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_set_size(sync->slice, 0);
    while (sync->slice->len < sync->size && !g_queue_is_empty(&sync->waiting)) {
        FleetThinEdgeDevice *device = g_queue_peek_head(&sync->waiting);

        stop_waiting(sync, device);
        g_ptr_array_add(sync->slice, device);
        device->heard = 0;
        device->refusal = NULL;
        fleet_thin_edge_commands_seek(device);
        add_filters(sync, device, filters);
        add_filters_elsewhere(sync, device, elsewhere);
    }
    g_ptr_array_extend_and_steal(filters, g_steal_pointer(&elsewhere));
    sync->messages = 0;
    sync->subscription = fleet_thin_edge_client_subscribe(
            fleet_thin_edge_client(sync->self), (const char *const *)filters->pdata, filters->len);
    sync->slice_mark = fleet_thin_edge_sync_mark(sync);
}

/* If there is anything to be done, and nothing is being done. */
static void go_on(FleetThinEdgeSync *sync)
{
    if (sync->came >= sync->first && sync->slice_mark == 0 && !g_queue_is_empty(&sync->waiting))
        fetch_slice(sync);
}

void fleet_thin_edge_sync_fetch(FleetThinEdgeSync *sync, FleetThinEdgeDevice *device)
{
    if (sync->topic == NULL || device->is_waiting)
        return;
    device->is_waiting = TRUE;
    g_queue_push_tail_link(&sync->waiting, &device->waiting);
    go_on(sync);
}

void fleet_thin_edge_sync_leave(FleetThinEdgeSync *sync, FleetThinEdgeDevice *device)
{
    g_autoptr(GPtrArray) filters = g_ptr_array_new_with_free_func(g_free);
    guint place;

    if (sync->topic == NULL)
        return;
    stop_waiting(sync, device);
    if (g_ptr_array_find(sync->slice, device, &place))
        sync->slice->pdata[place] = NULL;
    add_filters(sync, device, filters);
    fleet_thin_edge_client_unsubscribe(
            fleet_thin_edge_client(sync->self), (const char *const *)filters->pdata, filters->len);
}

/* Something of it may have been dropped: once more, in smaller slices. */
static void fetch_again(FleetThinEdgeSync *sync)
{
    sync->size = MAX(sync->slice->len / 2, 1);
    for (guint i = sync->slice->len; i > 0; i--) {
        FleetThinEdgeDevice *device = sync->slice->pdata[i - 1];

        if (device == NULL || device->is_waiting)
            continue;
        device->is_waiting = TRUE;
        g_queue_push_head_link(&sync->waiting, &device->waiting);
    }
}

/* Is it certain, as far as it can be, that nothing was dropped? */
static gboolean is_complete(FleetThinEdgeSync *sync)
{
    const FleetThinEdgeDevice *first = sync->slice->pdata[0];

    if (sync->messages < SLICE_MESSAGES)
        return TRUE;
    if (sync->slice->len > 1 || ++sync->tries < TRIES_MAX)
        return FALSE;
    if (first != NULL)
        fleet_thin_edge_complain(
                sync->self, first->address, "so much comes with it that the broker may have left something out");
    return TRUE;
}

static void finish_slice(FleetThinEdgeSync *sync)
{
    sync->slice_mark = 0;
    if (!is_complete(sync)) {
        fetch_again(sync);
    } else {
        sync->tries = 0;
        if (sync->messages < SLICE_MESSAGES / 4)
            sync->size = MIN(2 * sync->size, SLICE_DEVICES);
        for (guint i = 0; i < sync->slice->len; i++)
            if (sync->slice->pdata[i] != NULL)
                fleet_thin_edge_device_fetched(sync->self, sync->slice->pdata[i]);
    }
    g_ptr_array_set_size(sync->slice, 0);
    go_on(sync);
}

void fleet_thin_edge_sync_subscribed(FleetThinEdgeSync *sync, guint id, const char *const *refusals, guint n)
{
    gboolean is_slice = sync->slice_mark != 0 && id == sync->subscription;

    for (guint i = 0; i < n; i++) {
        FleetThinEdgeDevice *device =
                is_slice && i / FILTERS < sync->slice->len ? sync->slice->pdata[i / FILTERS] : NULL;

        if (refusals[i] == NULL)
            continue;
        if (device != NULL)
            device->refusal = refusals[i];
        else if (id == sync->own)
            refuse(sync, refusals[i]);
        else
            fleet_thin_edge_complain(sync->self, "a filter", refusals[i]);
    }
}

/* The broker. */

void fleet_thin_edge_sync_begin(FleetThinEdgeSync *sync)
{
    const FleetThinEdgeSettings *settings = sync->self->settings;
    FleetThinEdgeClient *client = fleet_thin_edge_client(sync->self);
    g_autofree char *registrations = fleet_thin_edge_filter_registrations(settings->root);

    sync->topic = g_strdup_printf("fleetd/%s/mark", settings->client_id);
    sync->size = SLICE_DEVICES;
    sync->recalled = 0;
    sync->messages = sync->late = sync->tries = 0;
    sync->own = fleet_thin_edge_client_subscribe(client, (const char *const *)&sync->topic, 1);
    if (settings->auto_register)
        (void)fleet_thin_edge_client_subscribe(client, (const char *const *)&registrations, 1);
    sync->first = fleet_thin_edge_sync_mark(sync);
    for (GList *i = sync->self->all.head; i != NULL; i = i->next)
        fleet_thin_edge_sync_fetch(sync, i->data);
}

void fleet_thin_edge_sync_end(FleetThinEdgeSync *sync)
{
    while (!g_queue_is_empty(&sync->waiting))
        stop_waiting(sync, g_queue_peek_head(&sync->waiting));
    g_clear_handle_id(&sync->overdue, g_source_remove);
    g_clear_pointer(&sync->topic, g_free);
    g_ptr_array_set_size(sync->slice, 0);
    sync->slice_mark = 0;
}

gboolean fleet_thin_edge_sync_message(FleetThinEdgeSync *sync, const char *topic, const char *payload, gsize length)
{
    guint64 number;

    if (!g_str_equal(topic, sync->topic)) {
        sync->messages++;
        return FALSE;
    }
    number = read_mark(sync, payload, length);
    if (number < sync->first) {
        sync->recalled = MAX(sync->recalled, number);
        return TRUE;
    }
    if (number <= sync->came)
        return TRUE;
    if (number == sync->first && sync->messages >= REGISTRATIONS_MANY)
        fleet_log_info("the MQTT broker tells of %u devices; if there are more, raise its max_queued_messages",
                sync->messages);
    sync->came = number;
    sync->late = 0;
    expect(sync);
    if (sync->slice_mark != 0 && number >= sync->slice_mark)
        finish_slice(sync);
    else
        go_on(sync);
    fleet_thin_edge_commands_mark_came(sync->self->commands, number);
    return TRUE;
}
