/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/log_settings.h"

#include "base/enum.h"
#include "base/error.h"
#include "base/quotable.h"

#include <unistd.h>

/* Where journald takes entries, systemd-journald.service(8). */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

#define NOT_SET -1

static const char *const level_names[] = {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};

static const char *const target_names[] = {"auto", "console", "console-prefixed", "journal", "null", NULL};
static const FleetEnumTable target_table = FLEET_ENUM_TABLE("log target", target_names);

/* The main thread's. */
static int configured_level = LOG_INFO, override_level = NOT_SET;
static int configured_target = FLEET_LOG_AUTO, override_target = NOT_SET;

/* Everybody's, for the store's threads log too; atomic. What is least important is below the worst when nothing is
 * logged. */
static int threshold = LOG_INFO;
static int level_in_force = LOG_INFO;
static int target_in_force = FLEET_LOG_AUTO;
static int to_journal = NOT_SET;

static gboolean leads_to_journal(int target)
{
    if (target == FLEET_LOG_AUTO)
        return g_log_writer_is_journald(STDERR_FILENO);
    return target == FLEET_LOG_JOURNAL && access(JOURNAL_SOCKET, W_OK) == 0;
}

static void put_in_force(void)
{
    int level = override_level != NOT_SET ? override_level : configured_level;
    int target = override_target != NOT_SET ? override_target : configured_target;

    g_atomic_int_set(&level_in_force, level);
    g_atomic_int_set(&target_in_force, target);
    g_atomic_int_set(&to_journal, leads_to_journal(target));
    g_atomic_int_set(&threshold, target == FLEET_LOG_NULL ? LOG_EMERG - 1 : level);
}

void fleet_log_configure(int level, FleetLogTarget target)
{
    configured_level = level;
    configured_target = (int)target;
    put_in_force();
}

void fleet_log_override_level(int level)
{
    override_level = level;
    put_in_force();
}

void fleet_log_override_target(FleetLogTarget target)
{
    override_target = (int)target;
    put_in_force();
}

void fleet_log_restore_level(void)
{
    override_level = NOT_SET;
    put_in_force();
}

void fleet_log_restore_target(void)
{
    override_target = NOT_SET;
    put_in_force();
}

int fleet_log_level(void)
{
    return g_atomic_int_get(&level_in_force);
}

FleetLogTarget fleet_log_target(void)
{
    return (FleetLogTarget)g_atomic_int_get(&target_in_force);
}

gboolean fleet_log_is_on(int level)
{
    return level <= g_atomic_int_get(&threshold);
}

gboolean fleet_log_to_journal(void)
{
    int known = g_atomic_int_get(&to_journal);

    if (known == NOT_SET) { /* nothing was configured yet; whoever finds out finds the same */
        known = leads_to_journal(g_atomic_int_get(&target_in_force));
        (void)g_atomic_int_compare_and_exchange(&to_journal, NOT_SET, known);
    }
    return known;
}

gboolean fleet_log_level_from_string(const char *string, int *level, GError **error)
{
    if (g_str_equal(string, "error"))
        string = "err";
    for (int i = 0; i < (int)G_N_ELEMENTS(level_names); i++)
        if (g_str_equal(string, level_names[i]) || (string[0] == '0' + i && string[1] == '\0')) {
            *level = i;
            return TRUE;
        }

    g_autofree char *shown = fleet_quotable(string);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "log level '%s' is unknown; use one of emerg, alert, crit, err, warning, notice, info, debug", shown);
    return FALSE;
}

const char *fleet_log_level_to_string(int level)
{
    g_assert(level >= LOG_EMERG && level <= LOG_DEBUG);
    return level_names[level];
}

gboolean fleet_log_target_from_string(const char *string, FleetLogTarget *target, GError **error)
{
    guint value;

    if (!fleet_enum_from_string(&target_table, string, &value, error))
        return FALSE;
    *target = (FleetLogTarget)value;
    return TRUE;
}

const char *fleet_log_target_to_string(FleetLogTarget target)
{
    return fleet_enum_to_string(&target_table, target);
}
