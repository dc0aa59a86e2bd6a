/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The three clocks of the daemon, all in µs. Deadlines use CLOCK_BOOTTIME, which goes on in suspend and never jumps;
 * times that people see use CLOCK_REALTIME. What must outlive a restart is kept as both (see FleetInstant).
 */

#include <glib.h>

#define FLEET_USEC_PER_MSEC ((gint64)1000)
#define FLEET_USEC_PER_SEC ((gint64)1000000)

/* A moment as it is persisted: the boottime holds within the boot it was taken in, the realtime across boots. */
typedef struct {
    gint64 realtime; /* µs since the epoch */
    gint64 boottime; /* µs since boot */
    guint64 boot;    /* which boot: fleet_clock_boot() when it was taken */
} FleetInstant;

/* Now, in µs since the epoch. */
gint64 fleet_clock_realtime(void);

/* Now, in µs since boot, suspend included. */
gint64 fleet_clock_boottime(void);

/* A number that stands for this boot of the machine: the first 64 bits of the kernel's boot id. 0 if that cannot be
 * read. */
guint64 fleet_clock_boot(void);

/* Now, on both clocks. */
FleetInstant fleet_clock_now(void);

/*
 * Where a persisted moment lies on this boot's CLOCK_BOOTTIME, in µs. Within the same boot that is exact whatever the
 * wall clock did since. From an earlier boot it is reckoned by the wall clock, never later than now; it may be
 * negative.
 */
gint64 fleet_instant_boottime(const FleetInstant *instant);

/* The same for a moment that lies ahead: from an earlier boot it is reckoned by the wall clock, at most so many µs from
 * now. */
gint64 fleet_instant_boottime_ahead(const FleetInstant *instant, gint64 at_most);
