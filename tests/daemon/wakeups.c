/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "wakeups.h"

#include <stdlib.h>
#include <string.h>

#define SETTLED 0.5 /* seconds without a wakeup, after which nothing is left of the last call's work */

/* How often the threads of a process have gone to sleep or were put aside so far (proc(5)). */
static guint64 count_switches(GPid pid)
{
    g_autofree char *tasks = g_strdup_printf("/proc/%d/task", pid);
    g_autoptr(GDir) directory = g_dir_open(tasks, 0, NULL);
    const char *task;
    guint64 sum = 0;

    ck_assert_ptr_nonnull(directory);
    while ((task = g_dir_read_name(directory)) != NULL) {
        g_autofree char *path = g_build_filename(tasks, task, "status", NULL);
        g_autofree char *status = fleet_test_read(path);

        for (const char *line = strstr(status, "voluntary_ctxt_switches:"); line != NULL;
                line = strstr(line + 1, "voluntary_ctxt_switches:"))
            sum += strtoull(strchr(line, ':') + 1, NULL, 10);
    }
    return sum;
}

/* How many of them come within so many seconds. The harness would stretch the time where all is slow; a sleeper is not.
 */
static guint64 count_wakeups(FleetTestProcess *process, double seconds)
{
    guint64 before = count_switches(fleet_test_process_pid(process));

    ck_assert_int_eq(fleet_test_process_wait(process, seconds / fleet_test_slowness()), -1);
    return count_switches(fleet_test_process_pid(process)) - before;
}

void fleet_test_assert_asleep(FleetTestDaemon *daemon, double seconds)
{
    FleetTestProcess *process = fleet_test_daemon_process(daemon);
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    while (count_wakeups(process, SETTLED) > 0)
        if (fleet_test_remaining(deadline) == 0)
            fleet_test_fail("fleetd does not come to rest");
    guint64 wakeups = count_wakeups(process, seconds);
    if (wakeups > 0)
        fleet_test_fail("%" G_GUINT64_FORMAT " wakeups", wakeups);
}
