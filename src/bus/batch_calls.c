/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/batch_calls.h"

#include "base/error.h"
#include "bus/arguments.h"
#include "bus/batch.h"
#include "bus/device_calls.h"
#include "bus/errors.h"
#include "bus/options.h"

/* Reads the a(ssss) that comes next; the strings belong to the message. */
static GArray *read_specs(sd_bus_message *message, GError **error)
{
    g_autoptr(GArray) specs = g_array_new(FALSE, FALSE, sizeof(FleetDeviceSpec));
    int r = sd_bus_message_enter_container(message, 'a', "(ssss)");

    while (r >= 0) {
        FleetDeviceSpec spec = {.driver = "", .address = ""};

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
    return fleet_batch_check_size(specs->len, error) ? g_steal_pointer(&specs) : NULL;
}

/* As RegisterDevice has it, for each. */
static gboolean find_new(FleetCall *call, FleetTargets *targets, GError **error)
{
    g_autoptr(GArray) specs = read_specs(call->message, error);

    for (guint i = 0; specs != NULL && i < specs->len; i++) {
        const FleetDeviceSpec *spec = &g_array_index(specs, FleetDeviceSpec, i);
        const FleetQuestion question = {
                .verb = call->verb, .device = spec->id, .device_type = spec->type, .action_type = ""};

        fleet_targets_next(targets);
        fleet_targets_add(targets, &question);
    }
    return specs != NULL;
}

static gboolean register_many(FleetCall *call, GError **error)
{
    gboolean atomic = FALSE;
    const char *driver = "";
    const FleetOption options[] = {{"Atomic", "b", &atomic, NULL}, {"Driver", "s", &driver, NULL}};
    g_autoptr(FleetBatch) batch = fleet_batch_new("ua(uss)", NULL);
    g_autoptr(GArray) specs = read_specs(call->message, error);

    if (specs == NULL || !fleet_options_read(call->message, "option", options, G_N_ELEMENTS(options), error) ||
            !fleet_calls_check_driver(call, driver, error))
        return FALSE;
    for (guint i = 0; i < specs->len; i++) {
        FleetDeviceSpec *spec = &g_array_index(specs, FleetDeviceSpec, i);
        g_autoptr(GError) failure = NULL;

        spec->driver = driver;
        spec->owner_uid = call->caller.uid;
        if (!fleet_call_is_refused(call, i, &failure) &&
                fleet_registry_stage_register(call->api->registry, call->transaction, spec, &failure))
            fleet_batch_add_result(batch, i, NULL);
        else if (!atomic)
            fleet_batch_add_failure(batch, i, g_steal_pointer(&failure));
        else {
            fleet_transaction_unstage(call->transaction, FLEET_MARK_BEGIN);
            g_propagate_prefixed_error(
                    error, g_steal_pointer(&failure), "nothing was registered, because of entry %u: ", i);
            return FALSE;
        }
    }
    fleet_batch_keep(g_steal_pointer(&batch), call);
    return TRUE;
}

const FleetCallKind fleet_calls_register_many = {.func = register_many, .targets = find_new};

gboolean fleet_calls_find_devices(FleetCall *call, FleetTargets *targets, GError **error)
{
    g_auto(GStrv) ids = fleet_arguments_ids(call->message, error);

    for (guint i = 0; ids != NULL && ids[i] != NULL; i++) {
        fleet_targets_next(targets);
        fleet_targets_add_device(targets, call->api->registry, call->verb, ids[i], "");
    }
    return ids != NULL;
}

static gboolean set_status_many(FleetCall *call, GError **error)
{
    g_autoptr(FleetBatch) batch = fleet_batch_new("ua(uss)", NULL);
    g_auto(GStrv) ids = fleet_arguments_ids(call->message, error);
    FleetStatusChange change;
    FleetDeviceStatus status;
    const char *text;

    if (ids == NULL || !fleet_arguments_strings(call, error, &text, NULL) ||
            !fleet_options_read_none(call->message, error) || !fleet_device_status_from_string(text, &status, error))
        return FALSE;
    for (guint i = 0; ids[i] != NULL; i++) {
        g_autoptr(GError) failure = NULL;

        if (!fleet_call_is_refused(call, i, &failure) &&
                fleet_registry_stage_status(call->api->registry, call->transaction, ids[i], status, &change, &failure))
            fleet_batch_add_result(batch, i, NULL);
        else
            fleet_batch_add_failure(batch, i, g_steal_pointer(&failure));
    }
    fleet_batch_keep(g_steal_pointer(&batch), call);
    return TRUE;
}

const FleetCallKind fleet_calls_set_status_many = {.func = set_status_many, .targets = fleet_calls_find_devices};
