/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/interface.h"

#include <errno.h>

static int append_entry(const FleetProperty *property, sd_bus_message *message, gconstpointer object)
{
    int r = sd_bus_message_open_container(message, 'e', "sv");

    if (r >= 0)
        r = sd_bus_message_append_basic(message, 's', property->name);
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'v', property->signature);
    if (r >= 0)
        r = property->append(message, object);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static int append_some(const FleetInterface *interface, sd_bus_message *message, gconstpointer object, guint32 mask)
{
    int r = sd_bus_message_open_container(message, 'a', "{sv}");

    for (guint i = 0; i < interface->n && r >= 0; i++)
        if ((mask & (1u << i)) != 0)
            r = append_entry(&interface->properties[i], message, object);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

int fleet_interface_append_all(const FleetInterface *interface, sd_bus_message *message, gconstpointer object)
{
    return append_some(interface, message, object, G_MAXUINT32);
}

int fleet_interface_append(
        const FleetInterface *interface, const char *property, sd_bus_message *message, gconstpointer object)
{
    for (guint i = 0; i < interface->n; i++)
        if (g_str_equal(interface->properties[i].name, property))
            return interface->properties[i].append(message, object);
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

int fleet_interface_new_changed(const FleetInterface *interface, sd_bus *bus, const char *path, gconstpointer object,
        guint32 mask, sd_bus_message **signal)
{
    __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = NULL;
    int r = sd_bus_message_new_signal(bus, &message, path, "org.freedesktop.DBus.Properties", "PropertiesChanged");

    if (r >= 0)
        r = sd_bus_message_append_basic(message, 's', interface->name);
    if (r >= 0)
        r = append_some(interface, message, object, mask);
    if (r >= 0)
        r = sd_bus_message_append(message, "as", 0);
    if (r >= 0)
        *signal = g_steal_pointer(&message);
    return r;
}
