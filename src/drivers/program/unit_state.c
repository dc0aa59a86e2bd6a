/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/program/unit_state.h"

#include <signal.h>
#include <string.h>

/* systemd could not execute the program, see systemd.exec(5). */
#define EXIT_SYSTEMD_EXEC 203

#define TOKEN_PREFIX "FLEET_TOKEN="

typedef struct {
    const char *name;
    const char *type;
    gsize offset; /* in FleetProgramUnitState */
} Field;

static const Field fields[] = {
        {"LoadState", "s", G_STRUCT_OFFSET(FleetProgramUnitState, load)},
        {"ActiveState", "s", G_STRUCT_OFFSET(FleetProgramUnitState, active)},
        {"Result", "s", G_STRUCT_OFFSET(FleetProgramUnitState, result)},
        {"StatusText", "s", G_STRUCT_OFFSET(FleetProgramUnitState, said)},
        {"ExecMainCode", "i", G_STRUCT_OFFSET(FleetProgramUnitState, code)},
        {"ExecMainStatus", "i", G_STRUCT_OFFSET(FleetProgramUnitState, status)},
        {"ExecMainExitTimestampMonotonic", "t", G_STRUCT_OFFSET(FleetProgramUnitState, exit_time)},
};

static int read_field(sd_bus_message *reply, const Field *field, FleetProgramUnitState *state)
{
    gpointer target = (char *)state + field->offset;
    const char *text;

    if (!g_str_equal(field->type, "s"))
        return sd_bus_message_read(reply, "v", field->type, target);
    int r = sd_bus_message_read(reply, "v", "s", &text);
    if (r >= 0) {
        g_free(*(char **)target);
        *(char **)target = g_strdup(text);
    }
    return r;
}

static int read_job(sd_bus_message *reply, FleetProgramUnitState *state)
{
    guint32 id;
    const char *path;

    int r = sd_bus_message_read(reply, "v", "(uo)", &id, &path);
    state->has_job = r >= 0 && id != 0;
    return r;
}

static int read_invocation(sd_bus_message *reply, FleetProgramUnitState *state)
{
    const guint8 *bytes;
    size_t n;

    int r = sd_bus_message_enter_container(reply, 'v', "ay");
    if (r >= 0)
        r = sd_bus_message_read_array(reply, 'y', (const void **)&bytes, &n);
    if (r < 0)
        return r;
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < n; i++)
        g_string_append_printf(text, "%02x", bytes[i]);
    g_free(state->invocation);
    state->invocation = g_string_free(g_steal_pointer(&text), FALSE);
    return sd_bus_message_exit_container(reply);
}

static int read_token(sd_bus_message *reply, FleetProgramUnitState *state)
{
    const char *assignment;

    int r = sd_bus_message_enter_container(reply, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_enter_container(reply, 'a', "s");
    while (r >= 0 && (r = sd_bus_message_read(reply, "s", &assignment)) > 0)
        if (g_str_has_prefix(assignment, TOKEN_PREFIX)) {
            g_free(state->token);
            state->token = g_strdup(assignment + strlen(TOKEN_PREFIX));
        }
    for (guint i = 0; i < 2 && r >= 0; i++)
        r = sd_bus_message_exit_container(reply);
    return r;
}

static int read_property(sd_bus_message *reply, FleetProgramUnitState *state)
{
    const char *name;

    int r = sd_bus_message_read(reply, "s", &name);
    if (r < 0)
        return r;
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
        if (g_str_equal(fields[i].name, name))
            return read_field(reply, &fields[i], state);
    if (g_str_equal(name, "Job"))
        return read_job(reply, state);
    if (g_str_equal(name, "InvocationID"))
        return read_invocation(reply, state);
    if (g_str_equal(name, "Environment"))
        return read_token(reply, state);
    return sd_bus_message_skip(reply, "v");
}

int fleet_program_unit_state_read(sd_bus_message *reply, FleetProgramUnitState *state)
{
    state->load = g_strdup("");
    state->active = g_strdup("");
    state->result = g_strdup("");
    state->said = g_strdup("");
    state->invocation = g_strdup("");
    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        r = read_property(reply, state);
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    return r;
}

void fleet_program_unit_state_clear(FleetProgramUnitState *state)
{
    g_free(state->load);
    g_free(state->active);
    g_free(state->result);
    g_free(state->said);
    g_free(state->token);
    g_free(state->invocation);
}

gboolean fleet_program_unit_state_is_loaded(const FleetProgramUnitState *state)
{
    return !g_str_equal(state->load, "not-found");
}

static FleetProgramCause cause_of(const FleetProgramUnitState *state, gboolean stopped)
{
    if (g_str_equal(state->result, "oom-kill"))
        return FLEET_PROGRAM_CAUSE_OOM;
    /* After a stop, this says that SIGKILL was necessary. */
    if (g_str_equal(state->result, "timeout") && !stopped)
        return FLEET_PROGRAM_CAUSE_RUNTIME;
    return FLEET_PROGRAM_CAUSE_NONE;
}

void fleet_program_unit_state_result(const FleetProgramUnitState *state, gint64 stop_at, FleetProgramResult *result)
{
    gboolean stopped = stop_at != 0 && (state->exit_time == 0 || (gint64)state->exit_time >= stop_at);

    *result = (FleetProgramResult){
            .stopped = stopped, .unit = TRUE, .number = state->status, .cause = cause_of(state, stopped)};
    if (state->code == CLD_EXITED && state->status == EXIT_SYSTEMD_EXEC) {
        result->end = FLEET_PROGRAM_NOT_STARTED;
        result->number = 0;
    } else if (state->code == CLD_EXITED) {
        result->end = FLEET_PROGRAM_EXITED;
    } else if (state->code == 0) {
        result->end = FLEET_PROGRAM_NOT_STARTED;
        result->number = 0;
    } else {
        result->end = FLEET_PROGRAM_KILLED;
    }
}
