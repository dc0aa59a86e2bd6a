/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/config.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/quotable.h"
#include "base/timespan.h"
#include "build_config.h"
#include "daemon/config_file.h"
#include "daemon/config_value.h"
#include "model/identifier.h"

#include <string.h>

#define NOT_SET (-1)
#define PRESENCE_NOT_SET                                                                                               \
    {                                                                                                                  \
        NOT_SET, NOT_SET, NOT_SET                                                                                      \
    }

/* So many beats may be missed where nothing is said. */
#define BEATS_MISSED 3

#define DAY_USEC (86400 * FLEET_USEC_PER_SEC)

/* What is gathered over all files. */
typedef struct {
    FleetConfig *config;
    FleetPresenceConfig presence; /* of [Presence]; what is not set is NOT_SET */
    GHashTable *presences;        /* type of device (char *) -> FleetPresenceConfig, likewise */
    GHashTable *origins;          /* "GROUP KEY" -> "FILE:LINE", both char *; what is not in it has its default */
    GHashTable *programs;         /* FleetProgram -> "FILE:LINE" of its last group */
} Loader;

static void loader_clear(Loader *loader)
{
    g_clear_pointer(&loader->config, fleet_config_free);
    g_clear_pointer(&loader->presences, g_hash_table_unref);
    g_clear_pointer(&loader->origins, g_hash_table_unref);
    g_clear_pointer(&loader->programs, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Loader, loader_clear)

/* A kind of groups. */
typedef struct Section Section;
struct Section {
    const char *name;
    const char *argument; /* what follows in the group's name, as messages show it; NULL = nothing */
    /* group is the whole name, argument what follows */
    gboolean (*read)(const Section *section, Loader *loader, const FleetConfigFile *file, const char *group,
            const char *argument, GError **error);
    const FleetConfigKey *keys; /* NULL: read() knows them */
    guint n;
};

static const FleetConfigKey action_keys[] = {
        {"RunningMax", fleet_config_read_running, offsetof(FleetConfig, running_max)},
        {"CancelTimeout", fleet_config_read_span, offsetof(FleetConfig, cancel_timeout)},
        {"RecoveryTimeout", fleet_config_read_span, offsetof(FleetConfig, recovery_timeout)},
};

static const FleetConfigKey retention_keys[] = {
        {"FinishedActions", fleet_config_read_finished, offsetof(FleetConfig, finished_actions)},
        {"FinishedActionsAge", fleet_config_read_span, offsetof(FleetConfig, finished_age)},
        {"HistoryActions", fleet_config_read_rows, offsetof(FleetConfig, history_actions)},
        {"HistoryAge", fleet_config_read_span, offsetof(FleetConfig, history_age)},
        {"AuditEntries", fleet_config_read_rows, offsetof(FleetConfig, audit_entries)},
        {"AuditAge", fleet_config_read_span, offsetof(FleetConfig, audit_age)},
};

#define QUOTA(name) offsetof(FleetConfig, quotas.limits[FLEET_QUOTA_##name])

static const FleetConfigKey quota_keys[] = {
        {"CallsPerUser", fleet_config_read_quota, QUOTA(CALLS)},
        {"ConnectionsPerUser", fleet_config_read_quota, QUOTA(CONNECTIONS)},
        {"PendingActionsPerUser", fleet_config_read_quota, QUOTA(PENDING_ACTIONS)},
        {"DevicesPerUser", fleet_config_read_quota, QUOTA(DEVICES)},
};

static const FleetConfigKey simulation_keys[] = {
        {"MinDuration", fleet_config_read_span, offsetof(FleetConfig, min_duration)},
        {"MaxDuration", fleet_config_read_span, offsetof(FleetConfig, max_duration)},
        {"SuccessRate", fleet_config_read_rate, offsetof(FleetConfig, success_rate)},
        {"TransientRate", fleet_config_read_rate, offsetof(FleetConfig, transient_rate)},
        {"Seed", fleet_config_read_seed, offsetof(FleetConfig, seed)},
};

static const FleetConfigKey log_keys[] = {
        {"Level", fleet_config_read_log_level, offsetof(FleetConfig, log_level)},
        {"Target", fleet_config_read_log_target, offsetof(FleetConfig, log_target)},
};

static const FleetConfigKey action_type_keys[] = {
        {"DeviceStatus", fleet_config_read_device_status, offsetof(FleetActionType, device_status)},
        {"RunningMax", fleet_config_read_running, offsetof(FleetActionType, running_max)},
        {"Timeout", fleet_config_read_span, offsetof(FleetActionType, policy.timeout)},
        {"StepTimeout", fleet_config_read_span, offsetof(FleetActionType, policy.step_timeout)},
        {"MaxAttempts", fleet_config_read_attempts, offsetof(FleetActionType, policy.max_attempts)},
        {"RetryDelay", fleet_config_read_span, offsetof(FleetActionType, policy.retry_delay)},
        {"RetryFactor", fleet_config_read_factor, offsetof(FleetActionType, policy.retry_factor)},
        {"RetryCap", fleet_config_read_span, offsetof(FleetActionType, policy.retry_cap)},
        {"RetryJitter", fleet_config_read_rate, offsetof(FleetActionType, policy.retry_jitter)},
};

#define PRESENCE_KEYS(type, member)                                                                                    \
    {"HeartbeatInterval", fleet_config_read_span, offsetof(type, member.interval)},                                    \
            {"OfflineAfter", fleet_config_read_span, offsetof(type, member.offline_after)},                            \
            {"OnlineAfter", fleet_config_read_span, offsetof(type, member.online_after)},

static const FleetConfigKey presence_keys[] = {PRESENCE_KEYS(Loader, presence)};

/* What a group says about a type of device. */
typedef struct {
    char *driver; /* NULL: nothing */
    FleetPresenceConfig presence;
} DeviceType;

static const FleetConfigKey device_type_keys[] = {
        {"Driver", fleet_config_read_driver, offsetof(DeviceType, driver)}, PRESENCE_KEYS(DeviceType, presence)};

/* Owned by the caller. */
static char *list_keys(const Section *section)
{
    g_autoptr(GString) known = g_string_new(NULL);

    for (guint i = 0; i < section->n; i++)
        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", section->keys[i].name);
    return g_string_free(g_steal_pointer(&known), FALSE);
}

static gboolean fail_unknown_key(
        const Section *section, const FleetConfigFile *file, const char *group, const char *key, GError **error)
{
    g_autofree char *shown = fleet_quotable(key);
    g_autofree char *shown_group = fleet_quotable(group);
    g_autofree char *known = list_keys(section);

    return fleet_config_file_fail(
            file, group, key, error, "key '%s' in [%s] is unknown; use one of %s", shown, shown_group, known);
}

/* It would say nothing about its type, which nobody can have meant. */
static gboolean check_not_empty(const Section *section, const FleetConfigFile *file, const char *group, GError **error)
{
    g_auto(GStrv) keys = fleet_config_file_keys(file, group);
    g_autofree char *known = list_keys(section);

    if (keys[0] != NULL)
        return TRUE;
    return fleet_config_file_fail(file, group, NULL, error, "group [%s] has no key; use one of %s", group, known);
}

static gboolean fail_value(
        const FleetConfigFile *file, const char *group, const char *key, const GError *cause, GError **error)
{
    return fleet_config_file_fail(
            file, group, key, error, "key '%s' in [%s] has a bad value: %s", key, group, cause->message);
}

/* All keys of a group, into the variables of a target that the section's table knows. */
static gboolean read_keys(
        const Section *section, const FleetConfigFile *file, const char *group, gpointer target, GError **error)
{
    g_auto(GStrv) keys = fleet_config_file_keys(file, group);

    for (guint i = 0; keys[i] != NULL; i++) {
        g_autofree char *value = fleet_config_file_value(file, group, keys[i]);
        g_autoptr(GError) local = NULL;
        guint k = 0;

        while (k < section->n && !g_str_equal(section->keys[k].name, keys[i]))
            k++;
        if (k == section->n)
            return fail_unknown_key(section, file, group, keys[i], error);
        if (!section->keys[k].read(value, (char *)target + section->keys[k].offset, &local))
            return fail_value(file, group, keys[i], local, error);
    }
    return TRUE;
}

static void note_origins(Loader *loader, const FleetConfigFile *file, const char *group)
{
    g_auto(GStrv) keys = fleet_config_file_keys(file, group);

    for (guint i = 0; keys[i] != NULL; i++)
        g_hash_table_replace(loader->origins, g_strdup_printf("%s %s", group, keys[i]),
                fleet_config_file_origin(file, group, keys[i]));
}

static gboolean read_plain(const Section *section, Loader *loader, const FleetConfigFile *file, const char *group,
        const char *argument, GError **error)
{
    if (!read_keys(section, file, group, loader->config, error))
        return FALSE;
    note_origins(loader, file, group);
    return TRUE;
}

/* A type that is new must say what it does to its device. */
static gboolean add_action_type(
        FleetActionTypes *types, const FleetConfigFile *file, const char *group, const char *name, GError **error)
{
    g_auto(GStrv) keys = fleet_config_file_keys(file, group);
    g_autoptr(GError) local = NULL;

    if (!fleet_action_types_add(types, name, FLEET_DEVICE_BUSY, &local)) {
        g_autofree char *shown = fleet_quotable(group);
        return fleet_config_file_fail(file, group, NULL, error, "[%s] is wrong: %s", shown, local->message);
    }
    if (g_strv_contains((const char *const *)keys, "DeviceStatus"))
        return TRUE;
    return fleet_config_file_fail(file, group, NULL, error,
            "group [%s] lacks the key 'DeviceStatus'; use DeviceStatus=BUSY or DeviceStatus=UPDATING", group);
}

static gboolean read_action_type(const Section *section, Loader *loader, const FleetConfigFile *file, const char *group,
        const char *argument, GError **error)
{
    FleetActionTypes *types = loader->config->action_types;

    if (fleet_action_types_find(types, argument) == NULL && !add_action_type(types, file, group, argument, error))
        return FALSE;
    return read_keys(section, file, group, fleet_action_types_find(types, argument), error);
}

static gboolean read_presence(const Section *section, Loader *loader, const FleetConfigFile *file, const char *group,
        const char *argument, GError **error)
{
    if (!read_keys(section, file, group, loader, error))
        return FALSE;
    note_origins(loader, file, group);
    return TRUE;
}

static gboolean read_device_type(const Section *section, Loader *loader, const FleetConfigFile *file, const char *group,
        const char *argument, GError **error)
{
    const FleetPresenceConfig *known = g_hash_table_lookup(loader->presences, argument);
    DeviceType type = {.presence = known != NULL ? *known : (FleetPresenceConfig)PRESENCE_NOT_SET};
    g_autoptr(GError) local = NULL;

    if (*argument == '\0')
        return fleet_config_file_fail(file, group, NULL, error,
                "[%s] names no type of device; write [DeviceType router] for those of the type 'router'", group);
    if (!fleet_device_type_check(argument, &local)) {
        g_autofree char *shown = fleet_quotable(group);
        return fleet_config_file_fail(file, group, NULL, error, "[%s] is wrong: %s", shown, local->message);
    }
    gboolean valid = check_not_empty(section, file, group, error) && read_keys(section, file, group, &type, error);
    g_autofree char *driver = type.driver;
    if (!valid)
        return FALSE;
    if (driver != NULL)
        g_hash_table_replace(loader->config->type_drivers, g_strdup(argument), g_steal_pointer(&driver));
    note_origins(loader, file, group);
    g_hash_table_replace(loader->presences, g_strdup(argument), g_memdup2(&type.presence, sizeof(type.presence)));
    return TRUE;
}

/* The keys of a group that is about a program, which is NULL, with cause, if it cannot be. */
static gboolean read_program(Loader *loader, const FleetConfigFile *file, const char *group, FleetProgram *program,
        const GError *cause, GError **error)
{
    g_auto(GStrv) keys = fleet_config_file_keys(file, group);
    g_autoptr(GError) local = NULL;

    if (program == NULL)
        return fleet_config_file_fail(file, group, NULL, error, "%s", cause->message);
    g_hash_table_replace(loader->programs, program, fleet_config_file_origin(file, group, NULL));
    for (guint i = 0; keys[i] != NULL; i++) {
        g_autofree char *value = fleet_config_file_value(file, group, keys[i]);

        if (!fleet_program_set(program, keys[i], value, &local))
            return fail_value(file, group, keys[i], local, error);
    }
    return TRUE;
}

static gboolean read_thin_edge(const Section *section, Loader *loader, const FleetConfigFile *file, const char *group,
        const char *argument, GError **error)
{
    g_auto(GStrv) keys = fleet_config_file_keys(file, group);

    if (!FLEET_HAVE_MQTT)
        return fleet_config_file_fail(file, group, NULL, error,
                "group [%s] is of no use: this fleetd was built without MQTT; leave it out, or install one that has it",
                group);
    g_hash_table_replace(loader->origins, g_strdup(group), fleet_config_file_origin(file, group, NULL));
    for (guint i = 0; keys[i] != NULL; i++) {
        g_autofree char *value = fleet_config_file_value(file, group, keys[i]);
        g_autoptr(GError) local = NULL;

        if (!fleet_thin_edge_settings_set(loader->config->thin_edge, keys[i], value, &local))
            return fail_value(file, group, keys[i], local, error);
    }
    return TRUE;
}

static gboolean read_command(const Section *section, Loader *loader, const FleetConfigFile *file, const char *group,
        const char *argument, GError **error)
{
    g_autoptr(GError) local = NULL;
    FleetProgram *program = fleet_programs_add(loader->config->command->programs, group, &local);

    return read_program(loader, file, group, program, local, error);
}

static gboolean read_remote_program(const Section *section, Loader *loader, const FleetConfigFile *file,
        const char *group, const char *argument, GError **error)
{
    g_autoptr(GError) local = NULL;
    FleetProgram *program = fleet_remote_settings_add_program(loader->config->remote_bus, group, &local);

    return read_program(loader, file, group, program, local, error);
}

static gboolean read_remote(const Section *section, Loader *loader, const FleetConfigFile *file, const char *group,
        const char *argument, GError **error)
{
    g_auto(GStrv) keys = fleet_config_file_keys(file, group);
    g_autoptr(GError) local = NULL;

    if (!fleet_remote_settings_check_group(group, &local))
        return fleet_config_file_fail(file, group, NULL, error, "%s", local->message);
    for (guint i = 0; keys[i] != NULL; i++) {
        g_autofree char *value = fleet_config_file_value(file, group, keys[i]);

        if (!fleet_remote_settings_set(loader->config->remote_bus, group, keys[i], value, &local))
            return fail_value(file, group, keys[i], local, error);
    }
    return TRUE;
}

#define KEYS(table) (table), G_N_ELEMENTS(table)

static const Section sections[] = {
        {"Actions", NULL, read_plain, KEYS(action_keys)},
        {"Retention", NULL, read_plain, KEYS(retention_keys)},
        {"Quota", NULL, read_plain, KEYS(quota_keys)},
        {"Presence", NULL, read_presence, KEYS(presence_keys)},
        {"Simulation", NULL, read_plain, KEYS(simulation_keys)},
        {"Log", NULL, read_plain, KEYS(log_keys)},
        {"ActionType", "NAME", read_action_type, KEYS(action_type_keys)},
        {"DeviceType", "NAME", read_device_type, KEYS(device_type_keys)},
        {"Command", "ACTION-TYPE", read_command, NULL, 0},
        {"RemoteBus", NULL, read_remote, NULL, 0},
        {"RemoteBus", "ACTION-TYPE", read_remote_program, NULL, 0},
        {"RemoteBusType", "TYPE", read_remote, NULL, 0},
        {"RemoteBusDevice", "ID", read_remote, NULL, 0},
        {"ThinEdge", NULL, read_thin_edge, NULL, 0},
};

static gboolean fail_unknown_group(const FleetConfigFile *file, const char *group, GError **error)
{
    g_autofree char *shown = fleet_quotable(group);
    g_autoptr(GString) known = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(sections); i++) {
        g_string_append_printf(known, "%s[%s", i > 0 ? ", " : "", sections[i].name);
        if (sections[i].argument != NULL)
            g_string_append_printf(known, " %s", sections[i].argument);
        g_string_append_c(known, ']');
    }
    return fleet_config_file_fail(file, group, NULL, error, "group [%s] is unknown; use one of %s", shown, known->str);
}

static gboolean read_group(Loader *loader, const FleetConfigFile *file, const char *group, GError **error)
{
    gsize length = strcspn(group, " ");
    const char *argument = group[length] == ' ' ? group + length + 1 : NULL;

    for (guint i = 0; i < G_N_ELEMENTS(sections); i++) {
        const Section *section = &sections[i];

        if (strlen(section->name) == length && strncmp(section->name, group, length) == 0 &&
                (section->argument != NULL) == (argument != NULL))
            return section->read(section, loader, file, group, argument, error);
    }
    return fail_unknown_group(file, group, error);
}

static gboolean read_file(Loader *loader, const char *path, gboolean required, GError **error)
{
    g_auto(FleetConfigFile) file = FLEET_CONFIG_FILE_INIT;

    if (!fleet_config_file_read(&file, path, required, error))
        return FALSE;
    g_auto(GStrv) groups = fleet_config_file_groups(&file);
    for (guint i = 0; groups[i] != NULL; i++)
        if (!read_group(loader, &file, groups[i], error))
            return FALSE;
    return TRUE;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean read_drop_ins(Loader *loader, const char *path, GError **error)
{
    g_autofree char *directory = g_strdup_printf("%s.d", path);
    g_autoptr(GError) local = NULL;
    g_autoptr(GDir) dir = g_dir_open(directory, 0, &local);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    if (dir == NULL) {
        if (g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return TRUE;
        g_set_error(
                error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "configuration cannot be read: %s", local->message);
        return FALSE;
    }
    while ((name = g_dir_read_name(dir)) != NULL)
        if (name[0] != '.' && g_str_has_suffix(name, ".conf"))
            g_ptr_array_add(names, g_build_filename(directory, name, NULL));
    g_ptr_array_sort(names, compare_names);

    for (guint i = 0; i < names->len; i++)
        if (!read_file(loader, g_ptr_array_index(names, i), TRUE, error))
            return FALSE;
    return TRUE;
}

/* What no single key can tell, and so is looked at only when all files have been read. */

/* The message begins with a place in a file: one of the two must have been set, as the defaults are in order. */
static gboolean check_durations(const Loader *loader, GError **error)
{
    const FleetConfig *config = loader->config;
    const char *min_origin = g_hash_table_lookup(loader->origins, "Simulation MinDuration");
    const char *max_origin = g_hash_table_lookup(loader->origins, "Simulation MaxDuration");
    static const char remedy[] = "raise MaxDuration or lower MinDuration";

    if (config->min_duration <= config->max_duration)
        return TRUE;

    g_autofree char *min = fleet_timespan_format(config->min_duration);
    g_autofree char *max = fleet_timespan_format(config->max_duration);
    if (min_origin != NULL)
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "%s: MinDuration=%s in [Simulation] is longer than MaxDuration=%s (%s); %s", min_origin, min, max,
                max_origin != NULL ? max_origin : "the default", remedy);
    else
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "%s: MaxDuration=%s in [Simulation] is shorter than MinDuration=%s (the default); %s", max_origin, max,
                min, remedy);
    return FALSE;
}

/* A program without a command line, or for a type of action that does not exist, would silently never run. */
static gboolean check_programs(const Loader *loader, const FleetPrograms *programs, GError **error)
{
    for (guint i = 0; i < programs->list->len; i++) {
        const FleetProgram *program = g_ptr_array_index(programs->list, i);
        g_autoptr(GError) local = NULL;

        if (fleet_action_types_lookup(loader->config->action_types, program->action_type, &local) == NULL ||
                (program->argv == NULL && !fleet_programs_check(programs, &local))) {
            g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s: %s",
                    (const char *)g_hash_table_lookup(loader->programs, program), local->message);
            return FALSE;
        }
    }
    return TRUE;
}

/* Settings of a group, with what it does not say: its own interval says more than what holds for all. */
static FleetTolerance tolerance_of(const FleetPresenceConfig *own, const FleetTolerance *general)
{
    FleetTolerance tolerance = *general;

    if (own->offline_after != NOT_SET)
        tolerance.offline_after = own->offline_after;
    else if (own->interval != NOT_SET)
        tolerance.offline_after = own->interval * BEATS_MISSED;
    if (own->online_after != NOT_SET)
        tolerance.online_after = own->online_after;
    return tolerance;
}

/* A silence that is no longer than the way from one beat to the next would make a device OFFLINE that is all right. */
static gboolean check_tolerance(
        const Loader *loader, const char *group, gint64 interval, const FleetTolerance *tolerance, GError **error)
{
    static const char *const keys[] = {"OfflineAfter", "HeartbeatInterval"};
    const char *origin = NULL;

    if (interval <= 0 || tolerance->offline_after == 0 || tolerance->offline_after > interval)
        return TRUE;
    g_autofree char *after = fleet_timespan_format(tolerance->offline_after);
    g_autofree char *between = fleet_timespan_format(interval);
    for (guint i = 0; i < G_N_ELEMENTS(keys) && origin == NULL; i++) {
        g_autofree char *key = g_strdup_printf("%s %s", group, keys[i]);
        origin = g_hash_table_lookup(loader->origins, key);
    }
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "%s: OfflineAfter=%s in [%s] is not longer than HeartbeatInterval=%s; raise OfflineAfter", origin, after,
            group, between);
    return FALSE;
}

static gboolean set_tolerances(const Loader *loader, GError **error)
{
    FleetConfig *config = loader->config;
    GHashTableIter iter;
    gpointer type, value;

    config->tolerance = tolerance_of(&loader->presence, &(FleetTolerance){0});
    if (!check_tolerance(loader, "Presence", loader->presence.interval, &config->tolerance, error))
        return FALSE;
    g_hash_table_iter_init(&iter, loader->presences);
    while (g_hash_table_iter_next(&iter, &type, &value)) {
        const FleetPresenceConfig *own = value;
        FleetTolerance tolerance = tolerance_of(own, &config->tolerance);
        g_autofree char *group = g_strdup_printf("DeviceType %s", (const char *)type);
        gint64 interval = own->interval != NOT_SET ? own->interval : loader->presence.interval;

        if (!check_tolerance(loader, group, interval, &tolerance, error))
            return FALSE;
        g_hash_table_replace(config->tolerances, g_strdup(type), g_memdup2(&tolerance, sizeof(tolerance)));
    }
    return TRUE;
}

/* Its defaults fit together, so a fault is one of the group's. */
static gboolean check_thin_edge(const Loader *loader, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (fleet_thin_edge_settings_complete(loader->config->thin_edge, &local))
        return TRUE;
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s: %s",
            (const char *)g_hash_table_lookup(loader->origins, FLEET_THIN_EDGE_GROUP), local->message);
    return FALSE;
}

static FleetConfig *new_config(void)
{
    FleetConfig *config = g_new0(FleetConfig, 1);

    *config = (FleetConfig){
            .running_max = 1000,
            .cancel_timeout = 60 * FLEET_USEC_PER_SEC,
            .recovery_timeout = 300 * FLEET_USEC_PER_SEC,
            .finished_actions = 1000,
            .finished_age = 3600 * FLEET_USEC_PER_SEC,
            .history_actions = 1000000,
            .history_age = 365 * DAY_USEC,
            .audit_entries = 1000000,
            .audit_age = 365 * DAY_USEC,
            .min_duration = 10 * FLEET_USEC_PER_SEC,
            .max_duration = 30 * FLEET_USEC_PER_SEC,
            .success_rate = 0.9,
            .log_level = LOG_INFO,
            .quotas = fleet_quotas_default,
            .log_target = FLEET_LOG_AUTO,
            .action_types = fleet_action_types_new(),
            .type_drivers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
            .tolerances = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
            .command = fleet_command_settings_new(),
            .remote_bus = fleet_remote_settings_new(),
            .thin_edge = fleet_thin_edge_settings_new(),
    };
    return config;
}

FleetConfig *fleet_config_load(const char *path, gboolean required, GError **error)
{
    g_auto(Loader) loader = {
            .config = new_config(),
            .presence = PRESENCE_NOT_SET,
            .presences = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
            .origins = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
            .programs = g_hash_table_new_full(NULL, NULL, NULL, g_free),
    };

    if (!read_file(&loader, path, required, error) || !read_drop_ins(&loader, path, error) ||
            !check_durations(&loader, error) || !check_programs(&loader, loader.config->command->programs, error) ||
            !check_programs(&loader, loader.config->remote_bus->programs, error) || !check_thin_edge(&loader, error) ||
            !set_tolerances(&loader, error))
        return NULL;
    loader.config->seed_set = g_hash_table_contains(loader.origins, "Simulation Seed");
    return g_steal_pointer(&loader.config);
}

void fleet_config_free(FleetConfig *config)
{
    fleet_action_types_free(config->action_types);
    g_hash_table_unref(config->type_drivers);
    g_hash_table_unref(config->tolerances);
    fleet_command_settings_unref(config->command);
    fleet_remote_settings_unref(config->remote_bus);
    fleet_thin_edge_settings_unref(config->thin_edge);
    g_free(config);
}
