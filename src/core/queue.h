/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The actions that wait, device by device: higher priority first, then oldest. The queue keeps order and nothing else;
 * the engine decides what may start.
 */

#include <glib.h>

typedef struct FleetQueue FleetQueue;

/* A place in the queue, embedded in what waits. */
typedef struct {
    const char *device_id; /* must live as long as the entry waits */
    gint priority;
    gint64 sequence;
    gpointer owner;
    GSequenceIter *place; /* NULL: it does not wait; private */
} FleetQueueEntry;

FleetQueue *fleet_queue_new(void) G_GNUC_WARN_UNUSED_RESULT;
void fleet_queue_free(FleetQueue *queue);

/* O(log n) in the device's queue. An entry that waits already, or does not wait, is left as it is. */
void fleet_queue_add(FleetQueue *queue, FleetQueueEntry *entry);
void fleet_queue_remove(FleetQueue *queue, FleetQueueEntry *entry);

/* How many wait for a device. */
guint fleet_queue_count(const FleetQueue *queue, const char *device_id);

/* The first that waits for a device; the one after another. NULL: none. */
FleetQueueEntry *fleet_queue_first(const FleetQueue *queue, const char *device_id);
FleetQueueEntry *fleet_queue_next(const FleetQueueEntry *entry);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetQueue, fleet_queue_free)
