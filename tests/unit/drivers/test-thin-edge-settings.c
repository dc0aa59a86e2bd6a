/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "drivers/thin_edge/settings.h"
#include "lib/main.h"

#include <string.h>
#include <unistd.h>

static void set(FleetThinEdgeSettings *settings, const char *key, const char *value)
{
    g_autoptr(GError) error = NULL;

    if (!fleet_thin_edge_settings_set(settings, key, value, &error))
        fleet_test_fail("%s=%s: %s", key, value, error->message);
}

static void assert_refused(const char *key, const char *value, const char *part)
{
    g_autoptr(FleetThinEdgeSettings) settings = fleet_thin_edge_settings_new();
    g_autoptr(GError) error = NULL;

    if (fleet_thin_edge_settings_set(settings, key, value, &error))
        fleet_test_fail("%s=%s is taken", key, value);
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, part);
}

static void complete(FleetThinEdgeSettings *settings)
{
    g_autoptr(GError) error = NULL;

    if (!fleet_thin_edge_settings_complete(settings, &error))
        fleet_test_fail("%s", error->message);
}

static void assert_incomplete(FleetThinEdgeSettings *settings, const char *part)
{
    g_autoptr(GError) error = NULL;

    ck_assert(!fleet_thin_edge_settings_complete(settings, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, part);
}

START_TEST(defaults)
{
    g_autoptr(FleetThinEdgeSettings) settings = fleet_thin_edge_settings_new();

    complete(settings);
    ck_assert_ptr_null(settings->broker);
    ck_assert_ptr_null(settings->host);
    ck_assert_ptr_null(settings->client_id);
    ck_assert_str_eq(settings->root, "te");
    ck_assert_str_eq(settings->health_service, "tedge-agent");
    ck_assert_uint_eq(settings->keep_alive, 60);
    ck_assert(!settings->auto_register);
}
END_TEST

START_TEST(brokers)
{
    static const struct {
        const char *value, *host;
        guint16 port;
    } right[] = {
            {"localhost", "localhost", 1883},
            {"mqtt.example.com:18830", "mqtt.example.com", 18830},
            {"127.0.0.1:1", "127.0.0.1", 1},
            {"[::1]", "::1", 1883},
            {"[fe80::1%eth0]:65535", "fe80::1%eth0", 65535},
            {"/run/mosquitto.sock", "/run/mosquitto.sock", 0},
    };
    static const char *const wrong[] = {"host:", "host:0", "host:65536", "host:x", "::1", "[::1", "[::1]x", "[]", "a b",
            ":1883", "-host", "run/mosquitto.sock", "mqtt://host"};
    g_autofree char *long_path = g_strdup_printf("/%0200d", 0);

    for (guint i = 0; i < G_N_ELEMENTS(right); i++) {
        g_autoptr(FleetThinEdgeSettings) settings = fleet_thin_edge_settings_new();

        set(settings, "Broker", right[i].value);
        complete(settings);
        ck_assert_str_eq(settings->broker, right[i].value);
        ck_assert_str_eq(settings->host, right[i].host);
        ck_assert_uint_eq(settings->port, right[i].port);
        set(settings, "Broker", "");
        ck_assert_ptr_null(settings->host);
    }
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
        assert_refused("Broker", wrong[i], "is no broker; use HOST");
    assert_refused("Broker", long_path, "too long");
}
END_TEST

START_TEST(single_keys)
{
    assert_refused("Brokr", "x", "key 'Brokr' is unknown; use one of Broker, ClientId,");
    assert_refused("ClientId", "a/b", "is no ClientId");
    assert_refused("ClientId", "", "is no ClientId");
    assert_refused("Username", "", "is no user name");
    assert_refused("PasswordFile", "secret", "absolute path");
    assert_refused("CAFile", "ca.pem", "absolute path");
    assert_refused("CertificateFile", "", "absolute path");
    assert_refused("KeyFile", "~/key", "absolute path");
    assert_refused("KeepAlive", "4s", "from 5s to 18h");
    assert_refused("KeepAlive", "1d", "from 5s to 18h");
    assert_refused("KeepAlive", "x", "x");
    assert_refused("TopicRoot", "te/", "part of a topic");
    assert_refused("HealthService", "a/b", "is no service");
    assert_refused("HealthService", "+", "part of a topic");
    assert_refused("AutoRegister", "maybe", "neither yes nor no");
    assert_refused("AutoRegisterType", "a\nb", "");
    assert_refused("AutoRegisterMax", "0", "whole number");

    g_autoptr(FleetThinEdgeSettings) settings = fleet_thin_edge_settings_new();
    set(settings, "KeepAlive", "1min 30s");
    set(settings, "AutoRegister", "yes");
    set(settings, "AutoRegisterType", "sensor");
    set(settings, "AutoRegisterMax", "7");
    set(settings, "TopicRoot", "a/b");
    ck_assert_uint_eq(settings->keep_alive, 90);
    ck_assert(settings->auto_register);
    ck_assert_str_eq(settings->auto_register_type, "sensor");
    ck_assert_uint_eq(settings->auto_register_max, 7);
    set(settings, "AutoRegister", "no");
    ck_assert(!settings->auto_register);
}
END_TEST

static char *new_file(const char *text)
{
    g_autofree char *directory = fleet_test_directory_new();
    char *path = g_build_filename(directory, "file", NULL);

    fleet_test_write(path, text);
    return path;
}

START_TEST(passwords)
{
    g_autoptr(FleetThinEdgeSettings) settings = fleet_thin_edge_settings_new();
    g_autofree char *file = new_file("o p\xc3\xa4n\n");
    g_autofree char *empty = new_file("\n");
    g_autofree char *two = new_file("topsecret\nother\n");

    set(settings, "PasswordFile", file);
    assert_incomplete(settings, "without Username=");
    set(settings, "Username", "me");
    complete(settings);
    ck_assert_str_eq(settings->password, "o pän");
    set(settings, "PasswordFile", empty);
    assert_incomplete(settings, "does not hold a password");
    set(settings, "PasswordFile", "/nonexistent/file");
    assert_incomplete(settings, "PasswordFile='/nonexistent/file' cannot be read: No such file");
    set(settings, "PasswordFile", "/");
    assert_incomplete(settings, "PasswordFile='/' cannot be read: Is a directory");

    g_autoptr(GError) error = NULL;
    set(settings, "PasswordFile", two);
    ck_assert(!fleet_thin_edge_settings_complete(settings, &error));
    ck_assert_ptr_null(strstr(error->message, "topsecret"));
}
END_TEST

START_TEST(certificates)
{
    g_autoptr(FleetThinEdgeSettings) settings = fleet_thin_edge_settings_new();
    g_autofree char *file = new_file("x");

    set(settings, "Broker", "host");
    set(settings, "CertificateFile", file);
    assert_incomplete(settings, "CertificateFile= and KeyFile=");
    set(settings, "KeyFile", file);
    assert_incomplete(settings, "without CAFile=");
    set(settings, "CAFile", "/nonexistent/ca");
    assert_incomplete(settings, "CAFile='/nonexistent/ca' cannot be read");
    set(settings, "CAFile", file);
    complete(settings);
    ck_assert_uint_eq(settings->port, 8883);
    set(settings, "Broker", "/run/x");
    assert_incomplete(settings, "no use on a Unix socket");
}
END_TEST

START_TEST(identities)
{
    g_autoptr(FleetThinEdgeSettings) a = fleet_thin_edge_settings_new();
    g_autoptr(FleetThinEdgeSettings) same = fleet_thin_edge_settings_new();
    g_autoptr(FleetThinEdgeSettings) other = fleet_thin_edge_settings_new();
    g_autoptr(FleetThinEdgeSettings) given = fleet_thin_edge_settings_new();

    fleet_thin_edge_settings_identify(a, "/var/lib/fleet");
    fleet_thin_edge_settings_identify(same, "/var/lib/fleet");
    fleet_thin_edge_settings_identify(other, "/var/lib/other");
    fleet_test_assert_matches(a->client_id, "^fleetd-[0-9a-f]{16}$");
    ck_assert_str_eq(a->client_id, same->client_id);
    ck_assert_str_ne(a->client_id, other->client_id);
    set(given, "ClientId", "mine");
    fleet_thin_edge_settings_identify(given, "/var/lib/fleet");
    ck_assert_str_eq(given->client_id, "mine");
}
END_TEST

START_TEST(what_needs_another_connection)
{
    static const char *const keys[][2] = {{"Broker", "b"}, {"Broker", "a:1"}, {"ClientId", "c"}, {"Username", "u"},
            {"KeepAlive", "5s"}, {"TopicRoot", "x"}, {"HealthService", "y"}, {"AutoRegister", "yes"}};
    g_autoptr(FleetThinEdgeSettings) a = fleet_thin_edge_settings_new();

    set(a, "Broker", "a");
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(FleetThinEdgeSettings) b = fleet_thin_edge_settings_new();

        set(b, "Broker", "a");
        ck_assert(fleet_thin_edge_settings_connect_alike(a, b));
        set(b, "AutoRegisterMax", "5");
        ck_assert(fleet_thin_edge_settings_connect_alike(a, b));
        set(b, keys[i][0], keys[i][1]);
        ck_assert(!fleet_thin_edge_settings_connect_alike(a, b));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thin-edge-settings");
    TCase *tcase = fleet_test_case(suite, "settings");

    tcase_add_test(tcase, defaults);
    tcase_add_test(tcase, brokers);
    tcase_add_test(tcase, single_keys);
    tcase_add_test(tcase, passwords);
    tcase_add_test(tcase, certificates);
    tcase_add_test(tcase, identities);
    tcase_add_test(tcase, what_needs_another_connection);
    return fleet_test_main(suite);
}
