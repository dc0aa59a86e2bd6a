/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An engine for tests of one driver: it hands attempts over and notes what the driver reports.
 */

#include "drivers/driver.h"

#include <glib.h>

typedef struct {
    FleetAttempt attempt;
    FleetAction *action;
    GString *reports; /* all, a line each: "progress 0.50", "phase installing", "finished success" */
    guint finished;   /* how often it was reported as finished */
    FleetOutcome outcome;
    char *message; /* of the last report that had one */
    char *output;
    gint64 wake_at; /* 0 = not asked for */
} FleetTestAttempt;

typedef struct {
    const FleetDriverClass *class;
    FleetDriver *driver;
    GHashTable *attempts;   /* &attempt.id.sequence -> FleetTestAttempt */
    guint seen;             /* how often a device was reported present */
    FleetPresence presence; /* as it was reported last */
    const char *device_id;  /* "router-1" at first; of the device in attempts that are made from now on */
    const char *address;    /* of the device in attempts that are made from now on; NULL = none */
    gboolean lives;         /* as with the engine, reports reach an action's image a moment later, once they are stored,
                               and who wants to be woken is */
    gboolean disk_full;     /* they do not */
} FleetTestDriver;

/* A driver with nothing to do. */
FleetTestDriver *fleet_test_driver_new(const FleetDriverClass *class) G_GNUC_WARN_UNUSED_RESULT;
void fleet_test_driver_free(FleetTestDriver *test);

/* Takes the driver away, and makes a new one, as a restart of fleetd does; the attempts are released but not forgotten.
 */
void fleet_test_driver_restart(FleetTestDriver *test);

/* An attempt at an action of that type on a device of the type "router", with pairs of parameters ("key", "value", ...,
 * NULL; or NULL). The plan is not made yet. Owned by the driver's table; a further one with the same sequence takes its
 * place. */
FleetTestAttempt *fleet_test_attempt_new(
        FleetTestDriver *test, gint64 sequence, guint number, const char *type, const char *const *parameters);

/* Has the driver make the plan. FALSE with what it says. */
gboolean fleet_test_attempt_plan(FleetTestDriver *test, FleetTestAttempt *attempt, GError **error);

/* Makes the plan, which must succeed, and starts it. */
void fleet_test_attempt_start(FleetTestDriver *test, FleetTestAttempt *attempt);

void fleet_test_attempt_reattach(FleetTestDriver *test, FleetTestAttempt *attempt);
void fleet_test_attempt_cancel(FleetTestDriver *test, FleetTestAttempt *attempt);

/* As the engine does once the end is on disk. */
void fleet_test_attempt_release(FleetTestDriver *test, FleetTestAttempt *attempt);

/* Runs the main context until it has finished, or until the reports contain that line. Fails the check if that takes
 * longer than FLEET_TEST_PATIENCE. */
void fleet_test_attempt_wait(FleetTestAttempt *attempt);
void fleet_test_attempt_wait_report(FleetTestAttempt *attempt, const char *line);

/* Runs the main context until the file is there, or is gone. */
void fleet_test_wait_file(const char *path, gboolean there);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestDriver, fleet_test_driver_free)
