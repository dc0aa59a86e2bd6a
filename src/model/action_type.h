/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The types of action: the four of the product's specification, and those that an administrator adds by configuration.
 * Names are [A-Z][A-Z0-9_]*, at most FLEET_ACTION_TYPE_MAX bytes.
 */

#include "model/policy.h"
#include "model/status.h"

#include <glib.h>

typedef struct {
    GRefString *name;
    FleetDeviceStatus device_status; /* what a device is while such an action runs: UPDATING or BUSY */
    FleetPolicy policy;              /* where a call does not say otherwise */
    guint running_max;               /* of this type at the same time */
} FleetActionType;

/* As many of a type may run as there may run in all. */
#define FLEET_RUNNING_UNLIMITED G_MAXUINT

typedef struct FleetActionTypes FleetActionTypes;

/* The built-in types: SOFTWARE_UPDATE, FIRMWARE_UPDATE (UPDATING), SYSTEM_REBOOT, CONFIGURATION_CHANGE (BUSY). */
FleetActionTypes *fleet_action_types_new(void) G_GNUC_WARN_UNUSED_RESULT;
void fleet_action_types_free(FleetActionTypes *types);

/* Adds a type, or changes what an existing one does to its device. INVALID_ARGUMENT on a name that is not one, or on a
 * status other than UPDATING and BUSY. */
gboolean fleet_action_types_add(FleetActionTypes *types, const char *name, FleetDeviceStatus device_status,
        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The type of that name. INVALID_ARGUMENT, naming all types, if there is none. Owned by the table. */
const FleetActionType *fleet_action_types_lookup(
        const FleetActionTypes *types, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The type of that name, to configure it; NULL if there is none. Owned by the table, until the next _add(). */
FleetActionType *fleet_action_types_find(FleetActionTypes *types, const char *name);

/* All names, the built-in ones first, NULL-terminated. Owned by the table, until the next _add(). */
const char *const *fleet_action_types_names(const FleetActionTypes *types);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetActionTypes, fleet_action_types_free)
