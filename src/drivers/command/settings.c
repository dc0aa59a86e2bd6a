/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/command/settings.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/quotable.h"
#include "base/timespan.h"
#include "drivers/command/property.h"
#include "drivers/command/words.h"
#include "model/identifier.h"
#include "model/limits.h"

#include <string.h>

#define GROUP_PREFIX "Command "
#define ANY_DEVICE_TYPE "*"

static void free_program(gpointer data)
{
    FleetCommandProgram *program = data;

    g_free(program->device_type);
    g_free(program->action_type);
    g_strfreev(program->argv);
    g_ptr_array_unref(program->properties);
    g_free(program);
}

static FleetCommandProgram *new_program(
        FleetCommandSettings *settings, const char *device_type, const char *action_type)
{
    FleetCommandProgram *program = g_new0(FleetCommandProgram, 1);

    program->device_type = g_strdup(device_type);
    program->action_type = g_strdup(action_type);
    program->kill_timeout = FLEET_COMMAND_KILL_TIMEOUT;
    program->properties = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(settings->programs, program);
    return program;
}

FleetCommandSettings *fleet_command_settings_new(void)
{
    FleetCommandSettings *settings = g_rc_box_new0(FleetCommandSettings);
    const char *keeper = g_getenv("FLEET_COMMAND_KEEPER");

    settings->programs = g_ptr_array_new_with_free_func(free_program);
    settings->sweep_after = 60 * FLEET_USEC_PER_SEC;
    settings->keeper = g_strdup(keeper != NULL ? keeper : FLEET_COMMAND_KEEPER);
    return settings;
}

FleetCommandSettings *fleet_command_settings_ref(FleetCommandSettings *settings)
{
    return g_rc_box_acquire(settings);
}

static void clear(gpointer data)
{
    FleetCommandSettings *settings = data;

    g_ptr_array_unref(settings->programs);
    g_free(settings->directory);
    g_free(settings->keeper);
}

void fleet_command_settings_unref(FleetCommandSettings *settings)
{
    g_rc_box_release_full(settings, clear);
}

static gboolean is_action_type(const char *name)
{
    return g_ascii_isupper(name[0]) && strlen(name) <= FLEET_ACTION_TYPE_MAX &&
           name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

static FleetCommandProgram *find(const FleetCommandSettings *settings, const char *device_type, const char *action_type)
{
    for (guint i = 0; i < settings->programs->len; i++) {
        FleetCommandProgram *program = g_ptr_array_index(settings->programs, i);

        if (g_str_equal(program->device_type, device_type) && g_str_equal(program->action_type, action_type))
            return program;
    }
    return NULL;
}

FleetCommandProgram *fleet_command_settings_add(FleetCommandSettings *settings, const char *group, GError **error)
{
    const char *rest = g_str_has_prefix(group, GROUP_PREFIX) ? group + strlen(GROUP_PREFIX) : "";
    const char *blank = strrchr(rest, ' ');
    g_autofree char *device_type = blank != NULL ? g_strndup(rest, (gsize)(blank - rest)) : g_strdup(ANY_DEVICE_TYPE);
    const char *action_type = blank != NULL ? blank + 1 : rest;

    if (!is_action_type(action_type) || *device_type == '\0') {
        g_autofree char *shown = fleet_quotable(group);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "[%s] names no type of action; write [Command SOFTWARE_UPDATE] for devices of any type, or "
                "[Command router SOFTWARE_UPDATE] for those of the type 'router'",
                shown);
        return NULL;
    }
    if (!fleet_device_type_check(device_type, error))
        return NULL;
    FleetCommandProgram *program = find(settings, device_type, action_type);
    return program != NULL ? program : new_program(settings, device_type, action_type);
}

static gboolean set_exec(FleetCommandProgram *program, const char *value, GError **error)
{
    g_auto(GStrv) argv = fleet_command_split_words(value, error);

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

static gboolean set_property(FleetCommandProgram *program, const char *name, const char *value, GError **error)
{
    if (*value != '\0' && !fleet_command_property_check(name, value, error))
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

gboolean fleet_command_program_set(FleetCommandProgram *program, const char *key, const char *value, GError **error)
{
    if (g_str_equal(key, "Exec"))
        return set_exec(program, value, error);
    if (g_str_equal(key, "KillTimeout"))
        return fleet_timespan_parse(value, &program->kill_timeout, error);
    if (fleet_command_property_is_known(key))
        return set_property(program, key, value, error);

    g_autofree char *shown = fleet_quotable(key);
    g_autofree char *names = fleet_command_property_names();
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "key '%s' is unknown; use one of Exec, KillTimeout, %s", shown, names);
    return FALSE;
}

gboolean fleet_command_settings_check(const FleetCommandSettings *settings, GError **error)
{
    for (guint i = 0; i < settings->programs->len; i++) {
        const FleetCommandProgram *program = g_ptr_array_index(settings->programs, i);

        if (program->argv == NULL) {
            gboolean any = g_str_equal(program->device_type, ANY_DEVICE_TYPE);
            g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                    "[" GROUP_PREFIX "%s%s%s] lacks the key 'Exec'; name the program there",
                    any ? "" : program->device_type, any ? "" : " ", program->action_type);
            return FALSE;
        }
    }
    return TRUE;
}

const FleetCommandProgram *fleet_command_settings_lookup(
        const FleetCommandSettings *settings, const char *device_type, const char *action_type)
{
    const FleetCommandProgram *program = find(settings, device_type, action_type);

    return program != NULL ? program : find(settings, ANY_DEVICE_TYPE, action_type);
}
