/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Private to the driver "thin-edge": what its parts share.
 *
 * Each device has what is retained about it fetched, once in each connection, before anything else is done with it
 * (sync.c). Attempts are commands (command.c).
 */

#include "drivers/driver.h"
#include "drivers/thin_edge/connection.h"
#include "drivers/thin_edge/limit.h"
#include "drivers/thin_edge/operation.h"
#include "drivers/thin_edge/settings.h"

typedef struct FleetThinEdge FleetThinEdge;
typedef struct FleetThinEdgeDevice FleetThinEdgeDevice;
typedef struct FleetThinEdgeCommand FleetThinEdgeCommand;
typedef struct FleetThinEdgeSync FleetThinEdgeSync;
typedef struct FleetThinEdgeCommands FleetThinEdgeCommands;

struct FleetThinEdge {
    FleetDriver driver;
    FleetThinEdgeSettings *settings; /* NULL until it is configured */
    FleetThinEdgeConnection *connection;
    guint epoch;         /* which connection this is, or the last one was; 0 = there was none yet */
    GHashTable *devices; /* id, of the device's -> FleetThinEdgeDevice, which it owns */
    GHashTable *places;  /* address, of the device's -> FleetThinEdgeDevice */
    GQueue all;          /* of FleetThinEdgeDevice */
    GList *out_of_sight; /* the next one of all to be told of as UNKNOWN; NULL = none */
    guint telling;       /* the source that does it, or 0 */
    FleetThinEdgeSync *sync;
    FleetThinEdgeCommands *commands;
    GHashTable *announced; /* addresses that were announced in this connection; a set of char * */
    gboolean is_swept;     /* what nobody asked for since the start is nobody's */
    guint sweep;           /* a timeout, or 0 */
    FleetThinEdgeLimit complaints;
};

/* A device of ours. There may be very many. */
struct FleetThinEdgeDevice {
    GRefString *id, *address;
    const char *refusal; /* why the broker lets us not subscribe, static; NULL = it does */
    GRefString *capabilities[FLEET_THIN_EDGE_OPERATIONS]; /* message.h; NULL = it does not do that */
    guint epoch;                                          /* the connection in which it was fetched last; 0 = never */
    guint8 heard;        /* what came while it was fetched: a bit for each capability, and FLEET_THIN_EDGE_HEALTH */
    guint8 presence;     /* a FleetPresence: as it was told of last */
    gboolean is_waiting; /* to be fetched */
    GSList *commands;    /* of FleetThinEdgeCommand */
    GList link;          /* in all */
    GList waiting;       /* in the queue of those that wait */
};

#define FLEET_THIN_EDGE_HEALTH (1U << FLEET_THIN_EDGE_OPERATIONS)

/* What to use while the broker is there, else NULL. */
static inline FleetThinEdgeClient *fleet_thin_edge_client(const FleetThinEdge *self)
{
    return fleet_thin_edge_connection_client(self->connection);
}

/* Is what is retained about it known, and is it heard of? */
static inline gboolean fleet_thin_edge_is_fetched(const FleetThinEdge *self, const FleetThinEdgeDevice *device)
{
    return fleet_thin_edge_client(self) != NULL && device->epoch == self->epoch;
}

/* Logs what is wrong with a message, but not too often. */
void fleet_thin_edge_complain(FleetThinEdge *self, const char *topic, const char *fault);

/* thin_edge.c: all that is retained about a device has come. */
void fleet_thin_edge_device_fetched(FleetThinEdge *self, FleetThinEdgeDevice *device);

/* sync.c */

FleetThinEdgeSync *fleet_thin_edge_sync_new(FleetThinEdge *self) G_GNUC_WARN_UNUSED_RESULT;
void fleet_thin_edge_sync_free(FleetThinEdgeSync *sync);

/* The broker is there, or is not any more. */
void fleet_thin_edge_sync_begin(FleetThinEdgeSync *sync);
void fleet_thin_edge_sync_end(FleetThinEdgeSync *sync);

/* Has what is retained about a device fetched, once more if need be. Nothing happens while there is no broker. */
void fleet_thin_edge_sync_fetch(FleetThinEdgeSync *sync, FleetThinEdgeDevice *device);

/* It is not ours any more, or is elsewhere by now: its topics are of no interest. */
void fleet_thin_edge_sync_leave(FleetThinEdgeSync *sync, FleetThinEdgeDevice *device);

/* Takes what has come. TRUE if it was a message of our own, for ourselves. */
gboolean fleet_thin_edge_sync_message(FleetThinEdgeSync *sync, const char *topic, const char *payload, gsize length);
void fleet_thin_edge_sync_subscribed(FleetThinEdgeSync *sync, guint id, const char *const *refusals, guint n);
gboolean fleet_thin_edge_sync_published(FleetThinEdgeSync *sync, guint64 id, const char *refusal);

/* A mark that the broker keeps. Its number; once it comes back, which _mark_came tells, the broker has all that was
 * sent before it. */
guint64 fleet_thin_edge_sync_mark(FleetThinEdgeSync *sync);

/* Did the broker, when it was found again, still have that mark, or a later one? If so it has forgotten nothing since.
 */
gboolean fleet_thin_edge_sync_remembers(const FleetThinEdgeSync *sync, guint64 mark);

/* command.c */

FleetThinEdgeCommands *fleet_thin_edge_commands_new(FleetThinEdge *self) G_GNUC_WARN_UNUSED_RESULT;
void fleet_thin_edge_commands_free(FleetThinEdgeCommands *commands);

void fleet_thin_edge_commands_lost(FleetThinEdgeCommands *commands);
void fleet_thin_edge_commands_mark_came(FleetThinEdgeCommands *commands, guint64 mark);
void fleet_thin_edge_commands_published(FleetThinEdgeCommands *commands, guint64 id, const char *refusal);

/* A message on a topic of commands. */
void fleet_thin_edge_commands_message(
        FleetThinEdgeCommands *commands, const char *topic, const char *name, const char *payload, gsize length);

/* Nobody will ask for any other command from now on. */
void fleet_thin_edge_commands_sweep(FleetThinEdgeCommands *commands);

/* What is retained about a device is asked for; has come; the device is not ours any more. */
void fleet_thin_edge_commands_seek(const FleetThinEdgeDevice *device);
void fleet_thin_edge_commands_fetched(FleetThinEdgeCommands *commands, FleetThinEdgeDevice *device);
void fleet_thin_edge_commands_forget(FleetThinEdgeDevice *device);

/* The topic of a command, if it is not below that prefix; else NULL. */
const char *fleet_thin_edge_command_elsewhere(const FleetThinEdgeCommand *command, const char *prefix);

/* As the class has them. */
void fleet_thin_edge_commands_start(FleetThinEdge *self, FleetAttempt *attempt);
void fleet_thin_edge_commands_reattach(FleetThinEdge *self, FleetAttempt *attempt);
void fleet_thin_edge_commands_cancel(FleetThinEdge *self, FleetAttempt *attempt);
void fleet_thin_edge_commands_stored(FleetThinEdge *self, FleetAttempt *attempt);
void fleet_thin_edge_commands_wake(FleetThinEdge *self, FleetAttempt *attempt);
void fleet_thin_edge_commands_release(FleetThinEdge *self, FleetAttempt *attempt);

/* plan.c */

/* As the class has it: the topic of the command, and who has to be named in it, a line each. */
GRefString *fleet_thin_edge_plan(
        FleetThinEdge *self, const FleetAction *action, const FleetDevice *device, GError **error);

/* The operation that carries out an action, the command's payload, and what types it is about (operation.h).
 * UNSUPPORTED if there is none; INVALID_ARGUMENT if the parameters are wrong. Owned by the caller. */
char *fleet_thin_edge_plan_payload(const FleetAction *action, const char *client, FleetThinEdgeOperation *operation,
        GPtrArray *types, GError **error) G_GNUC_WARN_UNUSED_RESULT;
