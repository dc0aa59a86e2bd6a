/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Structured log: to the journal where stderr leads there, else as lines on stderr. Levels are syslog's. Messages are
 * one line, name the thing, and never hold parameters of an action (they may be secrets).
 */

#include <glib.h>
#include <syslog.h>

/* Whether messages go to the journal. */
gboolean fleet_log_to_journal(void);

/* The lowest level that is logged; LOG_INFO until told otherwise. */
void fleet_log_set_level(int level);
int fleet_log_level(void);

/* "debug", "info", "notice", "warning", "err" (or "error"), "crit", "alert", "emerg", or a digit. */
gboolean fleet_log_level_from_string(const char *string, int *level, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void fleet_log_full(int level, const char *file, int line, const char *function, const char *format, ...)
        G_GNUC_PRINTF(5, 6);

/* A message with journal fields of its own, "NAME=value" each, NULL-terminated list; for what is not said by a place in
 * this source, such as the output of a program. Lines on stderr go without the fields. */
void fleet_log_fields(int level, const char *const *fields, const char *message);

#define fleet_log(level, ...)                                                                                          \
    G_STMT_START                                                                                                       \
    {                                                                                                                  \
        if ((level) <= fleet_log_level())                                                                              \
            fleet_log_full((level), __FILE__, __LINE__, G_STRFUNC, __VA_ARGS__);                                       \
    }                                                                                                                  \
    G_STMT_END

/* What happens all the time in normal work, once for each call or action: to the journal at that level, where it can be
 * filtered and is kept; to a plain stderr, whose reader may be slow or gone, only when debugging. */
#define fleet_log_routine(level, ...) fleet_log(fleet_log_to_journal() ? (level) : LOG_DEBUG, __VA_ARGS__)

#define fleet_log_error(...) fleet_log(LOG_ERR, __VA_ARGS__)
#define fleet_log_warning(...) fleet_log(LOG_WARNING, __VA_ARGS__)
#define fleet_log_notice(...) fleet_log(LOG_NOTICE, __VA_ARGS__)
#define fleet_log_info(...) fleet_log(LOG_INFO, __VA_ARGS__)
#define fleet_log_debug(...) fleet_log(LOG_DEBUG, __VA_ARGS__)
