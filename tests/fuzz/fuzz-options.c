/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The readers of messages, given messages of any types: options and filters, parameters, what systemd says of a unit,
 * and what fleetctl makes of a reply. (How the methods of the API read theirs is in fuzz-calls.c.)
 */

#include "bus/arguments.h"
#include "bus/options.h"
#include "cli/json.h"
#include "drivers/program/unit_state.h"
#include "fuzz.h"
#include "generate.h"
#include "message.h"

static void read_options(sd_bus_message *message)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) list = NULL;
    const char *text = "", *object = "/";
    gboolean flag = FALSE, text_given = FALSE, list_given = FALSE;
    guint64 time = 0;
    guint32 number = 0;
    double factor = 0;
    gint32 priority = 0;
    const FleetOption options[] = {{"IdPrefix", "s", &text, &text_given}, {"Atomic", "b", &flag, NULL},
            {"Timeout", "t", &time, NULL}, {"OwnerUid", "u", &number, NULL}, {"Status", "as", &list, &list_given},
            {"RetryFactor", "d", &factor, NULL}, {"Priority", "i", &priority, NULL}, {"Object", "o", &object, NULL}};
    gboolean done = fleet_options_read(message, "filter", options, G_N_ELEMENTS(options), &error);

    fleet_fuzz_check_error(done, &error);
    if (!done)
        return;
    g_assert_true(text_given || *text == '\0');
    g_assert_true(list_given || list == NULL);
    g_assert_true(flag == TRUE || flag == FALSE);
}

static void read_no_options(sd_bus_message *message)
{
    g_autoptr(GError) error = NULL;

    fleet_fuzz_check_error(fleet_options_read_none(message, &error), &error);
}

static void read_parameters(sd_bus_message *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(FleetParameters) parameters = fleet_arguments_parameters(message, &error);

    fleet_fuzz_check_error(parameters != NULL, &error);
    for (guint i = 1; parameters != NULL && i < fleet_parameters_count(parameters); i++)
        g_assert_cmpstr(fleet_parameters_key(parameters, i - 1), <, fleet_parameters_key(parameters, i));
}

static void read_unit(sd_bus_message *message)
{
    g_auto(FleetProgramUnitState) state = {0};
    FleetProgramResult result = {0};

    if (fleet_program_unit_state_read(message, &state) < 0)
        return;
    (void)fleet_program_unit_state_is_loaded(&state);
    fleet_program_unit_state_result(&state, 1, &result);
    g_autofree char *line = fleet_program_result_format(&result);
    g_autofree char *said = fleet_program_result_describe(&result);
    g_assert_nonnull(line);
    g_assert_nonnull(said);
}

static void read_json(sd_bus_message *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) node = fleet_json_read(message, &error);

    fleet_fuzz_check_error(node != NULL, &error);
    if (node == NULL)
        return;
    g_autofree char *text = fleet_json_to_text(node, FALSE);
    g_assert_true(g_utf8_validate(text, -1, NULL));
}

/* The first byte says which reader; the second, whether the message has what that wants. */
int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static const struct {
        void (*read)(sd_bus_message *message);
        const char *type;
    } readers[] = {{read_options, "(a{sv})"}, {read_no_options, "(a{sv})"}, {read_parameters, "(a{ss})"},
            {read_unit, "(a{sv})"}, {read_json, "(v)"}};
    static FleetFuzzApi *api;
    FleetFuzzInput input = {data, size};

    if (api == NULL)
        api = fleet_fuzz_api_new(FLEET_FUZZ_XML);
    guint reader = fleet_fuzz_below(&input, G_N_ELEMENTS(readers));
    const char *type = fleet_fuzz_below(&input, 8) == 7 ? "(v)" : readers[reader].type;
    g_autoptr(GVariant) tuple = g_variant_ref_sink(fleet_fuzz_value(api, &input, G_VARIANT_TYPE(type)));
    __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = fleet_fuzz_message_new(tuple);
    readers[reader].read(message);
    return 0;
}
