/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Clients that do to actions whatever can be done to them, all at the same time and to the same devices: initiate,
 * repeat, cancel, force, ask, and take devices out of service. Two are on the bus, and stay there while fleetd comes
 * and goes; two are on the private socket. None waits for an answer before it goes on. What they were told, in replies
 * and in signals, is kept, to be compared with what is on the disk afterwards.
 */

#include "lib/fleet_test.h"

#define CROWD_CLIENTS 4
#define CROWD_DEVICES 200
#define CROWD_COMMAND_DEVICES 40 /* the last of them; their type is "command", that of the others "simulated" */

typedef struct Crowd Crowd;

/* All that the clients were told of one action. */
typedef struct {
    char *device;              /* NULL: nobody was told that it was accepted */
    const char *request;       /* the id with which it was accepted; "" = none */
    char *end;                 /* "STATUS result", NULL: nobody was told */
    gboolean cancelled;        /* somebody was told that a cancel had ended it */
    guint ends[CROWD_CLIENTS]; /* signals of its end, by client */
} CrowdPromise;

/* Registers the devices; fleetd must run. Both outlive it. Owned by the caller. */
Crowd *crowd_new(const FleetTestBus *bus, FleetTestDaemon *daemon) G_GNUC_WARN_UNUSED_RESULT;
void crowd_free(Crowd *crowd);

/* Lets all clients call, as long as the main context runs. */
void crowd_start(Crowd *crowd);

/* From here on a call may be lost. */
void crowd_expect_end(Crowd *crowd);

/* Lets nobody call any more, and waits until each call is answered or lost. */
void crowd_finish(Crowd *crowd);

/* Fails the check unless each device has the action that runs on it, and none other, and the right status with it. */
void crowd_check_devices(Crowd *crowd);

/* Puts all devices into service, again and again, until no action is left that waits or runs. */
void crowd_drain(Crowd *crowd);

/* Action's id -> CrowdPromise. Owned by the crowd. */
GHashTable *crowd_promises(const Crowd *crowd);

/* How many calls were acknowledged and lost, over all rounds; and how many requests were answered twice or more. */
guint crowd_acknowledged(const Crowd *crowd);
guint crowd_lost(const Crowd *crowd);
guint crowd_repeated(const Crowd *crowd);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Crowd, crowd_free)
