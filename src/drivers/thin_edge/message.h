/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What devices say: the payloads of their topics. Whatever is wrong with one is an INVALID_ARGUMENT, whose message is
 * fit for the log.
 */

#include "model/status.h"

#include <glib.h>

#define FLEET_THIN_EDGE_PAYLOAD_MAX (256 * 1024) /* bytes; what is larger is not looked at */

/* The member of a command's payload that says which fleetd wants it: that fleetd's ClientId. */
#define FLEET_THIN_EDGE_CLIENT_KEY "fleetClient"

typedef enum {
    FLEET_THIN_EDGE_GOES_ON,
    FLEET_THIN_EDGE_SUCCESSFUL,
    FLEET_THIN_EDGE_FAILED,
} FleetThinEdgeEnd;

/* How a command is. */
typedef struct {
    FleetThinEdgeEnd end;
    char *status;     /* fit for a message */
    char *reason;     /* of a failure, fit for a message; NULL = none */
    char *failures;   /* what failed in particular, one a line; NULL = nothing is said */
    char *client;     /* NULL = not said */
    double progress;  /* 0.0 to 1.0: as said, else as the status has it; negative = neither says it */
    gboolean is_step; /* it is the status that has it */
} FleetThinEdgeState;

/* To be cleared anyway. */
gboolean fleet_thin_edge_state_parse(
        const char *payload, gsize length, FleetThinEdgeState *state, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void fleet_thin_edge_state_clear(FleetThinEdgeState *state);

/* A capability: the types that it is limited to, as one JSON array, "[]" = none, "" = any. NULL with an error. Owned by
 * the caller. */
char *fleet_thin_edge_capability_parse(const char *payload, gsize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether that is good for a type. */
gboolean fleet_thin_edge_capability_has(const char *capability, const char *type);

/* A health: ONLINE for "up", OFFLINE for "down", else UNKNOWN. Bridges say 1 and 0. */
gboolean fleet_thin_edge_health_parse(
        const char *payload, gsize length, FleetPresence *presence, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A registration, of a device: its name, or NULL if it says none. Owned by the caller. */
gboolean fleet_thin_edge_registration_parse(
        const char *payload, gsize length, char **name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetThinEdgeState, fleet_thin_edge_state_clear)
