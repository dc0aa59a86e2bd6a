/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/action_options.h"

#include "base/error.h"
#include "base/quotable.h"
#include "bus/options.h"
#include "model/limits.h"

#include <math.h>
#include <string.h>

/* As they travel. */
typedef struct {
    const char *if_busy, *request_id;
    gint32 priority;
    guint64 not_before, start_deadline, timeout, step_timeout, retry_delay, retry_cap;
    guint32 max_attempts;
    double retry_factor, retry_jitter;
} Raw;

static gboolean set_invalid(GError **error, const char *name, const char *what)
{
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "option '%s' must be %s", name, what);
    return FALSE;
}

static gboolean check_times(const Raw *raw, GError **error)
{
    const struct {
        const char *name;
        guint64 value;
    } times[] = {{"NotBefore", raw->not_before}, {"StartDeadline", raw->start_deadline}, {"Timeout", raw->timeout},
            {"StepTimeout", raw->step_timeout}, {"RetryDelay", raw->retry_delay}, {"RetryCap", raw->retry_cap}};

    for (guint i = 0; i < G_N_ELEMENTS(times); i++)
        if (times[i].value > G_MAXINT64 / 4)
            return set_invalid(error, times[i].name, "a number of µs below 2^61");
    return TRUE;
}

static gboolean check(const Raw *raw, GError **error)
{
    if (!check_times(raw, error))
        return FALSE;
    if (raw->max_attempts < 1 || raw->max_attempts > FLEET_ATTEMPTS_MAX)
        return set_invalid(error, "MaxAttempts", "from 1 to 1000");
    if (!(raw->retry_factor >= 1.0 && raw->retry_factor <= 100.0))
        return set_invalid(error, "RetryFactor", "from 1.0 to 100.0");
    if (!(raw->retry_jitter >= 0.0 && raw->retry_jitter <= 1.0))
        return set_invalid(error, "RetryJitter", "from 0.0 to 1.0");
    if (strlen(raw->request_id) > FLEET_REQUEST_ID_MAX)
        return set_invalid(error, "RequestId", "at most 128 bytes");
    if (!g_utf8_validate(raw->request_id, -1, NULL))
        return set_invalid(error, "RequestId", "valid UTF-8");
    return TRUE;
}

/* A fingerprint of all that was asked for. Two different requests having the same one is not a thing that happens by
 * accident; who makes it happen gets the answer to a request of his own. */
static guint64 digest(const FleetActionRequest *request)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *numbers = g_strdup_printf("%d %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
                                               " %" G_GINT64_FORMAT " %u",
            request->if_busy, request->priority, request->not_before, request->start_deadline, request->policy.timeout,
            request->policy.step_timeout, request->policy.max_attempts);
    guint8 bytes[32];
    gsize size = sizeof(bytes);
    guint64 result;

    g_checksum_update(checksum, (const guchar *)request->type, (gssize)strlen(request->type) + 1);
    g_checksum_update(checksum, (const guchar *)numbers, (gssize)strlen(numbers) + 1);
    for (guint i = 0; i < fleet_parameters_count(request->parameters); i++) {
        const char *key = fleet_parameters_key(request->parameters, i);
        const char *value = fleet_parameters_value(request->parameters, i);

        g_checksum_update(checksum, (const guchar *)key, (gssize)strlen(key) + 1);
        g_checksum_update(checksum, (const guchar *)value, (gssize)strlen(value) + 1);
    }
    g_checksum_get_digest(checksum, bytes, &size);
    memcpy(&result, bytes, sizeof(result));
    return result;
}

static gboolean fill(FleetActionRequest *request, const Raw *raw, GError **error)
{
    guint if_busy;

    if (!fleet_enum_from_string(&fleet_if_busy_table, raw->if_busy, &if_busy, error))
        return FALSE;
    request->if_busy = (FleetIfBusy)if_busy;
    request->priority = raw->priority;
    request->not_before = (gint64)raw->not_before;
    request->start_deadline = (gint64)raw->start_deadline;
    request->request_id = raw->request_id;
    request->policy = (FleetPolicy){.timeout = (gint64)raw->timeout,
            .step_timeout = (gint64)raw->step_timeout,
            .max_attempts = raw->max_attempts,
            .retry_delay = (gint64)raw->retry_delay,
            .retry_factor = raw->retry_factor,
            .retry_cap = (gint64)raw->retry_cap,
            .retry_jitter = raw->retry_jitter};
    request->request_digest = digest(request);
    return TRUE;
}

gboolean fleet_action_options_read(sd_bus_message *message, const FleetApi *api, gboolean with_request_id,
        FleetActionRequest *request, GError **error)
{
    const FleetActionType *type =
            fleet_action_types_lookup(fleet_engine_action_types(api->engine), request->type, error);
    if (type == NULL)
        return FALSE;

    Raw raw = {.if_busy = "fail",
            .request_id = "",
            .timeout = (guint64)type->policy.timeout,
            .step_timeout = (guint64)type->policy.step_timeout,
            .max_attempts = type->policy.max_attempts,
            .retry_delay = (guint64)type->policy.retry_delay,
            .retry_factor = type->policy.retry_factor,
            .retry_cap = (guint64)type->policy.retry_cap,
            .retry_jitter = type->policy.retry_jitter};
    const FleetOption options[] = {{"IfBusy", "s", &raw.if_busy, NULL}, {"Priority", "i", &raw.priority, NULL},
            {"NotBefore", "t", &raw.not_before, NULL}, {"StartDeadline", "t", &raw.start_deadline, NULL},
            {"Timeout", "t", &raw.timeout, NULL}, {"StepTimeout", "t", &raw.step_timeout, NULL},
            {"MaxAttempts", "u", &raw.max_attempts, NULL}, {"RetryDelay", "t", &raw.retry_delay, NULL},
            {"RetryFactor", "d", &raw.retry_factor, NULL}, {"RetryCap", "t", &raw.retry_cap, NULL},
            {"RetryJitter", "d", &raw.retry_jitter, NULL}, {"RequestId", "s", &raw.request_id, NULL}};
    guint n = with_request_id ? G_N_ELEMENTS(options) : G_N_ELEMENTS(options) - 1;

    return fleet_options_read(message, "option", options, n, error) && check(&raw, error) && fill(request, &raw, error);
}
