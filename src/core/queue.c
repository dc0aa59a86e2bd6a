/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/queue.h"

struct FleetQueue {
    GHashTable *devices; /* device id -> GSequence of FleetQueueEntry; the key is the sequence's own copy */
};

static void free_sequence(gpointer sequence)
{
    g_sequence_free(sequence);
}

FleetQueue *fleet_queue_new(void)
{
    FleetQueue *queue = g_new0(FleetQueue, 1);

    queue->devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_sequence);
    return queue;
}

void fleet_queue_free(FleetQueue *queue)
{
    g_hash_table_unref(queue->devices);
    g_free(queue);
}

static int compare(gconstpointer a, gconstpointer b, gpointer user_data)
{
    const FleetQueueEntry *x = a, *y = b;

    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

void fleet_queue_add(FleetQueue *queue, FleetQueueEntry *entry)
{
    GSequence *sequence = g_hash_table_lookup(queue->devices, entry->device_id);

    if (entry->place != NULL)
        return;
    if (sequence == NULL) {
        sequence = g_sequence_new(NULL);
        g_hash_table_insert(queue->devices, g_strdup(entry->device_id), sequence);
    }
    entry->place = g_sequence_insert_sorted(sequence, entry, compare, NULL);
}

void fleet_queue_remove(FleetQueue *queue, FleetQueueEntry *entry)
{
    if (entry->place == NULL)
        return;

    GSequence *sequence = g_sequence_iter_get_sequence(entry->place);
    g_sequence_remove(entry->place);
    entry->place = NULL;
    if (g_sequence_is_empty(sequence))
        g_hash_table_remove(queue->devices, entry->device_id);
}

guint fleet_queue_count(const FleetQueue *queue, const char *device_id)
{
    GSequence *sequence = g_hash_table_lookup(queue->devices, device_id);

    return sequence != NULL ? (guint)g_sequence_get_length(sequence) : 0;
}

static FleetQueueEntry *entry_at(GSequenceIter *place)
{
    return g_sequence_iter_is_end(place) ? NULL : g_sequence_get(place);
}

FleetQueueEntry *fleet_queue_first(const FleetQueue *queue, const char *device_id)
{
    GSequence *sequence = g_hash_table_lookup(queue->devices, device_id);

    return sequence != NULL ? entry_at(g_sequence_get_begin_iter(sequence)) : NULL;
}

FleetQueueEntry *fleet_queue_next(const FleetQueueEntry *entry)
{
    return entry_at(g_sequence_iter_next(entry->place));
}
