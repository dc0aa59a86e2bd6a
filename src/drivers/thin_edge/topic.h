/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The topics of thin-edge.io's MQTT API. A device's address is its id there: one level of a topic.
 */

#include "drivers/thin_edge/operation.h"

#include <glib.h>

#define FLEET_THIN_EDGE_ADDRESS_MAX 255 /* bytes */
#define FLEET_THIN_EDGE_COMMAND_PREFIX "fleet-"

typedef enum {
    FLEET_THIN_EDGE_TOPIC_OTHER,
    FLEET_THIN_EDGE_TOPIC_REGISTRATION, /* ROOT/device/ADDRESS// */
    FLEET_THIN_EDGE_TOPIC_CAPABILITY,   /* ROOT/device/ADDRESS///cmd/OPERATION */
    FLEET_THIN_EDGE_TOPIC_COMMAND,      /* ROOT/device/ADDRESS///cmd/OPERATION/COMMAND */
    FLEET_THIN_EDGE_TOPIC_HEALTH,       /* ROOT/device/ADDRESS/service/SERVICE/status/health */
} FleetThinEdgeTopicKind;

typedef struct {
    FleetThinEdgeTopicKind kind;
    char address[FLEET_THIN_EDGE_ADDRESS_MAX + 1];
    FleetThinEdgeOperation operation; /* FLEET_THIN_EDGE_OPERATIONS = another one, or none */
    const char *last;                 /* in the topic: the COMMAND, or from the SERVICE on */
} FleetThinEdgeTopic;

/* Reads a topic, whatever it is. topic outlives the result. */
void fleet_thin_edge_topic_parse(const char *root, const char *topic, FleetThinEdgeTopic *result);

/* Is it of the health of that service? */
gboolean fleet_thin_edge_topic_is_health_of(const FleetThinEdgeTopic *topic, const char *service);

/* Whether a text can be the address of a device. INVALID_ARGUMENT with what would be right. */
gboolean fleet_thin_edge_address_check(const char *address, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether a text can be a level, or some, at the beginning of all topics, or in one. INVALID_ARGUMENT, likewise. */
gboolean fleet_thin_edge_levels_check(const char *levels, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Topics and filters. Owned by the caller. */
char *fleet_thin_edge_topic_capability(const char *root, const char *address, FleetThinEdgeOperation operation);
char *fleet_thin_edge_topic_command(
        const char *root, const char *address, FleetThinEdgeOperation operation, const char *action_id, guint attempt);
char *fleet_thin_edge_filter_commands(const char *root, const char *address); /* and capabilities */
char *fleet_thin_edge_filter_health(const char *root, const char *address, const char *service);
char *fleet_thin_edge_filter_registrations(const char *root);
