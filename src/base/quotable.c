/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/quotable.h"

#include <string.h>

static gboolean is_plain(const char *string, gsize size)
{
    for (gsize i = 0; i < size; i++)
        if (string[i] < ' ' || string[i] > '~')
            return FALSE;
    return TRUE;
}

/* At most max characters of it. Nearly all that are quoted are as they should be, and there is one in each call. */
static char *escape(const char *string, gsize size, gsize max)
{
    if (size <= max && is_plain(string, size))
        return g_strndup(string, size);

    g_autofree char *valid = g_utf8_make_valid(string, (gssize)size);
    GString *text = g_string_new(NULL);
    gsize length = 0;

    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        if (++length > max) {
            g_string_append(text, "…");
            break;
        }
        if (g_unichar_iscntrl(c))
            g_string_append_printf(text, "\\x%02x", c);
        else
            g_string_append_unichar(text, c);
    }
    return g_string_free(text, FALSE);
}

char *fleet_quotable(const char *string)
{
    return escape(string, strnlen(string, 512), 64);
}

char *fleet_printable(const char *string)
{
    return escape(string, strlen(string), G_MAXSIZE);
}
