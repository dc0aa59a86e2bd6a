/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/lookups.h"

#include "bus/action_interface.h"
#include "bus/device_interface.h"
#include "bus/reading.h"
#include "bus/reply.h"

static void append_device(FleetBody *body, gconstpointer device)
{
    fleet_interface_append_all(&fleet_device_interface, body, device);
}

static void append_action(FleetBody *body, gconstpointer action)
{
    fleet_interface_append_all(&fleet_action_interface, body, action);
}

int fleet_lookups_device(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    const FleetApi *api = fleet_endpoint_api(user_data);
    const FleetDevice *device = NULL;
    g_autoptr(GError) error = NULL;
    const char *id;

    if (fleet_reading_allowed(api, &error) && fleet_reading_string(message, &id, &error))
        device = fleet_registry_lookup(api->registry, id, &error);
    fleet_reply(fleet_endpoint_outbox(user_data), message, error, "a{sv}", append_device, device);
    return 1;
}

static void action_found(const FleetAction *action, const GError *error, gpointer user_data)
{
    fleet_reading_answer(user_data, error, "a{sv}", append_action, action);
}

static void find_action(FleetReading *reading)
{
    g_autoptr(GError) error = NULL;
    const char *id;

    if (fleet_reading_string(reading->message, &id, &error))
        fleet_history_find(reading->api->history, id, action_found, reading);
    else
        fleet_reading_answer(reading, error, "", NULL, NULL);
}

int fleet_lookups_action(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    return fleet_reading_begin(user_data, message, find_action);
}

static void append_moves(FleetBody *body, gconstpointer user_data)
{
    const GArray *moves = user_data;
    gsize array = fleet_body_open_array(body, 8);

    for (guint i = 0; i < moves->len; i++) {
        const FleetTransition *move = &g_array_index(moves, FleetTransition, i);

        fleet_body_align(body, 8);
        fleet_body_append_uint64(body, (guint64)move->at);
        fleet_body_append_string(body, fleet_action_status_to_string(move->status));
        fleet_body_append_string(body, move->phase);
        fleet_body_append_string(body, move->message);
    }
    fleet_body_close_array(body, array, 8);
}

static void moves_found(const GArray *moves, const GError *error, gpointer user_data)
{
    fleet_reading_answer(user_data, error, "a(tsss)", append_moves, moves);
}

static void find_moves(FleetReading *reading)
{
    g_autoptr(GError) error = NULL;
    const char *id;

    if (fleet_reading_string(reading->message, &id, &error))
        fleet_history_find_moves(reading->api->history, id, moves_found, reading);
    else
        fleet_reading_answer(reading, error, "", NULL, NULL);
}

int fleet_lookups_history(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    return fleet_reading_begin(user_data, message, find_moves);
}
