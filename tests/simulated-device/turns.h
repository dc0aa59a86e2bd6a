/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who connects when: only so many at a time, or a broker's queue of connections would overflow, and what does not fit
 * in there waits for seconds.
 */

#include <glib.h>

typedef struct {
    guint free;
    gboolean handing_out; /* a turn that is given back at once must not hand out the next one from within */
    GQueue waiting;       /* of SimTurn, weak */
} SimTurns;

/* Fill in func and data; the rest belongs to the turns. */
typedef struct {
    void (*func)(gpointer data);
    gpointer data;
    GList link;
    gboolean waiting, taken;
} SimTurn;

void sim_turns_init(SimTurns *turns, guint at_once);

/* Calls its function when it is its turn, which may be now. It has the turn until it gives it back. */
void sim_turns_ask(SimTurns *turns, SimTurn *turn);

/* Gives it back, or no longer wants it; nothing happens if it has asked for none. */
void sim_turns_give_back(SimTurns *turns, SimTurn *turn);
