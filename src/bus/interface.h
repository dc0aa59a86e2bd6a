/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One table for each published interface says what its properties are. From it come the getters, GetDeviceInfo and its
 * like, the contents of InterfacesAdded and GetManagedObjects, and which properties a PropertiesChanged carries.
 */

#include "bus/body.h"

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct {
    const char *name;
    const char *signature;

    /* Appends the bare value. */
    void (*append)(FleetBody *body, gconstpointer object);

    /* Whether two images differ in it; NULL if it is constant or never signalled. */
    gboolean (*differs)(gconstpointer before, gconstpointer after);
} FleetProperty;

#define FLEET_INTERFACE_PROPERTIES_MAX 32

/* How the properties of an interface begin in an a{sv}: the same bytes each time, made when they are first needed. */
typedef struct {
    gboolean is_made;
    struct {
        guint8 size;
        guint8 bytes[47];
    } heads[FLEET_INTERFACE_PROPERTIES_MAX];
} FleetInterfaceHeads;

typedef struct {
    const char *name;
    const FleetProperty *properties;
    guint n; /* at most FLEET_INTERFACE_PROPERTIES_MAX */
    FleetInterfaceHeads *heads;
} FleetInterface;

/* Appends all properties as a{sv}. */
void fleet_interface_append_all(const FleetInterface *interface, FleetBody *body, gconstpointer object);

/* Appends what InterfacesAdded and GetManagedObjects tell of an object that has no other interface of ours: o,
 * a{sa{sv}}. */
void fleet_interface_append_object(
        const FleetInterface *interface, FleetBody *body, const char *path, gconstpointer object);

/* Appends what a PropertiesChanged tells of the properties of the mask: s, a{sv}, as. */
void fleet_interface_append_changed(
        const FleetInterface *interface, FleetBody *body, gconstpointer object, guint32 mask);

/* Appends the value of one property to a message of sd-bus's, for a vtable's getter. Negative errno on failure. */
int fleet_interface_get(
        const FleetInterface *interface, const char *property, sd_bus_message *message, gconstpointer object);

/* Which properties differ, as bits in the order of the table. */
guint32 fleet_interface_diff(const FleetInterface *interface, gconstpointer before, gconstpointer after);
