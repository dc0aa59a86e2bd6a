/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/batch.h"

#include "base/error.h"
#include "bus/arguments.h"
#include "model/limits.h"

/* One entry: either went well, or has an error. */
typedef struct {
    guint index;
    gpointer result;
    GError *error;
} Entry;

struct FleetBatch {
    const char *signature;
    FleetBatchAppendFunc append;
    guint done, failed;
    GArray *entries; /* of Entry: all failures, and the results where they are answered */
};

static void clear_entry(gpointer data)
{
    Entry *entry = data;

    g_free(entry->result);
    g_clear_error(&entry->error);
}

FleetBatch *fleet_batch_new(const char *signature, FleetBatchAppendFunc append)
{
    FleetBatch *batch = g_new0(FleetBatch, 1);

    batch->signature = signature;
    batch->append = append;
    batch->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
    g_array_set_clear_func(batch->entries, clear_entry);
    return batch;
}

void fleet_batch_free(FleetBatch *batch)
{
    g_array_unref(batch->entries);
    g_free(batch);
}

gboolean fleet_batch_check_size(guint n, GError **error)
{
    if (n <= FLEET_BATCH_MAX)
        return TRUE;
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_LIMIT_EXCEEDED,
            "a call with %u devices is too large; use several with at most %d each", n, FLEET_BATCH_MAX);
    return FALSE;
}

void fleet_batch_add_result(FleetBatch *batch, guint index, gpointer result)
{
    const Entry entry = {.index = index, .result = result};

    batch->done++;
    if (batch->append != NULL)
        g_array_append_val(batch->entries, entry);
}

void fleet_batch_add_failure(FleetBatch *batch, guint index, GError *error)
{
    const Entry entry = {.index = index, .error = error};

    batch->failed++;
    g_array_append_val(batch->entries, entry);
}

static void append_results(const FleetBatch *batch, FleetBody *body)
{
    if (batch->append == NULL) {
        fleet_body_append_uint32(body, batch->done);
        return;
    }
    gsize array = fleet_body_open_array(body, 8);
    for (guint i = 0; i < batch->entries->len; i++) {
        const Entry *entry = &g_array_index(batch->entries, Entry, i);

        if (entry->error != NULL)
            continue;
        fleet_body_align(body, 8);
        batch->append(body, entry->index, entry->result);
    }
    fleet_body_close_array(body, array, 8);
}

static void append_failures(const FleetBatch *batch, FleetBody *body)
{
    gsize array = fleet_body_open_array(body, 8);

    for (guint i = 0; i < batch->entries->len; i++) {
        const Entry *entry = &g_array_index(batch->entries, Entry, i);

        if (entry->error == NULL)
            continue;
        fleet_body_align(body, 8);
        fleet_body_append_uint32(body, entry->index);
        fleet_body_append_string(body, fleet_error_name((FleetError)entry->error->code));
        fleet_body_append_string(body, entry->error->message);
    }
    fleet_body_close_array(body, array, 8);
}

static void reply_batch(const FleetCall *call, FleetBody *body)
{
    append_results(call->state, body);
    append_failures(call->state, body);
}

static void free_batch(gpointer batch)
{
    fleet_batch_free(batch);
}

void fleet_batch_keep(FleetBatch *batch, FleetCall *call)
{
    call->object = g_strdup_printf("(%u entries)", batch->done + batch->failed);
    fleet_call_keep(call, batch, free_batch);
    fleet_call_set_reply(call, batch->signature, reply_batch);
}
