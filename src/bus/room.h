/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The memory that messages from peers may take up while they come in and until they are answered, for those that are
 * too large to be read at once. A peer that is about to send one claims its size, which the message's header tells, and
 * is not read from until it has it.
 */

#include <glib.h>
#include <sys/types.h>

/* All peers together, and all peers of one user. The latter has room for two of the largest messages. */
#define FLEET_ROOM_BYTES ((gsize)64 * 1024 * 1024)
#define FLEET_ROOM_BYTES_PER_USER ((gsize)32 * 1024 * 1024)

typedef struct FleetRoom FleetRoom;

/* A claim, embedded in what it serves. All zeros but for uid, granted and data: nothing is claimed. */
typedef struct FleetRoomClaim FleetRoomClaim;
struct FleetRoomClaim {
    uid_t uid;
    void (*granted)(FleetRoomClaim *claim); /* called once there is room, if there was none at first */
    gpointer data;                          /* the owner's */
    gsize size;                             /* bytes; 0 = nothing is claimed; private */
    gboolean waiting;                       /* private */
    GList link;                             /* private */
};

FleetRoom *fleet_room_new(void) G_GNUC_WARN_UNUSED_RESULT;

/* Nothing may be claimed any more. */
void fleet_room_free(FleetRoom *room);

/* Claims size bytes, at most FLEET_ROOM_BYTES_PER_USER. TRUE: they are there. FALSE: the claim waits until others give
 * enough back; those of different users pass each other, those of one user are granted in their order. */
gboolean fleet_room_claim(FleetRoom *room, FleetRoomClaim *claim, gsize size) G_GNUC_WARN_UNUSED_RESULT;

/* Gives back what was claimed, or waits no more for it; does nothing if nothing is claimed. Claims of others may be
 * granted from here. */
void fleet_room_release(FleetRoom *room, FleetRoomClaim *claim);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetRoom, fleet_room_free)
