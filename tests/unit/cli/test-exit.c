/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/exit.h"

#include "base/error.h"
#include "lib/main.h"

static void assert_exits(const char *name, FleetCliExit expected)
{
    FleetCliExit got = fleet_cli_exit_from_error_name(name);

    if (got != expected)
        fleet_test_fail("'%s' exits with %d rather than %d", name, (int)got, (int)expected);
}

START_TEST(errors_of_the_api)
{
    for (guint code = 0; code < FLEET_ERROR_LAST_; code++) {
        FleetCliExit expected = FLEET_CLI_EXIT_FAILED;

        if (code == FLEET_ERROR_DEVICE_NOT_FOUND || code == FLEET_ERROR_ACTION_NOT_FOUND)
            expected = FLEET_CLI_EXIT_NOT_FOUND;
        if (code == FLEET_ERROR_ACCESS_DENIED)
            expected = FLEET_CLI_EXIT_DENIED;
        if (code == FLEET_ERROR_SHUTTING_DOWN)
            expected = FLEET_CLI_EXIT_UNREACHABLE;
        assert_exits(fleet_error_name(code), expected);
    }
}
END_TEST

START_TEST(errors_of_the_bus)
{
    assert_exits("org.freedesktop.DBus.Error.AccessDenied", FLEET_CLI_EXIT_DENIED);
    assert_exits("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", FLEET_CLI_EXIT_DENIED);
    assert_exits("org.freedesktop.DBus.Error.ServiceUnknown", FLEET_CLI_EXIT_UNREACHABLE);
    assert_exits("org.freedesktop.DBus.Error.NameHasNoOwner", FLEET_CLI_EXIT_UNREACHABLE);
    assert_exits("org.freedesktop.DBus.Error.NoReply", FLEET_CLI_EXIT_UNREACHABLE);
    assert_exits("org.freedesktop.DBus.Error.Disconnected", FLEET_CLI_EXIT_UNREACHABLE);
    assert_exits("org.freedesktop.DBus.Error.Timeout", FLEET_CLI_EXIT_UNREACHABLE);
    assert_exits("org.freedesktop.DBus.Error.Spawn.ChildExited", FLEET_CLI_EXIT_UNREACHABLE);
    assert_exits("System.Error.ECONNRESET", FLEET_CLI_EXIT_UNREACHABLE);
}
END_TEST

START_TEST(all_else_is_a_failure)
{
    assert_exits("org.freedesktop.DBus.Error.InvalidArgs", FLEET_CLI_EXIT_FAILED);
    assert_exits("org.freedesktop.DBus.Error.UnknownMethod", FLEET_CLI_EXIT_FAILED);
    assert_exits("org.fleet.Error.Unheard", FLEET_CLI_EXIT_FAILED);
    assert_exits("", FLEET_CLI_EXIT_FAILED);
    ck_assert_int_eq(fleet_cli_exit_from_error_name(NULL), FLEET_CLI_EXIT_FAILED);
}
END_TEST

START_TEST(errors_carry_their_status)
{
    g_autoptr(GError) ours = g_error_new(FLEET_CLI_ERROR, FLEET_CLI_EXIT_DENIED, "no");
    g_autoptr(GError) other = g_error_new(FLEET_ERROR, FLEET_ERROR_DEVICE_BUSY, "no");

    ck_assert_int_eq(fleet_cli_exit_from_error(ours), FLEET_CLI_EXIT_DENIED);
    ck_assert_int_eq(fleet_cli_exit_from_error(other), FLEET_CLI_EXIT_FAILED);
}
END_TEST

START_TEST(numbers_are_promised)
{
    ck_assert_int_eq(FLEET_CLI_EXIT_DONE, 0);
    ck_assert_int_eq(FLEET_CLI_EXIT_FAILED, 1);
    ck_assert_int_eq(FLEET_CLI_EXIT_USAGE, 2);
    ck_assert_int_eq(FLEET_CLI_EXIT_UNREACHABLE, 3);
    ck_assert_int_eq(FLEET_CLI_EXIT_NOT_FOUND, 4);
    ck_assert_int_eq(FLEET_CLI_EXIT_DENIED, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-exit");
    TCase *tcase = fleet_test_case(suite, "exit");

    tcase_add_test(tcase, errors_of_the_api);
    tcase_add_test(tcase, errors_of_the_bus);
    tcase_add_test(tcase, all_else_is_a_failure);
    tcase_add_test(tcase, errors_carry_their_status);
    tcase_add_test(tcase, numbers_are_promised);
    return fleet_test_main(suite);
}
