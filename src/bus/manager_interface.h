/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * org.fleet.Manager, on /org/fleet/Manager.
 */

#include "bus/endpoint.h"
#include "bus/interface.h"

/* What its properties tell, at one moment. */
typedef struct {
    guint devices;
    guint devices_by_status[FLEET_DEVICE_STATUS_LAST_];
    guint pending_actions;
    guint running_actions;
    gboolean storage_works;
    const char *const *action_types; /* the engine's */
} FleetManagerView;

FleetManagerView fleet_manager_view(const FleetApi *api);

/* Its properties; the object is a FleetManagerView. A diff leaves out ActionTypes, which only a reload changes. */
extern const FleetInterface fleet_manager_interface;

/* The bit of ActionTypes in a mask of that interface. */
extern const guint32 fleet_manager_action_types_bit;

/* Adds the interface to the connection. Negative errno on failure. */
int fleet_manager_interface_publish(FleetEndpoint *endpoint);
