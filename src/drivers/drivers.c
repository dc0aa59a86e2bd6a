/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/drivers.h"

#include "build_config.h"
#include "drivers/command/command.h"
#include "drivers/remote_bus/remote_bus.h"
#include "drivers/simulated.h"
#if FLEET_HAVE_MQTT
#include "drivers/thin_edge/thin_edge.h"
#endif

static const FleetDriverClass *const classes[] = {
        &fleet_simulated_driver_class,
        &fleet_command_driver_class,
        &fleet_remote_bus_driver_class,
#if FLEET_HAVE_MQTT
        &fleet_thin_edge_driver_class,
#endif
};

struct FleetDrivers {
    FleetDriver *drivers[G_N_ELEMENTS(classes)];
};

FleetDrivers *fleet_drivers_new(const FleetDriverHost *host, gpointer host_data)
{
    FleetDrivers *drivers = g_new0(FleetDrivers, 1);

    for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
        drivers->drivers[i] = classes[i]->create(host, host_data);
    return drivers;
}

void fleet_drivers_free(FleetDrivers *drivers)
{
    for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
        classes[i]->destroy(drivers->drivers[i]);
    g_free(drivers);
}

/* The place of the name, or of none. */
static guint find(const char *name)
{
    guint i = 0;

    while (i < G_N_ELEMENTS(classes) && !g_str_equal(classes[i]->name, name))
        i++;
    return i;
}

FleetDriver *fleet_drivers_lookup(const FleetDrivers *drivers, const char *name)
{
    guint i = find(name);

    return i < G_N_ELEMENTS(classes) ? drivers->drivers[i] : NULL;
}

const FleetDriverClass *fleet_drivers_class(const char *name)
{
    guint i = find(name);

    return i < G_N_ELEMENTS(classes) ? classes[i] : NULL;
}

const char *const *fleet_drivers_names(void)
{
    static const char *names[G_N_ELEMENTS(classes) + 1];

    for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
        names[i] = classes[i]->name;
    return names;
}
