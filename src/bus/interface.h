/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One table for each published interface says what its properties are. From it come the getters, GetDeviceInfo and its
 * like, the contents of InterfacesAdded and GetManagedObjects, and which properties a PropertiesChanged carries.
 */

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct {
    const char *name;
    const char *signature;

    /* Appends the bare value. */
    int (*append)(sd_bus_message *message, gconstpointer object);

    /* Whether two images differ in it; NULL if it is constant or never signalled. */
    gboolean (*differs)(gconstpointer before, gconstpointer after);
} FleetProperty;

typedef struct {
    const char *name;
    const FleetProperty *properties;
    guint n; /* at most 32 */
} FleetInterface;

/* Appends all properties as a{sv}. Negative errno on failure. */
int fleet_interface_append_all(const FleetInterface *interface, sd_bus_message *message, gconstpointer object);

/* Appends the value of one property, for a vtable's getter. Negative errno on failure. */
int fleet_interface_append(
        const FleetInterface *interface, const char *property, sd_bus_message *message, gconstpointer object);

/* Which properties differ, as bits in the order of the table. */
guint32 fleet_interface_diff(const FleetInterface *interface, gconstpointer before, gconstpointer after);

/* Makes a PropertiesChanged with the properties of the mask. Negative errno on failure. */
int fleet_interface_new_changed(const FleetInterface *interface, sd_bus *bus, const char *path, gconstpointer object,
        guint32 mask, sd_bus_message **signal);
