/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/enum.h"

#include "base/error.h"
#include "base/quotable.h"

const char *fleet_enum_to_string(const FleetEnumTable *table, guint value)
{
    g_assert(value < table->n);
    return table->names[value];
}

gboolean fleet_enum_from_string(const FleetEnumTable *table, const char *string, guint *value, GError **error)
{
    for (guint i = 0; i < table->n; i++)
        if (g_str_equal(table->names[i], string)) {
            *value = i;
            return TRUE;
        }

    /* "" stands for none where a table has it; nobody needs to be told to use that. */
    guint first = *table->names[0] == '\0' ? 1 : 0;
    g_autofree char *all = g_strjoinv(", ", (char **)&table->names[first]);
    g_autofree char *shown = fleet_quotable(string);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s '%s' is unknown; use one of %s", table->what,
            shown, all);
    return FALSE;
}
