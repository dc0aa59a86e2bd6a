/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Messages that were read and not looked at yet. A broker drops what is not read fast enough, and what a message leads
 * to takes many times as long as reading it; so all are taken in first, and each turn of the loop looks at some.
 */

#include <glib.h>

typedef struct FleetThinEdgeInbox FleetThinEdgeInbox;

typedef void (*FleetThinEdgeInboxFunc)(const char *topic, const char *payload, gsize length, gpointer user_data);

/* It is empty. take is called for each message, in their order, and may empty it. */
FleetThinEdgeInbox *fleet_thin_edge_inbox_new(
        FleetThinEdgeInboxFunc take, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
void fleet_thin_edge_inbox_free(FleetThinEdgeInbox *inbox);

/* Takes a copy. */
void fleet_thin_edge_inbox_add(FleetThinEdgeInbox *inbox, const char *topic, const char *payload, gsize length);

/* Forgets what is in it. */
void fleet_thin_edge_inbox_clear(FleetThinEdgeInbox *inbox);

/* Is there so much in it that nothing more should be read for now? */
gboolean fleet_thin_edge_inbox_is_full(const FleetThinEdgeInbox *inbox);
