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
        FleetDeviceSpec spec = {.driver = ""};

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

gboolean fleet_calls_register_many(FleetCall *call, GError **error)
{
    gboolean atomic = FALSE;
    const char *driver = "";
    const FleetOption options[] = {{"Atomic", "b", &atomic, NULL}, {"Driver", "s", &driver, NULL}};
    g_autoptr(FleetBatch) batch = fleet_batch_new(NULL, NULL);
    g_autoptr(GArray) specs = read_specs(call->message, error);

    if (specs == NULL || !fleet_options_read(call->message, "option", options, G_N_ELEMENTS(options), error) ||
            !fleet_calls_check_driver(call, driver, error))
        return FALSE;
    for (guint i = 0; i < specs->len; i++) {
        FleetDeviceSpec *spec = &g_array_index(specs, FleetDeviceSpec, i);
        g_autoptr(GError) failure = NULL;

        spec->driver = driver;
        spec->owner_uid = call->caller.uid;
        if (fleet_registry_stage_register(call->api->registry, call->transaction, spec, &failure))
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

gboolean fleet_calls_set_status_many(FleetCall *call, GError **error)
{
    g_autoptr(FleetBatch) batch = fleet_batch_new(NULL, NULL);
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
            !fleet_batch_check_size(n, error))
        return FALSE;
    for (guint i = 0; i < n; i++) {
        g_autoptr(GError) failure = NULL;

        if (fleet_registry_stage_status(call->api->registry, call->transaction, ids[i], status, &previous, &failure))
            fleet_batch_add_result(batch, i, NULL);
        else
            fleet_batch_add_failure(batch, i, g_steal_pointer(&failure));
    }
    fleet_batch_keep(g_steal_pointer(&batch), call);
    return TRUE;
}
