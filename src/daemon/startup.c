/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/startup.h"

#include "base/clock.h"
#include "daemon/service.h"

/* How often it is told that it still goes on. */
#define TELL_USEC FLEET_USEC_PER_SEC

static void tell(FleetStartup *startup)
{
    startup->told = g_get_monotonic_time();
    if (startup->loading && startup->devices > 0) {
        g_autofree char *status = g_strdup_printf("%s, %u devices so far", startup->stage, startup->devices);
        fleet_service_starting(status);
    } else
        fleet_service_starting(startup->stage);
}

static void set_stage(FleetStartup *startup, char *stage)
{
    g_free(startup->stage);
    startup->stage = stage;
    tell(startup);
}

static void migrating(guint from, guint to, gpointer user_data)
{
    set_stage(user_data, g_strdup_printf("Bringing the database from schema %u to %u", from, to));
}

static void working(gpointer user_data)
{
    FleetStartup *startup = user_data;

    if (g_get_monotonic_time() - startup->told >= TELL_USEC)
        tell(startup);
}

void fleet_startup_begin(FleetStartup *startup)
{
    *startup = (FleetStartup){.progress = {.migrating = migrating, .working = working, .user_data = startup}};
    set_stage(startup, g_strdup("Opening the database"));
}

void fleet_startup_load(FleetStartup *startup)
{
    startup->loading = TRUE;
    set_stage(startup, g_strdup("Loading devices and actions"));
}

void fleet_startup_count_device(FleetStartup *startup)
{
    startup->devices++;
}

void fleet_startup_clear(FleetStartup *startup)
{
    g_clear_pointer(&startup->stage, g_free);
}
