/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/action_options.h"

#include "base/error.h"
#include "base/quotable.h"
#include "bus/options.h"
#include "model/limits.h"

#include <math.h>
#include <string.h>

/* In the order of the table of options; the last one is not always among them. */
enum {
    IF_BUSY,
    PRIORITY,
    NOT_BEFORE,
    START_DEADLINE,
    TIMEOUT,
    STEP_TIMEOUT,
    MAX_ATTEMPTS,
    RETRY_DELAY,
    RETRY_FACTOR,
    RETRY_CAP,
    RETRY_JITTER,
    REQUEST_ID,
    OPTIONS_LAST_,
};

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

static void update(GChecksum *checksum, const char *text)
{
    g_checksum_update(checksum, (const guchar *)text, (gssize)strlen(text) + 1);
}

/* A fingerprint of all that was asked for: type, parameters, and the options that were given, so that a change of the
 * configured defaults does not make another request of the same words. Two different requests having the same one is
 * not a thing that happens by accident. */
static guint64 digest(const FleetActionRequest *request, const Raw *raw, const gboolean *given)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 bytes[32];
    gsize size = sizeof(bytes);
    guint64 result;

    update(checksum, request->type);
    for (guint i = 0; i < fleet_parameters_count(request->parameters); i++) {
        update(checksum, fleet_parameters_key(request->parameters, i));
        update(checksum, fleet_parameters_value(request->parameters, i));
    }
    const struct {
        gconstpointer value;
        gsize size;
    } options[] = {[IF_BUSY] = {raw->if_busy, strlen(raw->if_busy)},
            [PRIORITY] = {&raw->priority, sizeof(raw->priority)},
            [NOT_BEFORE] = {&raw->not_before, sizeof(raw->not_before)},
            [START_DEADLINE] = {&raw->start_deadline, sizeof(raw->start_deadline)},
            [TIMEOUT] = {&raw->timeout, sizeof(raw->timeout)},
            [STEP_TIMEOUT] = {&raw->step_timeout, sizeof(raw->step_timeout)},
            [MAX_ATTEMPTS] = {&raw->max_attempts, sizeof(raw->max_attempts)},
            [RETRY_DELAY] = {&raw->retry_delay, sizeof(raw->retry_delay)},
            [RETRY_FACTOR] = {&raw->retry_factor, sizeof(raw->retry_factor)},
            [RETRY_CAP] = {&raw->retry_cap, sizeof(raw->retry_cap)},
            [RETRY_JITTER] = {&raw->retry_jitter, sizeof(raw->retry_jitter)}};
    G_STATIC_ASSERT(G_N_ELEMENTS(options) == REQUEST_ID);
    for (guint i = 0; i < G_N_ELEMENTS(options); i++)
        if (given[i]) {
            g_checksum_update(checksum, (const guchar *)&i, sizeof(i));
            g_checksum_update(checksum, options[i].value, (gssize)options[i].size);
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
    gboolean given[OPTIONS_LAST_] = {FALSE};
    const FleetOption options[] = {[IF_BUSY] = {"IfBusy", "s", &raw.if_busy, &given[IF_BUSY]},
            [PRIORITY] = {"Priority", "i", &raw.priority, &given[PRIORITY]},
            [NOT_BEFORE] = {"NotBefore", "t", &raw.not_before, &given[NOT_BEFORE]},
            [START_DEADLINE] = {"StartDeadline", "t", &raw.start_deadline, &given[START_DEADLINE]},
            [TIMEOUT] = {"Timeout", "t", &raw.timeout, &given[TIMEOUT]},
            [STEP_TIMEOUT] = {"StepTimeout", "t", &raw.step_timeout, &given[STEP_TIMEOUT]},
            [MAX_ATTEMPTS] = {"MaxAttempts", "u", &raw.max_attempts, &given[MAX_ATTEMPTS]},
            [RETRY_DELAY] = {"RetryDelay", "t", &raw.retry_delay, &given[RETRY_DELAY]},
            [RETRY_FACTOR] = {"RetryFactor", "d", &raw.retry_factor, &given[RETRY_FACTOR]},
            [RETRY_CAP] = {"RetryCap", "t", &raw.retry_cap, &given[RETRY_CAP]},
            [RETRY_JITTER] = {"RetryJitter", "d", &raw.retry_jitter, &given[RETRY_JITTER]},
            [REQUEST_ID] = {"RequestId", "s", &raw.request_id, &given[REQUEST_ID]}};
    guint n = with_request_id ? OPTIONS_LAST_ : REQUEST_ID;

    if (!fleet_options_read(message, "option", options, n, error) || !check(&raw, error) || !fill(request, &raw, error))
        return FALSE;
    request->request_digest = digest(request, &raw, given);
    return TRUE;
}
