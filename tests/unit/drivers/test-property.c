/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "drivers/program/property.h"
#include "lib/main.h"

#include <sys/socket.h>
#include <unistd.h>

START_TEST(right_values)
{
    static const char *const pairs[][2] = {{"User", "fleet-runner"}, {"SupplementaryGroups", "a b"},
            {"WorkingDirectory", "/srv"}, {"UMask", "0027"}, {"Nice", "-5"}, {"OOMScoreAdjust", "500"},
            {"CPUQuota", "150%"}, {"CPUWeight", "10000"}, {"MemoryMax", "512M"}, {"MemoryMax", "infinity"},
            {"MemoryHigh", "1048576"}, {"TasksMax", "64"}, {"RuntimeMaxSec", "1h 30min"}, {"NoNewPrivileges", "yes"},
            {"PrivateTmp", "off"}, {"ProtectSystem", "strict"}, {"ReadWritePaths", "/srv /var/lib/x"}};

    for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autoptr(GError) error = NULL;

        if (!fleet_program_property_check(pairs[i][0], pairs[i][1], &error))
            fleet_test_fail("%s", error->message);
        ck_assert(fleet_program_property_is_known(pairs[i][0]));
    }
}
END_TEST

START_TEST(wrong_values)
{
    static const char *const cases[][3] = {{"User", "a b", "use a word"}, {"WorkingDirectory", "srv", "absolute path"},
            {"UMask", "0999", "octal"}, {"Nice", "20", "-20 to 19"}, {"OOMScoreAdjust", "1001", "-1000 to 1000"},
            {"CPUQuota", "50", "percentage"}, {"CPUQuota", "0%", "percentage"}, {"CPUWeight", "0", "1 to 10000"},
            {"MemoryMax", "512X", "bytes like 512M"}, {"MemoryMax", "", "bytes like 512M"},
            {"MemoryMax", "99999999999T", "bytes"}, {"TasksMax", "-1", "whole number"},
            {"RuntimeMaxSec", "soon", "time span"}, {"RuntimeMaxSec", "0", "time span"},
            {"NoNewPrivileges", "maybe", "yes or no"}, {"ReadOnlyPaths", "/a b", "absolute paths"},
            {"ReadOnlyPaths", " ", "absolute paths"}, {"Type", "simple", "cannot be set; use one of User"},
            {"ExecStart", "/bin/sh", "cannot be set"}, {"KillMode", "none", "cannot be set"}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        if (fleet_program_property_check(cases[i][0], cases[i][1], &error))
            fleet_test_fail("%s=%s was taken", cases[i][0], cases[i][1]);
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
        fleet_test_assert_contains(error->message, cases[i][2]);
    }
}
END_TEST

/* A message with one property in it, and its type as it goes to systemd. */
static void check_append(const char *name, const char *value, const char *bus_name, const char *type, guint64 number)
{
    sd_bus_message *message = NULL;
    sd_bus *bus = NULL;
    const char *read_name, *contents;
    char kind;
    int fds[2];
    union {
        guint64 t;
        gint32 i;
        guint32 u;
        int b;
    } read = {0};

    /* Messages are made for a connection; that nobody answers at its other end does not matter. */
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    ck_assert_int_ge(sd_bus_new(&bus), 0);
    ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
    ck_assert_int_ge(sd_bus_start(bus), 0);
    ck_assert_int_ge(sd_bus_message_new_method_call(bus, &message, "a.b", "/", "a.b", "C"), 0);
    ck_assert_int_ge(sd_bus_message_open_container(message, 'a', "(sv)"), 0);
    ck_assert_int_ge(fleet_program_property_append(message, name, value), 0);
    ck_assert_int_ge(sd_bus_message_close_container(message), 0);
    ck_assert_int_ge(sd_bus_message_seal(message, 1, 0), 0);
    ck_assert_int_ge(sd_bus_message_enter_container(message, 'a', "(sv)"), 0);
    ck_assert_int_ge(sd_bus_message_enter_container(message, 'r', "sv"), 0);
    ck_assert_int_ge(sd_bus_message_read(message, "s", &read_name), 0);
    ck_assert_str_eq(read_name, bus_name);
    ck_assert_int_ge(sd_bus_message_peek_type(message, &kind, &contents), 0);
    ck_assert_str_eq(contents, type);
    if (type[1] == '\0' && *type != 's') {
        ck_assert_int_ge(sd_bus_message_read(message, "v", type, &read), 0);
        ck_assert(*type == 't' ? read.t == number : read.u == (guint32)number);
    }
    sd_bus_message_unref(message);
    sd_bus_unref(bus);
    close(fds[1]);
}

START_TEST(they_travel_as_systemd_wants_them)
{
    check_append("User", "x", "User", "s", 0);
    check_append("ReadOnlyPaths", "/a  /b", "ReadOnlyPaths", "as", 0);
    check_append("CPUQuota", "50%", "CPUQuotaPerSecUSec", "t", 500000);
    check_append("RuntimeMaxSec", "2s", "RuntimeMaxUSec", "t", 2000000);
    check_append("MemoryMax", "2K", "MemoryMax", "t", 2048);
    check_append("MemoryMax", "infinity", "MemoryMax", "t", G_MAXUINT64);
    check_append("UMask", "0027", "UMask", "u", 027);
    check_append("Nice", "-5", "Nice", "i", (guint64)-5);
    check_append("PrivateTmp", "yes", "PrivateTmp", "b", 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("property");
    TCase *tcase = fleet_test_case(suite, "property");

    tcase_add_test(tcase, right_values);
    tcase_add_test(tcase, wrong_values);
    tcase_add_test(tcase, they_travel_as_systemd_wants_them);
    return fleet_test_main(suite);
}
