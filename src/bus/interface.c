/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/interface.h"

#include "bus/body_message.h"

#include <errno.h>
#include <string.h>

/* The entry's key, and the signature of its variant. */
static void make_heads(const FleetInterface *interface)
{
    g_auto(FleetBody) body = FLEET_BODY_INIT;

    for (guint i = 0; i < interface->n; i++) {
        fleet_body_reset(&body);
        fleet_body_append_string(&body, interface->properties[i].name);
        fleet_body_append_signature(&body, interface->properties[i].signature);
        g_assert(body.length <= sizeof(interface->heads->heads[i].bytes));
        interface->heads->heads[i].size = (guint8)body.length;
        memcpy(interface->heads->heads[i].bytes, body.data, body.length);
    }
    interface->heads->is_made = TRUE;
}

static void append_some(const FleetInterface *interface, FleetBody *body, gconstpointer object, guint32 mask)
{
    gsize array = fleet_body_open_array(body, 8);

    if (!interface->heads->is_made)
        make_heads(interface);
    for (guint i = 0; i < interface->n; i++) {
        if ((mask & (1u << i)) == 0)
            continue;
        fleet_body_align(body, 8);
        fleet_body_append_raw(body, interface->heads->heads[i].bytes, interface->heads->heads[i].size);
        interface->properties[i].append(body, object);
    }
    fleet_body_close_array(body, array, 8);
}

void fleet_interface_append_all(const FleetInterface *interface, FleetBody *body, gconstpointer object)
{
    append_some(interface, body, object, G_MAXUINT32);
}

void fleet_interface_append_object(
        const FleetInterface *interface, FleetBody *body, const char *path, gconstpointer object)
{
    fleet_body_append_string(body, path);
    gsize array = fleet_body_open_array(body, 8);

    fleet_body_append_string(body, interface->name);
    append_some(interface, body, object, G_MAXUINT32);
    fleet_body_close_array(body, array, 8);
}

void fleet_interface_append_changed(
        const FleetInterface *interface, FleetBody *body, gconstpointer object, guint32 mask)
{
    static const char *const none[] = {NULL};

    fleet_body_append_string(body, interface->name);
    append_some(interface, body, object, mask);
    fleet_body_append_strv(body, none);
}

int fleet_interface_get(
        const FleetInterface *interface, const char *property, sd_bus_message *message, gconstpointer object)
{
    for (guint i = 0; i < interface->n; i++) {
        g_auto(FleetBody) body = FLEET_BODY_INIT;

        if (!g_str_equal(interface->properties[i].name, property))
            continue;
        interface->properties[i].append(&body, object);
        return fleet_body_copy_to_message(&body, interface->properties[i].signature, message);
    }
    return -ENOENT;
}

guint32 fleet_interface_diff(const FleetInterface *interface, gconstpointer before, gconstpointer after)
{
    guint32 mask = 0;

    for (guint i = 0; i < interface->n; i++)
        if (interface->properties[i].differs != NULL && interface->properties[i].differs(before, after))
            mask |= 1u << i;
    return mask;
}
