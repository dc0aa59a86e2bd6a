/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/program/environment.h"
#include "drivers_test.h"
#include "lib/main.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A class that is asked for nothing but its name. */
static FleetDriver *create(const FleetDriverHost *host, gpointer host_data)
{
    return g_new0(FleetDriver, 1);
}

static void destroy(FleetDriver *driver)
{
    g_free(driver);
}

static void release(FleetDriver *driver, FleetAttempt *attempt)
{
    attempt->data = NULL;
}

static const FleetDriverClass class = {.name = "none", .create = create, .destroy = destroy, .release = release};

static void expect(char *const *environment, const char *assignment)
{
    if (!g_strv_contains((const char *const *)environment, assignment)) {
        g_autofree char *all = g_strjoinv("\n", (char **)environment);
        fleet_test_fail("'%s' is missing in:\n%s", assignment, all);
    }
}

START_TEST(what_a_program_is_told)
{
    g_autoptr(FleetTestDriver) test = fleet_test_driver_new(&class);
    FleetTestAttempt *attempt = fleet_test_attempt_new(
            test, 7, 2, "SOFTWARE_UPDATE", (const char *const[]){"image", "a=b", "note", "two\nlines", NULL});
    g_auto(GStrv) environment = fleet_program_environment(&attempt->attempt);

    expect(environment, "FLEET_DEVICE_ID=router-1");
    expect(environment, "FLEET_DEVICE_NAME=Router One");
    expect(environment, "FLEET_DEVICE_TYPE=router");
    expect(environment, "FLEET_ACTION_ID=action_1700000000000_7");
    expect(environment, "FLEET_ACTION_TYPE=SOFTWARE_UPDATE");
    expect(environment, "FLEET_ATTEMPT=2");
    expect(environment, "FLEET_PARAMS_FD=0");
    expect(environment, "FLEET_PARAM_IMAGE=a=b");
    expect(environment, "FLEET_PARAM_NOTE=two\nlines");
    ck_assert_uint_eq(g_strv_length(environment), 9);
}
END_TEST

START_TEST(names_are_made_fit_and_the_first_of_a_kind_wins)
{
    g_autoptr(FleetTestDriver) test = fleet_test_driver_new(&class);
    FleetTestAttempt *attempt = fleet_test_attempt_new(test, 1, 1, "X",
            (const char *const[]){
                    "a-b", "minus", "a.b", "dot", "A_B", "upper", "ümlaut", "u", "=x", "e", "1", "one", NULL});
    g_auto(GStrv) environment = fleet_program_environment(&attempt->attempt);

    /* In the order of the keys, "A_B" comes before "a-b" and "a.b". */
    expect(environment, "FLEET_PARAM_A_B=upper");
    expect(environment, "FLEET_PARAM__MLAUT=u");
    expect(environment, "FLEET_PARAM__X=e");
    expect(environment, "FLEET_PARAM_1=one");
    ck_assert_uint_eq(g_strv_length(environment), 7 + 4);
}
END_TEST

START_TEST(little_of_our_own_environment_is_passed_on)
{
    char *const own[] = {(char *)"FLEET_X=1", NULL};

    g_setenv("NOTIFY_SOCKET", "/x", TRUE);
    g_setenv("SECRET", "s", TRUE);
    g_setenv("LANG", "C.UTF-8", TRUE);
    g_setenv("PATH", "/usr/bin:/bin", TRUE);
    g_auto(GStrv) full = fleet_program_environment_full(own);

    expect(full, "PATH=/usr/bin:/bin");
    expect(full, "LANG=C.UTF-8");
    expect(full, "FLEET_X=1");
    for (guint i = 0; full[i] != NULL; i++)
        ck_assert(!g_str_has_prefix(full[i], "NOTIFY_SOCKET") && !g_str_has_prefix(full[i], "SECRET"));
    g_unsetenv("PATH");
    g_auto(GStrv) without = fleet_program_environment_full(own);
    expect(without, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}
END_TEST

START_TEST(a_file_for_systemd)
{
    char *const environment[] = {
            (char *)"A=plain", (char *)"B=say \"$x\" `y` \\z", (char *)"C=two\nlines", (char *)"D=", NULL};
    g_autofree char *text = fleet_program_environment_file(environment);

    ck_assert_str_eq(text, "A=\"plain\"\nB=\"say \\\"\\$x\\\" \\`y\\` \\\\z\"\nC=\"two\nlines\"\nD=\"\"\n");
}
END_TEST

START_TEST(parameters_as_json)
{
    g_autoptr(FleetParameters) none = fleet_parameters_new_empty();
    g_autoptr(FleetParameters) some =
            fleet_parameters_new((const char *const[]){"b", "\"q\" \\ \n\x01", "a", "ü"}, 2, NULL);
    g_autofree char *empty = fleet_program_parameters_json(none);
    g_autofree char *full = fleet_program_parameters_json(some);

    ck_assert_str_eq(empty, "{}\n");
    ck_assert_str_eq(full, "{\"a\": \"ü\", \"b\": \"\\\"q\\\" \\\\ \\u000a\\u0001\"}\n");
}
END_TEST

START_TEST(a_sealed_file_is_read_and_not_written)
{
    char buffer[16];
    int fd = fleet_program_sealed_file("text\n", NULL);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(read(fd, buffer, sizeof(buffer)), 5);
    ck_assert_int_eq(memcmp(buffer, "text\n", 5), 0);
    ck_assert_int_lt(write(fd, "x", 1), 0);
    ck_assert_int_eq(errno, EPERM);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("environment");
    TCase *tcase = fleet_test_case(suite, "environment");

    tcase_add_test(tcase, what_a_program_is_told);
    tcase_add_test(tcase, names_are_made_fit_and_the_first_of_a_kind_wins);
    tcase_add_test(tcase, little_of_our_own_environment_is_passed_on);
    tcase_add_test(tcase, a_file_for_systemd);
    tcase_add_test(tcase, parameters_as_json);
    tcase_add_test(tcase, a_sealed_file_is_read_and_not_written);
    return fleet_test_main(suite);
}
