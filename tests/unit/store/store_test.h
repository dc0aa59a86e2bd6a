/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the checks of the store share: a store whose callbacks are written down in order, values to put in, and a look
 * at the files past the store.
 */

#include "lib/main.h"
#include "store/store.h"

#include <glib.h>

typedef struct FleetTestStore FleetTestStore;

/* Called from a callback, after it was written down. */
typedef void (*FleetTestStoreHook)(FleetTestStore *test, const char *event);

struct FleetTestStore {
    FleetStore *store; /* a check may free it first */
    GPtrArray *owners; /* what was submitted, by name */
    GString *events;   /* one line each: "committed A", "rolled back A", "failed A", "state failed", "state ok" */
    GError *failure;   /* what the last failed transaction was told */
    char *reason;      /* what the last change of state was told */
    FleetTestStoreHook hook;
};

/* Opens the store of a directory and starts it, or fails the check. Owned by the caller. */
FleetTestStore *fleet_test_store_new(const char *directory) G_GNUC_WARN_UNUSED_RESULT;
void fleet_test_store_free(FleetTestStore *test);

/* Submits a transaction that goes by that name (a static string) in the events. */
void fleet_test_store_submit(FleetTestStore *test, const char *name, const FleetChange *changes, guint n);

/* The same, of one change. */
void fleet_test_store_submit_device(
        FleetTestStore *test, const char *name, FleetChangeKind kind, const FleetDevice *device);
void fleet_test_store_submit_action(
        FleetTestStore *test, const char *name, FleetChangeKind kind, const FleetAction *action);

void fleet_test_store_submit_attempt(
        FleetTestStore *test, const char *name, FleetChangeKind kind, const FleetAttemptRecord *attempt);
void fleet_test_store_submit_audit(FleetTestStore *test, const char *name, const FleetAuditRecord *record);

/* Runs the main loop until nothing is on its way, or fails the check. */
void fleet_test_store_settle(FleetTestStore *test);

/* Runs the main loop until *flag, or fails the check. */
void fleet_test_store_wait(const gboolean *flag);

/* Fails unless exactly these events were written down; forgets them. */
#define fleet_test_store_assert_events(test, ...)                                                                      \
    fleet_test_store_assert_events_at(__FILE__, __LINE__, (test), __VA_ARGS__, NULL)
void fleet_test_store_assert_events_at(const char *file, int line, FleetTestStore *test, ...) G_GNUC_NULL_TERMINATED;

/* A device with that key and id, all of its numbers different. An action likewise. */
FleetDevice *fleet_test_device(gint64 key, const char *id) G_GNUC_WARN_UNUSED_RESULT;
FleetAction *fleet_test_action(gint64 sequence, const char *device_id) G_GNUC_WARN_UNUSED_RESULT;

/* Parameters from "key", "value", ..., NULL. */
FleetParameters *fleet_test_parameters(const char *key, ...) G_GNUC_NULL_TERMINATED G_GNUC_WARN_UNUSED_RESULT;

/* Fail unless all that is stored is the same. */
void fleet_test_assert_same_device(const FleetDevice *device, const FleetDevice *expected);
void fleet_test_assert_same_action(const FleetAction *action, const FleetAction *expected);

/* All that a store holds. */
typedef struct {
    GPtrArray *devices;
    GPtrArray *actions;
} FleetTestLoaded;

/* Opens the store of a directory, loads it, and closes it; or fails the check. All finished actions are loaded. */
FleetTestLoaded fleet_test_store_load(const char *directory);
void fleet_test_loaded_clear(FleetTestLoaded *loaded);

/* The ids of the devices that a store holds, separated by commas. Owned by the caller. */
char *fleet_test_store_ids(const char *directory) G_GNUC_WARN_UNUSED_RESULT;

/* Opens the store, which must be refused. The error; owned by the caller. */
GError *fleet_test_store_refused(const char *directory, FleetStoreError code) G_GNUC_WARN_UNUSED_RESULT;

/* The moves of an action as the store tells them, a line each: "1700000000000000 RUNNING installing: a message". Fails
 * the check if they cannot be read. Owned by the caller. */
char *fleet_test_store_moves(FleetTestStore *test, FleetActionId id) G_GNUC_WARN_UNUSED_RESULT;

/* Runs SQL on a database file, past the store, or fails the check. */
void fleet_test_sql(const char *path, const char *sql);

/* The same, with the connection left open, as by a process that is about to be killed. */
void fleet_test_sql_keep(const char *path, const char *sql);

/* The first column of the first row, as text; NULL if that is NULL. Owned by the caller. */
char *fleet_test_sql_read(const char *path, const char *sql) G_GNUC_WARN_UNUSED_RESULT;

/* Every file in a directory with a checksum of what it holds, but for the lock. Owned by the caller. */
char *fleet_test_snapshot(const char *directory) G_GNUC_WARN_UNUSED_RESULT;

/* Copies a file; fails the check if it cannot. */
void fleet_test_copy(const char *from, const char *to);

/* Size of a file in bytes; 0 if it is not there. */
gint64 fleet_test_size(const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestStore, fleet_test_store_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetTestLoaded, fleet_test_loaded_clear)
