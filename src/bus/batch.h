/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a call about many things answers: what came of those that went well, and for each of the others its index and
 * its error.
 */

#include "bus/call.h"

typedef struct FleetBatch FleetBatch;

/* Appends the result of one entry, a struct. */
typedef void (*FleetBatchAppendFunc)(FleetBody *body, guint index, gconstpointer result);

/* signature: of the whole reply. Without append only the number of results is answered. */
FleetBatch *fleet_batch_new(const char *signature, FleetBatchAppendFunc append) G_GNUC_WARN_UNUSED_RESULT;
void fleet_batch_free(FleetBatch *batch);

/* LIMIT_EXCEEDED past FLEET_BATCH_MAX entries. */
gboolean fleet_batch_check_size(guint n, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes the result, freed with g_free(), which may be NULL; takes the error. */
void fleet_batch_add_result(FleetBatch *batch, guint index, gpointer result);
void fleet_batch_add_failure(FleetBatch *batch, guint index, GError *error);

/* Makes it the call's reply. Takes it. */
void fleet_batch_keep(FleetBatch *batch, FleetCall *call);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetBatch, fleet_batch_free)
