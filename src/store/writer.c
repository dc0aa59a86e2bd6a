/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/writer.h"

#include "base/log.h"
#include "store/sqlite/action_rows.h"
#include "store/sqlite/device_rows.h"

#include <pthread.h>

/* So much is worth a batch of its own; an idle thread need not wait for the end of the main loop's turn. */
#define FLUSH_AT 64

struct FleetWriter {
    FleetDatabase *database; /* the thread's, once it runs */
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
    gboolean closing;
};

static gboolean write_change(FleetDatabase *database, const FleetChange *change, GError **error)
{
    switch (change->kind) {
    case FLEET_CHANGE_INSERT_DEVICE:
        return fleet_device_rows_insert(database, change->device, error);
    case FLEET_CHANGE_UPDATE_DEVICE:
        return fleet_device_rows_update(database, change->device, error);
    case FLEET_CHANGE_DELETE_DEVICE:
        return fleet_device_rows_delete(database, change->device, error);
    case FLEET_CHANGE_INSERT_ACTION:
        return fleet_action_rows_insert(database, change->action, error);
    case FLEET_CHANGE_UPDATE_ACTION:
        return fleet_action_rows_update(database, change->action, error);
    default:
        g_assert_not_reached();
    }
}

static gboolean write_changes(FleetDatabase *database, const FleetSubmissionList *batch, GError **error)
{
    for (FleetSubmission *submission = batch->head; submission != NULL; submission = submission->next)
        for (guint i = 0; i < submission->n; i++)
            if (!write_change(database, &submission->changes[i], error))
                return FALSE;
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

/* Waits for a batch. FALSE if there will be no more. The mutex is held. */
static gboolean wait_for_batch(FleetWriter *writer, FleetSubmissionList *batch)
{
    while ((writer->queue.head == NULL || writer->reason != NULL || writer->handling) && !writer->closing) {
        writer->idle = writer->reason == NULL && !writer->handling;
        pthread_cond_wait(&writer->cond, &writer->mutex);
    }
    writer->idle = FALSE;

    /* What follows a failure may build upon what failed. */
    if (writer->queue.head == NULL || writer->reason != NULL || writer->handling)
        return FALSE;
    fleet_submission_list_splice(batch, &writer->queue);
    return TRUE;
}

static gpointer run(gpointer data)
{
    FleetWriter *writer = data;
    FleetSubmissionList batch = {0};

    pthread_mutex_lock(&writer->mutex);
    while (wait_for_batch(writer, &batch)) {
        GError *reason = NULL;

        pthread_mutex_unlock(&writer->mutex);
        if (!write_batch(writer->database, &batch, &reason))
            g_assert(reason != NULL);
        pthread_mutex_lock(&writer->mutex);
        fleet_submission_list_splice(reason == NULL ? &writer->committed : &writer->failed, &batch);
        writer->reason = reason;
        pthread_mutex_unlock(&writer->mutex);

        writer->wake(writer->user_data);
        fleet_database_checkpoint(writer->database);
        pthread_mutex_lock(&writer->mutex);
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
        fleet_log_error("%u changes were not stored: %s", writer->failed.n + writer->queue.n, writer->reason->message);
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
