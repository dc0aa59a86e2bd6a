/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/writer.h"

#include "base/log.h"
#include "store/sqlite/action_rows.h"
#include "store/sqlite/attempt_rows.h"
#include "store/sqlite/audit_rows.h"
#include "store/sqlite/device_rows.h"
#include "store/sqlite/pruning.h"
#include "store/sqlite/transition_rows.h"

#include <pthread.h>

/* So much is worth a batch of its own; an idle thread need not wait for the end of the main loop's turn. */
#define FLUSH_AT 64

struct FleetWriter {
    FleetDatabase *database; /* the thread's, once it runs */
    FleetPruning pruning;    /* the thread's */
    gboolean prune_failed;   /* the thread's; it was logged */
    GThread *thread;         /* NULL before the start */
    FleetWakeFunc wake;
    gpointer user_data;

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t cond;   /* the thread waits for work, or for the failure to be dealt with */
    FleetSubmissionList queue;
    FleetSubmissionList committed;
    FleetSubmissionList failed;
    GError *reason;    /* why they failed; the thread waits while it is set */
    gboolean handling; /* it was taken, and the thread goes on waiting */
    gboolean idle;     /* the thread waits for work */
    gint64 busy_since; /* what the thread is at began then, µs of CLOCK_MONOTONIC; 0 = nothing */
    gboolean closing;
    gboolean prune_wanted; /* to begin as follows */
    FleetRetention retention;
    gint64 retention_now;
};

typedef enum {
    WORK_NONE, /* and there will be no more */
    WORK_BATCH,
    WORK_PRUNE,
} Work;

/* An action that starts at once is made and changed in one transaction: its row is written once, as it is in the end.
 * What it becomes follows closely on what it was. */
#define AHEAD 4

/* The last image of the action within the changes that follow at once; the change's own if there is none. */
static const FleetAction *last_image(const FleetChange *change, guint left)
{
    const FleetAction *last = change->action;

    for (guint i = 1; i <= MIN(left, AHEAD); i++)
        if (change[i].kind == FLEET_CHANGE_UPDATE_ACTION && change[i].action->id.sequence == last->id.sequence)
            last = change[i].action;
    return last;
}

/* *written: what the row that was inserted last has been given in advance, until that change comes; NULL: nothing. */
static gboolean insert_action(
        FleetDatabase *database, const FleetChange *change, guint left, const FleetAction **written, GError **error)
{
    const FleetAction *last = last_image(change, left);

    *written = last != change->action ? last : NULL;
    return fleet_action_rows_insert(database, last, error) &&
           fleet_transition_rows_insert(database, change->action, error);
}

static gboolean update_action(
        FleetDatabase *database, const FleetAction *action, const FleetAction **written, GError **error)
{
    gboolean is_written = *written != NULL && (*written)->id.sequence == action->id.sequence;

    if (*written == action)
        *written = NULL; /* what follows is newer */
    return (is_written || fleet_action_rows_update(database, action, error)) &&
           fleet_transition_rows_append(database, action, error);
}

/* left: how many changes of the transaction follow. */
static gboolean write_change(
        FleetDatabase *database, const FleetChange *change, guint left, const FleetAction **written, GError **error)
{
    switch (change->kind) {
    case FLEET_CHANGE_INSERT_DEVICE:
        return fleet_device_rows_insert(database, change->device, error);
    case FLEET_CHANGE_UPDATE_DEVICE:
        return fleet_device_rows_update(database, change->device, error);
    case FLEET_CHANGE_DELETE_DEVICE:
        return fleet_device_rows_delete(database, change->device, error);
    case FLEET_CHANGE_SEE_DEVICE:
        return fleet_device_rows_see(database, change->device, error);
    case FLEET_CHANGE_INSERT_ACTION:
        return insert_action(database, change, left, written, error);
    case FLEET_CHANGE_UPDATE_ACTION:
        return update_action(database, change->action, written, error);
    case FLEET_CHANGE_INSERT_ATTEMPT:
        return fleet_attempt_rows_insert(database, change->attempt, error);
    case FLEET_CHANGE_UPDATE_ATTEMPT:
        return fleet_attempt_rows_update(database, change->attempt, error);
    case FLEET_CHANGE_INSERT_AUDIT:
        return fleet_audit_rows_insert(database, change->audit, error);
    default:
        g_assert_not_reached();
    }
}

static gboolean write_changes(FleetDatabase *database, const FleetSubmissionList *batch, GError **error)
{
    for (FleetSubmission *submission = batch->head; submission != NULL; submission = submission->next) {
        const FleetAction *written = NULL;

        for (guint i = 0; i < submission->n; i++)
            if (!write_change(database, &submission->changes[i], submission->n - i - 1, &written, error))
                return FALSE;
    }
    return TRUE;
}

static gboolean write_batch(FleetDatabase *database, const FleetSubmissionList *batch, GError **error)
{
    gboolean empty = TRUE;

    for (FleetSubmission *submission = batch->head; submission != NULL && empty; submission = submission->next)
        empty = submission->n == 0;
    if (empty)
        return TRUE;
    if (!fleet_database_begin(database, error))
        return FALSE;
    if (write_changes(database, batch, error) && fleet_database_commit(database, error))
        return TRUE;
    fleet_database_roll_back(database);
    return FALSE;
}

/* A batch always goes before the next piece of pruning, which nobody waits for. The mutex is held. */
static Work wait_for_work(FleetWriter *writer, FleetSubmissionList *batch)
{
    for (;;) {
        /* What follows a failure may build upon what failed. */
        gboolean held = writer->reason != NULL || writer->handling;

        if (!held && writer->queue.head != NULL) {
            fleet_submission_list_splice(batch, &writer->queue);
            return WORK_BATCH;
        }
        if (writer->closing)
            return WORK_NONE;
        if (!held && writer->prune_wanted) {
            writer->prune_wanted = FALSE;
            fleet_pruning_begin(&writer->pruning, &writer->retention, writer->retention_now);
        }
        if (!held && writer->pruning.stage != FLEET_PRUNING_DONE)
            return WORK_PRUNE;
        writer->idle = !held;
        pthread_cond_wait(&writer->cond, &writer->mutex);
        writer->idle = FALSE;
    }
}

static void commit(FleetWriter *writer, FleetSubmissionList *batch)
{
    GError *reason = NULL;

    if (!write_batch(writer->database, batch, &reason))
        g_assert(reason != NULL);
    pthread_mutex_lock(&writer->mutex);
    fleet_submission_list_splice(reason == NULL ? &writer->committed : &writer->failed, batch);
    writer->reason = reason;
    pthread_mutex_unlock(&writer->mutex);
    writer->wake(writer->user_data);
}

/* Nothing is lost by giving up: what was to be deleted is deleted next time. */
static void prune(FleetWriter *writer)
{
    g_autoptr(GError) error = NULL;

    if (fleet_pruning_step(&writer->pruning, writer->database, &error)) {
        if (writer->pruning.stage == FLEET_PRUNING_DONE)
            writer->prune_failed = FALSE;
        return;
    }
    if (!writer->prune_failed)
        fleet_log_warning("cannot delete old history, it grows until that works: %s", error->message);
    writer->prune_failed = TRUE;
}

static gpointer run(gpointer data)
{
    FleetWriter *writer = data;
    FleetSubmissionList batch = {0};
    Work work;

    pthread_mutex_lock(&writer->mutex);
    while ((work = wait_for_work(writer, &batch)) != WORK_NONE) {
        writer->busy_since = g_get_monotonic_time();
        pthread_mutex_unlock(&writer->mutex);
        if (work == WORK_BATCH)
            commit(writer, &batch);
        else
            prune(writer);
        fleet_database_checkpoint(writer->database);
        pthread_mutex_lock(&writer->mutex);
        writer->busy_since = 0;
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

FleetWriter *fleet_writer_new(FleetDatabase *database, FleetWakeFunc wake, gpointer user_data)
{
    FleetWriter *writer = g_new0(FleetWriter, 1);

    writer->database = database;
    writer->wake = wake;
    writer->user_data = user_data;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->cond, NULL);
    return writer;
}

void fleet_writer_start(FleetWriter *writer)
{
    writer->thread = fleet_thread_new("fleet-writer", run, writer);
}

void fleet_writer_free(FleetWriter *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->closing = TRUE;
    pthread_cond_signal(&writer->cond);
    pthread_mutex_unlock(&writer->mutex);
    if (writer->thread != NULL)
        g_thread_join(writer->thread);

    if (writer->reason != NULL)
        fleet_log_about(LOG_ERR, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_CHANGES_LOST),
                "%u changes were not stored: %s", writer->failed.n + writer->queue.n, writer->reason->message);
    fleet_submission_list_clear(&writer->committed);
    fleet_submission_list_clear(&writer->failed);
    fleet_submission_list_clear(&writer->queue);
    g_clear_error(&writer->reason);
    fleet_database_close(writer->database);
    pthread_cond_destroy(&writer->cond);
    pthread_mutex_destroy(&writer->mutex);
    g_free(writer);
}

void fleet_writer_submit(FleetWriter *writer, FleetSubmission *submission)
{
    pthread_mutex_lock(&writer->mutex);
    fleet_submission_list_append(&writer->queue, submission);
    if (writer->idle && writer->queue.n == FLUSH_AT)
        pthread_cond_signal(&writer->cond);
    pthread_mutex_unlock(&writer->mutex);
}

void fleet_writer_flush(FleetWriter *writer)
{
    pthread_mutex_lock(&writer->mutex);
    if (writer->idle && writer->queue.head != NULL)
        pthread_cond_signal(&writer->cond);
    pthread_mutex_unlock(&writer->mutex);
}

void fleet_writer_prune(FleetWriter *writer, const FleetRetention *retention, gint64 now)
{
    pthread_mutex_lock(&writer->mutex);
    writer->retention = *retention;
    writer->retention_now = now;
    writer->prune_wanted = TRUE;
    if (writer->idle)
        pthread_cond_signal(&writer->cond);
    pthread_mutex_unlock(&writer->mutex);
}

gint64 fleet_writer_busy_for(FleetWriter *writer)
{
    gint64 since;

    pthread_mutex_lock(&writer->mutex);
    since = writer->busy_since;
    pthread_mutex_unlock(&writer->mutex);
    return since != 0 ? g_get_monotonic_time() - since : 0;
}

gboolean fleet_writer_take_committed(FleetWriter *writer, FleetSubmissionList *committed)
{
    gboolean has_failed;

    pthread_mutex_lock(&writer->mutex);
    fleet_submission_list_splice(committed, &writer->committed);
    has_failed = writer->reason != NULL;
    pthread_mutex_unlock(&writer->mutex);
    return has_failed;
}

void fleet_writer_take_failed(FleetWriter *writer, FleetSubmissionList *failed, GError **reason)
{
    pthread_mutex_lock(&writer->mutex);
    fleet_submission_list_splice(failed, &writer->failed);
    fleet_submission_list_splice(failed, &writer->queue);
    *reason = g_steal_pointer(&writer->reason);
    writer->handling = TRUE;
    pthread_mutex_unlock(&writer->mutex);
}

void fleet_writer_resume(FleetWriter *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->handling = FALSE;
    pthread_cond_signal(&writer->cond);
    pthread_mutex_unlock(&writer->mutex);
}
