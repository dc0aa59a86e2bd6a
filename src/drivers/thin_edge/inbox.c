/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/thin_edge/inbox.h"

#include "base/slice.h"

#include <string.h>

#define SIZE_MAX_BYTES (64 * 1024 * 1024)

typedef struct {
    GList link;
    gsize length, topic_size;
    char bytes[]; /* the topic, with its NUL, and the payload */
} Message;

struct FleetThinEdgeInbox {
    FleetThinEdgeInboxFunc take;
    gpointer user_data;
    GQueue messages;
    gsize size;   /* of all, bytes */
    guint source; /* while there are any */
};

static gsize size_of(const Message *message)
{
    return sizeof(Message) + message->topic_size + message->length;
}

FleetThinEdgeInbox *fleet_thin_edge_inbox_new(FleetThinEdgeInboxFunc take, gpointer user_data)
{
    FleetThinEdgeInbox *inbox = g_new0(FleetThinEdgeInbox, 1);

    inbox->take = take;
    inbox->user_data = user_data;
    return inbox;
}

void fleet_thin_edge_inbox_free(FleetThinEdgeInbox *inbox)
{
    fleet_thin_edge_inbox_clear(inbox);
    g_clear_handle_id(&inbox->source, g_source_remove);
    g_free(inbox);
}

static Message *take_first(FleetThinEdgeInbox *inbox)
{
    GList *link = g_queue_pop_head_link(&inbox->messages);

    if (link == NULL)
        return NULL;
    inbox->size -= size_of(link->data);
    return link->data;
}

static gboolean take_some(gpointer data)
{
    FleetThinEdgeInbox *inbox = data;
    FleetSlice slice = fleet_slice_begin();
    Message *message;

    do {
        message = take_first(inbox);
        if (message == NULL) {
            inbox->source = 0;
            return G_SOURCE_REMOVE;
        }
        inbox->take(message->bytes, message->bytes + message->topic_size, message->length, inbox->user_data);
        g_free(message);
    } while (fleet_slice_goes_on(&slice));
    return G_SOURCE_CONTINUE;
}

void fleet_thin_edge_inbox_add(FleetThinEdgeInbox *inbox, const char *topic, const char *payload, gsize length)
{
    gsize topic_size = strlen(topic) + 1;
    Message *message = g_malloc(sizeof(Message) + topic_size + length);

    *message = (Message){.length = length, .topic_size = topic_size};
    message->link.data = message;
    memcpy(message->bytes, topic, topic_size);
    if (length > 0)
        memcpy(message->bytes + topic_size, payload, length);
    g_queue_push_tail_link(&inbox->messages, &message->link);
    inbox->size += size_of(message);
    if (inbox->source == 0)
        inbox->source = g_idle_add_full(G_PRIORITY_DEFAULT, take_some, inbox, NULL);
}

void fleet_thin_edge_inbox_clear(FleetThinEdgeInbox *inbox)
{
    Message *message;

    while ((message = take_first(inbox)) != NULL)
        g_free(message);
}

gboolean fleet_thin_edge_inbox_is_full(const FleetThinEdgeInbox *inbox)
{
    return inbox->size >= SIZE_MAX_BYTES;
}
