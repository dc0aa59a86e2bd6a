/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/clock.h"
#include "base/error.h"
#include "drivers/command/settings.h"
#include "lib/main.h"

static FleetProgram *add(FleetCommandSettings *settings, const char *group)
{
    g_autoptr(GError) error = NULL;
    FleetProgram *program = fleet_programs_add(settings->programs, group, &error);

    fleet_test_assert_no_error(error);
    return program;
}

static void set(FleetProgram *program, const char *key, const char *value)
{
    g_autoptr(GError) error = NULL;

    if (!fleet_program_set(program, key, value, &error))
        fleet_test_fail("%s=%s: %s", key, value, error->message);
}

START_TEST(groups_name_types)
{
    g_autoptr(FleetCommandSettings) settings = fleet_command_settings_new();
    const FleetProgram *any = add(settings, "Command SOFTWARE_UPDATE");
    const FleetProgram *router = add(settings, "Command router SOFTWARE_UPDATE");
    const FleetProgram *two = add(settings, "Command big router SOFTWARE_UPDATE");

    ck_assert_str_eq(any->device_type, "*");
    ck_assert_str_eq(any->action_type, "SOFTWARE_UPDATE");
    ck_assert_str_eq(router->device_type, "router");
    ck_assert_str_eq(two->device_type, "big router");
    ck_assert_ptr_eq(add(settings, "Command router SOFTWARE_UPDATE"), router);
    ck_assert_uint_eq(settings->programs->list->len, 3);
}
END_TEST

START_TEST(groups_that_are_none)
{
    static const char *const groups[] = {"Command", "Command ", "Command router", "Command router ", "Command  X",
            "Command router update", "Commander X", "Command router 1X"};
    g_autoptr(FleetCommandSettings) settings = fleet_command_settings_new();

    for (guint i = 0; i < G_N_ELEMENTS(groups); i++) {
        g_autoptr(GError) error = NULL;

        if (fleet_programs_add(settings->programs, groups[i], &error) != NULL)
            fleet_test_fail("[%s] was taken", groups[i]);
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
        fleet_test_assert_contains(error->message, "[Command SOFTWARE_UPDATE]");
    }
    ck_assert_uint_eq(settings->programs->list->len, 0);
}
END_TEST

START_TEST(keys)
{
    g_autoptr(FleetCommandSettings) settings = fleet_command_settings_new();
    FleetProgram *program = add(settings, "Command X");

    ck_assert_int_eq(program->kill_timeout, FLEET_PROGRAM_KILL_TIMEOUT);
    set(program, "Exec", "/usr/bin/update --all 'a b'");
    set(program, "KillTimeout", "1min");
    set(program, "User", "runner");
    set(program, "MemoryMax", "1G");
    set(program, "User", "other");
    ck_assert(g_strv_equal(
            (const char *const *)program->argv, (const char *const[]){"/usr/bin/update", "--all", "a b", NULL}));
    ck_assert_int_eq(program->kill_timeout, 60 * FLEET_USEC_PER_SEC);
    ck_assert_uint_eq(program->properties->len, 4);
    ck_assert_str_eq(g_ptr_array_index(program->properties, 0), "MemoryMax");
    ck_assert_str_eq(g_ptr_array_index(program->properties, 3), "other");
    set(program, "MemoryMax", "");
    ck_assert_uint_eq(program->properties->len, 2);
}
END_TEST

START_TEST(keys_that_are_wrong)
{
    static const char *const cases[][3] = {{"Exec", "", "is empty"}, {"Exec", "bin/x", "absolute path"},
            {"Exec", "''", "absolute path"}, {"Exec", "/bin/sh 'x", "closing"}, {"KillTimeout", "soon", "time span"},
            {"User", "a b", "use a word"}, {"Executable", "/x", "use one of Exec, KillTimeout, User"}};
    g_autoptr(FleetCommandSettings) settings = fleet_command_settings_new();
    FleetProgram *program = add(settings, "Command X");

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        if (fleet_program_set(program, cases[i][0], cases[i][1], &error))
            fleet_test_fail("%s=%s was taken", cases[i][0], cases[i][1]);
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
        fleet_test_assert_contains(error->message, cases[i][2]);
    }
}
END_TEST

START_TEST(each_program_needs_an_exec)
{
    g_autoptr(FleetCommandSettings) settings = fleet_command_settings_new();
    g_autoptr(GError) error = NULL;

    ck_assert(fleet_programs_check(settings->programs, NULL));
    set(add(settings, "Command X"), "Exec", "true");
    ck_assert(fleet_programs_check(settings->programs, NULL));
    set(add(settings, "Command router X"), "Nice", "5");
    ck_assert(!fleet_programs_check(settings->programs, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, "[Command router X] lacks the key 'Exec'");
}
END_TEST

START_TEST(the_very_type_comes_before_any)
{
    g_autoptr(FleetCommandSettings) settings = fleet_command_settings_new();
    const FleetProgram *any = add(settings, "Command X");
    const FleetProgram *router = add(settings, "Command router X");

    ck_assert_ptr_eq(fleet_programs_lookup(settings->programs, "router", "X"), router);
    ck_assert_ptr_eq(fleet_programs_lookup(settings->programs, "sensor", "X"), any);
    ck_assert_ptr_eq(fleet_programs_lookup(settings->programs, "", "X"), any);
    ck_assert_ptr_null(fleet_programs_lookup(settings->programs, "router", "Y"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings");
    TCase *tcase = fleet_test_case(suite, "settings");

    tcase_add_test(tcase, groups_name_types);
    tcase_add_test(tcase, groups_that_are_none);
    tcase_add_test(tcase, keys);
    tcase_add_test(tcase, keys_that_are_wrong);
    tcase_add_test(tcase, each_program_needs_an_exec);
    tcase_add_test(tcase, the_very_type_comes_before_any);
    return fleet_test_main(suite);
}
