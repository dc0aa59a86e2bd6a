/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/service.h"

#include <systemd/sd-daemon.h>

#define FAILED_STATUS "Read-only: the last change could not be stored"

void fleet_service_ready(guint devices, gboolean storage_works)
{
    (void)sd_notify(FALSE, "READY=1");
    fleet_service_status(devices, storage_works);
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

void fleet_service_status(guint devices, gboolean storage_works)
{
    if (storage_works)
        (void)sd_notifyf(FALSE, "STATUS=Started with %u devices", devices);
    else
        (void)sd_notify(FALSE, "STATUS=" FAILED_STATUS);
}
