/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/thin_edge/message.h"

#include "base/error.h"
#include "base/quotable.h"
#include "drivers/thin_edge/json.h"
#include "model/records.h"

#include <string.h>

#define REASON_MAX 1024       /* bytes */
#define TYPES_MAX (16 * 1024) /* bytes of JSON; they stay in memory */
#define NO_PROGRESS (-1.0)

static gboolean fail(GError **error, const char *what)
{
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s", what);
    return FALSE;
}

static gboolean parse(const char *payload, gsize length, FleetThinEdgeJson *value, GError **error)
{
    if (length > FLEET_THIN_EDGE_PAYLOAD_MAX) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "its %zu bytes are more than %d", length,
                FLEET_THIN_EDGE_PAYLOAD_MAX);
        return FALSE;
    }
    return fleet_thin_edge_json_parse(payload, length, value, error);
}

static gboolean parse_object(const char *payload, gsize length, FleetThinEdgeJson *object, GError **error)
{
    if (!parse(payload, length, object, error))
        return FALSE;
    return fleet_thin_edge_json_kind(*object) == FLEET_THIN_EDGE_JSON_OBJECT || fail(error, "it is no object");
}

/* A member of an object; the last one of several. FALSE if there is none. */
static gboolean find(FleetThinEdgeJson object, const char *name, FleetThinEdgeJson *value)
{
    FleetThinEdgeJsonIter iter = {.rest = object};
    FleetThinEdgeJson key, member;
    gboolean found = FALSE;

    while (fleet_thin_edge_json_next(&iter, &key, &member))
        if (fleet_thin_edge_json_equals(key, name)) {
            *value = member;
            found = TRUE;
        }
    return found;
}

/* A string member; *text is NULL if there is none. FALSE, with an error, if it is something else. */
static gboolean find_string(FleetThinEdgeJson object, const char *name, char **text, GError **error)
{
    FleetThinEdgeJson value;

    *text = NULL;
    if (!find(object, name, &value) || fleet_thin_edge_json_kind(value) == FLEET_THIN_EDGE_JSON_NULL)
        return TRUE;
    if (fleet_thin_edge_json_kind(value) != FLEET_THIN_EDGE_JSON_STRING) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "its '%s' is no string", name);
        return FALSE;
    }
    *text = fleet_thin_edge_json_string(value);
    return TRUE;
}

/* The beginning of a text, in one line. */
static char *printable(const char *text, gsize max)
{
    g_autofree char *all = fleet_printable(text);
    gsize length = strlen(all);

    if (length <= max)
        return g_steal_pointer(&all);
    const char *end = g_utf8_find_prev_char(all, all + max + 1);
    return g_strdup_printf("%.*s…", (int)(end - all), all);
}

/* The steps that every command goes through; other words say nothing about how far it is. */
static double progress_of(const char *status)
{
    static const struct {
        const char *status;
        double progress;
    } steps[] = {{"init", 0.0}, {"scheduled", 0.1}, {"executing", 0.2}};

    for (guint i = 0; i < G_N_ELEMENTS(steps); i++)
        if (g_str_equal(steps[i].status, status))
            return steps[i].progress;
    return NO_PROGRESS;
}

/* From 0 to 1; what is not, says nothing. */
static void find_progress(FleetThinEdgeJson object, const char *status, FleetThinEdgeState *state)
{
    FleetThinEdgeJson value;

    state->progress = progress_of(status);
    state->is_step = TRUE;
    if (find(object, "progress", &value) && fleet_thin_edge_json_kind(value) == FLEET_THIN_EDGE_JSON_NUMBER) {
        double progress = fleet_thin_edge_json_number(value);

        if (progress < 0.0 || progress > 1.0)
            return;
        state->progress = progress;
        state->is_step = FALSE;
    }
}

/* "failures" is whatever the device makes of it, an array as a rule: an element a line. */
static char *find_failures(FleetThinEdgeJson object)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    FleetThinEdgeJson list, element;

    if (!find(object, "failures", &list) || fleet_thin_edge_json_kind(list) != FLEET_THIN_EDGE_JSON_ARRAY)
        return NULL;
    FleetThinEdgeJsonIter iter = {.rest = list};
    while (lines->len < FLEET_OUTPUT_MAX && fleet_thin_edge_json_next(&iter, NULL, &element)) {
        g_autofree char *text = fleet_thin_edge_json_kind(element) == FLEET_THIN_EDGE_JSON_STRING
                                        ? fleet_thin_edge_json_string(element)
                                        : g_strndup(element.text, element.length);
        g_autofree char *line = printable(text, REASON_MAX);

        if (lines->len + strlen(line) >= FLEET_OUTPUT_MAX)
            break;
        g_string_append_printf(lines, "%s\n", line);
    }
    return g_string_free(g_steal_pointer(&lines), FALSE);
}

void fleet_thin_edge_state_clear(FleetThinEdgeState *state)
{
    g_clear_pointer(&state->status, g_free);
    g_clear_pointer(&state->reason, g_free);
    g_clear_pointer(&state->failures, g_free);
    g_clear_pointer(&state->client, g_free);
}

gboolean fleet_thin_edge_state_parse(const char *payload, gsize length, FleetThinEdgeState *state, GError **error)
{
    g_autofree char *status = NULL;
    g_autofree char *reason = NULL;
    FleetThinEdgeJson object;

    *state = (FleetThinEdgeState){.progress = NO_PROGRESS};
    if (!parse_object(payload, length, &object, error) || !find_string(object, "status", &status, error) ||
            !find_string(object, "reason", &reason, error) ||
            !find_string(object, FLEET_THIN_EDGE_CLIENT_KEY, &state->client, error))
        return FALSE;
    if (status == NULL)
        status = g_strdup("init");
    if (*status == '\0')
        return fail(error, "its 'status' is empty");
    state->end = g_str_equal(status, "successful") ? FLEET_THIN_EDGE_SUCCESSFUL
                 : g_str_equal(status, "failed")   ? FLEET_THIN_EDGE_FAILED
                                                   : FLEET_THIN_EDGE_GOES_ON;
    state->status = fleet_quotable(status);
    state->reason = reason != NULL ? printable(reason, REASON_MAX) : NULL;
    state->failures = find_failures(object);
    find_progress(object, status, state);
    return TRUE;
}

char *fleet_thin_edge_capability_parse(const char *payload, gsize length, GError **error)
{
    FleetThinEdgeJson object, types, element;
    GString *json;

    if (!parse_object(payload, length, &object, error))
        return NULL;
    if (!find(object, "types", &types))
        return g_strdup("");
    if (fleet_thin_edge_json_kind(types) != FLEET_THIN_EDGE_JSON_ARRAY) {
        (void)fail(error, "its 'types' is no array");
        return NULL;
    }
    FleetThinEdgeJsonIter iter = {.rest = types};
    json = g_string_new("[");
    while (fleet_thin_edge_json_next(&iter, NULL, &element)) {
        if (fleet_thin_edge_json_kind(element) != FLEET_THIN_EDGE_JSON_STRING) {
            g_string_free(json, TRUE);
            (void)fail(error, "one of its 'types' is no string");
            return NULL;
        }
        if (json->len > 1)
            g_string_append_c(json, ',');
        g_string_append_len(json, element.text, (gssize)element.length);
    }
    g_string_append_c(json, ']');
    if (json->len > TYPES_MAX) {
        g_string_free(json, TRUE);
        (void)fail(error, "its 'types' are too many");
        return NULL;
    }
    return g_string_free(json, FALSE);
}

gboolean fleet_thin_edge_capability_has(const char *capability, const char *type)
{
    FleetThinEdgeJson element;

    if (*capability == '\0')
        return TRUE;
    FleetThinEdgeJsonIter iter = {.rest = {.text = capability, .length = strlen(capability)}};
    while (fleet_thin_edge_json_next(&iter, NULL, &element))
        if (fleet_thin_edge_json_equals(element, type))
            return TRUE;
    return FALSE;
}

gboolean fleet_thin_edge_health_parse(const char *payload, gsize length, FleetPresence *presence, GError **error)
{
    g_autofree char *status = NULL;
    FleetThinEdgeJson value;

    *presence = FLEET_PRESENCE_UNKNOWN;
    if (length == 0)
        return TRUE;
    if (!parse(payload, length, &value, error))
        return FALSE;
    if (fleet_thin_edge_json_kind(value) == FLEET_THIN_EDGE_JSON_NUMBER) {
        *presence = fleet_thin_edge_json_number(value) != 0.0 ? FLEET_PRESENCE_ONLINE : FLEET_PRESENCE_OFFLINE;
        return TRUE;
    }
    if (fleet_thin_edge_json_kind(value) != FLEET_THIN_EDGE_JSON_OBJECT)
        return fail(error, "it is neither an object nor a number");
    if (!find_string(value, "status", &status, error))
        return FALSE;
    if (status != NULL && g_str_equal(status, "up"))
        *presence = FLEET_PRESENCE_ONLINE;
    else if (status != NULL && g_str_equal(status, "down"))
        *presence = FLEET_PRESENCE_OFFLINE;
    return TRUE;
}

gboolean fleet_thin_edge_registration_parse(const char *payload, gsize length, char **name, GError **error)
{
    g_autofree char *kind = NULL;
    FleetThinEdgeJson object;

    *name = NULL;
    if (!parse_object(payload, length, &object, error) || !find_string(object, "@type", &kind, error))
        return FALSE;
    if (kind == NULL || (!g_str_equal(kind, "device") && !g_str_equal(kind, "child-device")))
        return fail(error, "its '@type' is neither device nor child-device");
    return find_string(object, "name", name, error);
}
