/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How an action is carried out on a device. A driver is a table of functions (FleetDriverClass) and one object of it;
 * adding one takes a file and a row in drivers.c. All calls, in both directions, are made on the main loop.
 *
 * An attempt is one try to carry out an action. Its start is on disk before the driver hears of it, so a driver that is
 * asked to start can rely on not having been asked before, crash or not; after a restart it is asked to reattach
 * instead.
 *
 * A driver names an attempt by its number in all that it reports. What comes late, of an attempt that is over, is
 * logged and dropped by the engine, so a driver need not keep track of what became of it.
 */

#include "model/action.h"
#include "model/device.h"

#include <glib.h>

typedef struct FleetDriver FleetDriver;

/* Which attempt: the action's sequence and the number of the try, from 1. */
typedef struct {
    gint64 sequence;
    guint number;
} FleetAttemptId;

/* One attempt as a driver sees it. It belongs to the engine and lives until _release. */
typedef struct {
    FleetAttemptId id;
    const FleetAction *action; /* the newest image; changes with what the driver reports */
    const FleetDevice *device; /* as it was when the attempt was handed to the driver */
    gint64 started;            /* µs of CLOCK_BOOTTIME on this boot (it may be negative: started before the boot) */
    gpointer data;             /* the driver's own; NULL at first */
} FleetAttempt;

/* How an attempt has ended. */
typedef enum {
    FLEET_OUTCOME_SUCCESS,
    FLEET_OUTCOME_TRANSIENT, /* failed, nothing was changed for good, and another try may help */
    FLEET_OUTCOME_PERMANENT, /* failed, and another try would not help */
    FLEET_OUTCOME_UNCERTAIN, /* nobody knows: it must not be tried again */
    FLEET_OUTCOME_REJECTED,  /* the device or the driver does not do this at all */
    FLEET_OUTCOME_STOPPED,   /* it was asked to stop, and the work has stopped */
    FLEET_OUTCOME_LAST_,     /* not an outcome: their number */
} FleetOutcome;

/* A device that nobody has registered and that has shown itself. */
typedef struct {
    const char *id, *name, *type; /* as RegisterDevice has them */
    const char *address;          /* "" = as one with that id has it */
} FleetAnnouncement;

/* What a driver may tell the engine: of an attempt, at any time between _start (or _reattach) and _finished, and each
 * is a sign of life; of devices, at any time after it was created. Nothing of that is called from within create. */
typedef struct {
    /* How far it is, 0.0 to 1.0. */
    void (*progress)(FleetAttemptId attempt, double progress, gpointer host_data);

    /* What it is doing, one lower-case word: "downloading". */
    void (*phase)(FleetAttemptId attempt, const char *phase, gpointer host_data);

    /* A line for people. */
    void (*message)(FleetAttemptId attempt, const char *message, gpointer host_data);

    /* From here on it cannot be stopped without harm. */
    void (*point_of_no_return)(FleetAttemptId attempt, gpointer host_data);

    /* It has ended: with a message for people, and the end of what it printed ("" = nothing). The driver says nothing
     * more. */
    void (*finished)(
            FleetAttemptId attempt, FleetOutcome outcome, const char *message, const char *output, gpointer host_data);

    /* What is known of a device, with or without an attempt on it: ONLINE, it has just shown that it is there; OFFLINE,
     * it is known to be away (a last will says so); UNKNOWN, the way to it is down, so nobody can say. One that is not
     * registered is passed over. */
    void (*presence)(const char *device_id, FleetPresence presence, gpointer host_data);

    /* is_ready may have another answer: for one device, or for all of that driver's (NULL). */
    void (*ready_changed)(FleetDriver *driver, const char *device_id, gpointer host_data);

    /* Has a device registered with this driver, as root would, on the next turn, or once the disk takes it. What cannot
     * be done at all is logged. One that is registered already is left as it is. */
    void (*announced)(FleetDriver *driver, const FleetAnnouncement *announcement, gpointer host_data);

    /* There is no trace of it: after _reattach, or later, when what it was known by is gone. Any further report within
     * RecoveryTimeout brings it back; else it is lost. */
    void (*unknown)(FleetAttemptId attempt, const char *message, gpointer host_data);

    /* Have _wake called at that time (µs of CLOCK_BOOTTIME; the past means on the next turn). Replaces an earlier wish.
     */
    void (*wake_at)(FleetAttemptId attempt, gint64 when, gpointer host_data);
} FleetDriverHost;

typedef struct {
    const char *name; /* as in the Driver property */

    /* A driver that reports to host, which outlives it. */
    FleetDriver *(*create)(const FleetDriverHost *host, gpointer host_data);
    void (*destroy)(FleetDriver *driver);

    /* Whether an address that is given to a device, not "", is one of this driver's. INVALID_ARGUMENT with what would
     * be right. NULL: any is. */
    gboolean (*check_address)(const char *address, GError **error);

    /* No two devices of this driver are at the same address (fleet_device_where()). */
    gboolean exclusive_address;

    /* A device is this driver's: it was found at the start or has been registered, or has another image by now (address
     * or type may differ). It is on disk. The image may be referenced. NULL: not of interest. */
    void (*adopt)(FleetDriver *driver, const FleetDevice *device);

    /* It is not any more. Not called before the driver is destroyed. NULL if adopt is. */
    void (*forget)(FleetDriver *driver, const FleetDevice *device);

    /* Could an attempt on that device start? As long as not, its actions wait. What is asked of a driver that is not
     * there yet (its broker is away) is not known to be unsupported. NULL: always. */
    gboolean (*is_ready)(FleetDriver *driver, const FleetDevice *device);

    /* What the driver wants to find again in action->plan, after a restart too; stored before the attempt starts. NULL,
     * with UNSUPPORTED, if it does not do such an action on such a device at all. A new reference. */
    GRefString *(*plan)(FleetDriver *driver, const FleetAction *action, const FleetDevice *device, GError **error);

    /* Begin the work. */
    void (*start)(FleetDriver *driver, FleetAttempt *attempt);

    /* fleetd was restarted while the attempt ran: find the work again, and report on it, or that it is _unknown. */
    void (*reattach)(FleetDriver *driver, FleetAttempt *attempt);

    /* Stop the work. _finished tells when it has stopped (STOPPED), or has ended otherwise before it could. */
    void (*cancel)(FleetDriver *driver, FleetAttempt *attempt);

    /* The time asked for with wake_at has come. NULL if the driver never asks. */
    void (*wake)(FleetDriver *driver, FleetAttempt *attempt);

    /* A phase or a point of no return that was reported is on disk, and in attempt->action; or could not be stored, is
     * not there, and can be reported again. NULL: not of interest. */
    void (*stored)(FleetDriver *driver, FleetAttempt *attempt);

    /* The attempt goes away: free attempt->data. It may have ended, or fleetd does while the work itself goes on, or it
     * was closed by force while the work goes on. */
    void (*release)(FleetDriver *driver, FleetAttempt *attempt);
} FleetDriverClass;

/* Every driver begins with this. */
struct FleetDriver {
    const FleetDriverClass *class;
    const FleetDriverHost *host;
    gpointer host_data;
};
