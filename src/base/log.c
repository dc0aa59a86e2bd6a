/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The call sites bring their own file, line and function (fleet_log), not those of this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include "base/log.h"

#include "base/error.h"
#include "base/quotable.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

static int max_level = LOG_INFO; /* atomic: the store's threads log too */

void fleet_log_set_level(int level)
{
    g_atomic_int_set(&max_level, level);
}

int fleet_log_level(void)
{
    return g_atomic_int_get(&max_level);
}

gboolean fleet_log_level_from_string(const char *string, int *level, GError **error)
{
    static const char *const names[] = {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};

    if (g_str_equal(string, "error"))
        string = "err";
    for (int i = 0; i < (int)G_N_ELEMENTS(names); i++)
        if (g_str_equal(string, names[i]) || (string[0] == '0' + i && string[1] == '\0')) {
            *level = i;
            return TRUE;
        }

    g_autofree char *shown = fleet_quotable(string);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "log level '%s' is unknown; use one of emerg, alert, crit, err, warning, notice, info, debug", shown);
    return FALSE;
}

gboolean fleet_log_to_journal(void)
{
    static gsize state; /* 1 = no, 2 = yes */

    if (g_once_init_enter(&state))
        g_once_init_leave(&state, g_log_writer_is_journald(STDERR_FILENO) ? 2 : 1);
    return state == 2;
}

void fleet_log_full(int level, const char *file, int line, const char *function, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, format);
    text = g_strdup_vprintf(format, ap);
    va_end(ap);

    if (fleet_log_to_journal() &&
            sd_journal_send("MESSAGE=%s", text, "PRIORITY=%i", level, "CODE_FILE=%s", file, "CODE_LINE=%i", line,
                    "CODE_FUNC=%s", function, "SYSLOG_IDENTIFIER=fleetd", NULL) >= 0)
        return;
    fprintf(stderr, "fleetd: %s\n", text);
}

void fleet_log_fields(int level, const char *const *fields, const char *message)
{
    if (level > fleet_log_level())
        return;
    if (fleet_log_to_journal()) {
        guint n = g_strv_length((char **)fields);
        g_autofree struct iovec *iov = g_new(struct iovec, n + 3);
        g_autofree char *text = g_strdup_printf("MESSAGE=%s", message);
        g_autofree char *priority = g_strdup_printf("PRIORITY=%i", level);

        iov[n] = (struct iovec){text, strlen(text)};
        iov[n + 1] = (struct iovec){priority, strlen(priority)};
        iov[n + 2] = (struct iovec){(char *)"SYSLOG_IDENTIFIER=fleetd", strlen("SYSLOG_IDENTIFIER=fleetd")};
        for (guint i = 0; i < n; i++)
            iov[i] = (struct iovec){(char *)fields[i], strlen(fields[i])};
        if (sd_journal_sendv(iov, (int)n + 3) >= 0)
            return;
    }
    fprintf(stderr, "fleetd: %s\n", message);
}
