/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/program/programs.h"

#include "base/error.h"
#include "base/quotable.h"
#include "base/timespan.h"
#include "drivers/program/property.h"
#include "drivers/program/words.h"
#include "model/identifier.h"
#include "model/limits.h"

#include <string.h>

#define ANY_DEVICE_TYPE "*"

static void free_program(gpointer data)
{
    FleetProgram *program = data;

    g_free(program->device_type);
    g_free(program->action_type);
    g_strfreev(program->argv);
    g_ptr_array_unref(program->properties);
    g_free(program);
}

static FleetProgram *new_program(FleetPrograms *programs, const char *device_type, const char *action_type)
{
    FleetProgram *program = g_new0(FleetProgram, 1);

    program->device_type = g_strdup(device_type);
    program->action_type = g_strdup(action_type);
    program->kill_timeout = FLEET_PROGRAM_KILL_TIMEOUT;
    program->properties = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(programs->list, program);
    return program;
}

FleetPrograms *fleet_programs_new(const char *kind)
{
    FleetPrograms *programs = g_new0(FleetPrograms, 1);

    programs->kind = kind;
    programs->list = g_ptr_array_new_with_free_func(free_program);
    return programs;
}

void fleet_programs_free(FleetPrograms *programs)
{
    g_ptr_array_unref(programs->list);
    g_free(programs);
}

static gboolean is_action_type(const char *name)
{
    return g_ascii_isupper(name[0]) && strlen(name) <= FLEET_ACTION_TYPE_MAX &&
           name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

static FleetProgram *find(const FleetPrograms *programs, const char *device_type, const char *action_type)
{
    for (guint i = 0; i < programs->list->len; i++) {
        FleetProgram *program = g_ptr_array_index(programs->list, i);

        if (g_str_equal(program->device_type, device_type) && g_str_equal(program->action_type, action_type))
            return program;
    }
    return NULL;
}

FleetProgram *fleet_programs_add(FleetPrograms *programs, const char *group, GError **error)
{
    gsize kind = strlen(programs->kind);
    const char *rest = g_str_has_prefix(group, programs->kind) && group[kind] == ' ' ? group + kind + 1 : "";
    const char *blank = strrchr(rest, ' ');
    g_autofree char *device_type = blank != NULL ? g_strndup(rest, (gsize)(blank - rest)) : g_strdup(ANY_DEVICE_TYPE);
    const char *action_type = blank != NULL ? blank + 1 : rest;

    if (!is_action_type(action_type) || *device_type == '\0') {
        g_autofree char *shown = fleet_quotable(group);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "[%s] names no type of action; write [%s SOFTWARE_UPDATE] for devices of any type, or "
                "[%s router SOFTWARE_UPDATE] for those of the type 'router'",
                shown, programs->kind, programs->kind);
        return NULL;
    }
    if (!fleet_device_type_check(device_type, error))
        return NULL;
    FleetProgram *program = find(programs, device_type, action_type);
    return program != NULL ? program : new_program(programs, device_type, action_type);
}

static gboolean set_exec(FleetProgram *program, const char *value, GError **error)
{
    g_auto(GStrv) argv = fleet_program_split_words(value, error);

    if (argv == NULL)
        return FALSE;
    if (argv[0][0] != '/' && (strchr(argv[0], '/') != NULL || argv[0][0] == '\0')) {
        g_autofree char *shown = fleet_quotable(argv[0]);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "'%s' is not a program; use an absolute path, or a name that is found in PATH", shown);
        return FALSE;
    }
    g_strfreev(program->argv);
    program->argv = g_steal_pointer(&argv);
    return TRUE;
}

static gboolean set_property(FleetProgram *program, const char *name, const char *value, GError **error)
{
    if (*value != '\0' && !fleet_program_property_check(name, value, error))
        return FALSE;
    for (guint i = 0; i < program->properties->len; i += 2)
        if (g_str_equal(g_ptr_array_index(program->properties, i), name)) {
            g_ptr_array_remove_range(program->properties, i, 2);
            break;
        }
    if (*value != '\0') {
        g_ptr_array_add(program->properties, g_strdup(name));
        g_ptr_array_add(program->properties, g_strdup(value));
    }
    return TRUE;
}

gboolean fleet_program_set(FleetProgram *program, const char *key, const char *value, GError **error)
{
    if (g_str_equal(key, "Exec"))
        return set_exec(program, value, error);
    if (g_str_equal(key, "KillTimeout"))
        return fleet_timespan_parse(value, &program->kill_timeout, error);
    if (fleet_program_property_is_known(key))
        return set_property(program, key, value, error);

    g_autofree char *shown = fleet_quotable(key);
    g_autofree char *names = fleet_program_property_names();
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "key '%s' is unknown; use one of Exec, KillTimeout, %s", shown, names);
    return FALSE;
}

gboolean fleet_programs_check(const FleetPrograms *programs, GError **error)
{
    for (guint i = 0; i < programs->list->len; i++) {
        const FleetProgram *program = g_ptr_array_index(programs->list, i);

        if (program->argv == NULL) {
            gboolean any = g_str_equal(program->device_type, ANY_DEVICE_TYPE);
            g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                    "[%s %s%s%s] lacks the key 'Exec'; name the program there", programs->kind,
                    any ? "" : program->device_type, any ? "" : " ", program->action_type);
            return FALSE;
        }
    }
    return TRUE;
}

const FleetProgram *fleet_programs_lookup(
        const FleetPrograms *programs, const char *device_type, const char *action_type)
{
    const FleetProgram *program = find(programs, device_type, action_type);

    return program != NULL ? program : find(programs, ANY_DEVICE_TYPE, action_type);
}
