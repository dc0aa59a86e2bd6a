/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/timespan.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/quotable.h"

#include <string.h>

/* 73,000 years: no clock of ours overflows when a span is added to it. */
#define SPAN_LIMIT (G_GINT64_CONSTANT(1) << 61)

static const struct {
    const char *name;
    gint64 usec;
} units[] = {
        {"us", 1},
        {"usec", 1},
        {"µs", 1},
        {"ms", 1000},
        {"msec", 1000},
        {"", FLEET_USEC_PER_SEC},
        {"s", FLEET_USEC_PER_SEC},
        {"sec", FLEET_USEC_PER_SEC},
        {"second", FLEET_USEC_PER_SEC},
        {"seconds", FLEET_USEC_PER_SEC},
        {"m", 60 * FLEET_USEC_PER_SEC},
        {"min", 60 * FLEET_USEC_PER_SEC},
        {"minute", 60 * FLEET_USEC_PER_SEC},
        {"minutes", 60 * FLEET_USEC_PER_SEC},
        {"h", 3600 * FLEET_USEC_PER_SEC},
        {"hr", 3600 * FLEET_USEC_PER_SEC},
        {"hour", 3600 * FLEET_USEC_PER_SEC},
        {"hours", 3600 * FLEET_USEC_PER_SEC},
        {"d", 86400 * FLEET_USEC_PER_SEC},
        {"day", 86400 * FLEET_USEC_PER_SEC},
        {"days", 86400 * FLEET_USEC_PER_SEC},
        {"w", 7 * 86400 * FLEET_USEC_PER_SEC},
        {"week", 7 * 86400 * FLEET_USEC_PER_SEC},
        {"weeks", 7 * 86400 * FLEET_USEC_PER_SEC},
};

static gboolean find_unit(const char *name, gsize length, gint64 *usec)
{
    for (guint i = 0; i < G_N_ELEMENTS(units); i++)
        if (strlen(units[i].name) == length && memcmp(units[i].name, name, length) == 0) {
            *usec = units[i].usec;
            return TRUE;
        }
    return FALSE;
}

gboolean fleet_timespan_parse(const char *string, gint64 *usec, GError **error)
{
    const char *p = string;
    double total = 0;
    gboolean any = FALSE, valid = TRUE;

    while (valid) {
        char *end;
        gint64 unit;

        p += strspn(p, " \t");
        if (*p == '\0')
            break;
        /* Only digits may start a number: strtod alone would take "inf", "-1" and hexadecimal. */
        gsize number = strspn(p, "0123456789.");
        double value = g_ascii_strtod(p, &end);
        if (!g_ascii_isdigit(*p) || end != p + number)
            valid = FALSE;
        else {
            p = end + strspn(end, " \t");
            gsize length = strcspn(p, " \t0123456789.");
            valid = find_unit(p, length, &unit);
            p += length;
            total += valid ? value * (double)unit : 0;
            any = TRUE;
        }
    }

    if (!valid || !any || total >= (double)SPAN_LIMIT) {
        g_autofree char *shown = fleet_quotable(string);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "'%s' is not a time span; write it like \"10s\", \"5min 30s\" or \"250ms\"", shown);
        return FALSE;
    }
    *usec = (gint64)(total + 0.5);
    return TRUE;
}

char *fleet_timespan_format(gint64 usec)
{
    static const struct {
        const char *name;
        gint64 usec;
    } shown[] = {{"d", 86400 * FLEET_USEC_PER_SEC}, {"h", 3600 * FLEET_USEC_PER_SEC}, {"min", 60 * FLEET_USEC_PER_SEC},
            {"s", FLEET_USEC_PER_SEC}, {"ms", 1000}, {"us", 1}};
    GString *text = g_string_new(NULL);
    guint parts = 0;

    for (guint i = 0; i < G_N_ELEMENTS(shown) && parts < 2; i++)
        if (usec >= shown[i].usec) {
            g_string_append_printf(
                    text, "%s%" G_GINT64_FORMAT "%s", parts > 0 ? " " : "", usec / shown[i].usec, shown[i].name);
            usec %= shown[i].usec;
            parts++;
        } else if (parts > 0)
            break;
    if (parts == 0)
        g_string_append_c(text, '0');
    return g_string_free(text, FALSE);
}
