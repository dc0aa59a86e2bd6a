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
    const char *results;
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

FleetBatch *fleet_batch_new(const char *results, FleetBatchAppendFunc append)
{
    FleetBatch *batch = g_new0(FleetBatch, 1);

    batch->results = results;
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
    if (batch->results != NULL)
        g_array_append_val(batch->entries, entry);
}

void fleet_batch_add_failure(FleetBatch *batch, guint index, GError *error)
{
    const Entry entry = {.index = index, .error = error};

    batch->failed++;
    g_array_append_val(batch->entries, entry);
}

static int append_results(const FleetBatch *batch, sd_bus_message *reply)
{
    int r;

    if (batch->results == NULL)
        return sd_bus_message_append_basic(reply, 'u', &batch->done);
    r = sd_bus_message_open_container(reply, 'a', batch->results);
    for (guint i = 0; i < batch->entries->len && r >= 0; i++) {
        const Entry *entry = &g_array_index(batch->entries, Entry, i);

        if (entry->error == NULL)
            r = batch->append(reply, entry->index, entry->result);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_failures(const FleetBatch *batch, sd_bus_message *reply)
{
    int r = sd_bus_message_open_container(reply, 'a', "(uss)");

    for (guint i = 0; i < batch->entries->len && r >= 0; i++) {
        const Entry *entry = &g_array_index(batch->entries, Entry, i);

        if (entry->error != NULL)
            r = sd_bus_message_append(reply, "(uss)", entry->index, fleet_error_name((FleetError)entry->error->code),
                    entry->error->message);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int reply_batch(FleetCall *call, sd_bus_message *reply)
{
    int r = append_results(call->state, reply);

    return r < 0 ? r : append_failures(call->state, reply);
}

static void free_batch(gpointer batch)
{
    fleet_batch_free(batch);
}

void fleet_batch_keep(FleetBatch *batch, FleetCall *call)
{
    call->object = g_strdup_printf("(%u entries)", batch->done + batch->failed);
    fleet_call_keep(call, batch, free_batch);
    call->reply = reply_batch;
}
