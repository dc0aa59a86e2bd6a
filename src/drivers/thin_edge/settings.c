/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/thin_edge/settings.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/quotable.h"
#include "base/timespan.h"
#include "drivers/thin_edge/topic.h"
#include "model/identifier.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define PORT 1883
#define PORT_TLS 8883
#define HOST_MAX 253
#define CLIENT_ID_MAX 64
#define SECRET_MAX 65535 /* bytes, as the protocol has it */
#define KEEP_ALIVE_MIN 5 /* s, the library's */
#define KEEP_ALIVE_MAX 65535
#define REGISTER_MAX 1000000
#define MACHINE_ID "/etc/machine-id"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

FleetThinEdgeSettings *fleet_thin_edge_settings_new(void)
{
    FleetThinEdgeSettings *settings = g_rc_box_new0(FleetThinEdgeSettings);

    settings->root = g_strdup("te");
    settings->health_service = g_strdup("tedge-agent");
    settings->keep_alive = 60;
    settings->auto_register_type = g_strdup("thin-edge");
    settings->auto_register_max = 10000;
    settings->sweep_after = 10 * FLEET_USEC_PER_SEC;
    return settings;
}

FleetThinEdgeSettings *fleet_thin_edge_settings_ref(FleetThinEdgeSettings *settings)
{
    return g_rc_box_acquire(settings);
}

static void free_secret(char *secret)
{
    if (secret == NULL)
        return;
    explicit_bzero(secret, strlen(secret));
    g_free(secret);
}

static void clear(gpointer data)
{
    FleetThinEdgeSettings *settings = data;

    g_free(settings->broker);
    g_free(settings->host);
    g_free(settings->client_id);
    g_free(settings->username);
    free_secret(settings->password);
    g_free(settings->password_file);
    g_free(settings->ca_file);
    g_free(settings->certificate_file);
    g_free(settings->key_file);
    g_free(settings->root);
    g_free(settings->health_service);
    g_free(settings->auto_register_type);
}

void fleet_thin_edge_settings_unref(FleetThinEdgeSettings *settings)
{
    g_rc_box_release_full(settings, clear);
}

static gboolean fail(GError **error, const char *value, const char *fault)
{
    g_autofree char *shown = fleet_quotable(value);

    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "'%s' %s", shown, fault);
    return FALSE;
}

static void replace(char **place, const char *value)
{
    g_free(*place);
    *place = g_strdup(value);
}

/* The values of single keys. */

static gboolean set_path_of_socket(FleetThinEdgeSettings *settings, const char *path, GError **error)
{
    if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return fail(error, path, "is too long for the path of a socket");
    replace(&settings->host, path);
    settings->port = 0;
    return TRUE;
}

/* HOST, HOST:PORT, [ADDRESS]:PORT or a path. Which port it is without one is known once all keys are. */
static gboolean set_broker(FleetThinEdgeSettings *settings, const char *value, GError **error)
{
    static const char remedy[] = "is no broker; use HOST, HOST:PORT, [ADDRESS]:PORT, or the absolute path of a socket";
    gboolean has_brackets = *value == '[';
    const char *host = has_brackets ? value + 1 : value;
    gsize length = strcspn(host, has_brackets ? "]" : ":");
    const char *rest = has_brackets && host[length] == ']' ? host + length + 1 : host + length;
    guint64 port = 0;

    replace(&settings->broker, value);
    if (*value == '\0') {
        g_clear_pointer(&settings->host, g_free);
        return TRUE;
    }
    if (*value == '/')
        return set_path_of_socket(settings, value, error);
    if (*rest == ':' && !g_ascii_string_to_unsigned(rest + 1, 10, 1, G_MAXUINT16, &port, NULL))
        return fail(error, value, remedy);
    if ((*rest != '\0' && *rest != ':') || length == 0 || length > HOST_MAX || *host == '-' ||
            (has_brackets && host[length] != ']') ||
            strspn(host, has_brackets ? "0123456789abcdefABCDEF:.%" NAME_CHARACTERS : NAME_CHARACTERS "._-") < length)
        return fail(error, value, remedy);
    g_free(settings->host);
    settings->host = g_strndup(host, length);
    settings->port = (guint16)port;
    return TRUE;
}

static gboolean set_client_id(FleetThinEdgeSettings *settings, const char *value, GError **error)
{
    gsize length = strlen(value);

    if (length == 0 || length > CLIENT_ID_MAX || strspn(value, NAME_CHARACTERS "._:-") < length)
        return fail(error, value, "is no ClientId; use 1 to 64 letters, digits and '.', '_', ':', '-'");
    replace(&settings->client_id, value);
    return TRUE;
}

static gboolean set_username(FleetThinEdgeSettings *settings, const char *value, GError **error)
{
    if (*value == '\0' || strlen(value) > SECRET_MAX || !g_utf8_validate(value, -1, NULL))
        return fail(error, value, "is no user name; use 1 to 65535 bytes of UTF-8");
    replace(&settings->username, value);
    return TRUE;
}

static gboolean set_path(char **place, const char *value, GError **error)
{
    if (!g_path_is_absolute(value))
        return fail(error, value, "is no absolute path");
    replace(place, value);
    return TRUE;
}

static gboolean set_password_file(FleetThinEdgeSettings *settings, const char *value, GError **error)
{
    return set_path(&settings->password_file, value, error);
}

static gboolean set_ca_file(FleetThinEdgeSettings *settings, const char *value, GError **error)
{
    return set_path(&settings->ca_file, value, error);
}

static gboolean set_certificate_file(FleetThinEdgeSettings *settings, const char *value, GError **error)
{
    return set_path(&settings->certificate_file, value, error);
}

static gboolean set_key_file(FleetThinEdgeSettings *settings, const char *value, GError **error)
{
    return set_path(&settings->key_file, value, error);
}

static gboolean set_root(FleetThinEdgeSettings *settings, const char *value, GError **error)
{
    if (!fleet_thin_edge_levels_check(value, error))
        return FALSE;
    replace(&settings->root, value);
    return TRUE;
}

static gboolean set_health_service(FleetThinEdgeSettings *settings, const char *value, GError **error)
{
    if (strchr(value, '/') != NULL)
        return fail(error, value, "is no service; use its name, like tedge-agent");
    if (!fleet_thin_edge_levels_check(value, error))
        return FALSE;
    replace(&settings->health_service, value);
    return TRUE;
}

static gboolean set_keep_alive(FleetThinEdgeSettings *settings, const char *value, GError **error)
{
    gint64 usec;

    if (!fleet_timespan_parse(value, &usec, error))
        return FALSE;
    if (usec < KEEP_ALIVE_MIN * FLEET_USEC_PER_SEC || usec > KEEP_ALIVE_MAX * FLEET_USEC_PER_SEC)
        return fail(error, value, "is not right; use a time span from 5s to 18h");
    settings->keep_alive = (guint)(usec / FLEET_USEC_PER_SEC);
    return TRUE;
}

static gboolean set_auto_register(FleetThinEdgeSettings *settings, const char *value, GError **error)
{
    settings->auto_register = g_str_equal(value, "yes");
    return settings->auto_register || g_str_equal(value, "no") || fail(error, value, "is neither yes nor no");
}

static gboolean set_auto_register_type(FleetThinEdgeSettings *settings, const char *value, GError **error)
{
    if (!fleet_device_type_check(value, error))
        return FALSE;
    replace(&settings->auto_register_type, value);
    return TRUE;
}

static gboolean set_auto_register_max(FleetThinEdgeSettings *settings, const char *value, GError **error)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned(value, 10, 1, REGISTER_MAX, &number, NULL))
        return fail(error, value, "is not right; use a whole number from 1 to 1000000");
    settings->auto_register_max = (guint)number;
    return TRUE;
}

static const struct {
    const char *name;
    gboolean (*set)(FleetThinEdgeSettings *settings, const char *value, GError **error);
} keys[] = {
        {"Broker", set_broker},
        {"ClientId", set_client_id},
        {"Username", set_username},
        {"PasswordFile", set_password_file},
        {"CAFile", set_ca_file},
        {"CertificateFile", set_certificate_file},
        {"KeyFile", set_key_file},
        {"KeepAlive", set_keep_alive},
        {"TopicRoot", set_root},
        {"HealthService", set_health_service},
        {"AutoRegister", set_auto_register},
        {"AutoRegisterType", set_auto_register_type},
        {"AutoRegisterMax", set_auto_register_max},
};

gboolean fleet_thin_edge_settings_set(
        FleetThinEdgeSettings *settings, const char *key, const char *value, GError **error)
{
    g_autofree char *shown = fleet_quotable(key);
    g_autoptr(GString) known = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
        if (g_str_equal(keys[i].name, key))
            return keys[i].set(settings, value, error);
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", keys[i].name);
    g_set_error(
            error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "key '%s' is unknown; use one of %s", shown, known->str);
    return FALSE;
}

/* What no single key can tell. */

static gboolean check_file(const char *key, const char *path, GError **error)
{
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

    if (path == NULL)
        return TRUE;
    if (fd < 0) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s='%s' cannot be read: %s", key, path,
                g_strerror(errno));
        return FALSE;
    }
    close(fd);
    return TRUE;
}

/* One line. What is wrong with it is said without what it is. */
static gboolean read_password(FleetThinEdgeSettings *settings, GError **error)
{
    char buffer[SECRET_MAX + 2];
    int fd = open(settings->password_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t length = fd >= 0 ? read(fd, buffer, sizeof(buffer)) : -1;
    int cause = errno;

    if (fd >= 0)
        close(fd);
    if (length < 0) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "PasswordFile='%s' cannot be read: %s",
                settings->password_file, g_strerror(cause));
        return FALSE;
    }
    if (length > 0 && buffer[length - 1] == '\n')
        length--;
    gboolean is_line = length > 0 && length <= SECRET_MAX && memchr(buffer, '\0', (gsize)length) == NULL &&
                       memchr(buffer, '\n', (gsize)length) == NULL;
    if (is_line) {
        free_secret(settings->password);
        settings->password = g_strndup(buffer, (gsize)length);
    } else {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "PasswordFile='%s' does not hold a password; write one line of 1 to 65535 bytes there",
                settings->password_file);
    }
    explicit_bzero(buffer, sizeof(buffer));
    return is_line;
}

static gboolean check_company(const FleetThinEdgeSettings *settings, GError **error)
{
    const char *fault = NULL;
    gboolean is_path = settings->host != NULL && *settings->host == '/';

    if (settings->password_file != NULL && settings->username == NULL)
        fault = "PasswordFile= without Username= is of no use; name the user, too";
    else if ((settings->certificate_file == NULL) != (settings->key_file == NULL))
        fault = "CertificateFile= and KeyFile= are of no use without each other; give both";
    else if (settings->certificate_file != NULL && settings->ca_file == NULL)
        fault = "CertificateFile= without CAFile= is of no use; name the authorities that the broker's certificate may "
                "be from";
    else if (is_path && settings->ca_file != NULL)
        fault = "CAFile= is of no use on a Unix socket, where there is no TLS; leave it out";
    if (fault != NULL)
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s", fault);
    return fault == NULL;
}

gboolean fleet_thin_edge_settings_complete(FleetThinEdgeSettings *settings, GError **error)
{
    if (!check_company(settings, error) || !check_file("CAFile", settings->ca_file, error) ||
            !check_file("CertificateFile", settings->certificate_file, error) ||
            !check_file("KeyFile", settings->key_file, error))
        return FALSE;
    if (settings->password_file != NULL && !read_password(settings, error))
        return FALSE;
    if (settings->host != NULL && *settings->host != '/' && settings->port == 0)
        settings->port = settings->ca_file != NULL ? PORT_TLS : PORT;
    return TRUE;
}

/* 16 digits of a digest: the name of a machine is nobody's business, and 23 characters are what every broker takes. */
void fleet_thin_edge_settings_identify(FleetThinEdgeSettings *settings, const char *identity)
{
    g_autofree char *machine = NULL;

    if (settings->client_id != NULL)
        return;
    if (!g_file_get_contents(MACHINE_ID, &machine, NULL, NULL))
        machine = g_strdup(g_get_host_name());
    g_autofree char *both = g_strconcat(machine, identity, NULL);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, both, -1);
    settings->client_id = g_strdup_printf("fleetd-%.16s", digest);
}

gboolean fleet_thin_edge_settings_connect_alike(const FleetThinEdgeSettings *a, const FleetThinEdgeSettings *b)
{
    return g_strcmp0(a->host, b->host) == 0 && a->port == b->port && g_strcmp0(a->client_id, b->client_id) == 0 &&
           g_strcmp0(a->username, b->username) == 0 && g_strcmp0(a->password, b->password) == 0 &&
           g_strcmp0(a->ca_file, b->ca_file) == 0 && g_strcmp0(a->certificate_file, b->certificate_file) == 0 &&
           g_strcmp0(a->key_file, b->key_file) == 0 && a->keep_alive == b->keep_alive &&
           g_str_equal(a->root, b->root) && g_str_equal(a->health_service, b->health_service) &&
           a->auto_register == b->auto_register;
}
