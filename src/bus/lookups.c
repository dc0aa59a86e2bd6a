/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/lookups.h"

#include "bus/action_interface.h"
#include "bus/device_interface.h"
#include "bus/reading.h"
#include "bus/reply.h"

static int append_device(sd_bus_message *reply, gpointer device)
{
    return fleet_interface_append_all(&fleet_device_interface, reply, device);
}

static int append_action(sd_bus_message *reply, gpointer action)
{
    return fleet_interface_append_all(&fleet_action_interface, reply, action);
}

int fleet_lookups_device(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    const FleetApi *api = fleet_endpoint_api(user_data);
    const FleetDevice *device = NULL;
    g_autoptr(GError) error = NULL;
    const char *id;

    if (fleet_reading_allowed(api, &error) && fleet_reading_string(message, &id, &error))
        device = fleet_registry_lookup(api->registry, id, &error);
    fleet_reply(message, error, append_device, (gpointer)device);
    return 1;
}

static void action_found(const FleetAction *action, const GError *error, gpointer user_data)
{
    fleet_reading_answer(user_data, error, append_action, (gpointer)action);
}

static void find_action(FleetReading *reading)
{
    g_autoptr(GError) error = NULL;
    const char *id;

    if (fleet_reading_string(reading->message, &id, &error))
        fleet_history_find(reading->api->history, id, action_found, reading);
    else
        fleet_reading_answer(reading, error, NULL, NULL);
}

int fleet_lookups_action(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    return fleet_reading_begin(user_data, message, find_action);
}

static int append_moves(sd_bus_message *reply, gpointer user_data)
{
    const GArray *moves = user_data;
    int r = sd_bus_message_open_container(reply, 'a', "(tsss)");

    for (guint i = 0; i < moves->len && r >= 0; i++) {
        const FleetTransition *move = &g_array_index(moves, FleetTransition, i);

        r = sd_bus_message_append(
                reply, "(tsss)", move->at, fleet_action_status_to_string(move->status), move->phase, move->message);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void moves_found(const GArray *moves, const GError *error, gpointer user_data)
{
    fleet_reading_answer(user_data, error, append_moves, (gpointer)moves);
}

static void find_moves(FleetReading *reading)
{
    g_autoptr(GError) error = NULL;
    const char *id;

    if (fleet_reading_string(reading->message, &id, &error))
        fleet_history_find_moves(reading->api->history, id, moves_found, reading);
    else
        fleet_reading_answer(reading, error, NULL, NULL);
}

int fleet_lookups_history(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    return fleet_reading_begin(user_data, message, find_moves);
}
