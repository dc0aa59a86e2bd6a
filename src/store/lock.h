/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The lock that gives a state directory to one process. It is the kernel's and ends with the process, however that
 * ends; the file itself stays. It does not keep a process from locking the same directory twice.
 */

#include <glib.h>

typedef struct FleetLock FleetLock;

/* Takes the lock of a directory, which must exist. FLEET_STORE_ERROR_LOCKED names the process that has it;
 * FLEET_STORE_ERROR_DIRECTORY if the file cannot be made. */
FleetLock *fleet_lock_take(const char *directory, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether a process that had it before has called _note_boot() in this boot of the machine. Then the kernel has kept in
 * memory whatever that process wrote, synced or not. */
gboolean fleet_lock_was_held_in_this_boot(const FleetLock *lock);

/* Notes for the next holder that what the database has beside it is of this boot. Not before the database is open: a
 * start that fails leaves what it found. */
void fleet_lock_note_boot(FleetLock *lock);

/* Gives the lock back. */
void fleet_lock_free(FleetLock *lock);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetLock, fleet_lock_free)
