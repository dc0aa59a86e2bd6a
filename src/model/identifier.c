/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/identifier.h"

#include "base/error.h"
#include "model/limits.h"

#include <string.h>

static gboolean has_control_character(const char *string)
{
    for (const char *p = string; *p != '\0'; p = g_utf8_next_char(p))
        if (g_unichar_iscntrl(g_utf8_get_char(p)))
            return TRUE;
    return FALSE;
}

/* Most names are; the others are looked at more closely. */
static gboolean is_plain(const char *string)
{
    const char *p = string;

    while (*p >= ' ' && *p <= '~')
        p++;
    return *p == '\0';
}

static gboolean check(const char *what, const char *string, gsize min, gsize max, GError **error)
{
    gsize length = strlen(string);
    const char *reason = NULL;

    if (length < min || length > max) {
        g_autofree char *shown = fleet_quotable(string);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s '%s' has %zu bytes; use %zu to %zu", what,
                shown, length, min, max);
        return FALSE;
    }
    if (is_plain(string))
        return TRUE;
    if (!g_utf8_validate(string, (gssize)length, NULL))
        reason = "is not valid UTF-8";
    else if (has_control_character(string))
        reason = "has a control character; use printable characters only";
    if (reason == NULL)
        return TRUE;

    g_autofree char *shown = fleet_quotable(string);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s '%s' %s", what, shown, reason);
    return FALSE;
}

gboolean fleet_device_id_check(const char *id, GError **error)
{
    if (!check("device id", id, 1, FLEET_DEVICE_ID_MAX, error))
        return FALSE;
    if (g_str_equal(id, ".") || g_str_equal(id, "..")) {
        g_set_error(
                error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "device id '%s' is reserved; use any other name", id);
        return FALSE;
    }
    return TRUE;
}

gboolean fleet_device_name_check(const char *name, GError **error)
{
    return check("device name", name, 0, FLEET_DEVICE_NAME_MAX, error);
}

gboolean fleet_device_type_check(const char *type, GError **error)
{
    return check("device type", type, 0, FLEET_DEVICE_TYPE_MAX, error);
}

gboolean fleet_device_address_check(const char *address, GError **error)
{
    return check("device address", address, 0, FLEET_DEVICE_ADDRESS_MAX, error);
}

const char *fleet_action_id_format(FleetActionId id, char buffer[static FLEET_ACTION_ID_BUFFER])
{
    if (id.sequence == 0)
        buffer[0] = '\0';
    else
        g_snprintf(
                buffer, FLEET_ACTION_ID_BUFFER, "action_%" G_GINT64_FORMAT "_%" G_GINT64_FORMAT, id.msec, id.sequence);
    return buffer;
}

/* A decimal as g_snprintf() writes it: no sign, no leading zero. */
static gboolean parse_decimal(const char **cursor, gint64 *value)
{
    const char *p = *cursor;
    guint64 parsed = 0;

    if (!g_ascii_isdigit(*p) || (p[0] == '0' && g_ascii_isdigit(p[1])))
        return FALSE;
    for (; g_ascii_isdigit(*p); p++) {
        guint64 digit = (guint64)(*p - '0');

        if (parsed > (G_MAXINT64 - digit) / 10)
            return FALSE;
        parsed = parsed * 10 + digit;
    }
    *value = (gint64)parsed;
    *cursor = p;
    return TRUE;
}

gboolean fleet_action_id_parse(const char *string, FleetActionId *id)
{
    FleetActionId parsed;

    if (!g_str_has_prefix(string, "action_"))
        return FALSE;
    string += strlen("action_");
    if (!parse_decimal(&string, &parsed.msec) || *string++ != '_')
        return FALSE;
    if (!parse_decimal(&string, &parsed.sequence) || *string != '\0' || parsed.sequence == 0)
        return FALSE;
    *id = parsed;
    return TRUE;
}
