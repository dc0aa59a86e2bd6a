/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PROGRAM "fleet-simulated-device"

void sim_log(const char *device, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s: %s\n", device != NULL ? device : PROGRAM, text);
}

void sim_die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fprintf(stderr, PROGRAM ": %s\n", text);
    exit(EXIT_FAILURE);
}
