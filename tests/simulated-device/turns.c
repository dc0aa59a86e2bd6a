/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "turns.h"

void sim_turns_init(SimTurns *turns, guint at_once)
{
    turns->free = at_once;
    turns->handing_out = FALSE;
    g_queue_init(&turns->waiting);
}

static void hand_out(SimTurns *turns)
{
    if (turns->handing_out)
        return;
    turns->handing_out = TRUE;
    while (turns->free > 0 && turns->waiting.head != NULL) {
        SimTurn *turn = turns->waiting.head->data;

        g_queue_unlink(&turns->waiting, &turn->link);
        turn->waiting = FALSE;
        turn->taken = TRUE;
        turns->free--;
        turn->func(turn->data);
    }
    turns->handing_out = FALSE;
}

void sim_turns_ask(SimTurns *turns, SimTurn *turn)
{
    if (turn->waiting || turn->taken)
        return;
    turn->link = (GList){.data = turn};
    turn->waiting = TRUE;
    g_queue_push_tail_link(&turns->waiting, &turn->link);
    hand_out(turns);
}

void sim_turns_give_back(SimTurns *turns, SimTurn *turn)
{
    if (turn->waiting)
        g_queue_unlink(&turns->waiting, &turn->link);
    if (turn->taken)
        turns->free++;
    turn->waiting = turn->taken = FALSE;
    hand_out(turns);
}
