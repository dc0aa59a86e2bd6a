/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the checks of core share: the real core over a real store, with all that it announces written down in order, and
 * changes that are named, so that what becomes of each is written down too.
 */

#include "core/engine.h"
#include "core/history.h"
#include "core/ledger.h"
#include "core/registry.h"
#include "core/timers.h"
#include "drivers/simulated.h"
#include "lib/main.h"

#include <glib.h>

typedef struct FleetTestCore FleetTestCore;
struct FleetTestCore {
    FleetStore *store;
    FleetTimers *timers;
    FleetLedger *ledger;
    FleetRegistry *registry;
    FleetPresenceWatch *presence;
    FleetEngine *engine;
    FleetHistory *history;
    FleetActionTypes *types;
    FleetEngineSettings settings; /* to change, and to hand over with _configure() */
    FleetParameters *parameters;  /* none; of all requests */
    FleetObservers observers;
    FleetObserverLink link;

    /* One line each: "device added a IDLE", "device changed a IDLE->BUSY", "device a UNKNOWN->ONLINE" (its presence),
     * "device removed a", "action added 1
     * PENDING", "action changed 1 PENDING->RUNNING", "action removed 1", "committed" (of a
     * transaction that told any of these), "storage failed", "storage ok";
     * and what became of a named change: "done NAME", "NAME: DeviceExists". */
    GString *events;
    GPtrArray *details; /* of FleetAction: each image that told nothing new but detail */
    gboolean told;      /* since the last commit */
    gboolean refuses;   /* see _take_over() */
    GError *failure;    /* what the last change that failed was told */
};

/* Opens the store of a directory, loads and starts it, or fails the check. Actions take no time and succeed. Nothing
 * that runs is recovered yet. Owned by the caller. */
FleetTestCore *fleet_test_core_new(const char *directory) G_GNUC_WARN_UNUSED_RESULT;
void fleet_test_core_free(FleetTestCore *core);

/* How long actions take from now on, in µs, and how many of them succeed (0.0 to 1.0). No failure is transient. */
void fleet_test_core_simulate(FleetTestCore *core, gint64 duration, double success_rate);

/*
 * From now on the driver does nothing by itself: what it is asked to do is written down, "driver starts 1/2" (the
 * second attempt of action 1), "driver finds 1/2" (after a restart), "driver stops 1/2", "driver lets go 1/2", and the
 * check reports what comes of it. While core->refuses it does nothing of the kind, and says so.
 */
void fleet_test_core_take_over(FleetTestCore *core);

/* Reports of that driver; others through fleet_test_core_driver(core)->host. */
FleetDriver *fleet_test_core_driver(const FleetTestCore *core);
void fleet_test_core_finish(FleetTestCore *core, gint64 sequence, guint attempt, FleetOutcome outcome);
void fleet_test_core_phase(FleetTestCore *core, gint64 sequence, guint attempt, const char *phase);

/* Hands core->settings to the engine. */
void fleet_test_core_configure(FleetTestCore *core);

/* The same, with another retention. */
void fleet_test_core_retain(FleetTestCore *core, guint finished_max, gint64 finished_age);

/* Makes a change, and has what becomes of it written down under its name (a static string). */
void fleet_test_core_register(FleetTestCore *core, const char *name, const char *id);
void fleet_test_core_status(FleetTestCore *core, const char *name, const char *id, FleetDeviceStatus status);
void fleet_test_core_update(FleetTestCore *core, const char *name, const char *id, const char *new_name);
void fleet_test_core_unregister(FleetTestCore *core, const char *name, const char *id);
FleetActionId fleet_test_core_initiate(FleetTestCore *core, const char *name, const char *id);

/* What _initiate() asks for: a SOFTWARE_UPDATE with all defaults. To be changed and given to _initiate_as(). */
FleetActionRequest fleet_test_core_request(const FleetTestCore *core, const char *id) G_GNUC_WARN_UNUSED_RESULT;
FleetInitiated fleet_test_core_initiate_as(FleetTestCore *core, const char *name, const FleetActionRequest *request);

/* Cancels an action; its status, as the caller is told it. */
FleetActionStatus fleet_test_core_cancel(FleetTestCore *core, const char *name, FleetActionId id, gboolean force);

/* Sends a transaction on its way, or refuses it if there is an error (taken). */
void fleet_test_core_end(FleetTestCore *core, const char *name, FleetTransaction *transaction, GError *error);

/* Runs the main loop until nothing is on its way to the disk, or fails the check. */
void fleet_test_core_settle(FleetTestCore *core);

/* Runs the main loop until that moment of CLOCK_BOOTTIME. */
void fleet_test_core_run_until(FleetTestCore *core, gint64 moment);

/* Runs the main loop until there is nothing left to do but to wait for a moment to come. */
void fleet_test_core_rest(FleetTestCore *core);

/* Runs the main loop until that event was written down, or fails the check. */
void fleet_test_core_wait(FleetTestCore *core, const char *event);

/* How often that event was written down. */
guint fleet_test_core_count(const FleetTestCore *core, const char *event);

/* Forgets the events. */
void fleet_test_core_forget(FleetTestCore *core);

/* Fails unless exactly these events were written down; forgets them. */
#define fleet_test_core_assert_events(core, ...)                                                                       \
    fleet_test_core_assert_events_at(__FILE__, __LINE__, (core), __VA_ARGS__, NULL)
void fleet_test_core_assert_events_at(const char *file, int line, FleetTestCore *core, ...) G_GNUC_NULL_TERMINATED;

/* The ids of all devices in the order of a visit, each with its status: "a IDLE, b BUSY". Owned by the caller. */
char *fleet_test_core_devices(
        const FleetTestCore *core, const char *start, gboolean inclusive) G_GNUC_WARN_UNUSED_RESULT;

/* From now on no write to a file works, libcheck's ck_assert*() included; and it does again. */
void fleet_test_core_break_disk(void);
void fleet_test_core_mend_disk(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestCore, fleet_test_core_free)
