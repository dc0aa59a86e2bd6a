/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/clock.h"

#include <string.h>
#include <time.h>

static gint64 read_clock(clockid_t clock)
{
    struct timespec ts;

    int r = clock_gettime(clock, &ts);
    g_assert(r == 0);
    return (gint64)ts.tv_sec * FLEET_USEC_PER_SEC + ts.tv_nsec / 1000;
}

gint64 fleet_clock_realtime(void)
{
    return read_clock(CLOCK_REALTIME);
}

gint64 fleet_clock_boottime(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

guint64 fleet_clock_boot(void)
{
    static gsize ready;
    static guint64 boot;

    if (g_once_init_enter(&ready)) {
        g_autofree char *text = NULL;

        if (g_file_get_contents("/proc/sys/kernel/random/boot_id", &text, NULL, NULL)) {
            guint digits = 0;

            for (const char *p = text; *p != '\0' && digits < 16; p++)
                if (g_ascii_isxdigit(*p)) {
                    boot = boot << 4 | (guint64)g_ascii_xdigit_value(*p);
                    digits++;
                }
        }
        g_once_init_leave(&ready, 1);
    }
    return boot;
}

FleetInstant fleet_clock_now(void)
{
    return (FleetInstant){
            .realtime = fleet_clock_realtime(), .boottime = fleet_clock_boottime(), .boot = fleet_clock_boot()};
}

gint64 fleet_instant_boottime(const FleetInstant *instant)
{
    if (instant->boot != 0 && instant->boot == fleet_clock_boot())
        return instant->boottime;

    /* A wall clock that was set back since must not turn the past into the future. */
    gint64 elapsed = MAX(fleet_clock_realtime() - instant->realtime, 0);
    return fleet_clock_boottime() - elapsed;
}

gint64 fleet_instant_boottime_ahead(const FleetInstant *instant, gint64 at_most)
{
    if (instant->boot != 0 && instant->boot == fleet_clock_boot())
        return instant->boottime;

    /* A wall clock that was set back since must not put it off for ever. */
    return fleet_clock_boottime() + MIN(instant->realtime - fleet_clock_realtime(), at_most);
}
