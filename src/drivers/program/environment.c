/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/program/environment.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void add(GPtrArray *environment, const char *name, const char *value)
{
    g_ptr_array_add(environment, g_strdup_printf("%s=%s", name, value));
}

static void add_number(GPtrArray *environment, const char *name, guint value)
{
    g_ptr_array_add(environment, g_strdup_printf("%s=%u", name, value));
}

/* "image url" becomes FLEET_PARAM_IMAGE_URL. One "_" stands for each character that is not right, however many bytes it
 * has. */
static char *variable_name(const char *key)
{
    g_autoptr(GString) name = g_string_new("FLEET_PARAM_");

    for (const char *p = key; *p != '\0'; p = g_utf8_next_char(p))
        g_string_append_c(name, g_ascii_isalnum(*p) ? g_ascii_toupper(*p) : '_');
    return g_string_free(g_steal_pointer(&name), FALSE);
}

/* Parameters come in the order of their keys; of several with one name the first one counts. */
static void add_parameters(GPtrArray *environment, const FleetParameters *parameters)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < fleet_parameters_count(parameters); i++) {
        g_autofree char *name = variable_name(fleet_parameters_key(parameters, i));

        if (g_hash_table_contains(seen, name))
            continue;
        add(environment, name, fleet_parameters_value(parameters, i));
        g_hash_table_add(seen, g_steal_pointer(&name));
    }
}

static void add_attempt(GPtrArray *environment, const FleetAttempt *attempt)
{
    const FleetAction *action = attempt->action;
    char id[FLEET_ACTION_ID_BUFFER];

    add(environment, "FLEET_DEVICE_ID", action->device_id);
    add(environment, "FLEET_DEVICE_NAME", attempt->device != NULL ? attempt->device->name : "");
    add(environment, "FLEET_DEVICE_TYPE", attempt->device != NULL ? attempt->device->type : "");
    add(environment, "FLEET_ACTION_ID", fleet_action_id_format(action->id, id));
    add(environment, "FLEET_ACTION_TYPE", action->type);
    add_number(environment, "FLEET_ATTEMPT", attempt->id.number);
}

static char **end_environment(GPtrArray *environment)
{
    g_ptr_array_add(environment, NULL);
    return (char **)g_ptr_array_free(environment, FALSE);
}

char **fleet_program_environment(const FleetAttempt *attempt)
{
    GPtrArray *environment = g_ptr_array_new();

    add_attempt(environment, attempt);
    add_number(environment, "FLEET_PARAMS_FD", STDIN_FILENO);
    add_parameters(environment, attempt->action->parameters);
    return end_environment(environment);
}

char **fleet_program_environment_public(const FleetAttempt *attempt)
{
    GPtrArray *environment = g_ptr_array_new();

    add_attempt(environment, attempt);
    return end_environment(environment);
}

char **fleet_program_environment_parameters(const FleetParameters *parameters)
{
    GPtrArray *environment = g_ptr_array_new();

    add_parameters(environment, parameters);
    return end_environment(environment);
}

char **fleet_program_environment_full(char *const *environment)
{
    static const char *const passed[] = {
            "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK"};
    GPtrArray *full = g_ptr_array_new();
    const char *path = g_getenv("PATH");

    add(full, "PATH", path != NULL ? path : DEFAULT_PATH);
    for (guint i = 0; i < G_N_ELEMENTS(passed); i++)
        if (g_getenv(passed[i]) != NULL)
            add(full, passed[i], g_getenv(passed[i]));
    for (guint i = 0; environment[i] != NULL; i++)
        g_ptr_array_add(full, g_strdup(environment[i]));
    g_ptr_array_add(full, NULL);
    return (char **)g_ptr_array_free(full, FALSE);
}

/* Within double quotes systemd takes all as it is, lines' ends too, but for these four. */
char *fleet_program_environment_file(char *const *environment)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; environment[i] != NULL; i++) {
        const char *value = strchr(environment[i], '=') + 1;

        g_string_append_len(text, environment[i], value - environment[i]);
        g_string_append_c(text, '"');
        for (const char *p = value; *p != '\0'; p++) {
            if (strchr("\"\\`$", *p) != NULL)
                g_string_append_c(text, '\\');
            g_string_append_c(text, *p);
        }
        g_string_append(text, "\"\n");
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void append_json_string(GString *json, const char *text)
{
    g_string_append_c(json, '"');
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_printf(json, "\\%c", *p);
        else if ((guchar)*p < 0x20)
            g_string_append_printf(json, "\\u%04x", (guint)*p);
        else
            g_string_append_c(json, *p);
    }
    g_string_append_c(json, '"');
}

char *fleet_program_parameters_json(const FleetParameters *parameters)
{
    g_autoptr(GString) json = g_string_new("{");

    for (guint i = 0; i < fleet_parameters_count(parameters); i++) {
        if (i > 0)
            g_string_append(json, ", ");
        append_json_string(json, fleet_parameters_key(parameters, i));
        g_string_append(json, ": ");
        append_json_string(json, fleet_parameters_value(parameters, i));
    }
    g_string_append(json, "}\n");
    return g_string_free(g_steal_pointer(&json), FALSE);
}

static gboolean write_all(int fd, const char *text, gsize length)
{
    gsize done = 0;

    while (done < length) {
        gssize n = write(fd, text + done, length - done);

        if (n < 0)
            return FALSE;
        done += (gsize)n;
    }
    return TRUE;
}

int fleet_program_sealed_file(const char *text, GError **error)
{
    int fd = memfd_create("fleet-parameters", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || !write_all(fd, text, strlen(text)) ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0 ||
            lseek(fd, 0, SEEK_SET) < 0) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED, "a file in memory for the parameters failed: %s",
                g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}
