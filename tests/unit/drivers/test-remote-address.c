/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "drivers/remote_bus/address.h"
#include "lib/main.h"

START_TEST(right_ones)
{
    static const struct {
        const char *text;
        FleetRemoteAddress address;
    } cases[] = {
            {"local", {.local = TRUE}},
            {"router", {.host = (char *)"router"}},
            {"local:22", {.host = (char *)"local", .port = 22}},
            {"root@local", {.user = (char *)"root", .host = (char *)"local"}},
            {"192.0.2.7:2222", {.host = (char *)"192.0.2.7", .port = 2222}},
            {"operator@router-1.example.net:65535",
                    {.user = (char *)"operator", .host = (char *)"router-1.example.net", .port = 65535}},
            {"[2001:db8::1]", {.host = (char *)"2001:db8::1"}},
            {"a.b_c-d@[fe80::1%eth0]:22", {.user = (char *)"a.b_c-d", .host = (char *)"fe80::1%eth0", .port = 22}},
            {"_gateway", {.host = (char *)"_gateway"}},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(FleetRemoteAddress) address = {0};
        g_autoptr(GError) error = NULL;

        if (!fleet_remote_address_parse(cases[i].text, &address, &error))
            fleet_test_fail("'%s': %s", cases[i].text, error->message);
        ck_assert_int_eq(address.local, cases[i].address.local);
        ck_assert_pstr_eq(address.user, cases[i].address.user);
        ck_assert_pstr_eq(address.host, cases[i].address.host);
        ck_assert_uint_eq(address.port, cases[i].address.port);
    }
}
END_TEST

/* Among them all that ssh or a shell would make something else of. */
START_TEST(wrong_ones)
{
    static const char *const cases[] = {"", " ", "@", "@host", "user@", "user@@host", "-oProxyCommand=id", "-l@host",
            "user@-host", "-user@host", "host name", "host;id", "host|id", "$(id)", "`id`", "host\n", "host'", "ho\"st",
            "ho*st", "host:0", "host:65536", "host:-1", "host:22:22", "host:", "host:ssh", "2001:db8::1",
            "[2001:db8::1", "[2001:db8::1]x", "[router]", "[]", "[fe80::1%]", "[fe80::1%-e]", "[fe80::1%a b]",
            "[::1]:0", ".host", "ho/st", "us er@host", "us;er@host", "ssh://host", "h\xc3\xb6st", "%h", "~",
            "user%h@host"};
    g_autofree char *long_name = g_strnfill(254, 'a');

    for (guint i = 0; i <= G_N_ELEMENTS(cases); i++) {
        const char *text = i < G_N_ELEMENTS(cases) ? cases[i] : long_name;
        g_auto(FleetRemoteAddress) address = {0};
        g_autoptr(GError) error = NULL;

        if (fleet_remote_address_parse(text, &address, &error))
            fleet_test_fail("'%s' was taken", text);
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
        fleet_test_assert_contains(error->message, "use [user@]host[:port]");
        ck_assert_ptr_null(address.host);
        ck_assert_ptr_null(address.user);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("remote-address");
    TCase *tcase = fleet_test_case(suite, "remote-address");

    tcase_add_test(tcase, right_ones);
    tcase_add_test(tcase, wrong_ones);
    return fleet_test_main(suite);
}
