/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/options.h"

#include "base/error.h"
#include "bus/errors.h"
#include "model/identifier.h"

#include <string.h>

#define OPTIONS_MAX 16
#define STRINGS_MAX 1000 /* in one array: the store's queries have one placeholder for each */

static const FleetOption *find(const FleetOption *options, guint n, const char *name)
{
    for (guint i = 0; i < n; i++)
        if (g_str_equal(options[i].name, name))
            return &options[i];
    return NULL;
}

static void set_unknown(const char *what, const FleetOption *options, guint n, const char *name, GError **error)
{
    g_autofree char *shown = fleet_quotable(name);
    g_autoptr(GString) known = g_string_new(NULL);

    for (guint i = 0; i < n; i++)
        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", options[i].name);
    if (n > 0)
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s '%s' is unknown; use one of %s", what, shown,
                known->str);
    else
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s '%s' is unknown; this method knows none",
                what, shown);
}

/* The value, whose type has been checked. */
static int read_value(sd_bus_message *message, const FleetOption *option)
{
    if (*option->signature != 'a')
        return sd_bus_message_read_basic(message, *option->signature, option->target);
    g_strfreev(*(char ***)option->target);
    *(char ***)option->target = NULL;
    return sd_bus_message_read_strv(message, option->target);
}

static gboolean check_length(const char *what, const FleetOption *option, GError **error)
{
    char **strings = *option->signature == 'a' ? *(char ***)option->target : NULL;

    if (strings == NULL || g_strv_length(strings) <= STRINGS_MAX)
        return TRUE;
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_LIMIT_EXCEEDED, "%s '%s' has %u entries; at most %d are allowed", what,
            option->name, g_strv_length(strings), STRINGS_MAX);
    return FALSE;
}

static gboolean read_entry(
        sd_bus_message *message, const char *what, const FleetOption *options, guint n, guint32 *seen, GError **error)
{
    const char *name, *contents;
    char type;
    int r = sd_bus_message_read_basic(message, 's', &name);

    if (r >= 0)
        r = sd_bus_message_peek_type(message, &type, &contents);
    if (r < 0) {
        g_propagate_error(error, fleet_errors_unreadable(r));
        return FALSE;
    }

    const FleetOption *option = find(options, n, name);
    if (option == NULL) {
        set_unknown(what, options, n, name, error);
        return FALSE;
    }
    if (!g_str_equal(contents, option->signature)) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s '%s' has the type '%s'; it must be '%s'",
                what, name, contents, option->signature);
        return FALSE;
    }
    guint32 bit = 1u << (guint)(option - options);
    if ((*seen & bit) != 0) {
        g_set_error(
                error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s '%s' is given twice; give it once", what, name);
        return FALSE;
    }
    *seen |= bit;

    r = sd_bus_message_enter_container(message, 'v', contents);
    if (r >= 0)
        r = read_value(message, option);
    if (r >= 0 && !check_length(what, option, error))
        return FALSE;
    if (r >= 0)
        r = sd_bus_message_exit_container(message);
    if (r < 0) {
        g_propagate_error(error, fleet_errors_unreadable(r));
        return FALSE;
    }
    if (option->given != NULL)
        *option->given = TRUE;
    return TRUE;
}

gboolean fleet_options_read(
        sd_bus_message *message, const char *what, const FleetOption *options, guint n, GError **error)
{
    guint32 seen = 0;
    int r;

    g_assert(n <= OPTIONS_MAX);
    r = sd_bus_message_enter_container(message, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        if (!read_entry(message, what, options, n, &seen, error))
            return FALSE;
        r = sd_bus_message_exit_container(message);
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(message);
    if (r >= 0)
        return TRUE;
    g_propagate_error(error, fleet_errors_unreadable(r));
    return FALSE;
}

gboolean fleet_options_read_none(sd_bus_message *message, GError **error)
{
    return fleet_options_read(message, "option", NULL, 0, error);
}
