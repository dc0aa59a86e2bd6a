/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/clock.h"
#include "base/error.h"
#include "drivers/remote_bus/settings.h"
#include "lib/main.h"

static void set(FleetRemoteSettings *settings, const char *group, const char *key, const char *value)
{
    g_autoptr(GError) error = NULL;

    if (!fleet_remote_settings_set(settings, group, key, value, &error))
        fleet_test_fail("[%s] %s=%s: %s", group, key, value, error->message);
}

static void resolve(
        FleetRemoteSettings *settings, const char *id, const char *type, const char *where, FleetRemoteAccess *access)
{
    g_auto(FleetRemoteAddress) address = {0};
    g_autoptr(FleetDevice) device = fleet_device_new(id, "", type, "remote-bus");

    ck_assert(fleet_remote_address_parse(where, &address, NULL));
    fleet_remote_settings_resolve(settings, device, &address, access);
}

START_TEST(defaults)
{
    g_autoptr(FleetRemoteSettings) settings = fleet_remote_settings_new();
    g_auto(FleetRemoteAccess) access = {0};

    resolve(settings, "a", "", "host", &access);
    ck_assert_str_eq(access.user, "root");
    ck_assert_uint_eq(access.port, 22);
    ck_assert_str_eq(access.identity_file, "/etc/fleet/ssh/id");
    ck_assert_str_eq(access.known_hosts_file, "/etc/fleet/ssh/known_hosts");
    ck_assert_ptr_null(access.config_file);
    ck_assert_int_eq(access.connect_timeout, 20 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(access.return_timeout, 600 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(access.keep_alive, 15 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(access.reconnect_delay, 1 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(access.reconnect_cap, 30 * FLEET_USEC_PER_SEC);
    ck_assert_str_eq(settings->ssh, "/usr/bin/ssh");
    ck_assert_uint_eq(settings->max_connections, 64);
    ck_assert_int_eq(settings->idle_timeout, 60 * FLEET_USEC_PER_SEC);
}
END_TEST

START_TEST(the_closer_counts)
{
    g_autoptr(FleetRemoteSettings) settings = fleet_remote_settings_new();

    set(settings, "RemoteBus", "User", "all");
    set(settings, "RemoteBus", "Port", "1000");
    set(settings, "RemoteBus", "ConnectTimeout", "1s");
    set(settings, "RemoteBus", "ConfigFile", "/all");
    set(settings, "RemoteBusType big router", "User", "type");
    set(settings, "RemoteBusType big router", "Port", "2000");
    set(settings, "RemoteBusType big router", "IdentityFile", "/type");
    set(settings, "RemoteBusDevice one two", "Port", "3000");
    set(settings, "RemoteBusDevice one two", "KeepAlive", "3s");
    for (guint i = 0; i < 4; i++) {
        g_auto(FleetRemoteAccess) access = {0};
        static const char *const users[] = {"all", "type", "type", "me"};
        static const guint ports[] = {1000, 2000, 3000, 4000};

        resolve(settings, i >= 2 ? "one two" : "other", i >= 1 ? "big router" : "", i >= 3 ? "me@host:4000" : "host",
                &access);
        ck_assert_str_eq(access.user, users[i]);
        ck_assert_uint_eq(access.port, ports[i]);
        ck_assert_str_eq(access.identity_file, i >= 1 ? "/type" : "/etc/fleet/ssh/id");
        ck_assert_str_eq(access.config_file, "/all");
        ck_assert_int_eq(access.connect_timeout, FLEET_USEC_PER_SEC);
        ck_assert_int_eq(access.keep_alive, (i >= 2 ? 3 : 15) * FLEET_USEC_PER_SEC);
    }
}
END_TEST

START_TEST(wrong_values)
{
    static const struct {
        const char *group, *key, *value, *message;
    } cases[] = {
            {"RemoteBus", "User", "-l", "the name of a user"},
            {"RemoteBus", "User", "", "the name of a user"},
            {"RemoteBus", "User", "a b", "the name of a user"},
            {"RemoteBus", "Port", "0", "a number from 1 to 65535"},
            {"RemoteBus", "Port", "ssh", "a number from 1 to 65535"},
            {"RemoteBus", "IdentityFile", "id", "an absolute path"},
            {"RemoteBus", "IdentityFile", "/a b", "an absolute path without blanks"},
            {"RemoteBus", "KnownHostsFile", "/%h", "an absolute path"},
            {"RemoteBus", "KnownHostsFile", "~/known_hosts", "an absolute path"},
            {"RemoteBus", "ConfigFile", "/\"", "an absolute path"},
            {"RemoteBus", "ConnectTimeout", "0", "longer than 0"},
            {"RemoteBus", "ReturnTimeout", "soon", "time span"},
            {"RemoteBus", "MaxConnections", "0", "a number from 1 to 10000"},
            {"RemoteBus", "IdleTimeout", "-1s", "time span"},
            {"RemoteBus", "Ssh", "ssh", "an absolute path"},
            {"RemoteBus", "Shoe", "1", "key 'Shoe' is unknown; use one of User, Port, "},
            {"RemoteBusType router", "MaxConnections", "1", "key 'MaxConnections' is unknown"},
            {"RemoteBusDevice router-1", "IdleTimeout", "1s", "key 'IdleTimeout' is unknown"},
            {"RemoteBusType ", "User", "root", "names nothing"},
            {"RemoteBusDevice .", "User", "root", "'.'"},
            {"RemoteBusX", "User", "root", "names nothing; write [RemoteBus] for all machines"},
    };
    g_autoptr(FleetRemoteSettings) settings = fleet_remote_settings_new();

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        if (fleet_remote_settings_set(settings, cases[i].group, cases[i].key, cases[i].value, &error))
            fleet_test_fail("[%s] %s=%s was taken", cases[i].group, cases[i].key, cases[i].value);
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
        fleet_test_assert_contains(error->message, cases[i].message);
    }
}
END_TEST

START_TEST(idle_may_be_at_once)
{
    g_autoptr(FleetRemoteSettings) settings = fleet_remote_settings_new();

    set(settings, "RemoteBus", "IdleTimeout", "0");
    ck_assert_int_eq(settings->idle_timeout, 0);
}
END_TEST

START_TEST(programs)
{
    g_autoptr(FleetRemoteSettings) settings = fleet_remote_settings_new();
    static const char *const reboots[] = {"RemoteBus SYSTEM_REBOOT", "RemoteBus big router SYSTEM_REBOOT"};

    ck_assert_ptr_nonnull(fleet_remote_settings_add_program(settings, "RemoteBus big router SOFTWARE_UPDATE", NULL));
    ck_assert_ptr_nonnull(fleet_programs_lookup(settings->programs, "big router", "SOFTWARE_UPDATE"));
    ck_assert_ptr_null(fleet_programs_lookup(settings->programs, "router", "SOFTWARE_UPDATE"));
    for (guint i = 0; i < G_N_ELEMENTS(reboots); i++) {
        g_autoptr(GError) error = NULL;

        ck_assert_ptr_null(fleet_remote_settings_add_program(settings, reboots[i], &error));
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
        fleet_test_assert_contains(error->message, "SYSTEM_REBOOT needs none");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("remote-settings");
    TCase *tcase = fleet_test_case(suite, "remote-settings");

    tcase_add_test(tcase, defaults);
    tcase_add_test(tcase, the_closer_counts);
    tcase_add_test(tcase, wrong_values);
    tcase_add_test(tcase, idle_may_be_at_once);
    tcase_add_test(tcase, programs);
    return fleet_test_main(suite);
}
