/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/when.h"

#include "base/clock.h"
#include "base/quotable.h"
#include "base/timespan.h"
#include "cli/exit.h"

#include <string.h>

static gboolean parse_relative(const char *text, gint64 now, gint64 *usec, GError **error)
{
    g_autoptr(GError) reason = NULL;
    gint64 span;

    if (!fleet_timespan_parse(text + 1, &span, &reason)) {
        g_set_error_literal(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, reason->message);
        return FALSE;
    }
    *usec = *text == '+' ? now + span : now - span;
    return TRUE;
}

/* So many digits, and then the character that must follow: '\0' is the end. Moves on behind both. */
static gboolean take_number(const char **text, guint digits, const char *followers, int *number)
{
    const char *p = *text;

    *number = 0;
    for (guint i = 0; i < digits; i++, p++) {
        if (!g_ascii_isdigit(*p))
            return FALSE;
        *number = *number * 10 + g_ascii_digit_value(*p);
    }
    if (*p != '\0' && strchr(followers, *p) == NULL)
        return FALSE;
    *text = *p != '\0' ? p + 1 : p;
    /* A separator with nothing behind it separates nothing. */
    return *p == '\0' || **text != '\0';
}

/* NULL if it is not of one of the forms, or no such day or time of day exists. */
static GDateTime *parse_absolute(const char *text)
{
    int year, month, day, hour = 0, minute = 0, second = 0;

    if (!take_number(&text, 4, "-", &year) || !take_number(&text, 2, "-", &month) || !take_number(&text, 2, " T", &day))
        return NULL;
    if (*text != '\0') {
        if (!take_number(&text, 2, ":", &hour) || *text == '\0' || !take_number(&text, 2, ":", &minute))
            return NULL;
        if (*text != '\0' && !take_number(&text, 2, "", &second))
            return NULL;
    }
    return g_date_time_new_local(year, month, day, hour, minute, second);
}

gboolean fleet_when_parse(const char *text, gint64 now, gint64 *usec, GError **error)
{
    gboolean relative = *text == '+' || *text == '-';

    if (relative) {
        if (!parse_relative(text, now, usec, error))
            return FALSE;
    } else {
        g_autoptr(GDateTime) time = parse_absolute(text);

        if (time == NULL) {
            g_autofree char *shown = fleet_quotable(text);
            g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE,
                    "'%s' is not a time; write it like \"2026-11-25 18:00\" or \"+30min\"", shown);
            return FALSE;
        }
        *usec = g_date_time_to_unix(time) * FLEET_USEC_PER_SEC;
    }
    if (*usec < 0) {
        g_autofree char *shown = fleet_quotable(text);
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "'%s' lies before the year 1970", shown);
    }
    return *usec >= 0;
}
