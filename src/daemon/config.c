/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/config.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/quotable.h"
#include "base/timespan.h"

#include <string.h>

#define ACTION_TYPE_PREFIX "ActionType "

/* One file while it is read. */
typedef struct {
    const char *path;
    char *text;
    GKeyFile *keys;
} File;

static void file_clear(File *file)
{
    g_free(file->text);
    g_clear_pointer(&file->keys, g_key_file_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(File, file_clear)

static gboolean apply_min_duration(FleetConfig *config, const char *value, GError **error)
{
    return fleet_timespan_parse(value, &config->min_duration, error);
}

static gboolean apply_max_duration(FleetConfig *config, const char *value, GError **error)
{
    return fleet_timespan_parse(value, &config->max_duration, error);
}

static gboolean apply_success_rate(FleetConfig *config, const char *value, GError **error)
{
    char *end;
    double rate = g_ascii_strtod(value, &end);

    /* Only digits and a point: strtod alone would take "nan", "-0" and hexadecimal. */
    if (value[0] == '\0' || *end != '\0' || strspn(value, "0123456789.") != strlen(value) || rate > 1) {
        g_autofree char *shown = fleet_quotable(value);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "'%s' is not a rate; use a number from 0 to 1, like 0.9", shown);
        return FALSE;
    }
    config->success_rate = rate;
    return TRUE;
}

static gboolean apply_number(const char *value, guint64 max, guint64 *number, GError **error)
{
    if (!g_ascii_string_to_unsigned(value, 10, 0, max, number, NULL)) {
        g_autofree char *shown = fleet_quotable(value);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "'%s' is not right; use a whole number from 0 to %" G_GUINT64_FORMAT, shown, max);
        return FALSE;
    }
    return TRUE;
}

static gboolean apply_seed(FleetConfig *config, const char *value, GError **error)
{
    config->seed_set = TRUE;
    return apply_number(value, G_MAXUINT64, &config->seed, error);
}

static gboolean apply_finished_actions(FleetConfig *config, const char *value, GError **error)
{
    guint64 number;

    if (!apply_number(value, FLEET_CONFIG_FINISHED_ACTIONS_MAX, &number, error))
        return FALSE;
    config->finished_actions = (guint)number;
    return TRUE;
}

static gboolean apply_finished_age(FleetConfig *config, const char *value, GError **error)
{
    return fleet_timespan_parse(value, &config->finished_age, error);
}

static gboolean apply_log_level(FleetConfig *config, const char *value, GError **error)
{
    config->log_level_set = TRUE;
    return fleet_log_level_from_string(value, &config->log_level, error);
}

typedef struct {
    const char *group;
    const char *key;
    gboolean (*apply)(FleetConfig *config, const char *value, GError **error);
} Setting;

enum { SETTING_MIN_DURATION, SETTING_MAX_DURATION };

static const Setting settings[] = {
        [SETTING_MIN_DURATION] = {"Simulation", "MinDuration", apply_min_duration},
        [SETTING_MAX_DURATION] = {"Simulation", "MaxDuration", apply_max_duration},
        {"Simulation", "SuccessRate", apply_success_rate},
        {"Simulation", "Seed", apply_seed},
        {"Retention", "FinishedActions", apply_finished_actions},
        {"Retention", "FinishedActionsAge", apply_finished_age},
        {"Log", "Level", apply_log_level},
};

/* What is gathered over all files: the values, and for each setting the "FILE:LINE" that it came from, NULL = default.
 */
typedef struct {
    FleetConfig *config;
    char *origins[G_N_ELEMENTS(settings)];
} Loader;

static void loader_clear(Loader *loader)
{
    g_clear_pointer(&loader->config, fleet_config_free);
    for (guint i = 0; i < G_N_ELEMENTS(settings); i++)
        g_free(loader->origins[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Loader, loader_clear)

/* The line of a key, or of its group's header for key NULL. GKeyFile does not keep lines, so they are looked for only
 * when a message needs one. Of a key that is set twice the last one counts, as for GKeyFile. */
static guint line_of(const File *file, const char *group, const char *key)
{
    g_auto(GStrv) lines = g_strsplit(file->text, "\n", -1);
    g_autofree char *header = g_strdup_printf("[%s]", group);
    gboolean inside = FALSE;
    guint found = 0;

    for (guint i = 0; lines[i] != NULL; i++) {
        char *line = g_strstrip(lines[i]);

        if (line[0] == '[') {
            inside = g_str_equal(line, header);
            if (inside && key == NULL)
                return i + 1;
        } else if (inside && key != NULL) {
            line[strcspn(line, "=")] = '\0';
            if (g_str_equal(g_strchomp(line), key))
                found = i + 1;
        }
    }
    return found;
}

G_GNUC_PRINTF(4, 5)
static gboolean fail(const File *file, guint line, GError **error, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    g_autofree char *message = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s:%u: %s", file->path, line, message);
    return FALSE;
}

static gboolean fail_unknown_group(const File *file, const char *group, GError **error)
{
    g_autofree char *shown = fleet_quotable(group);
    g_autoptr(GString) known = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(settings); i++)
        if (i == 0 || !g_str_equal(settings[i].group, settings[i - 1].group))
            g_string_append_printf(known, "[%s], ", settings[i].group);
    g_string_append(known, "[" ACTION_TYPE_PREFIX "NAME]");
    return fail(file, line_of(file, group, NULL), error, "group [%s] is unknown; use one of %s", shown, known->str);
}

static gboolean fail_unknown_key(const File *file, const char *group, const char *key, GError **error)
{
    g_autofree char *shown = fleet_quotable(key);
    g_autofree char *shown_group = fleet_quotable(group);
    g_autoptr(GString) known = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(settings); i++)
        if (g_str_equal(settings[i].group, group))
            g_string_append_printf(known, "%s%s", known->len > 0 ? ", " : "", settings[i].key);
    if (known->len == 0)
        g_string_append(known, "DeviceStatus");
    return fail(file, line_of(file, group, key), error, "key '%s' in [%s] is unknown; use one of %s", shown,
            shown_group, known->str);
}

/* The value of a key as it stands in the file: no value needs GKeyFile's escapes. */
static char *get_value(const File *file, const char *group, const char *key)
{
    return g_strchomp(g_key_file_get_value(file->keys, group, key, NULL));
}

static gboolean apply_action_type(FleetConfig *config, const char *name, const char *value, GError **error)
{
    static const char *const names[] = {"BUSY", "UPDATING", NULL};
    static const FleetEnumTable statuses = FLEET_ENUM_TABLE("device status", names);
    guint i;

    if (!fleet_enum_from_string(&statuses, value, &i, error))
        return FALSE;
    return fleet_action_types_add(
            config->action_types, name, i == 0 ? FLEET_DEVICE_BUSY : FLEET_DEVICE_UPDATING, error);
}

static gboolean read_action_type(FleetConfig *config, const File *file, const char *group, GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(file->keys, group, NULL, NULL);
    g_autoptr(GError) local = NULL;

    for (guint i = 0; keys[i] != NULL; i++)
        if (!g_str_equal(keys[i], "DeviceStatus"))
            return fail_unknown_key(file, group, keys[i], error);
    if (keys[0] == NULL)
        return fail(file, line_of(file, group, NULL), error,
                "group [%s] lacks the key 'DeviceStatus'; use DeviceStatus=BUSY or DeviceStatus=UPDATING", group);

    g_autofree char *value = get_value(file, group, "DeviceStatus");
    if (!apply_action_type(config, group + strlen(ACTION_TYPE_PREFIX), value, &local))
        return fail(file, line_of(file, group, "DeviceStatus"), error, "[%s] is wrong: %s", group, local->message);
    return TRUE;
}

static gboolean read_key(Loader *loader, const File *file, const char *group, const char *key, GError **error)
{
    g_autoptr(GError) local = NULL;
    guint i = 0;

    while (i < G_N_ELEMENTS(settings) && !(g_str_equal(settings[i].group, group) && g_str_equal(settings[i].key, key)))
        i++;
    if (i == G_N_ELEMENTS(settings))
        return fail_unknown_key(file, group, key, error);

    guint line = line_of(file, group, key);
    g_autofree char *value = get_value(file, group, key);
    if (!settings[i].apply(loader->config, value, &local))
        return fail(file, line, error, "key '%s' in [%s] has a bad value: %s", key, group, local->message);

    g_free(loader->origins[i]);
    loader->origins[i] = g_strdup_printf("%s:%u", file->path, line);
    return TRUE;
}

static gboolean read_group(Loader *loader, const File *file, const char *group, GError **error)
{
    gboolean known = FALSE;

    if (g_str_has_prefix(group, ACTION_TYPE_PREFIX))
        return read_action_type(loader->config, file, group, error);
    for (guint i = 0; i < G_N_ELEMENTS(settings); i++)
        known |= g_str_equal(settings[i].group, group);
    if (!known)
        return fail_unknown_group(file, group, error);

    g_auto(GStrv) keys = g_key_file_get_keys(file->keys, group, NULL, NULL);
    for (guint i = 0; keys[i] != NULL; i++)
        if (!read_key(loader, file, group, keys[i], error))
            return FALSE;
    return TRUE;
}

static GKeyFile *parse(const char *text, gsize length, GError **error)
{
    g_autoptr(GKeyFile) keys = g_key_file_new();

    /* Keys with a language would be dropped silently; kept, they are refused as unknown. */
    if (!g_key_file_load_from_data(keys, text, length, G_KEY_FILE_KEEP_TRANSLATIONS, error))
        return NULL;
    return g_steal_pointer(&keys);
}

/* The line that the parser stopped at: the end of the shortest run of lines that it refuses. */
static guint line_of_parse_error(const char *text, gsize length)
{
    guint line = 1;

    for (gsize i = 0; i < length; i++)
        if (text[i] == '\n') {
            g_autoptr(GKeyFile) keys = parse(text, i + 1, NULL);

            if (keys == NULL)
                break;
            line++;
        }
    return line;
}

static gboolean check_text(const File *file, gsize length, GError **error)
{
    const char *end;
    guint line = 1;

    if (g_utf8_validate(file->text, (gssize)length, &end))
        return TRUE;
    for (const char *p = file->text; p < end; p++)
        line += *p == '\n';
    return fail(file, line, error, "this is not UTF-8 text; write the file in UTF-8");
}

static gboolean read_file(Loader *loader, const char *path, gboolean required, GError **error)
{
    g_auto(File) file = {.path = path};
    g_autoptr(GError) local = NULL;
    gsize length;

    if (!g_file_get_contents(path, &file.text, &length, &local)) {
        if (!required && g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return TRUE;
        g_set_error(
                error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "configuration cannot be read: %s", local->message);
        return FALSE;
    }
    if (!check_text(&file, length, error))
        return FALSE;
    file.keys = parse(file.text, length, &local);
    if (file.keys == NULL)
        return fail(&file, line_of_parse_error(file.text, length), error,
                "%s; use KEY=VALUE lines below a [GROUP] line", local->message);

    g_auto(GStrv) groups = g_key_file_get_groups(file.keys, NULL);
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

/* What no single key can tell, and so is looked at only when all files have been read. The message begins with a place
 * in a file: one of the two must have been set, as the defaults are in order. */
static gboolean check_durations(const Loader *loader, GError **error)
{
    const FleetConfig *config = loader->config;
    const char *min_origin = loader->origins[SETTING_MIN_DURATION];
    const char *max_origin = loader->origins[SETTING_MAX_DURATION];
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

FleetConfig *fleet_config_load(const char *path, gboolean required, GError **error)
{
    g_auto(Loader) loader = {.config = g_new0(FleetConfig, 1)};

    *loader.config = (FleetConfig){
            .min_duration = 10 * FLEET_USEC_PER_SEC,
            .max_duration = 30 * FLEET_USEC_PER_SEC,
            .success_rate = 0.9,
            .finished_actions = 1000,
            .finished_age = 3600 * FLEET_USEC_PER_SEC,
            .log_level = LOG_INFO,
            .action_types = fleet_action_types_new(),
    };
    if (!read_file(&loader, path, required, error) || !read_drop_ins(&loader, path, error) ||
            !check_durations(&loader, error))
        return NULL;
    return g_steal_pointer(&loader.config);
}

void fleet_config_free(FleetConfig *config)
{
    fleet_action_types_free(config->action_types);
    g_free(config);
}
