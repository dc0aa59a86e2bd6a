/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/config_file.h"

#include "base/error.h"
#include "base/quotable.h"

#include <string.h>

void fleet_config_file_clear(FleetConfigFile *file)
{
    g_clear_pointer(&file->text, g_free);
    g_clear_pointer(&file->keys, g_key_file_unref);
}

/* GKeyFile does not keep lines, so they are looked for. Of a key that is set twice the last one counts, as for
 * GKeyFile. */
static guint line_of(const FleetConfigFile *file, const char *group, const char *key)
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

G_GNUC_PRINTF(4, 0)
static gboolean fail_at(const FleetConfigFile *file, guint line, GError **error, const char *format, va_list ap)
{
    g_autofree char *raw = g_strdup_vprintf(format, ap);
    g_autofree char *message = fleet_printable(raw);

    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s:%u: %s", file->path, line, message);
    return FALSE;
}

gboolean fleet_config_file_fail(
        const FleetConfigFile *file, const char *group, const char *key, GError **error, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    fail_at(file, line_of(file, group, key), error, format, ap);
    va_end(ap);
    return FALSE;
}

G_GNUC_PRINTF(4, 5)
static gboolean fail_in_line(const FleetConfigFile *file, guint line, GError **error, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    fail_at(file, line, error, format, ap);
    va_end(ap);
    return FALSE;
}

char *fleet_config_file_origin(const FleetConfigFile *file, const char *group, const char *key)
{
    return g_strdup_printf("%s:%u", file->path, line_of(file, group, key));
}

char *fleet_config_file_value(const FleetConfigFile *file, const char *group, const char *key)
{
    char *value = g_key_file_get_value(file->keys, group, key, NULL);

    return value != NULL ? g_strchomp(value) : NULL;
}

char **fleet_config_file_groups(const FleetConfigFile *file)
{
    return file->keys != NULL ? g_key_file_get_groups(file->keys, NULL) : g_new0(char *, 1);
}

char **fleet_config_file_keys(const FleetConfigFile *file, const char *group)
{
    return g_key_file_get_keys(file->keys, group, NULL, NULL);
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

static gboolean check_text(const FleetConfigFile *file, gsize length, GError **error)
{
    const char *end;
    guint line = 1;

    if (g_utf8_validate(file->text, (gssize)length, &end))
        return TRUE;
    for (const char *p = file->text; p < end; p++)
        line += *p == '\n';
    return fail_in_line(file, line, error, "this is not UTF-8 text; write the file in UTF-8");
}

gboolean fleet_config_file_read(FleetConfigFile *file, const char *path, gboolean required, GError **error)
{
    g_autoptr(GError) local = NULL;
    gsize length;

    file->path = path;
    if (!g_file_get_contents(path, &file->text, &length, &local)) {
        if (!required && g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return TRUE;
        g_set_error(
                error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "configuration cannot be read: %s", local->message);
        return FALSE;
    }
    if (!check_text(file, length, error))
        return FALSE;
    file->keys = parse(file->text, length, &local);
    if (file->keys == NULL)
        return fail_in_line(file, line_of_parse_error(file->text, length), error,
                "%s; use KEY=VALUE lines below a [GROUP] line", local->message);
    return TRUE;
}
