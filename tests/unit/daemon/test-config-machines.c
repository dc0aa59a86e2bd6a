/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The groups of the configuration that are about machines.
 */

#include "base/clock.h"
#include "base/error.h"
#include "daemon/config.h"
#include "lib/main.h"

#include <glib/gstdio.h>
#include <string.h>

static char *make_file(const char *text)
{
    g_autofree char *directory = fleet_test_directory_new();
    char *path = g_build_filename(directory, "fleetd.conf", NULL);

    fleet_test_write(path, text);
    return path;
}

START_TEST(machines_are_read)
{
    g_autofree char *path = make_file("[RemoteBus]\nMaxConnections=7\nUser=operator\n"
                                      "[RemoteBus SOFTWARE_UPDATE]\nExec=/usr/bin/update\n"
                                      "[RemoteBus edge box CONFIGURATION_CHANGE]\nExec=/usr/bin/change\nUser=daemon\n"
                                      "[RemoteBusType edge box]\nPort=2222\n"
                                      "[RemoteBusDevice box 1]\nIdentityFile=/keys/box-1\n");
    g_autoptr(FleetDevice) device = fleet_device_new("box 1", "", "edge box", "remote-bus");
    g_auto(FleetRemoteAddress) address = {0};
    g_auto(FleetRemoteAccess) access = {0};

    g_autoptr(GError) error = NULL;
    g_autofree char *drop_ins = g_strconcat(path, ".d", NULL);
    g_autofree char *drop_in = g_build_filename(drop_ins, "a.conf", NULL);

    ck_assert_int_eq(g_mkdir(drop_ins, 0755), 0);
    fleet_test_write(drop_in, "[RemoteBusType edge box]\nKeepAlive=1s\n");
    g_autoptr(FleetConfig) config = fleet_config_load(path, TRUE, &error);
    fleet_test_assert_no_error(error);
    fleet_remote_settings_resolve(config->remote_bus, device, &address, &access);
    ck_assert_uint_eq(config->remote_bus->max_connections, 7);
    ck_assert_str_eq(access.user, "operator");
    ck_assert_uint_eq(access.port, 2222);
    ck_assert_int_eq(access.keep_alive, FLEET_USEC_PER_SEC);
    ck_assert_str_eq(access.identity_file, "/keys/box-1");
    ck_assert_uint_eq(config->remote_bus->programs->list->len, 2);
    ck_assert_uint_eq(config->command->programs->list->len, 0);
    ck_assert_ptr_nonnull(fleet_programs_lookup(config->remote_bus->programs, "edge box", "CONFIGURATION_CHANGE"));
}
END_TEST

/* What is commented out there is what is in force without. */
START_TEST(shipped_file_shows_the_defaults)
{
    g_autofree char *shipped = g_build_filename(fleet_test_env("FLEET_SOURCE"), "data", "fleetd.conf", NULL);
    g_autofree char *text = fleet_test_read(shipped);
    g_autoptr(GRegex) comment = g_regex_new("^#(?=\\[|[A-Za-z]+=)", G_REGEX_MULTILINE, 0, NULL);
    char *thin_edge = strstr(text, "#[ThinEdge]"); /* is the last one, and in no build without MQTT */

    ck_assert_ptr_nonnull(thin_edge);
    *thin_edge = '\0';
    g_autofree char *effective = g_regex_replace_literal(comment, text, -1, 0, "", 0, NULL);
    g_autofree char *path = make_file(effective);
    static const char *const keys[] = {"User", "Port", "IdentityFile", "KnownHostsFile", "ConnectTimeout",
            "ReturnTimeout", "KeepAlive", "ReconnectDelay", "ReconnectCap", "MaxConnections", "IdleTimeout", "Ssh"};
    g_autoptr(FleetConfig) config = fleet_config_load(path, TRUE, NULL);
    g_autoptr(FleetRemoteSettings) defaults = fleet_remote_settings_new();
    const FleetRemoteAccess *set = &config->remote_bus->defaults, *access = &defaults->defaults;

    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *line = g_strdup_printf("\n%s=", keys[i]);
        fleet_test_assert_contains(strstr(effective, "\n[RemoteBus]\n"), line);
    }
    ck_assert_str_eq(set->user, access->user);
    ck_assert_uint_eq(set->port, access->port);
    ck_assert_str_eq(set->identity_file, access->identity_file);
    ck_assert_str_eq(set->known_hosts_file, access->known_hosts_file);
    ck_assert_int_eq(set->connect_timeout, access->connect_timeout);
    ck_assert_int_eq(set->return_timeout, access->return_timeout);
    ck_assert_int_eq(set->keep_alive, access->keep_alive);
    ck_assert_int_eq(set->reconnect_delay, access->reconnect_delay);
    ck_assert_int_eq(set->reconnect_cap, access->reconnect_cap);
    ck_assert_uint_eq(config->remote_bus->max_connections, defaults->max_connections);
    ck_assert_int_eq(config->remote_bus->idle_timeout, defaults->idle_timeout);
    ck_assert_str_eq(config->remote_bus->ssh, defaults->ssh);
    ck_assert_ptr_nonnull(fleet_programs_lookup(config->remote_bus->programs, "router", "CONFIGURATION_CHANGE"));
}
END_TEST

START_TEST(machines_are_checked)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
            {"[RemoteBus]\nMaxConnections=none\n", ":2: key 'MaxConnections' in [RemoteBus] has a bad value: 'none' is "
                                                   "not right; use a number from 1 to 10000"},
            {"[RemoteBusDevice box]\n\nPort=0\n", ":3: key 'Port' in [RemoteBusDevice box] has a bad value: '0' is not "
                                                  "right; use a number from 1 to 65535"},
            {"[RemoteBusType ]\nPort=1\n",
                    ":1: [RemoteBusType ] names nothing; write [RemoteBus] for all machines, [RemoteBusType router] "
                    "for those of the type 'router', or [RemoteBusDevice router-1] for one"},
            {"[RemoteBus SYSTEM_REBOOT]\nExec=/sbin/reboot\n",
                    ":1: [RemoteBus SYSTEM_REBOOT] cannot be: a program would end together with the machine that it "
                    "reboots; SYSTEM_REBOOT needs none"},
            {"[RemoteBus X]\nExec=/bin/true\n", ":1: action type 'X' is unknown; use one of SOFTWARE_UPDATE, "
                                                "FIRMWARE_UPDATE, SYSTEM_REBOOT, CONFIGURATION_CHANGE"},
            {"[RemoteBus SOFTWARE_UPDATE]\nUser=x\n",
                    ":1: [RemoteBus SOFTWARE_UPDATE] lacks the key 'Exec'; name the program there"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = make_file(cases[i].text);
        g_autofree char *expected = g_strconcat(path, cases[i].message, NULL);
        g_autoptr(GError) error = NULL;

        ck_assert_ptr_null(fleet_config_load(path, TRUE, &error));
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
        ck_assert_str_eq(error->message, expected);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config-machines");
    TCase *tcase = fleet_test_case(suite, "config-machines");

    tcase_add_test(tcase, machines_are_read);
    tcase_add_test(tcase, machines_are_checked);
    tcase_add_test(tcase, shipped_file_shows_the_defaults);
    return fleet_test_main(suite);
}
