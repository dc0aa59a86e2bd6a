/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The drivers of this build, by name.
 */

#include "drivers/driver.h"

/* The driver of devices for which nobody chose another. */
#define FLEET_DRIVER_DEFAULT "simulated"

typedef struct FleetDrivers FleetDrivers;

/* One object of each driver. They report to host with host_data; both outlive them. */
FleetDrivers *fleet_drivers_new(const FleetDriverHost *host, gpointer host_data) G_GNUC_WARN_UNUSED_RESULT;
void fleet_drivers_free(FleetDrivers *drivers);

/* The driver of that name, or NULL. Owned by the table. */
FleetDriver *fleet_drivers_lookup(const FleetDrivers *drivers, const char *name);

/* The class of that name, static; NULL if this build has none. */
const FleetDriverClass *fleet_drivers_class(const char *name);

/* The names of all, NULL-terminated, static. */
const char *const *fleet_drivers_names(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetDrivers, fleet_drivers_free)
