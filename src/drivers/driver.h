/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How an action is carried out on a device. A driver is a table of functions (FleetDriverClass) and one object of it;
 * adding one takes a file and a row in drivers.c. All calls, in both directions, are made on the main loop.
 *
 * An attempt is one try to carry out an action. Its start is on disk before the driver hears of it, so a driver that is
 * asked to start can rely on not having been asked before, crash or not; after a restart it is asked to reattach
 * instead.
 */

#include "model/action.h"

#include <glib.h>

typedef struct FleetDriver FleetDriver;

/* One attempt as a driver sees it. It belongs to the engine and lives until _release. */
typedef struct {
    const FleetAction *action; /* the newest image; changes with what the driver reports */
    gint64 started;            /* µs of CLOCK_BOOTTIME on this boot (it may be negative: started before the boot) */
    gpointer data;             /* the driver's own; NULL at first */
} FleetAttempt;

typedef enum {
    FLEET_OUTCOME_SUCCESS,
    FLEET_OUTCOME_FAILURE,
} FleetOutcome;

/* What a driver may tell the engine, at any time between _start (or _reattach) and _finished. */
typedef struct {
    /* How far it is, 0.0 to 1.0. */
    void (*progress)(FleetAttempt *attempt, double progress);

    /* What it is doing, one lower-case word: "downloading". */
    void (*phase)(FleetAttempt *attempt, const char *phase);

    /* It has ended, with a message for people. The driver says nothing more about this attempt. */
    void (*finished)(FleetAttempt *attempt, FleetOutcome outcome, const char *message);

    /* Have _wake called at that time (µs of CLOCK_BOOTTIME; the past means on the next turn). Replaces an earlier wish.
     */
    void (*wake_at)(FleetAttempt *attempt, gint64 when);
} FleetDriverHost;

typedef struct {
    const char *name; /* as in the Driver property */

    /* A driver that reports to host, which outlives it. */
    FleetDriver *(*create)(const FleetDriverHost *host);
    void (*destroy)(FleetDriver *driver);

    /* What the driver wants to find again in action->plan, after a restart too; stored before the attempt starts. A new
     * reference. */
    GRefString *(*plan)(FleetDriver *driver, const FleetAction *action);

    /* Begin the work. */
    void (*start)(FleetDriver *driver, FleetAttempt *attempt);

    /* fleetd was restarted while the attempt ran: find the work again. */
    void (*reattach)(FleetDriver *driver, FleetAttempt *attempt);

    /* The time asked for with wake_at has come. */
    void (*wake)(FleetDriver *driver, FleetAttempt *attempt);

    /* The attempt goes away: free attempt->data. Also called at shutdown, when the work itself goes on. */
    void (*release)(FleetDriver *driver, FleetAttempt *attempt);
} FleetDriverClass;

/* Every driver begins with this. */
struct FleetDriver {
    const FleetDriverClass *class;
    const FleetDriverHost *host;
};
