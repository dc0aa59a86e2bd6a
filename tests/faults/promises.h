/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Clients that call fleetd without waiting for its answers, and write down what it promises them: each answer and each
 * end of an action that is announced, with the place of the disk's trace by which it was on the disk.
 */

#include "lib/fleet_test.h"

typedef struct FleetTestPromises FleetTestPromises;

/* The disk may be NULL: then all was promised at 0. Both outlive it. Owned by the caller. */
FleetTestPromises *fleet_test_promises_new(FleetTestDaemon *daemon, FleetTestDisk *disk) G_GNUC_WARN_UNUSED_RESULT;
void fleet_test_promises_free(FleetTestPromises *promises);

/* Connects to the private socket of the daemon, which runs, and lets the clients call for so many ms, or until so many
 * calls have failed with StorageFailed (0 = whatever that many). Calls are still on their way then. */
void fleet_test_promises_run(FleetTestPromises *promises, guint msec, guint failures);

/* Waits until each call is answered or lost, calls no more, and closes the connections. */
void fleet_test_promises_finish(FleetTestPromises *promises);

/* So many promises were given; so many calls were refused with StorageFailed since the last run began. */
guint fleet_test_promises_count(const FleetTestPromises *promises);
guint fleet_test_promises_refused(const FleetTestPromises *promises);

/* Fails the check unless the database in a directory is sound and holds all that was promised up to that place of the
 * trace (G_MAXINT64 = all). It is opened as SQLite opens it after a crash. */
void fleet_test_promises_verify(const FleetTestPromises *promises, const char *directory, gint64 position);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestPromises, fleet_test_promises_free)
