/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "group.h"

#include "base/quotable.h"
#include "connection.h"
#include "log.h"

#include <string.h>

#define RETRY_USEC (G_USEC_PER_SEC / 4)
#define RETRY_DOUBLINGS 5 /* 8 s at the most */
#define LEVELS 8          /* of all topics that devices subscribe to */

struct SimGroup {
    SimLoop *loop;                /* weak */
    SimTurns *turns;              /* weak */
    const SimGroupEvents *events; /* static */
    gpointer data;                /* weak */
    SimConnection *connection;
    GPtrArray *devices;  /* of SimDevice */
    GHashTable *by_id;   /* of those, weak */
    GHashTable *numbers; /* under which they have published -> weak pointer to the one that has */
    SimTurn turn;
    SimTimer retry;
    guint failures;  /* to connect, in a row */
    gboolean wanted; /* the connection: not while its only device is away */
    gboolean ending;
};

static gboolean is_shared(const SimGroup *group)
{
    return group->devices->len > 1;
}

static const char *name_of(const SimGroup *group)
{
    return sim_device_id(group->devices->pdata[0]);
}

static int publish(SimDevice *device, const char *topic, const char *payload, gboolean retained, gpointer data)
{
    SimGroup *group = data;
    int number = sim_connection_publish(group->connection, topic, payload, retained);

    if (number != 0)
        g_hash_table_insert(group->numbers, GINT_TO_POINTER(number), device);
    return number;
}

static void subscribe(SimDevice *device, const char *first, const char *second, gpointer data)
{
    sim_connection_subscribe(((SimGroup *)data)->connection, first, second);
}

static void leave(SimDevice *device, gboolean orderly, gpointer data)
{
    SimGroup *group = data;

    if (is_shared(group)) {
        g_autofree char *topic = sim_device_health_topic(device);
        g_autofree char *payload = sim_device_down_payload();

        if (!orderly)
            (void)sim_connection_publish(group->connection, topic, payload, TRUE);
        sim_connection_unsubscribe(
                group->connection, sim_device_commands_filter(device), sim_device_health_filter(device));
        return;
    }
    group->wanted = FALSE;
    if (orderly)
        sim_connection_close(group->connection);
    else
        sim_connection_drop(group->connection);
}

static void ask_to_connect(SimGroup *group)
{
    group->wanted = TRUE;
    sim_loop_stop_timer(&group->retry);
    sim_turns_ask(group->turns, &group->turn);
}

static void come_back(SimDevice *device, gpointer data)
{
    SimGroup *group = data;

    if (sim_connection_is_up(group->connection))
        sim_device_arrive(device);
    else
        ask_to_connect(group);
}

static void device_ready(SimDevice *device, gpointer data)
{
    SimGroup *group = data;

    group->events->ready(group->data);
}

static const SimDeviceHost device_host = {publish, subscribe, leave, come_back, device_ready};

static void connection_up(gpointer data)
{
    SimGroup *group = data;

    sim_turns_give_back(group->turns, &group->turn);
    group->failures = 0;
    for (guint i = 0; i < group->devices->len; i++)
        sim_device_arrive(group->devices->pdata[i]);
}

/* Only the first failure of a row is worth a line. */
static void try_again(SimGroup *group, const char *reason)
{
    if (group->failures == 0)
        sim_log(name_of(group), "no connection: %s", reason);
    sim_loop_set_timer(group->loop, &group->retry, (gint64)RETRY_USEC << MIN(group->failures, RETRY_DOUBLINGS));
    group->failures++;
}

static void connection_down(const char *reason, gpointer data)
{
    SimGroup *group = data;

    sim_turns_give_back(group->turns, &group->turn);
    g_hash_table_remove_all(group->numbers);
    for (guint i = 0; i < group->devices->len; i++)
        sim_device_lost(group->devices->pdata[i]);
    if (group->ending)
        group->events->ended(group->data);
    else if (group->wanted)
        try_again(group, reason);
}

static void on_message(const char *topic, const char *payload, gsize length, gboolean retained, gpointer data)
{
    SimGroup *group = data;
    g_auto(GStrv) levels = g_strsplit(topic, "/", -1);
    SimDevice *device = g_strv_length(levels) == LEVELS ? g_hash_table_lookup(group->by_id, levels[2]) : NULL;

    if (device != NULL)
        sim_device_take(device, levels, payload, length, retained);
}

static void on_acknowledged(int number, gpointer data)
{
    SimGroup *group = data;
    SimDevice *device = g_hash_table_lookup(group->numbers, GINT_TO_POINTER(number));

    if (device == NULL)
        return;
    g_hash_table_remove(group->numbers, GINT_TO_POINTER(number));
    sim_device_acknowledged(device, number);
}

static const SimConnectionEvents connection_events = {connection_up, connection_down, on_message, on_acknowledged};

static void on_turn(gpointer data)
{
    SimGroup *group = data;
    g_autofree char *reason = NULL;

    if (sim_connection_is_down(group->connection) && !sim_connection_open(group->connection, &reason)) {
        sim_turns_give_back(group->turns, &group->turn);
        try_again(group, reason);
    }
}

static void on_retry(gpointer data)
{
    ask_to_connect(data);
}

SimGroup *sim_group_new(SimLoop *loop, const SimBroker *broker, SimTurns *turns, const char *client_id,
        const SimGroupEvents *events, gpointer data)
{
    SimGroup *group = g_new0(SimGroup, 1);

    group->loop = loop;
    group->turns = turns;
    group->events = events;
    group->data = data;
    group->connection = sim_connection_new(loop, broker, client_id, &connection_events, group);
    group->devices = g_ptr_array_new();
    group->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    group->numbers = g_hash_table_new(NULL, NULL);
    group->turn = (SimTurn){.func = on_turn, .data = group};
    group->retry = (SimTimer){.func = on_retry, .data = group};
    return group;
}

void sim_group_free(SimGroup *group)
{
    sim_loop_stop_timer(&group->retry);
    for (guint i = 0; i < group->devices->len; i++)
        sim_device_free(group->devices->pdata[i]);
    g_ptr_array_unref(group->devices);
    g_hash_table_unref(group->by_id);
    g_hash_table_unref(group->numbers);
    sim_connection_free(group->connection);
    g_free(group);
}

void sim_group_add(
        SimGroup *group, const SimPlan *plan, SimMemory *memory, const char *device_id, const char *device_name)
{
    SimDevice *device = sim_device_new(group->loop, plan, memory, device_id, device_name, &device_host, group);

    g_ptr_array_add(group->devices, device);
    g_hash_table_insert(group->by_id, (char *)sim_device_id(device), device);
}

void sim_group_start(SimGroup *group)
{
    if (!is_shared(group)) {
        g_autofree char *topic = sim_device_health_topic(group->devices->pdata[0]);
        g_autofree char *payload = sim_device_down_payload();

        sim_connection_set_will(group->connection, topic, payload);
    }
    ask_to_connect(group);
}

void sim_group_end(SimGroup *group)
{
    group->ending = TRUE;
    group->wanted = FALSE;
    sim_loop_stop_timer(&group->retry);
    for (guint i = 0; i < group->devices->len; i++)
        sim_device_end(group->devices->pdata[i]);
    if (sim_connection_is_down(group->connection)) {
        sim_turns_give_back(group->turns, &group->turn);
        group->events->ended(group->data);
    } else {
        sim_connection_close(group->connection);
    }
}
