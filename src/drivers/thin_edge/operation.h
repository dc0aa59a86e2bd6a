/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is done to a device, as thin-edge.io names it, and the payload of a new command.
 */

#include "model/parameters.h"

#include <glib.h>

typedef enum {
    FLEET_THIN_EDGE_SOFTWARE_UPDATE,
    FLEET_THIN_EDGE_FIRMWARE_UPDATE,
    FLEET_THIN_EDGE_RESTART,
    FLEET_THIN_EDGE_CONFIG_UPDATE,
    FLEET_THIN_EDGE_OPERATIONS, /* not an operation: their number */
} FleetThinEdgeOperation;

#define FLEET_THIN_EDGE_MODULES_MAX 1000 /* in one software update */

/* Its name in topics, "software_update". Static. */
const char *fleet_thin_edge_operation_name(FleetThinEdgeOperation operation);

/* The operation of that name, or that carries out actions of that type. FALSE if there is none. */
gboolean fleet_thin_edge_operation_from_name(
        const char *name, FleetThinEdgeOperation *operation) G_GNUC_WARN_UNUSED_RESULT;
gboolean fleet_thin_edge_operation_from_action(
        const char *action_type, FleetThinEdgeOperation *operation) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The payload of a command that nobody has seen yet: its status, who wants it, and what the parameters say. The types
 * of software or configuration that it is about are added to types (of char *, owned by it; "" = the device's own
 * choice). INVALID_ARGUMENT, with the parameter's name and what would be right, if they are not this operation's. Owned
 * by the caller.
 */
char *fleet_thin_edge_operation_payload(FleetThinEdgeOperation operation, const FleetParameters *parameters,
        const char *client, GPtrArray *types, GError **error) G_GNUC_WARN_UNUSED_RESULT;
