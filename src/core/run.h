/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Private to the engine: one action in memory, and the parts of the engine that its files share. As in the registry, a
 * run is a slot with a committed and a staged image; every change of status goes through fleet_run_stage(), which
 * checks that it is legal.
 */

#include "core/engine.h"
#include "core/queue.h"
#include "model/usage.h"

/* What a run waits for. Each has its moment; one timer is set to the first of them. The first two count even before the
 * driver has the attempt in hand; those from NOT_BEFORE to RETRY follow from the action's image (deadlines.c). */
typedef enum {
    FLEET_DUE_HANDOVER,       /* tell the driver to start, or to find it again */
    FLEET_DUE_SETTLE,         /* store the end that could not be stored before */
    FLEET_DUE_ASK_CANCEL,     /* tell the driver to stop */
    FLEET_DUE_NOT_BEFORE,     /* a scheduled start */
    FLEET_DUE_START_DEADLINE, /* it should have started by now */
    FLEET_DUE_TIMEOUT,        /* the whole run takes too long */
    FLEET_DUE_STEP_TIMEOUT,   /* the driver has been silent for too long */
    FLEET_DUE_CANCEL_TIMEOUT, /* the driver has not stopped */
    FLEET_DUE_RETRY,          /* the next attempt */
    FLEET_DUE_RECOVERY,       /* the driver has not found it again */
    FLEET_DUE_STORED,         /* the driver is told what has become of its reports on the way to the disk */
    FLEET_DUE_WAKE,           /* the driver wanted to be woken */
    FLEET_DUE_LAST_,          /* not a cause: their number */
} FleetDue;

#define FLEET_DUE_NEVER G_MAXINT64

/* How a run ends, from the moment that is known until it is on disk. */
typedef struct {
    FleetActionStatus status;
    FleetResult result;
    gint outcome; /* the driver's FleetOutcome, or -1 */
    char *message;
    char *output;
    gint64 at;       /* µs since the epoch */
    gboolean forced; /* an operator closes it without the driver's word: its device becomes ERROR */
} FleetEnding;

typedef struct {
    FleetAttempt attempt; /* what the driver sees */
    gint64 sequence;      /* the action's, and its key in the engine's table */
    FleetEngine *engine;
    FleetDriver *driver;
    FleetAction *committed; /* NULL: not on disk yet */
    FleetAction *staged;
    guint in_flight;             /* steps that are staged and not through */
    gboolean attached;           /* the driver knows of the attempt */
    gboolean reattach;           /* the handover is a finding again */
    gint64 last_report;          /* the driver's last sign of life, µs of CLOCK_BOOTTIME */
    gint64 handed_over;          /* when the driver got the newest attempt, µs of CLOCK_BOOTTIME; 0 = not yet */
    double late_progress;        /* reported while something was in flight; negative: nothing was */
    char *late_message;          /* the same; NULL: nothing was */
    FleetEnding *ending;         /* NULL: nobody knows yet */
    gint64 due[FLEET_DUE_LAST_]; /* µs of CLOCK_BOOTTIME */
    FleetTimer timer;
    FleetQueueEntry entry;  /* while it is PENDING */
    GSequenceIter *blocked; /* in its type's load, while only a limit keeps it from starting */
    gint64 ended;           /* µs of CLOCK_BOOTTIME: its retention counts from here */
    GList finished;         /* in the engine's queue once it is terminal */
} FleetRun;

/* The actions of one type: how many run, and which wait only for room. */
typedef struct {
    GRefString *type;
    guint running;      /* staged */
    GSequence *blocked; /* of FleetRun, in the order in which they shall start */
} FleetLoad;

struct FleetEngine {
    FleetLedger *ledger;
    FleetRegistry *registry;
    FleetPresenceWatch *presence;
    FleetTimers *timers;
    const FleetObservers *observers;
    FleetDrivers *drivers;
    FleetEngineSettings settings;
    GHashTable *runs;     /* &run->sequence -> FleetRun */
    GHashTable *requests; /* FleetRun with a request id, by device and request id */
    FleetQueue *queue;
    FleetUsage *pending; /* staged PENDING actions, by their owner */
    GHashTable *loads;   /* type -> FleetLoad */
    guint running;       /* staged */
    GHashTable *dirty;   /* ids of devices to be considered; a set of char * */
    GQueue dirty_order;  /* the same, in the order in which they came */
    FleetTimer consider;
    GQueue announced; /* devices that drivers have met and that are to be registered */
    FleetTimer registering;
    guint by_status[FLEET_ACTION_STATUS_LAST_]; /* committed */
    gint64 last_sequence;
    GQueue finished; /* of FleetRun, oldest first */
    guint lookups;   /* requests that the store is asked about; finished ones stay in memory meanwhile */
    FleetTimer retention;
    gboolean recovered; /* the drivers know of their devices */
    gboolean stopped;
};

/* run.c */

/* The driver of that name. One that the database names and this build does not have must not lose its actions: the
 * default takes them, and says that it cannot read their plan. */
FleetDriver *fleet_engine_find_driver(FleetEngine *engine, const char *name);

/* A run whose first image is staged; it is not part of a transaction yet. */
FleetRun *fleet_run_new(FleetEngine *engine, const FleetAction *image) G_GNUC_WARN_UNUSED_RESULT;
void fleet_run_free(gpointer run);

/* Puts its insertion into a transaction. */
void fleet_run_stage_first(FleetRun *run, FleetTransaction *transaction);

/* Its first image comes from the disk. */
void fleet_run_load(FleetRun *run);

/* For the table of requests: by device and request id. */
guint fleet_run_hash_request(gconstpointer run);
gboolean fleet_run_same_request(gconstpointer a, gconstpointer b);

/* The timer of the retention. */
void fleet_engine_trim_finished(FleetTimer *timer);

/* A copy of the staged image, to alter and stage. */
FleetAction *fleet_run_next_image(const FleetRun *run) G_GNUC_WARN_UNUSED_RESULT;

/* Stages an image, and takes it. Its status must be the staged one's or a legal move from it. */
void fleet_run_stage(FleetRun *run, FleetTransaction *transaction, FleetAction *image);

/* The device that the run is on, as the next change will find it; NULL if it is gone. */
const FleetDevice *fleet_run_device(const FleetRun *run);

/* Changes what lives in memory only: takes the image. Nothing may be in flight. */
void fleet_run_set_detail(FleetRun *run, FleetAction *image);

/* Sets the moment of a cause, FLEET_DUE_NEVER for none. */
void fleet_run_set_due(FleetRun *run, FleetDue due, gint64 when);

/* Ends a run: stages and submits its terminal state, again and again until it is on disk. Takes the ending. */
void fleet_run_end(FleetRun *run, FleetEnding *ending);

/* The same as part of a transaction of the caller's, for an end that somebody asked for: if it cannot be stored it has
 * not happened. */
void fleet_run_stage_end(FleetRun *run, FleetTransaction *transaction, const FleetEnding *ending);

FleetEnding *fleet_ending_new(FleetActionStatus status, FleetResult result, const char *message);
void fleet_ending_free(FleetEnding *ending);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetEnding, fleet_ending_free)

/* attempts.c */

/* What the engine gives its drivers to report to; the host data is the engine. */
extern const FleetDriverHost fleet_engine_driver_host;

/* Stages the start of the first or of a further attempt. UNSUPPORTED, with nothing staged, if the driver does not do
 * it. */
gboolean fleet_run_stage_attempt(
        FleetRun *run, FleetTransaction *transaction, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Hands the attempt over to the driver. */
void fleet_run_hand_over(FleetRun *run);

/* Takes the attempt back from the driver. */
void fleet_run_detach(FleetRun *run);

/* Shows what was reported while something was in flight. */
void fleet_run_show_late_reports(FleetRun *run);

/* The next attempt after a transient failure. */
void fleet_run_retry(FleetRun *run);

/* Its device was changed: a retry that waited for it may be due. */
void fleet_run_device_changed(FleetRun *run);

/* Has its driver told, at that time, what has become of its reports. */
void fleet_run_tell_stored(FleetRun *run, gint64 when);

/* The driver has not found it again in time. */
void fleet_run_give_up_recovery(FleetRun *run);

/* cancel.c */

/* Stages the wish that the driver stops, with the result that the action shall then have. Nothing if that is wished
 * already. */
void fleet_run_stage_stop(FleetRun *run, FleetTransaction *transaction, FleetResult result, const char *message);

/* Is no attempt under way though it has begun? Its last one has failed, whether that is on disk yet or not, and another
 * is to follow. */
gboolean fleet_run_is_between_attempts(const FleetRun *run) G_GNUC_PURE;

/* Can another action take its place? NOT_CANCELABLE past the point of no return. */
gboolean fleet_run_check_replaceable(const FleetRun *run, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The driver is told. */
void fleet_run_ask_cancel(FleetRun *run);

/* A timeout: the run is to stop. */
void fleet_run_time_out(FleetRun *run, const char *what, gint64 limit);

/* The driver has not stopped in time. */
void fleet_run_cancel_timed_out(FleetRun *run);

/* deadlines.c */

/* Sets all moments that follow from the staged image; none while a move is on its way to the disk. */
void fleet_run_arm(FleetRun *run);

/* The same for one that is queued, after the wall clock was set; what that made due is done. */
void fleet_run_clock_was_set(FleetRun *run);

/* The same after something could not be stored: nothing is due before the given moment. */
void fleet_run_arm_later(FleetRun *run, gint64 earliest);

/* The run's timer. */
void fleet_run_fire(FleetTimer *timer);

/* adopt.c */

/* Tells the driver of a device that was added (before is NULL), changed or removed (after is NULL). */
void fleet_engine_tell_driver(FleetEngine *engine, const FleetDevice *before, const FleetDevice *after);

/* Tells the drivers of all devices that were loaded. */
void fleet_engine_adopt_all(FleetEngine *engine);

/* Could an attempt on the device start, as far as its driver is concerned? */
gboolean fleet_engine_is_ready(FleetDriver *driver, const FleetDevice *device);

/* Looks again at what waited for a driver: on one device, or (NULL) on all. */
void fleet_engine_driver_changed(FleetEngine *engine, FleetDriver *driver, const char *device_id);

/* Registers a device that a driver has met, on the next turn; the timer behind it; and drops what was not yet. */
void fleet_engine_register_announced(
        FleetEngine *engine, const FleetDriver *driver, const FleetAnnouncement *announcement);
void fleet_engine_register_next(FleetTimer *timer);
void fleet_engine_forget_announced(FleetEngine *engine);

/* engine.c */

/* Looks again at what a device's action, and those that wait for it, can do. */
void fleet_engine_reconsider_device(FleetEngine *engine, const FleetDevice *device);

/* schedule.c */

/* Something has changed for a device's queue: looks on the next turn whether anything can start. */
void fleet_engine_consider(FleetEngine *engine, const char *device_id);

/* A limit has changed, or a place has become free. */
void fleet_engine_consider_blocked(FleetEngine *engine);

/* The timer behind both. */
void fleet_engine_schedule(FleetTimer *timer);

/* May a run of that type start within the limits? */
gboolean fleet_engine_has_room(const FleetEngine *engine, const char *type);

/* Keeps count as a run's staged status changes. */
void fleet_engine_count_running(FleetEngine *engine, const FleetAction *action, int change);

/* Its time has come: if its device is not free, that is what it waits for now. */
void fleet_run_await_device(FleetRun *run);

/* Takes a run out of what waits for room. */
void fleet_run_unblock(FleetRun *run);

FleetLoad *fleet_load_new(const char *type);
void fleet_load_free(gpointer load);
