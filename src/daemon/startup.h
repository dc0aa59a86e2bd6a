/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the service manager hears while the daemon starts, which can take as long as the database is large: what it is
 * at, and that it wants more time.
 */

#include "store/store.h"

typedef struct {
    FleetStoreProgress progress; /* for fleet_store_open(); it must not move from then on */
    char *stage;                 /* what it is at; owned */
    gboolean loading;
    guint devices; /* loaded so far */
    gint64 told;   /* when it was told last, µs of CLOCK_MONOTONIC */
} FleetStartup;

/* Begins, with the opening of the database. */
void fleet_startup_begin(FleetStartup *startup);

/* Goes on to loading; and counts a device that was loaded. */
void fleet_startup_load(FleetStartup *startup);
void fleet_startup_count_device(FleetStartup *startup);

void fleet_startup_clear(FleetStartup *startup);
