/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the reading methods share. Most are answered in their handlers, from memory. One that has to ask the store is a
 * FleetReading meanwhile, which counts in the flow of its sender's calls.
 */

#include "bus/endpoint.h"
#include "bus/reply.h"

#include <systemd/sd-bus.h>

/* SHUTTING_DOWN while fleetd ends. */
gboolean fleet_reading_allowed(const FleetApi *api, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reads one string, which belongs to the message. INVALID_ARGUMENT. */
gboolean fleet_reading_string(sd_bus_message *message, const char **string, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct FleetReading FleetReading;

/* Reads the arguments and asks. It sees to it that fleet_reading_answer() is called, once, at once or later. */
typedef void (*FleetReadingFunc)(FleetReading *reading);

struct FleetReading {
    FleetApi *api;
    FleetOutbox *outbox;     /* a reference */
    sd_bus_message *message; /* owned */
    guint limit;             /* func's own, for its reply */

    FleetReadingFunc func; /* private, as all that follows */
    FleetFlowCall flow;
    FleetFlowSender *sender; /* owned */
};

/* Takes a call on its way. Returns 1, for sd-bus: the reply comes later. */
int fleet_reading_begin(FleetEndpoint *endpoint, sd_bus_message *message, FleetReadingFunc func);

/* Answers as fleet_reply() does, and frees. */
void fleet_reading_answer(FleetReading *reading, const GError *error, const char *signature, FleetReplyFunc append,
        gconstpointer user_data);
