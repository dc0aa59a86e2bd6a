/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Looks, after all is over, at the database, at what the clients were told, and at what the programs have left behind,
 * and at nothing else; knows no more of fleetd than its schema and the list of legal moves.
 */

#include "crowd.h"

/* Fails the check unless all actions in the database have come to their ends by legal moves, one end each. */
void checker_check_database(const char *path);

/* Fails the check unless what the clients were told is what became of the actions. */
void checker_check_promises(const char *path, GHashTable *promises);

/* Fails the check unless each start record below that directory belongs to an attempt that is known, and no attempt
 * has been made twice. The number of the records. */
guint checker_check_attempts(const char *path, const char *directory);
