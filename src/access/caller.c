/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "access/caller.h"

#include <glib.h>
#include <unistd.h>

void fleet_caller_find_executable(FleetCaller *caller)
{
    g_autofree char *exe = g_strdup_printf("/proc/%d/exe", (int)caller->pid);
    g_autofree char *comm = g_strdup_printf("/proc/%d/comm", (int)caller->pid);
    g_autofree char *name = NULL;
    ssize_t length;

    caller->executable[0] = '\0';
    if (caller->pid <= 0)
        return;
    length = readlink(exe, caller->executable, sizeof(caller->executable) - 1);
    caller->executable[MAX(length, 0)] = '\0';
    if (length < 0 && g_file_get_contents(comm, &name, NULL, NULL))
        g_snprintf(caller->executable, sizeof(caller->executable), "[%s]", g_strchomp(name));
    /* Path and name are the process's own choice. */
    for (char *p = caller->executable; *p != '\0'; p++)
        if (!g_ascii_isprint(*p))
            *p = '?';
}
