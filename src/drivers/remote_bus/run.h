/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Private to the driver "remote-bus": one attempt, and what a kind of work is.
 *
 * All work is done the same way. The machine is connected to. What it takes is made ready (_begin). Then it is written
 * down that the machine may have been asked from now on (fleet_remote_run_intend()), and only when that is on disk it
 * is asked (_ask). So after a crash it is known which attempts have surely not asked yet: these begin anew, and can
 * fail as if nothing had been. All others find out what has become of it (_resume), as they do after a connection that
 * was lost; nothing is ever asked for twice.
 */

#include "drivers/driver.h"
#include "drivers/remote_bus/link.h"
#include "drivers/remote_bus/plan.h"
#include "drivers/remote_bus/settings.h"

/* The phase of all attempts that have not asked their machine for anything yet, and of no other. */
#define FLEET_REMOTE_PHASE_CONNECTING "connecting"

typedef struct FleetRemoteRun FleetRemoteRun;

typedef struct {
    FleetDriver driver;
    FleetRemoteSettings *settings;
    FleetRemotePool *pool;
    GHashTable *runs; /* FleetRemoteRun */
} FleetRemoteDriver;

typedef struct {
    const char *phase; /* what it is at from when the machine was asked */
    gboolean is_final; /* what the machine was asked for cannot be stopped */

    /* The machine can be talked to, and has not been asked: make ready, and then call fleet_remote_run_intend(). Comes
     * once: if the connection is lost before, the attempt has failed. */
    void (*begin)(FleetRemoteRun *run);

    /* Ask. */
    void (*ask)(FleetRemoteRun *run);

    /* The machine can be talked to, and may have been asked, by this fleetd or the one before: find out. */
    void (*resume)(FleetRemoteRun *run);

    /* The connection is gone, or not needed any more; drop all that belongs to it. May come at any time. */
    void (*let_go)(FleetRemoteRun *run);

    /* Stop what was asked for; NULL where is_final. */
    void (*stop)(FleetRemoteRun *run);

    /* The time set for DUE_WORK has come. NULL where none is set. */
    void (*wake)(FleetRemoteRun *run);

    /* The end is on disk: remove what the machine kept for it. NULL: nothing. */
    void (*clean)(FleetRemoteRun *run);

    void (*free)(FleetRemoteRun *run);
} FleetRemoteWork;

extern const FleetRemoteWork fleet_remote_program_work;
extern const FleetRemoteWork fleet_remote_reboot_work;
extern const FleetRemoteWork fleet_remote_rauc_work;

/* What a run waits for, each with a moment of its own. */
typedef enum {
    FLEET_REMOTE_DUE_CONNECT, /* the next try */
    FLEET_REMOTE_DUE_EXPIRE,  /* the end of the machine's time */
    FLEET_REMOTE_DUE_WORK,    /* whatever the work wants */
    FLEET_REMOTE_DUES,        /* not one: their number */
} FleetRemoteDue;

#define FLEET_REMOTE_NEVER G_MAXINT64

struct FleetRemoteRun {
    FleetRemoteDriver *driver;
    FleetRemoteSettings *settings; /* as they were when it began */
    const FleetProgram *program;   /* in there; NULL for other work, and when the configuration has none any more */
    FleetAttemptId id;
    char *device_id;
    FleetAttempt *attempt; /* weak; NULL once the engine has let go of it: the run then only cleans up */
    FleetRemotePlan plan;
    const FleetRemoteWork *work;
    gpointer data; /* the work's */
    FleetRemoteLink *link;
    gint64 due[FLEET_REMOTE_DUES]; /* µs of CLOCK_BOOTTIME */
    gboolean intends;              /* to ask the machine, once that is on disk */
    gboolean asked;                /* the machine may have been */
    gboolean reattached;           /* by a fleetd before this one */
    gboolean stop_wanted;
    gboolean lost_trace; /* the engine was told that it is unknown; all else is kept from it until it is found */
    gboolean ended;
};

/* A run of an attempt whose plan was read. */
FleetRemoteRun *fleet_remote_run_new(
        FleetRemoteDriver *driver, FleetAttempt *attempt, const FleetRemotePlan *plan) G_GNUC_WARN_UNUSED_RESULT;
void fleet_remote_run_free(FleetRemoteRun *run);

/* Begins, or finds out where it was when fleetd ended. */
void fleet_remote_run_start(FleetRemoteRun *run);
void fleet_remote_run_reattach(FleetRemoteRun *run);

void fleet_remote_run_cancel(FleetRemoteRun *run);
void fleet_remote_run_wake(FleetRemoteRun *run);

/* What it has reported is on disk, or could not be stored: the machine is asked, or the intent reported again. */
void fleet_remote_run_stored(FleetRemoteRun *run);

/* The engine lets go of it; is_over says whether its end is on disk. */
void fleet_remote_run_release(FleetRemoteRun *run, gboolean is_over);

/* For the kinds of work. */

/* The connection, or NULL while there is none. */
sd_bus *fleet_remote_run_bus(const FleetRemoteRun *run);

/* Has it written down that the machine may have been asked; _ask follows once that is on disk, unless the connection is
 * lost or the attempt stopped before. */
void fleet_remote_run_intend(FleetRemoteRun *run);

void fleet_remote_run_set_due(FleetRemoteRun *run, FleetRemoteDue due, gint64 when);

/* Reports, but for one that the engine has let go of. */
void fleet_remote_run_phase(FleetRemoteRun *run, const char *phase);
void fleet_remote_run_progress(FleetRemoteRun *run, double progress);
void fleet_remote_run_message(FleetRemoteRun *run, const char *message);

void fleet_remote_run_point_of_no_return(FleetRemoteRun *run);

/* There is no trace of it, for now. Until it is found, or the engine gives up, nothing else is reported. */
void fleet_remote_run_miss(FleetRemoteRun *run, const char *message);

/* It was found after all. */
void fleet_remote_run_found(FleetRemoteRun *run);

/* The last thing that is said of it. The run may be gone afterwards. */
void fleet_remote_run_finish(FleetRemoteRun *run, FleetOutcome outcome, const char *message);

/* The same for a call that could not even be sent: r is the negative errno. */
void fleet_remote_run_fail_call(FleetRemoteRun *run, const char *what, int r);

/* Is it certain that the machine was booted after the attempt had begun? Uptime and time since then tell, no wall
 * clock; so not after a reboot of this machine. */
gboolean fleet_remote_run_has_rebooted(const FleetRemoteRun *run);

/* A name for the machine in messages. */
const char *fleet_remote_run_where(const FleetRemoteRun *run);
