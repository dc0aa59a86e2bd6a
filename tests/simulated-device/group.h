/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The devices of one connection. One alone has the broker say that it is down when it vanishes (a last will), and
 * really disconnects when it goes away. Of several, which only save connections, each says by itself that it is down,
 * and just does not listen meanwhile.
 */

#include "broker.h"
#include "device.h"
#include "loop.h"
#include "turns.h"

#include <glib.h>

typedef struct SimGroup SimGroup;

/* What it tells. */
typedef struct {
    /* A device is up for the first time. */
    void (*ready)(gpointer data);

    /* After sim_group_end(): the connection is closed. */
    void (*ended)(gpointer data);
} SimGroupEvents;

/* Without devices, and not connected. All but the client's identifier is weak. Owned by the caller. */
SimGroup *sim_group_new(SimLoop *loop, const SimBroker *broker, SimTurns *turns, const char *client_id,
        const SimGroupEvents *events, gpointer data) G_GNUC_WARN_UNUSED_RESULT;
void sim_group_free(SimGroup *group);

/* Adds a device; before sim_group_start(). */
void sim_group_add(
        SimGroup *group, const SimPlan *plan, SimMemory *memory, const char *device_id, const char *device_name);

/* Connects, and does so again whenever the connection is lost. */
void sim_group_start(SimGroup *group);

/* Says of each device that it is down, and disconnects. */
void sim_group_end(SimGroup *group);
