/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/text.h"

#include "base/clock.h"

#include <string.h>

gboolean fleet_text_is_unsafe(gunichar c)
{
    if (c < 0x20 || (c >= 0x7f && c < 0xa0))
        return TRUE;
    /* Line and paragraph separators, and what makes text read other than it is written. */
    return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0xfeff;
}

char *fleet_text_clean(const char *text)
{
    GString *clean = g_string_sized_new(strlen(text));

    for (const char *p = text; *p != '\0';) {
        gunichar c = g_utf8_get_char_validated(p, -1);
        if (c == (gunichar)-1 || c == (gunichar)-2) {
            g_string_append_printf(clean, "\\x%02x", (guchar)*p++);
            continue;
        }
        if (!fleet_text_is_unsafe(c))
            g_string_append_unichar(clean, c);
        else
            g_string_append_printf(clean, c < 0x80 ? "\\x%02x" : "\\u%04x", c);
        p = g_utf8_next_char(p);
    }
    return g_string_free(clean, FALSE);
}

static guint character_width(gunichar c)
{
    if (g_unichar_iszerowidth(c))
        return 0;
    return g_unichar_iswide(c) ? 2 : 1;
}

guint fleet_text_width(const char *text)
{
    guint width = 0;

    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        width += character_width(g_utf8_get_char(p));
    return width;
}

/* The first characters that fit into width columns, combining ones that follow the last included. */
static gsize prefix_length(const char *text, guint width)
{
    const char *p = text;

    for (guint used = 0; *p != '\0'; p = g_utf8_next_char(p)) {
        used += character_width(g_utf8_get_char(p));
        if (used > width)
            break;
    }
    return (gsize)(p - text);
}

char *fleet_text_ellipsize(const char *text, guint width, const char *ellipsis)
{
    if (fleet_text_width(text) <= width)
        return g_strdup(text);

    guint mark = fleet_text_width(ellipsis);
    if (mark >= width)
        return g_strndup(ellipsis, prefix_length(ellipsis, width));
    g_autofree char *kept = g_strndup(text, prefix_length(text, width - mark));
    return g_strconcat(kept, ellipsis, NULL);
}

void fleet_text_append_padded(GString *to, const char *text, guint width)
{
    g_string_append(to, text);
    for (guint used = fleet_text_width(text); used < width; used++)
        g_string_append_c(to, ' ');
}

static char *format_time(gint64 usec, const char *format)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(usec / FLEET_USEC_PER_SEC);

    /* Years beyond 9999 have no GDateTime; the bare number of seconds is still the truth. */
    if (time == NULL)
        return g_strdup_printf("%" G_GINT64_FORMAT, usec / FLEET_USEC_PER_SEC);
    return g_date_time_format(time, format);
}

char *fleet_text_time(gint64 usec)
{
    return usec == 0 ? g_strdup("None") : format_time(usec, "%Y-%m-%d %H:%M:%S");
}

char *fleet_text_clock(gint64 usec)
{
    return format_time(usec, "%H:%M:%S");
}

char *fleet_text_elapsed(gint64 usec)
{
    gint64 seconds = MAX(usec, 0) / FLEET_USEC_PER_SEC;
    guint minutes = (guint)(seconds / 60 % 60), rest = (guint)(seconds % 60);

    if (seconds < 3600)
        return g_strdup_printf("%u:%02u", minutes, rest);
    return g_strdup_printf("%" G_GINT64_FORMAT ":%02u:%02u", seconds / 3600, minutes, rest);
}
