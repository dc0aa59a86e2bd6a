/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One device: it says who it is, what it can do and that it is well, takes commands, and goes away and comes back.
 */

#include "loop.h"
#include "memory.h"
#include "plan.h"

#include <glib.h>

typedef struct SimDevice SimDevice;

/* What it asks of the connection that it has. */
typedef struct {
    /* See connection.h. */
    int (*publish)(SimDevice *device, const char *topic, const char *payload, gboolean retained, gpointer data);
    void (*subscribe)(SimDevice *device, const char *first, const char *second, gpointer data);

    /* It goes away: in good order, or as if a cable were cut. From now on it hears nothing. */
    void (*leave)(SimDevice *device, gboolean orderly, gpointer data);

    /* It comes back: to be answered with sim_device_arrive(), now or later. */
    void (*back)(SimDevice *device, gpointer data);

    /* The broker has all that it says of itself, and it has all that the broker had for it, for the first time. */
    void (*ready)(SimDevice *device, gpointer data);
} SimDeviceHost;

/* All but id and name is weak. Owned by the caller. */
SimDevice *sim_device_new(SimLoop *loop, const SimPlan *plan, SimMemory *memory, const char *id, const char *name,
        const SimDeviceHost *host, gpointer data) G_GNUC_WARN_UNUSED_RESULT;
void sim_device_free(SimDevice *device);

const char *sim_device_id(const SimDevice *device);

/* What it subscribes to. Owned by the device. */
const char *sim_device_commands_filter(const SimDevice *device);
const char *sim_device_health_filter(const SimDevice *device);

/* The topic and the payload that say that it is down, for a last will. Owned by the caller. */
char *sim_device_health_topic(const SimDevice *device) G_GNUC_WARN_UNUSED_RESULT;
char *sim_device_down_payload(void) G_GNUC_WARN_UNUSED_RESULT;

/* There is a connection: says who it is. Nothing happens if it is away. */
void sim_device_arrive(SimDevice *device);

/* The connection is gone. */
void sim_device_lost(SimDevice *device);

/* Says that it is down, and does nothing any more. */
void sim_device_end(SimDevice *device);

/* A message on a topic of its own, te/device/ID/..., whose levels these are. */
void sim_device_take(SimDevice *device, char **levels, const char *payload, gsize length, gboolean retained);

/* The broker has what was published under that number. */
void sim_device_acknowledged(SimDevice *device, int number);
