/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the driver "thin-edge" reads: a topic in the first line, and a payload after it, of whatever kind the topic is;
 * and modules as they come in a parameter.
 */

#include "drivers/thin_edge/json.h"
#include "drivers/thin_edge/message.h"
#include "drivers/thin_edge/operation.h"
#include "drivers/thin_edge/topic.h"
#include "fuzz.h"
#include "model/records.h"

#include <string.h>

static void check_text(const char *text, gsize max)
{
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_cmpuint(strlen(text), <=, max);
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        g_assert_true(*p == '\n' || !g_unichar_iscntrl(g_utf8_get_char(p)));
}

static void check_topic(const char *text, FleetThinEdgeTopic *topic)
{
    fleet_thin_edge_topic_parse("te", text, topic);
    g_assert_cmpuint(strlen(topic->address), <=, FLEET_THIN_EDGE_ADDRESS_MAX);
    g_assert_cmpuint(topic->operation, <=, FLEET_THIN_EDGE_OPERATIONS);
    g_assert_cmpint(topic->kind == FLEET_THIN_EDGE_TOPIC_OTHER, ==, topic->address[0] == '\0');
    g_assert_null(strchr(topic->address, '/'));
    if (topic->kind == FLEET_THIN_EDGE_TOPIC_COMMAND)
        g_assert_true(g_str_has_suffix(text, topic->last));
    g_assert_false(fleet_thin_edge_topic_is_health_of(topic, "no/such"));
}

static void check_state(const char *payload, gsize length)
{
    g_auto(FleetThinEdgeState) state = {0};
    g_autoptr(GError) error = NULL;
    gboolean is_state = fleet_thin_edge_state_parse(payload, length, &state, &error);

    fleet_fuzz_check_error(is_state, &error);
    if (!is_state)
        return;
    check_text(state.status, 4 * 64 + strlen("…"));
    if (state.reason != NULL)
        check_text(state.reason, 1024 + strlen("…"));
    if (state.failures != NULL)
        check_text(state.failures, FLEET_OUTPUT_MAX);
    g_assert_true(state.progress <= 1.0);
}

static void check_other_payloads(const char *payload, gsize length)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *capability = fleet_thin_edge_capability_parse(payload, length, &error);
    g_autofree char *name = NULL;
    FleetPresence presence;

    fleet_fuzz_check_error(capability != NULL, &error);
    if (capability != NULL && *capability == '\0')
        g_assert_true(fleet_thin_edge_capability_has(capability, "apt"));
    else if (capability != NULL)
        (void)fleet_thin_edge_capability_has(capability, "apt");
    fleet_fuzz_check_error(fleet_thin_edge_health_parse(payload, length, &presence, &error), &error);
    g_assert_cmpuint(presence, <, FLEET_PRESENCE_LAST_);
    fleet_fuzz_check_error(fleet_thin_edge_registration_parse(payload, length, &name, &error), &error);
}

/* What was taken for a string comes back as it was, if it is written anew. */
static void check_strings(FleetThinEdgeJson value)
{
    FleetThinEdgeJsonIter iter = {.rest = value};
    FleetThinEdgeJson element, key = value;

    if (fleet_thin_edge_json_kind(value) == FLEET_THIN_EDGE_JSON_STRING) {
        g_autofree char *text = fleet_thin_edge_json_string(value);
        g_autoptr(GString) json = g_string_new(NULL);
        FleetThinEdgeJson again;

        g_assert_true(fleet_thin_edge_json_equals(value, text));
        fleet_thin_edge_json_append_string(json, text);
        g_assert_true(fleet_thin_edge_json_parse(json->str, json->len, &again, NULL));
        g_assert_true(fleet_thin_edge_json_equals(again, text));
    }
    if (fleet_thin_edge_json_kind(value) < FLEET_THIN_EDGE_JSON_ARRAY)
        return;
    while (fleet_thin_edge_json_next(&iter, &key, &element)) {
        if (fleet_thin_edge_json_kind(value) == FLEET_THIN_EDGE_JSON_OBJECT)
            check_strings(key);
        check_strings(element);
    }
}

static void check_json(const char *payload, gsize length)
{
    g_autoptr(GError) error = NULL;
    FleetThinEdgeJson value;
    gboolean is_json = fleet_thin_edge_json_parse(payload, length, &value, &error);

    fleet_fuzz_check_error(is_json, &error);
    if (is_json)
        check_strings(value);
}

static void check_modules(const char *text)
{
    const char *const pairs[] = {"modules", text};
    g_autoptr(FleetParameters) parameters = fleet_parameters_new(pairs, 1, NULL);
    g_autoptr(GPtrArray) types = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    FleetThinEdgeJson value;

    if (parameters == NULL)
        return;
    g_autofree char *payload =
            fleet_thin_edge_operation_payload(FLEET_THIN_EDGE_SOFTWARE_UPDATE, parameters, "me", types, &error);
    fleet_fuzz_check_error(payload != NULL, &error);
    if (payload == NULL)
        return;
    g_assert_cmpuint(types->len, >, 0);
    g_assert_true(fleet_thin_edge_json_parse(payload, strlen(payload), &value, &error));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const guint8 *end = memchr(data, '\n', size);
    gsize head = end != NULL ? (gsize)(end - data) : 0;
    const char *payload = (const char *)data + (end != NULL ? head + 1 : 0);
    gsize length = size - (gsize)(payload - (const char *)data);
    g_autofree char *line = fleet_fuzz_string(data, head);
    g_autofree char *text = fleet_fuzz_string((const guint8 *)payload, length);
    FleetThinEdgeTopic topic;

    check_topic(line, &topic);
    check_state(payload, length);
    check_other_payloads(payload, length);
    check_json(payload, length);
    check_modules(text);
    return 0;
}
