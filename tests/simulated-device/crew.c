/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "crew.h"

#include "group.h"

#include <stdio.h>

#define CONNECTING_AT_ONCE 50 /* half of what a broker has wait at the most */
#define END_USEC (5 * G_USEC_PER_SEC)

struct SimCrew {
    SimLoop *loop; /* weak */
    SimTurns turns;
    GPtrArray *groups; /* of SimGroup */
    guint devices, ready, ended;
    gboolean ending;
    SimTimer deadline; /* for the end */
};

static void device_ready(gpointer data)
{
    SimCrew *crew = data;

    if (++crew->ready < crew->devices)
        return;
    printf(crew->devices == 1 ? "%u device is up\n" : "%u devices are up\n", crew->devices);
    fflush(stdout);
}

static void group_ended(gpointer data)
{
    SimCrew *crew = data;

    if (++crew->ended == crew->groups->len)
        sim_loop_quit(crew->loop);
}

static void at_deadline(gpointer data)
{
    sim_loop_quit(((SimCrew *)data)->loop);
}

static const SimGroupEvents group_events = {device_ready, group_ended};

/* What distinguishes one of several, "" if there is but one. */
static char *ending_of(const SimOptions *options, const char *separator, guint number)
{
    return options->count > 1 ? g_strdup_printf("%s%u", separator, number) : g_strdup("");
}

static void add_device(SimGroup *group, const SimOptions *options, SimMemory *memory, guint number)
{
    g_autofree char *id_ending = ending_of(options, "-", number);
    g_autofree char *name_ending = ending_of(options, " ", number);
    g_autofree char *id = g_strconcat(options->id, id_ending, NULL);
    g_autofree char *name = g_strconcat(options->name, name_ending, NULL);

    sim_group_add(group, &options->plan, memory, id, name);
}

SimCrew *sim_crew_new(SimLoop *loop, const SimOptions *options, SimMemory *memory)
{
    SimCrew *crew = g_new0(SimCrew, 1);

    crew->loop = loop;
    crew->devices = options->count;
    crew->deadline = (SimTimer){.func = at_deadline, .data = crew};
    crew->groups = g_ptr_array_new();
    sim_turns_init(&crew->turns, CONNECTING_AT_ONCE);
    for (guint first = 1; first <= options->count; first += options->per_connection) {
        guint n = MIN(options->per_connection, options->count - first + 1);
        g_autofree char *ending = ending_of(options, "-", first);
        g_autofree char *client_id = g_strconcat("fleet-simulated-device:", options->id, ending, NULL);
        SimGroup *group = sim_group_new(loop, &options->broker, &crew->turns, client_id, &group_events, crew);

        for (guint i = 0; i < n; i++)
            add_device(group, options, memory, first + i);
        g_ptr_array_add(crew->groups, group);
    }
    return crew;
}

void sim_crew_free(SimCrew *crew)
{
    sim_loop_stop_timer(&crew->deadline);
    for (guint i = 0; i < crew->groups->len; i++)
        sim_group_free(crew->groups->pdata[i]);
    g_ptr_array_unref(crew->groups);
    g_free(crew);
}

void sim_crew_start(SimCrew *crew)
{
    for (guint i = 0; i < crew->groups->len; i++)
        sim_group_start(crew->groups->pdata[i]);
}

void sim_crew_end(SimCrew *crew)
{
    if (crew->ending)
        return;
    crew->ending = TRUE;
    sim_loop_set_timer(crew->loop, &crew->deadline, END_USEC);
    for (guint i = 0; i < crew->groups->len; i++)
        sim_group_end(crew->groups->pdata[i]);
}
