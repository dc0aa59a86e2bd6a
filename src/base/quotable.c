/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/quotable.h"

#include <string.h>

char *fleet_quotable(const char *string)
{
    g_autofree char *valid = g_utf8_make_valid(string, (gssize)strnlen(string, 512));
    GString *text = g_string_new(NULL);
    guint length = 0;

    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        if (++length > 64) {
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
