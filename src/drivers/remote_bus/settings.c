/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/remote_bus/settings.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/quotable.h"
#include "base/timespan.h"

#include <string.h>

#define KIND "RemoteBus"
#define TYPE_PREFIX KIND "Type "
#define DEVICE_PREFIX KIND "Device "
#define CONNECTIONS_MAX 10000

typedef gboolean (*ReadFunc)(const char *value, gpointer target, GError **error);

typedef struct {
    const char *name;
    ReadFunc read;
    gsize offset;
} Key;

static gboolean fail(GError **error, const char *value, const char *right)
{
    g_autofree char *shown = fleet_quotable(value);

    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "'%s' is not right; use %s", shown, right);
    return FALSE;
}

static void set_text(gpointer target, const char *value)
{
    g_free(*(char **)target);
    *(char **)target = g_strdup(value);
}

static gboolean read_user(const char *value, gpointer target, GError **error)
{
    if (!fleet_remote_address_is_user(value))
        return fail(error, value, "the name of a user on the machines");
    set_text(target, value);
    return TRUE;
}

/* ssh splits such options at blanks and expands what begins with a "%", a "~" or a "$". */
static gboolean read_path(const char *value, gpointer target, GError **error)
{
    if (value[0] != '/' || strpbrk(value, " \t\"'\\%~$") != NULL)
        return fail(error, value, "an absolute path without blanks, quotes, and the characters \\ % ~ $");
    set_text(target, value);
    return TRUE;
}

static gboolean read_number(const char *value, guint max, gpointer target, GError **error)
{
    g_autofree char *right = g_strdup_printf("a number from 1 to %u", max);
    guint64 number;

    if (!g_ascii_string_to_unsigned(value, 10, 1, max, &number, NULL))
        return fail(error, value, right);
    *(guint *)target = (guint)number;
    return TRUE;
}

static gboolean read_port(const char *value, gpointer target, GError **error)
{
    return read_number(value, G_MAXUINT16, target, error);
}

static gboolean read_connections(const char *value, gpointer target, GError **error)
{
    return read_number(value, CONNECTIONS_MAX, target, error);
}

static gboolean read_span(const char *value, gpointer target, GError **error)
{
    gint64 span;

    if (!fleet_timespan_parse(value, &span, error))
        return FALSE;
    if (span == 0)
        return fail(error, value, "a time span that is longer than 0");
    *(gint64 *)target = span;
    return TRUE;
}

static gboolean read_span_or_none(const char *value, gpointer target, GError **error)
{
    return fleet_timespan_parse(value, target, error);
}

#define ACCESS(name) offsetof(FleetRemoteAccess, name)

static const Key access_keys[] = {
        {"User", read_user, ACCESS(user)},
        {"Port", read_port, ACCESS(port)},
        {"IdentityFile", read_path, ACCESS(identity_file)},
        {"KnownHostsFile", read_path, ACCESS(known_hosts_file)},
        {"ConfigFile", read_path, ACCESS(config_file)},
        {"ConnectTimeout", read_span, ACCESS(connect_timeout)},
        {"ReturnTimeout", read_span, ACCESS(return_timeout)},
        {"KeepAlive", read_span, ACCESS(keep_alive)},
        {"ReconnectDelay", read_span, ACCESS(reconnect_delay)},
        {"ReconnectCap", read_span, ACCESS(reconnect_cap)},
};

static const Key common_keys[] = {
        {"Ssh", read_path, offsetof(FleetRemoteSettings, ssh)},
        {"MaxConnections", read_connections, offsetof(FleetRemoteSettings, max_connections)},
        {"IdleTimeout", read_span_or_none, offsetof(FleetRemoteSettings, idle_timeout)},
};

void fleet_remote_access_clear(FleetRemoteAccess *access)
{
    g_free(access->user);
    g_free(access->identity_file);
    g_free(access->known_hosts_file);
    g_free(access->config_file);
    *access = (FleetRemoteAccess){0};
}

static void free_access(gpointer data)
{
    fleet_remote_access_clear(data);
    g_free(data);
}

FleetRemoteSettings *fleet_remote_settings_new(void)
{
    FleetRemoteSettings *settings = g_rc_box_new0(FleetRemoteSettings);

    settings->programs = fleet_programs_new(KIND);
    settings->types = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_access);
    settings->devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_access);
    settings->ssh = g_strdup("/usr/bin/ssh");
    settings->max_connections = 64;
    settings->idle_timeout = 60 * FLEET_USEC_PER_SEC;
    settings->defaults = (FleetRemoteAccess){.user = g_strdup("root"),
            .port = 22,
            .identity_file = g_strdup("/etc/fleet/ssh/id"),
            .known_hosts_file = g_strdup("/etc/fleet/ssh/known_hosts"),
            .connect_timeout = 20 * FLEET_USEC_PER_SEC,
            .return_timeout = 600 * FLEET_USEC_PER_SEC,
            .keep_alive = 15 * FLEET_USEC_PER_SEC,
            .reconnect_delay = 1 * FLEET_USEC_PER_SEC,
            .reconnect_cap = 30 * FLEET_USEC_PER_SEC};
    return settings;
}

FleetRemoteSettings *fleet_remote_settings_ref(FleetRemoteSettings *settings)
{
    return g_rc_box_acquire(settings);
}

static void clear(gpointer data)
{
    FleetRemoteSettings *settings = data;

    fleet_programs_free(settings->programs);
    fleet_remote_access_clear(&settings->defaults);
    g_hash_table_unref(settings->types);
    g_hash_table_unref(settings->devices);
    g_free(settings->ssh);
    g_free(settings->directory);
}

void fleet_remote_settings_unref(FleetRemoteSettings *settings)
{
    g_rc_box_release_full(settings, clear);
}

gboolean fleet_remote_settings_check_group(const char *group, GError **error)
{
    if (g_str_has_prefix(group, TYPE_PREFIX) && group[strlen(TYPE_PREFIX)] != '\0')
        return fleet_device_type_check(group + strlen(TYPE_PREFIX), error);
    if (g_str_has_prefix(group, DEVICE_PREFIX))
        return fleet_device_id_check(group + strlen(DEVICE_PREFIX), error);
    if (g_str_equal(group, KIND))
        return TRUE;
    g_autofree char *shown = fleet_quotable(group);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "[%s] names nothing; write [" KIND "] for all machines, [" TYPE_PREFIX "router] for those of the type "
            "'router', or [" DEVICE_PREFIX "router-1] for one",
            shown);
    return FALSE;
}

/* What the group has set so far. */
static FleetRemoteAccess *access_of(FleetRemoteSettings *settings, const char *group)
{
    gboolean is_type = g_str_has_prefix(group, TYPE_PREFIX);

    if (!is_type && !g_str_has_prefix(group, DEVICE_PREFIX))
        return &settings->defaults;
    GHashTable *table = is_type ? settings->types : settings->devices;
    const char *name = group + strlen(is_type ? TYPE_PREFIX : DEVICE_PREFIX);
    FleetRemoteAccess *access = g_hash_table_lookup(table, name);
    if (access == NULL) {
        access = g_new0(FleetRemoteAccess, 1);
        g_hash_table_insert(table, g_strdup(name), access);
    }
    return access;
}

static const Key *find(const Key *keys, guint n, const char *name)
{
    for (guint i = 0; i < n; i++)
        if (g_str_equal(keys[i].name, name))
            return &keys[i];
    return NULL;
}

static void append_names(GString *names, const Key *keys, guint n)
{
    for (guint i = 0; i < n; i++)
        g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", keys[i].name);
}

static gboolean fail_unknown(const char *key, gboolean common, GError **error)
{
    g_autoptr(GString) names = g_string_new(NULL);
    g_autofree char *shown = fleet_quotable(key);

    append_names(names, access_keys, G_N_ELEMENTS(access_keys));
    if (common)
        append_names(names, common_keys, G_N_ELEMENTS(common_keys));
    g_set_error(
            error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "key '%s' is unknown; use one of %s", shown, names->str);
    return FALSE;
}

gboolean fleet_remote_settings_set(
        FleetRemoteSettings *settings, const char *group, const char *key, const char *value, GError **error)
{
    if (!fleet_remote_settings_check_group(group, error))
        return FALSE;
    gboolean common = g_str_equal(group, KIND);
    const Key *known = find(access_keys, G_N_ELEMENTS(access_keys), key);
    if (known != NULL)
        return known->read(value, (char *)access_of(settings, group) + known->offset, error);
    known = common ? find(common_keys, G_N_ELEMENTS(common_keys), key) : NULL;
    if (known != NULL)
        return known->read(value, (char *)settings + known->offset, error);
    return fail_unknown(key, common, error);
}

FleetProgram *fleet_remote_settings_add_program(FleetRemoteSettings *settings, const char *group, GError **error)
{
    if (g_str_has_prefix(group, KIND " ") && g_str_has_suffix(group, " SYSTEM_REBOOT")) {
        g_autofree char *shown = fleet_quotable(group);

        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "[%s] cannot be: a program would end together with the machine that it reboots; SYSTEM_REBOOT needs "
                "none",
                shown);
        return NULL;
    }
    return fleet_programs_add(settings->programs, group, error);
}

static void overlay_text(char **text, const char *over)
{
    if (over == NULL)
        return;
    g_free(*text);
    *text = g_strdup(over);
}

static void overlay_span(gint64 *span, gint64 over)
{
    if (over != 0)
        *span = over;
}

static void overlay(FleetRemoteAccess *access, const FleetRemoteAccess *over)
{
    if (over == NULL)
        return;
    overlay_text(&access->user, over->user);
    overlay_text(&access->identity_file, over->identity_file);
    overlay_text(&access->known_hosts_file, over->known_hosts_file);
    overlay_text(&access->config_file, over->config_file);
    if (over->port != 0)
        access->port = over->port;
    overlay_span(&access->connect_timeout, over->connect_timeout);
    overlay_span(&access->return_timeout, over->return_timeout);
    overlay_span(&access->keep_alive, over->keep_alive);
    overlay_span(&access->reconnect_delay, over->reconnect_delay);
    overlay_span(&access->reconnect_cap, over->reconnect_cap);
}

void fleet_remote_settings_resolve(const FleetRemoteSettings *settings, const FleetDevice *device,
        const FleetRemoteAddress *address, FleetRemoteAccess *access)
{
    const FleetRemoteAccess of_address = {.user = address->user, .port = address->port};

    *access = (FleetRemoteAccess){0};
    overlay(access, &settings->defaults);
    overlay(access, g_hash_table_lookup(settings->types, device->type));
    overlay(access, g_hash_table_lookup(settings->devices, device->id));
    overlay(access, &of_address);
}
