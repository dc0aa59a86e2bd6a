/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/reading.h"

#include "bus/errors.h"

gboolean fleet_reading_allowed(const FleetApi *api, GError **error)
{
    if (api->stopping)
        g_propagate_error(error, fleet_errors_shutting_down());
    return !api->stopping;
}

gboolean fleet_reading_string(sd_bus_message *message, const char **string, GError **error)
{
    int r = sd_bus_message_read_basic(message, 's', string);

    if (r < 0)
        g_propagate_error(error, fleet_errors_unreadable(r));
    return r >= 0;
}

static void free_reading(gpointer data)
{
    FleetReading *reading = data;

    fleet_flow_sender_unref(reading->sender);
    sd_bus_message_unref(reading->message);
    fleet_outbox_unref(reading->outbox);
    g_free(reading);
}

void fleet_reading_answer(FleetReading *reading, const GError *error, const char *signature, FleetReplyFunc append,
        gconstpointer user_data)
{
    fleet_reply(reading->outbox, reading->message, error, signature, append, user_data);
    fleet_flow_end(&reading->flow);
    free_reading(reading);
}

static void go(FleetFlowCall *flow)
{
    FleetReading *reading = flow->data;
    g_autoptr(GError) error = NULL;

    if (fleet_reading_allowed(reading->api, &error))
        reading->func(reading);
    else
        fleet_reading_answer(reading, error, "", NULL, NULL);
}

/* Whoever it is may read, but so much at a time. */
static void resolved(const FleetCaller *caller, const GError *unknown, gpointer user_data)
{
    FleetReading *reading = user_data;
    g_autoptr(GError) error = NULL;

    if (unknown != NULL)
        fleet_reading_answer(reading, unknown, "", NULL, NULL);
    else if (!fleet_flow_begin(&reading->flow, reading->sender, caller->uid, &error))
        fleet_reading_answer(reading, error, "", NULL, NULL);
}

int fleet_reading_begin(FleetEndpoint *endpoint, sd_bus_message *message, FleetReadingFunc func)
{
    FleetReading *reading = g_new0(FleetReading, 1);

    reading->api = fleet_endpoint_api(endpoint);
    reading->outbox = fleet_outbox_ref(fleet_endpoint_outbox(endpoint));
    reading->message = sd_bus_message_ref(message);
    reading->func = func;
    reading->flow = (FleetFlowCall){.go = go, .data = reading};
    reading->sender = fleet_endpoint_flow(endpoint, message);
    fleet_endpoint_resolve(endpoint, message, resolved, free_reading, reading);
    return 1;
}
