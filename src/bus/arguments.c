/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/arguments.h"

#include "base/quotable.h"
#include "bus/batch.h"
#include "bus/errors.h"

gboolean fleet_arguments_strings(FleetCall *call, GError **error, const char **first, ...)
{
    va_list ap;
    int r = 0;

    va_start(ap, first);
    for (const char **target = first; target != NULL && r >= 0; target = va_arg(ap, const char **))
        r = sd_bus_message_read_basic(call->message, 's', target);
    va_end(ap);
    if (r >= 0)
        return TRUE;
    g_propagate_error(error, fleet_errors_unreadable(r));
    return FALSE;
}

gboolean fleet_arguments_object(FleetCall *call, const char **id, GError **error)
{
    *id = call->object_id;
    if (*id != NULL)
        return TRUE;
    if (!fleet_arguments_strings(call, error, id, NULL))
        return FALSE;
    g_free(call->object);
    call->object = fleet_quotable(*id);
    return TRUE;
}

char **fleet_arguments_ids(sd_bus_message *message, GError **error)
{
    g_auto(GStrv) ids = NULL;
    int r = sd_bus_message_read_strv(message, &ids);

    if (r < 0) {
        g_propagate_error(error, fleet_errors_unreadable(r));
        return NULL;
    }
    if (ids == NULL)
        ids = g_new0(char *, 1);
    return fleet_batch_check_size(g_strv_length(ids), error) ? g_steal_pointer(&ids) : NULL;
}

FleetParameters *fleet_arguments_parameters(sd_bus_message *message, GError **error)
{
    g_autoptr(GPtrArray) pairs = g_ptr_array_new();
    int r = sd_bus_message_enter_container(message, 'a', "{ss}");

    while (r >= 0) {
        const char *key, *value;

        r = sd_bus_message_read(message, "{ss}", &key, &value);
        if (r <= 0)
            break;
        g_ptr_array_add(pairs, (gpointer)key);
        g_ptr_array_add(pairs, (gpointer)value);
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(message);
    if (r >= 0)
        return fleet_parameters_new((const char *const *)pairs->pdata, pairs->len / 2, error);
    g_propagate_error(error, fleet_errors_unreadable(r));
    return NULL;
}

void fleet_call_keep(FleetCall *call, gpointer state, GDestroyNotify free_state)
{
    call->state = state;
    call->free_state = free_state;
}
