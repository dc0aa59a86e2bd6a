/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/program/unit_call.h"

#include "drivers/program/property.h"

/* Every end counts as success, for no end shall make the unit "failed". */
static int append_success(sd_bus_message *message)
{
    gint32 statuses[255], signals[31];

    for (gint32 i = 0; i < 255; i++)
        statuses[i] = i + 1;
    for (gint32 i = 0; i < 31; i++)
        signals[i] = i + 1;
    int r = sd_bus_message_open_container(message, 'r', "sv");
    if (r >= 0)
        r = sd_bus_message_append(message, "s", "SuccessExitStatus");
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'v', "(aiai)");
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'r', "aiai");
    if (r >= 0)
        r = sd_bus_message_append_array(message, 'i', statuses, sizeof(statuses));
    if (r >= 0)
        r = sd_bus_message_append_array(message, 'i', signals, sizeof(signals));
    for (guint i = 0; i < 3 && r >= 0; i++)
        r = sd_bus_message_close_container(message);
    return r;
}

/* One command of a unit; flag is one of systemd's. */
static int append_command(sd_bus_message *message, const char *property, char **argv, const char *flag)
{
    int r = sd_bus_message_open_container(message, 'r', "sv");

    if (r >= 0)
        r = sd_bus_message_append(message, "s", property);
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'v', "a(sasas)");
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'a', "(sasas)");
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'r', "sasas");
    if (r >= 0)
        r = sd_bus_message_append(message, "s", argv[0]);
    if (r >= 0)
        r = sd_bus_message_append_strv(message, argv);
    if (r >= 0)
        r = sd_bus_message_append(message, "as", 1, flag);
    for (guint i = 0; i < 4 && r >= 0; i++)
        r = sd_bus_message_close_container(message);
    return r;
}

/* Without variables of the environment being put into it, as systemd does by default. */
static int append_exec(sd_bus_message *message, char **argv)
{
    return append_command(message, "ExecStartEx", argv, "no-env-expand");
}

int fleet_program_unit_append_removal(sd_bus_message *message, const char *path)
{
    char *argv[] = {(char *)"/bin/rm", (char *)"-f", (char *)path, NULL};

    return append_command(message, "ExecStopPostEx", argv, "privileged");
}

static int append_properties(sd_bus_message *message, const FleetProgram *program)
{
    int r = sd_bus_message_append(message, "(sv)(sv)(sv)(sv)(sv)", "Type", "s", "exec", "Slice", "s",
            FLEET_PROGRAM_SLICE, "RemainAfterExit", "b", 1, "KillMode", "s", "control-group", "TimeoutStopUSec", "t",
            (uint64_t)program->kill_timeout);
    if (r >= 0)
        r = append_success(message);
    if (r >= 0)
        r = append_exec(message, program->argv);
    for (guint i = 0; i < program->properties->len && r >= 0; i += 2)
        r = fleet_program_property_append(
                message, g_ptr_array_index(program->properties, i), g_ptr_array_index(program->properties, i + 1));
    return r;
}

int fleet_program_unit_begin(sd_bus *bus, const char *name, const FleetProgram *program, sd_bus_message **message)
{
    int r = sd_bus_message_new_method_call(
            bus, message, FLEET_SYSTEMD_NAME, FLEET_SYSTEMD_PATH, FLEET_SYSTEMD_MANAGER, "StartTransientUnit");

    if (r >= 0)
        r = sd_bus_message_append(*message, "ss", name, "fail");
    if (r >= 0)
        r = sd_bus_message_open_container(*message, 'a', "(sv)");
    return r >= 0 ? append_properties(*message, program) : r;
}

int fleet_program_unit_end(sd_bus_message *message)
{
    int r = sd_bus_message_close_container(message);

    return r >= 0 ? sd_bus_message_append(message, "a(sa(sv))", 0) : r;
}

gboolean fleet_program_unit_is_denied(const char *error_name)
{
    return g_str_equal(error_name, SD_BUS_ERROR_ACCESS_DENIED) ||
           g_str_equal(error_name, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
}

FleetOutcome fleet_program_unit_refusal(const char *error_name)
{
    gboolean wrong = g_str_equal(error_name, SD_BUS_ERROR_INVALID_ARGS) ||
                     g_str_equal(error_name, SD_BUS_ERROR_PROPERTY_READ_ONLY) ||
                     g_str_equal(error_name, "org.freedesktop.systemd1.BadUnitSetting");

    return wrong || fleet_program_unit_is_denied(error_name) ? FLEET_OUTCOME_PERMANENT : FLEET_OUTCOME_TRANSIENT;
}

gboolean fleet_program_unit_is_unanswered(const sd_bus_error *error)
{
    return sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) || sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT) ||
           sd_bus_error_has_name(error, SD_BUS_ERROR_DISCONNECTED);
}
