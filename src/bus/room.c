/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/room.h"

struct FleetRoom {
    GQueue held;    /* of FleetRoomClaim */
    GQueue waiting; /* of FleetRoomClaim, in their order */
};

FleetRoom *fleet_room_new(void)
{
    return g_new0(FleetRoom, 1);
}

void fleet_room_free(FleetRoom *room)
{
    g_assert(room->held.length == 0 && room->waiting.length == 0);
    g_free(room);
}

/* Large messages are few, for there is not room for more. */
static gboolean has_room(const FleetRoom *room, uid_t uid, gsize size)
{
    gsize all = size, of_user = size;

    for (const GList *link = room->held.head; link != NULL; link = link->next) {
        const FleetRoomClaim *claim = link->data;

        all += claim->size;
        of_user += claim->uid == uid ? claim->size : 0;
    }
    return all <= FLEET_ROOM_BYTES && of_user <= FLEET_ROOM_BYTES_PER_USER;
}

static gboolean waits_before(const FleetRoom *room, uid_t uid, const GList *end)
{
    for (const GList *link = room->waiting.head; link != end; link = link->next)
        if (((const FleetRoomClaim *)link->data)->uid == uid)
            return TRUE;
    return FALSE;
}

gboolean fleet_room_claim(FleetRoom *room, FleetRoomClaim *claim, gsize size)
{
    g_assert(claim->size == 0 && size > 0 && size <= FLEET_ROOM_BYTES_PER_USER);
    claim->size = size;
    claim->link = (GList){.data = claim};
    claim->waiting = waits_before(room, claim->uid, NULL) || !has_room(room, claim->uid, size);
    g_queue_push_tail_link(claim->waiting ? &room->waiting : &room->held, &claim->link);
    return !claim->waiting;
}

static FleetRoomClaim *next_to_grant(const FleetRoom *room)
{
    for (const GList *link = room->waiting.head; link != NULL; link = link->next) {
        FleetRoomClaim *claim = link->data;

        if (!waits_before(room, claim->uid, link) && has_room(room, claim->uid, claim->size))
            return claim;
    }
    return NULL;
}

void fleet_room_release(FleetRoom *room, FleetRoomClaim *claim)
{
    FleetRoomClaim *next;

    if (claim->size == 0)
        return;
    g_queue_unlink(claim->waiting ? &room->waiting : &room->held, &claim->link);
    claim->size = 0;
    claim->waiting = FALSE;
    while ((next = next_to_grant(room)) != NULL) {
        g_queue_unlink(&room->waiting, &next->link);
        g_queue_push_tail_link(&room->held, &next->link);
        next->waiting = FALSE;
        next->granted(next);
    }
}
