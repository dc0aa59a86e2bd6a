/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The thread that answers questions about history, one after the other, through a connection of its own that it opens
 * at the first question. All functions are for the main loop's thread.
 */

#include "store/store.h"
#include "store/thread.h"

typedef struct FleetReader FleetReader;

/* For the database in a directory. No thread runs yet. */
FleetReader *fleet_reader_new(const char *directory, FleetWakeFunc wake, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;

void fleet_reader_start(FleetReader *reader);

/* Ends the thread, without the answers that are still open. */
void fleet_reader_free(FleetReader *reader);

/* As in store.h. */
void fleet_reader_find_action(
        FleetReader *reader, FleetActionId id, FleetStoreActionFoundFunc found, gpointer user_data);
void fleet_reader_query_actions(
        FleetReader *reader, const FleetActionFilter *filter, FleetStoreActionsFoundFunc found, gpointer user_data);
void fleet_reader_find_request(FleetReader *reader, const char *device_id, const char *request_id,
        FleetStoreActionFoundFunc found, gpointer user_data);
void fleet_reader_find_transitions(
        FleetReader *reader, FleetActionId id, FleetStoreTransitionsFoundFunc found, gpointer user_data);
void fleet_reader_query_audit(
        FleetReader *reader, gint64 before, guint limit, FleetStoreAuditFoundFunc found, gpointer user_data);

/* Hands over a slice of the answers that are ready, in the order of their questions. Whether that was all. */
gboolean fleet_reader_deliver(FleetReader *reader) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetReader, fleet_reader_free)
