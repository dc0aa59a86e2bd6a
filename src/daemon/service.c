/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/service.h"

#include "base/clock.h"

#include <systemd/sd-daemon.h>

/* Longer than a commit takes on a slow disk, which is the one thing that a start does without a word. */
#define EXTENSION_USEC (60 * FLEET_USEC_PER_SEC)

static void tell(const char *assignments, const FleetServiceState *state)
{
    (void)sd_notifyf(FALSE, "%sSTATUS=%s %u device%s%s", assignments,
            state->storage_works ? "Serving" : "Read-only, for the last change could not be stored:", state->devices,
            state->devices == 1 ? "" : "s", state->bus_works ? "" : "; the bus is lost, trying to reach it again");
}

void fleet_service_starting(const char *status)
{
    (void)sd_notifyf(FALSE, "EXTEND_TIMEOUT_USEC=%" G_GINT64_FORMAT "\nSTATUS=%s", EXTENSION_USEC, status);
}

void fleet_service_ready(const FleetServiceState *state)
{
    tell("READY=1\n", state);
}

void fleet_service_reloading(void)
{
    (void)sd_notifyf(FALSE, "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT "\nSTATUS=Reloading the configuration",
            g_get_monotonic_time());
}

void fleet_service_stopping(void)
{
    (void)sd_notify(FALSE, "STOPPING=1\nSTATUS=Finishing what was accepted");
}

void fleet_service_status(const FleetServiceState *state)
{
    tell("", state);
}

gint64 fleet_service_watchdog_interval(void)
{
    guint64 usec = 0;

    return sd_watchdog_enabled(FALSE, &usec) > 0 && usec <= G_MAXINT64 ? (gint64)usec : 0;
}

void fleet_service_alive(const FleetServiceState *state)
{
    tell("WATCHDOG=1\n", state);
}
