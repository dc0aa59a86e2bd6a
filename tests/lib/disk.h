/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The disk below fleetd's state directory, as a library that is preloaded into it (shim/disk.c): one that fails calls
 * on demand, and one that loses power. For the latter all that fleetd does to its files is traced, and what a disk may
 * hold after a loss of power is made of the trace:
 *
 * - what was written to a file before its last sync is there,
 * - of what came later any part may be, in any order, in units of 512 bytes,
 * - what a failed sync should have written is forgotten: no later sync brings it to the disk (see fsync(2)),
 * - names (a file's creation, removal, renaming) are there once their directory was synced, before that any of them.
 */

#include "lib/daemon.h"
#include "lib/disk_kinds.h"

typedef struct FleetTestDisk FleetTestDisk;

/* Has the daemon, which has never run, use the library from its next start on. Owned by the caller; outlives the
 * daemon. */
FleetTestDisk *fleet_test_disk_new(FleetTestDaemon *daemon) G_GNUC_WARN_UNUSED_RESULT;
void fleet_test_disk_free(FleetTestDisk *disk);

/* From now on, after so many more calls of these kinds on these files, so many fail with that errno (-1 = all that
 * follow). Takes the place of what was said before. */
void fleet_test_disk_fail(FleetTestDisk *disk, guint calls, guint files, int skip, int times, int error);

/* Ends all failing. How many calls have failed since fleet_test_disk_fail(). */
guint fleet_test_disk_mend(FleetTestDisk *disk);

/* Where the trace ends now: what fleetd had done when it was asked lies before that. */
gint64 fleet_test_disk_position(const FleetTestDisk *disk);

/*
 * Writes what the disk may hold had the power gone at that position of the trace into a directory, which must be empty.
 * Positions must not decrease from call to call; one inside a record of the trace stands for its end. The same seed
 * gives the same.
 */
void fleet_test_disk_cut(FleetTestDisk *disk, gint64 position, guint32 seed, const char *directory);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestDisk, fleet_test_disk_free)
