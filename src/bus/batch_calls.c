/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/batch_calls.h"

#include "base/error.h"
#include "bus/errors.h"
#include "bus/options.h"
#include "model/limits.h"

/* What is answered: how many went well, and for each of the others its index and its error. */
typedef struct {
    guint done;
    GArray *failures; /* of Failure */
} Batch;

typedef struct {
    guint index;
    GError *error;
} Failure;

static void clear_failure(gpointer data)
{
    g_error_free(((Failure *)data)->error);
}

static void free_batch(gpointer data)
{
    Batch *batch = data;

    g_array_unref(batch->failures);
    g_free(batch);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Batch, free_batch)

static Batch *new_batch(void)
{
    Batch *batch = g_new0(Batch, 1);

    batch->failures = g_array_new(FALSE, FALSE, sizeof(Failure));
    g_array_set_clear_func(batch->failures, clear_failure);
    return batch;
}

static void add_result(Batch *batch, guint index, GError *error)
{
    Failure failure = {.index = index, .error = error};

    if (error != NULL)
        g_array_append_val(batch->failures, failure);
    else
        batch->done++;
}

static int reply_batch(FleetCall *call, sd_bus_message *reply)
{
    const Batch *batch = call->state;
    int r = sd_bus_message_append_basic(reply, 'u', &batch->done);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "(uss)");
    for (guint i = 0; i < batch->failures->len && r >= 0; i++) {
        const Failure *failure = &g_array_index(batch->failures, Failure, i);

        r = sd_bus_message_append(reply, "(uss)", failure->index, fleet_error_name((FleetError)failure->error->code),
                failure->error->message);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static gboolean finish(FleetCall *call, Batch *batch)
{
    call->state = batch;
    call->free_state = free_batch;
    call->reply = reply_batch;
    return TRUE;
}

static gboolean check_size(guint n, GError **error)
{
    if (n <= FLEET_BATCH_MAX)
        return TRUE;
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_LIMIT_EXCEEDED,
            "a call with %u devices is too large; use several with at most %d each", n, FLEET_BATCH_MAX);
    return FALSE;
}

/* Reads the a(ssss) that comes next; the strings belong to the message. */
static GArray *read_specs(sd_bus_message *message, GError **error)
{
    g_autoptr(GArray) specs = g_array_new(FALSE, FALSE, sizeof(FleetDeviceSpec));
    int r = sd_bus_message_enter_container(message, 'a', "(ssss)");

    while (r >= 0) {
        FleetDeviceSpec spec;

        r = sd_bus_message_read(message, "(ssss)", &spec.id, &spec.name, &spec.type, &spec.status);
        if (r <= 0)
            break;
        g_array_append_val(specs, spec);
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(message);
    if (r < 0) {
        g_propagate_error(error, fleet_errors_unreadable(r));
        return NULL;
    }
    return check_size(specs->len, error) ? g_steal_pointer(&specs) : NULL;
}

/* Nothing of a batch is to be done because of its first failure. */
static void set_atomic_failure(const Failure *failure, GError **error)
{
    *error = g_error_copy(failure->error);
    g_prefix_error(error, "nothing was registered, because of entry %u: ", failure->index);
}

gboolean fleet_calls_register_many(FleetCall *call, GError **error)
{
    gboolean atomic = FALSE;
    const FleetOption options[] = {{"Atomic", "b", &atomic, NULL}};
    g_autoptr(Batch) batch = new_batch();
    g_autoptr(GArray) specs = read_specs(call->message, error);

    if (specs == NULL || !fleet_options_read(call->message, "option", options, G_N_ELEMENTS(options), error))
        return FALSE;
    for (guint i = 0; i < specs->len; i++) {
        g_autoptr(GError) failure = NULL;
        gboolean staged = fleet_registry_stage_register(
                call->api->registry, call->transaction, &g_array_index(specs, FleetDeviceSpec, i), &failure);

        g_assert(staged == (failure == NULL));
        add_result(batch, i, g_steal_pointer(&failure));
        if (!staged && atomic) {
            fleet_transaction_unstage(call->transaction);
            set_atomic_failure(&g_array_index(batch->failures, Failure, 0), error);
            return FALSE;
        }
    }
    return finish(call, g_steal_pointer(&batch));
}

gboolean fleet_calls_set_status_many(FleetCall *call, GError **error)
{
    g_autoptr(Batch) batch = new_batch();
    g_auto(GStrv) ids = NULL;
    FleetDeviceStatus status, previous;
    const char *text;
    int r = sd_bus_message_read_strv(call->message, &ids);

    if (r >= 0)
        r = sd_bus_message_read_basic(call->message, 's', &text);
    if (r < 0) {
        g_propagate_error(error, fleet_errors_unreadable(r));
        return FALSE;
    }
    guint n = ids != NULL ? g_strv_length(ids) : 0;
    if (!fleet_options_read_none(call->message, error) || !fleet_device_status_from_string(text, &status, error) ||
            !check_size(n, error))
        return FALSE;
    for (guint i = 0; i < n; i++) {
        g_autoptr(GError) failure = NULL;
        gboolean staged = fleet_registry_stage_status(
                call->api->registry, call->transaction, ids[i], status, &previous, &failure);

        g_assert(staged == (failure == NULL));
        add_result(batch, i, g_steal_pointer(&failure));
    }
    return finish(call, g_steal_pointer(&batch));
}
