/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/parameters.h"

#include "base/error.h"
#include "model/identifier.h"
#include "model/limits.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *key, *value; /* inside the text that follows the pairs */
} Pair;

struct FleetParameters {
    gatomicrefcount refs;
    guint n;
    Pair pairs[];
};

static int compare_pairs(const void *a, const void *b)
{
    return strcmp(((const Pair *)a)->key, ((const Pair *)b)->key);
}

FleetParameters *fleet_parameters_new_empty(void)
{
    FleetParameters *parameters = g_malloc0(sizeof(FleetParameters));

    g_atomic_ref_count_init(&parameters->refs);
    return parameters;
}

static gboolean check_pair(const char *key, const char *value, GError **error)
{
    const char *reason = NULL;

    if (*key == '\0')
        reason = "is empty";
    else if (!g_utf8_validate(key, -1, NULL))
        reason = "is not valid UTF-8";
    else if (!g_utf8_validate(value, -1, NULL))
        reason = "has a value that is not valid UTF-8";
    else
        for (const char *p = key; *p != '\0'; p = g_utf8_next_char(p))
            if (g_unichar_iscntrl(g_utf8_get_char(p)))
                reason = "has a control character";
    if (reason == NULL)
        return TRUE;

    g_autofree char *shown = fleet_quotable(key);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "parameter name '%s' %s; use printable names and UTF-8 text", shown, reason);
    return FALSE;
}

FleetParameters *fleet_parameters_new(const char *const *pairs, guint n, GError **error)
{
    gsize size = 0;

    if (n > FLEET_PARAMETERS_MAX) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_LIMIT_EXCEEDED,
                "%u parameters are too many; at most %d are allowed", n, FLEET_PARAMETERS_MAX);
        return NULL;
    }
    for (guint i = 0; i < 2 * n; i++)
        size += strlen(pairs[i]);
    if (size > FLEET_PARAMETERS_SIZE_MAX) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_LIMIT_EXCEEDED,
                "parameters of %zu bytes are too large; at most %d bytes in all are allowed", size,
                FLEET_PARAMETERS_SIZE_MAX);
        return NULL;
    }
    for (guint i = 0; i < n; i++)
        if (!check_pair(pairs[2 * i], pairs[2 * i + 1], error))
            return NULL;

    gsize text_offset = sizeof(FleetParameters) + n * sizeof(Pair);
    g_autoptr(FleetParameters) parameters = g_malloc(text_offset + size + 2 * n);
    char *text = (char *)parameters + text_offset;

    g_atomic_ref_count_init(&parameters->refs);
    parameters->n = n;
    for (guint i = 0; i < n; i++) {
        parameters->pairs[i].key = text;
        text = stpcpy(text, pairs[2 * i]) + 1;
        parameters->pairs[i].value = text;
        text = stpcpy(text, pairs[2 * i + 1]) + 1;
    }
    qsort(parameters->pairs, n, sizeof(Pair), compare_pairs);
    for (guint i = 1; i < n; i++)
        if (g_str_equal(parameters->pairs[i - 1].key, parameters->pairs[i].key)) {
            g_autofree char *shown = fleet_quotable(parameters->pairs[i].key);
            g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                    "parameter '%s' is given twice; give each name once", shown);
            return NULL;
        }
    return g_steal_pointer(&parameters);
}

FleetParameters *fleet_parameters_ref(FleetParameters *parameters)
{
    g_atomic_ref_count_inc(&parameters->refs);
    return parameters;
}

void fleet_parameters_unref(FleetParameters *parameters)
{
    if (g_atomic_ref_count_dec(&parameters->refs))
        g_free(parameters);
}

guint fleet_parameters_count(const FleetParameters *parameters)
{
    return parameters->n;
}

const char *fleet_parameters_key(const FleetParameters *parameters, guint i)
{
    g_assert(i < parameters->n);
    return parameters->pairs[i].key;
}

const char *fleet_parameters_value(const FleetParameters *parameters, guint i)
{
    g_assert(i < parameters->n);
    return parameters->pairs[i].value;
}
