/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/config_value.h"

#include "base/error.h"
#include "base/log.h"
#include "base/quotable.h"
#include "base/timespan.h"
#include "drivers/drivers.h"
#include "model/policy.h"
#include "model/status.h"

#include <string.h>

#define RUNNING_MAX 1000000
#define FINISHED_MAX 100000
#define ROWS_MAX 1000000000
#define QUOTA_MAX 1000000000
#define FACTOR_MAX 100

gboolean fleet_config_read_span(const char *value, gpointer target, GError **error)
{
    return fleet_timespan_parse(value, target, error);
}

/* Only digits and a point: strtod alone would take "nan", "-0" and hexadecimal. */
static gboolean read_real(const char *value, double min, double max, double *real)
{
    char *end;
    double found = g_ascii_strtod(value, &end);

    if (value[0] == '\0' || *end != '\0' || strspn(value, "0123456789.") != strlen(value) || found < min || found > max)
        return FALSE;
    *real = found;
    return TRUE;
}

gboolean fleet_config_read_rate(const char *value, gpointer target, GError **error)
{
    if (read_real(value, 0, 1, target))
        return TRUE;
    g_autofree char *shown = fleet_quotable(value);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "'%s' is not a rate; use a number from 0 to 1, like 0.9", shown);
    return FALSE;
}

gboolean fleet_config_read_factor(const char *value, gpointer target, GError **error)
{
    if (read_real(value, 1, FACTOR_MAX, target))
        return TRUE;
    g_autofree char *shown = fleet_quotable(value);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "'%s' is not a factor; use a number from 1 to %d, like 1.5", shown, FACTOR_MAX);
    return FALSE;
}

static gboolean read_whole(const char *value, guint64 min, guint64 max, guint64 *number, GError **error)
{
    if (g_ascii_string_to_unsigned(value, 10, min, max, number, NULL))
        return TRUE;
    g_autofree char *shown = fleet_quotable(value);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "'%s' is not right; use a whole number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, shown, min, max);
    return FALSE;
}

static gboolean read_uint(const char *value, guint min, guint max, guint *target, GError **error)
{
    guint64 number;

    if (!read_whole(value, min, max, &number, error))
        return FALSE;
    *target = (guint)number;
    return TRUE;
}

gboolean fleet_config_read_seed(const char *value, gpointer target, GError **error)
{
    return read_whole(value, 0, G_MAXUINT64, target, error);
}

gboolean fleet_config_read_running(const char *value, gpointer target, GError **error)
{
    return read_uint(value, 1, RUNNING_MAX, target, error);
}

gboolean fleet_config_read_attempts(const char *value, gpointer target, GError **error)
{
    return read_uint(value, 1, FLEET_ATTEMPTS_MAX, target, error);
}

gboolean fleet_config_read_finished(const char *value, gpointer target, GError **error)
{
    return read_uint(value, 0, FINISHED_MAX, target, error);
}

gboolean fleet_config_read_quota(const char *value, gpointer target, GError **error)
{
    return read_uint(value, 0, QUOTA_MAX, target, error);
}

gboolean fleet_config_read_rows(const char *value, gpointer target, GError **error)
{
    guint64 number;

    if (!read_whole(value, 0, ROWS_MAX, &number, error))
        return FALSE;
    *(gint64 *)target = (gint64)number;
    return TRUE;
}

gboolean fleet_config_read_log_level(const char *value, gpointer target, GError **error)
{
    return fleet_log_level_from_string(value, target, error);
}

gboolean fleet_config_read_log_target(const char *value, gpointer target, GError **error)
{
    return fleet_log_target_from_string(value, target, error);
}

gboolean fleet_config_read_device_status(const char *value, gpointer target, GError **error)
{
    static const char *const names[] = {"BUSY", "UPDATING", NULL};
    static const FleetEnumTable statuses = FLEET_ENUM_TABLE("device status", names);
    guint i;

    if (!fleet_enum_from_string(&statuses, value, &i, error))
        return FALSE;
    *(FleetDeviceStatus *)target = i == 0 ? FLEET_DEVICE_BUSY : FLEET_DEVICE_UPDATING;
    return TRUE;
}

gboolean fleet_config_read_driver(const char *value, gpointer target, GError **error)
{
    const char *const *names = fleet_drivers_names();

    if (g_strv_contains(names, value)) {
        g_free(*(char **)target);
        *(char **)target = g_strdup(value);
        return TRUE;
    }
    g_autofree char *shown = fleet_quotable(value);
    g_autofree char *all = g_strjoinv(", ", (char **)names);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "driver '%s' is unknown; use one of %s", shown, all);
    return FALSE;
}
