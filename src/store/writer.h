/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The thread that writes. It takes all that is waiting as one batch, writes it in one database transaction with one
 * sync, and goes on with what has gathered meanwhile: the slower the disk, the larger the batches. There is no timer.
 *
 * All functions are for the main loop's thread.
 */

#include "store/sqlite/database.h"
#include "store/submission.h"
#include "store/thread.h"

typedef struct FleetWriter FleetWriter;

/* Takes over the database. No thread runs yet. */
FleetWriter *fleet_writer_new(
        FleetDatabase *database, FleetWakeFunc wake, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;

void fleet_writer_start(FleetWriter *writer);

/* Ends the thread once the queue is written, or at once after a failure, and closes the database. */
void fleet_writer_free(FleetWriter *writer);

/* Queues a submission, taking it over. It may wait for fleet_writer_flush(). */
void fleet_writer_submit(FleetWriter *writer, FleetSubmission *submission);

/* Sets an idle thread to work on what is queued. To be called once a turn of the main loop, so that what one turn
 * submits makes one batch. */
void fleet_writer_flush(FleetWriter *writer);

/* Has the thread delete what is too much or too old, a piece at a time whenever nothing is queued. A request that has
 * not ended is replaced. Results in no wake-up. */
void fleet_writer_prune(FleetWriter *writer, const FleetRetention *retention, gint64 now);

/* As fleet_store_busy_for(). */
gint64 fleet_writer_busy_for(FleetWriter *writer);

/*
 * Takes what was committed, in order. TRUE if the batch that followed it failed: then the thread waits, and the caller
 * must call fleet_writer_take_failed() once it has dealt with what was committed.
 */
gboolean fleet_writer_take_committed(FleetWriter *writer, FleetSubmissionList *committed) G_GNUC_WARN_UNUSED_RESULT;

/* Takes the batch that failed and all that was queued behind it, and why. The thread still waits, until
 * fleet_writer_resume(). */
void fleet_writer_take_failed(FleetWriter *writer, FleetSubmissionList *failed, GError **reason);

void fleet_writer_resume(FleetWriter *writer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetWriter, fleet_writer_free)
