/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/command/settings.h"

#include "base/clock.h"

FleetCommandSettings *fleet_command_settings_new(void)
{
    FleetCommandSettings *settings = g_rc_box_new0(FleetCommandSettings);
    const char *keeper = g_getenv("FLEET_COMMAND_KEEPER");

    settings->programs = fleet_programs_new("Command");
    settings->sweep_after = 60 * FLEET_USEC_PER_SEC;
    settings->keeper = g_strdup(keeper != NULL ? keeper : FLEET_COMMAND_KEEPER);
    return settings;
}

FleetCommandSettings *fleet_command_settings_ref(FleetCommandSettings *settings)
{
    return g_rc_box_acquire(settings);
}

static void clear(gpointer data)
{
    FleetCommandSettings *settings = data;

    fleet_programs_free(settings->programs);
    g_free(settings->directory);
    g_free(settings->keeper);
}

void fleet_command_settings_unref(FleetCommandSettings *settings)
{
    g_rc_box_release_full(settings, clear);
}
