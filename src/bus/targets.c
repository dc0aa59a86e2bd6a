/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/targets.h"

#include "base/quotable.h"
#include "model/limits.h"

#include <string.h>

struct FleetTargets {
    GStringChunk *texts;
    GArray *questions; /* of FleetQuestion */
    GArray *entries;   /* of guint: the index of its first question */
};

FleetTargets *fleet_targets_new(void)
{
    FleetTargets *targets = g_new0(FleetTargets, 1);

    targets->texts = g_string_chunk_new(256);
    targets->questions = g_array_new(FALSE, FALSE, sizeof(FleetQuestion));
    targets->entries = g_array_new(FALSE, FALSE, sizeof(guint));
    return targets;
}

void fleet_targets_free(FleetTargets *targets)
{
    g_array_unref(targets->questions);
    g_array_unref(targets->entries);
    g_string_chunk_free(targets->texts);
    g_free(targets);
}

void fleet_targets_next(FleetTargets *targets)
{
    g_array_append_val(targets->entries, targets->questions->len);
}

static gboolean is_fit(const char *text)
{
    if (strnlen(text, FLEET_DEVICE_ID_MAX + 1) > FLEET_DEVICE_ID_MAX)
        return FALSE;
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        if (g_unichar_iscntrl(g_utf8_get_char(p)))
            return FALSE;
    return TRUE;
}

/* It goes to polkit, in one message, and may be shown to a person. */
static const char *keep(FleetTargets *targets, const char *text)
{
    g_autofree char *fit = is_fit(text) ? NULL : fleet_quotable(text);

    return g_string_chunk_insert_const(targets->texts, fit != NULL ? fit : text);
}

void fleet_targets_add(FleetTargets *targets, const FleetQuestion *question)
{
    const FleetQuestion kept = {.verb = question->verb,
            .device = keep(targets, question->device),
            .device_type = keep(targets, question->device_type),
            .action_type = keep(targets, question->action_type)};

    g_array_append_val(targets->questions, kept);
}

void fleet_targets_add_device(
        FleetTargets *targets, const FleetRegistry *registry, FleetVerb verb, const char *id, const char *action_type)
{
    const FleetDevice *device = fleet_registry_lookup_staged(registry, id, NULL);
    const FleetQuestion question = {
            .verb = verb, .device = id, .device_type = device != NULL ? device->type : "", .action_type = action_type};

    fleet_targets_add(targets, &question);
}

const FleetQuestion *fleet_targets_questions(const FleetTargets *targets, guint *n)
{
    *n = targets->questions->len;
    return (const FleetQuestion *)(gpointer)targets->questions->data;
}

guint fleet_targets_count(const FleetTargets *targets)
{
    return targets->entries->len;
}

const GError *fleet_targets_refusal(const FleetTargets *targets, GError *const *refusals, guint entry)
{
    guint end = entry + 1 < targets->entries->len ? g_array_index(targets->entries, guint, entry + 1)
                                                  : targets->questions->len;

    for (guint i = g_array_index(targets->entries, guint, entry); i < end; i++)
        if (refusals[i] != NULL)
            return refusals[i];
    return NULL;
}

static gboolean is_same(const FleetQuestion *a, const FleetQuestion *b)
{
    return a->verb == b->verb && g_str_equal(a->device, b->device) && g_str_equal(a->device_type, b->device_type) &&
           g_str_equal(a->action_type, b->action_type);
}

gboolean fleet_targets_equal(const FleetTargets *a, const FleetTargets *b)
{
    if (a->entries->len != b->entries->len || a->questions->len != b->questions->len)
        return FALSE;
    for (guint i = 0; i < a->entries->len; i++)
        if (g_array_index(a->entries, guint, i) != g_array_index(b->entries, guint, i))
            return FALSE;
    for (guint i = 0; i < a->questions->len; i++)
        if (!is_same(&g_array_index(a->questions, FleetQuestion, i), &g_array_index(b->questions, FleetQuestion, i)))
            return FALSE;
    return TRUE;
}
