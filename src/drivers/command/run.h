/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Private to the driver "command": one attempt, and what a back-end is. A back-end starts and stops the program and
 * learns how it ends; all that is common, the place on disk, the output and the reports to the engine, is in run.c.
 */

#include "base/log.h"
#include "drivers/command/place.h"
#include "drivers/command/poller.h"
#include "drivers/command/settings.h"
#include "drivers/driver.h"
#include "drivers/program/output.h"

typedef struct FleetCommandRun FleetCommandRun;
typedef struct FleetCommandUnits FleetCommandUnits;

typedef struct {
    FleetDriver driver;
    FleetCommandSettings *settings; /* NULL until it is configured */
    FleetCommandPoller *poller;
    FleetCommandUnits *units;
    GHashTable *runs; /* &run->id -> FleetCommandRun */
    guint sweep;      /* a timeout, or 0 */
    gint64 nofile;    /* how many files programs may open as a rule; fleetd itself needs more. 0 = not known yet */
} FleetCommandDriver;

typedef struct {
    /* Begin: makes the place, and then the program. */
    void (*start)(FleetCommandRun *run);
    /* The place is there: find the program, or its result. */
    void (*attach)(FleetCommandRun *run);
    /* Stop the program. */
    void (*stop)(FleetCommandRun *run);
    /* The result has arrived where it shall; let go of what was kept for it. */
    void (*dismiss)(FleetCommandRun *run);
    /* Free run->data; the program goes on if it has not ended. May be called again. */
    void (*release)(FleetCommandRun *run);
} FleetCommandBackend;

extern const FleetCommandBackend fleet_command_child_backend;
extern const FleetCommandBackend fleet_command_unit_backend;

typedef struct {
    FleetCommandRun *run;
    FleetProgramStream stream;
    FleetCommandWatch watch;
    gboolean watched;
} FleetCommandInlet;

struct FleetCommandRun {
    FleetCommandDriver *driver;
    FleetCommandSettings *settings; /* as they were when it began */
    const FleetProgram *program;    /* in there; NULL after a restart */
    FleetAttemptId id;
    FleetAttempt *attempt; /* weak; NULL once the engine has let go of it */
    gboolean attaching;    /* it is not known yet whether there is anything to be found */
    gboolean silent;       /* nobody waits for reports: it is only looked after until it has ended */
    gboolean stop_wanted;
    gboolean ended;
    const FleetCommandBackend *backend;
    gpointer data;            /* the back-end's */
    FleetCommandPlace *place; /* NULL before it is started */
    FleetCommandInlet inlets[FLEET_PROGRAM_STREAMS];
    FleetProgramOutput *output;
    double log_budget; /* lines that may be logged now */
    gint64 log_time;   /* when that was reckoned, µs of CLOCK_MONOTONIC */
    guint64 log_lost;  /* lines left out since then */
};

/* A run in the driver's table. */
FleetCommandRun *fleet_command_run_new(FleetCommandDriver *driver, FleetAttemptId id) G_GNUC_WARN_UNUSED_RESULT;

/* Takes it out of the table and frees it. The place on disk and the program stay as they are. */
void fleet_command_run_free(FleetCommandRun *run);

/* Lets go of all that was kept for the result, and frees it. */
void fleet_command_run_close(FleetCommandRun *run);

/* Keeps what is only in memory, before fleetd ends. */
void fleet_command_run_save(const FleetCommandRun *run);

/* For the back-ends. After _failed, _ended and _gone they must not touch the run any more. */

/* Makes run->place and begins to read from its streams. FALSE after a _failed. */
gboolean fleet_command_run_make_place(FleetCommandRun *run, FleetCommandBackendKind kind) G_GNUC_WARN_UNUSED_RESULT;

/* What a message of the log about a run is about: the attempt, as it was started; run->place must be set. For the time
 * of a call. */
#define FLEET_COMMAND_RUN_SUBJECT(run)                                                                                 \
    FLEET_LOG_SUBJECT(.action = (run)->place->info.action_id, .device = (run)->place->info.device_id,                  \
            .attempt = (run)->id.number)

/* Begins to read from the streams of run->place. */
void fleet_command_run_watch(FleetCommandRun *run);

/* It was not started. */
void fleet_command_run_failed(FleetCommandRun *run, FleetOutcome outcome, const char *message);

/* It has ended, nothing of it is left, and the result is in its place. */
void fleet_command_run_ended(FleetCommandRun *run, const FleetProgramResult *result);

/* There is nothing left of it, and no result. */
void fleet_command_run_gone(FleetCommandRun *run, const char *message);

/* The units of a driver, by their paths, and the connection to systemd, which is made when it is needed. */
FleetCommandUnits *fleet_command_units_new(FleetCommandDriver *driver) G_GNUC_WARN_UNUSED_RESULT;
void fleet_command_units_free(FleetCommandUnits *units);
