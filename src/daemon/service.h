/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the service manager is told (sd_notify(3)). Nothing happens where there is none.
 */

#include <glib.h>

/* READY=1, with a STATUS= as below. */
void fleet_service_ready(guint devices, gboolean storage_works);

/* RELOADING=1; _ready() ends it. */
void fleet_service_reloading(void);

/* STOPPING=1. */
void fleet_service_stopping(void);

/* STATUS=: how many devices there were when it was last told, and whether changes can be stored. */
void fleet_service_status(guint devices, gboolean storage_works);
