/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The small texts of the driver "remote-bus": greetings, plans, and which action leads to which of them.
 */

#include "base/clock.h"
#include "base/error.h"
#include "drivers/remote_bus/greeting.h"
#include "drivers/remote_bus/plan.h"
#include "drivers/remote_bus/remote_bus.h"
#include "drivers_test.h"
#include "lib/main.h"

#include <string.h>

#define BOOT "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"

START_TEST(greetings)
{
    static const struct {
        const char *text;
        FleetRemoteGreeting greeting;
        gint64 uptime; /* ms */
    } cases[] = {
            {BOOT "\n24136.73 17157.11\n", FLEET_REMOTE_GREETING_WHOLE, 24136730},
            {BOOT "\r\n0.00 0.00\r\n", FLEET_REMOTE_GREETING_WHOLE, 0},
            {"Welcome\n\n" BOOT "\n5.50 1.00\n", FLEET_REMOTE_GREETING_WHOLE, 5500},
            {"", FLEET_REMOTE_GREETING_PART, 0},
            {"Welcome", FLEET_REMOTE_GREETING_PART, 0},
            {BOOT, FLEET_REMOTE_GREETING_PART, 0},
            {BOOT "\n24136.73 17157.11", FLEET_REMOTE_GREETING_PART, 0},
            {BOOT "\nsome line\n", FLEET_REMOTE_GREETING_WRONG, 0},
            {BOOT "\n-1 0\n", FLEET_REMOTE_GREETING_WRONG, 0},
            {BOOT "\nnan 0\n", FLEET_REMOTE_GREETING_WRONG, 0},
            {BOOT "\n0x10 0\n", FLEET_REMOTE_GREETING_WRONG, 0},
            {BOOT "\n99999999999999999999 0\n", FLEET_REMOTE_GREETING_WRONG, 0},
            {BOOT "\n1.00 1.00\nmore", FLEET_REMOTE_GREETING_WRONG, 0},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        FleetRemoteBoot boot = {.id = "none"};
        FleetRemoteGreeting greeting = fleet_remote_greeting_read(cases[i].text, strlen(cases[i].text), &boot);

        if (greeting != cases[i].greeting)
            fleet_test_fail("'%s' is %d", cases[i].text, greeting);
        if (greeting == FLEET_REMOTE_GREETING_WHOLE) {
            ck_assert_str_eq(boot.id, BOOT);
            ck_assert_int_eq(boot.uptime / FLEET_USEC_PER_MSEC, cases[i].uptime);
        }
    }
}
END_TEST

START_TEST(a_greeting_without_end)
{
    g_autofree char *text = g_strnfill(FLEET_REMOTE_GREETING_MAX, 'x');
    FleetRemoteBoot boot;

    ck_assert_int_eq(
            fleet_remote_greeting_read(text, FLEET_REMOTE_GREETING_MAX - 1, &boot), FLEET_REMOTE_GREETING_PART);
    ck_assert_int_eq(fleet_remote_greeting_read(text, FLEET_REMOTE_GREETING_MAX, &boot), FLEET_REMOTE_GREETING_WRONG);
}
END_TEST

START_TEST(this_machine)
{
    g_autofree char *id = fleet_test_read("/proc/sys/kernel/random/boot_id");
    g_autoptr(GError) error = NULL;
    FleetRemoteBoot boot;

    ck_assert(fleet_remote_greeting_local(&boot, &error));
    ck_assert_str_eq(boot.id, g_strchomp(id));
    ck_assert_int_gt(boot.uptime, 0);
}
END_TEST

START_TEST(plans_are_read_back)
{
    FleetRemotePlan plans[] = {
            {.kind = FLEET_REMOTE_PROGRAM},
            {.kind = FLEET_REMOTE_REBOOT},
            {.kind = FLEET_REMOTE_REBOOT, .boot = BOOT},
            {.kind = FLEET_REMOTE_RAUC},
    };

    fleet_remote_plan_draw_unit(&plans[0], G_MAXINT64, G_MAXUINT);
    for (guint i = 0; i < G_N_ELEMENTS(plans); i++) {
        g_autofree char *text = fleet_remote_plan_format(&plans[i]);
        FleetRemotePlan read;

        ck_assert(fleet_remote_plan_parse(text, &read));
        ck_assert_int_eq(read.kind, plans[i].kind);
        ck_assert_str_eq(read.unit, plans[i].unit);
        ck_assert_str_eq(read.boot, plans[i].boot);
    }
}
END_TEST

START_TEST(no_unit_is_drawn_twice)
{
    FleetRemotePlan one, two;

    fleet_remote_plan_draw_unit(&one, 12, 3);
    fleet_remote_plan_draw_unit(&two, 12, 3);
    fleet_test_assert_matches(one.unit, "^fleet-action-12-3-[0-9a-f]{16}\\.service$");
    ck_assert_str_ne(one.unit, two.unit);
}
END_TEST

START_TEST(wrong_plans)
{
    static const char *const cases[] = {"", "program", "program unit=", "program unit=sshd.service",
            "program unit=fleet-action-1/../x.service", "program unit=fleet-action-1-1-0.service x", "reboot",
            "reboot boot=x", "rauc x", "token=1234"};
    FleetRemotePlan plan;

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        if (fleet_remote_plan_parse(cases[i], &plan))
            fleet_test_fail("'%s' was taken", cases[i]);
}
END_TEST

static FleetTestDriver *new_driver(const char *address, const char *group)
{
    FleetTestDriver *test = fleet_test_driver_new(&fleet_remote_bus_driver_class);
    g_autoptr(FleetRemoteSettings) settings = fleet_remote_settings_new();

    test->address = address;
    if (group != NULL) {
        FleetProgram *program = fleet_remote_settings_add_program(settings, group, NULL);
        ck_assert(fleet_program_set(program, "Exec", "/bin/true", NULL));
    }
    fleet_remote_bus_driver_configure(test->driver, settings);
    return test;
}

START_TEST(what_is_planned)
{
    static const struct {
        const char *address, *group, *type;
        const char *parameters[3];
        const char *plan;
    } cases[] = {
            {"host", NULL, "SYSTEM_REBOOT", {NULL}, "^reboot boot=$"},
            {"local", NULL, "SYSTEM_REBOOT", {NULL}, "^reboot boot=[0-9a-f-]{36}$"},
            {"host", "RemoteBus SOFTWARE_UPDATE", "SOFTWARE_UPDATE", {NULL},
                    "^program unit=fleet-action-1-1-[0-9a-f]{16}\\.service$"},
            {"host", "RemoteBus FIRMWARE_UPDATE", "FIRMWARE_UPDATE", {NULL}, "^program unit="},
            {NULL, NULL, "FIRMWARE_UPDATE", {"url", "https://example.net/a.raucb", NULL}, "^rauc$"},
            {"local", NULL, "FIRMWARE_UPDATE", {"path", "/a.raucb", NULL}, "^rauc$"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FleetTestDriver) test = new_driver(cases[i].address, cases[i].group);
        FleetTestAttempt *attempt = fleet_test_attempt_new(test, 1, 1, cases[i].type, cases[i].parameters);
        g_autoptr(GError) error = NULL;

        fleet_test_attempt_plan(test, attempt, &error);
        fleet_test_assert_no_error(error);
        fleet_test_assert_matches(attempt->action->plan, cases[i].plan);
    }
}
END_TEST

START_TEST(what_is_not_done)
{
    static const struct {
        const char *address, *device, *type;
        const char *parameters[5];
        const char *message;
    } cases[] = {
            {"host", NULL, "SOFTWARE_UPDATE", {NULL},
                    "has no program for SOFTWARE_UPDATE on devices of the type 'router'; add a group [RemoteBus router "
                    "SOFTWARE_UPDATE]"},
            {"host", NULL, "X", {NULL}, "has no program for X"},
            {"host", NULL, "FIRMWARE_UPDATE", {NULL}, "give the bundle as the parameter 'url'"},
            {"host", NULL, "FIRMWARE_UPDATE", {"url", "https://x", "path", "/x", NULL}, "give the bundle"},
            {"host", NULL, "FIRMWARE_UPDATE", {"url", "x", NULL}, "'url' is not a URL"},
            {"host", NULL, "FIRMWARE_UPDATE", {"path", "x", NULL}, "'path' is not an absolute path"},
            {NULL, "router 1", "SYSTEM_REBOOT", {NULL},
                    "device 'router 1' cannot be reached: 'router 1' is not the address"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FleetTestDriver) test = new_driver(cases[i].address, NULL);
        if (cases[i].device != NULL)
            test->device_id = cases[i].device;
        FleetTestAttempt *attempt = fleet_test_attempt_new(test, 1, 1, cases[i].type, cases[i].parameters);
        g_autoptr(GError) error = NULL;

        ck_assert(!fleet_test_attempt_plan(test, attempt, &error));
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED);
        fleet_test_assert_contains(error->message, cases[i].message);
    }
}
END_TEST

START_TEST(a_plan_of_another_driver)
{
    g_autoptr(FleetTestDriver) test = new_driver("host", NULL);
    FleetTestAttempt *attempt = fleet_test_attempt_new(test, 1, 1, "SYSTEM_REBOOT", NULL);

    fleet_action_set_text(&attempt->action->plan, "token=0123");
    fleet_test_attempt_reattach(test, attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_UNCERTAIN);
    ck_assert_str_eq(attempt->message, "its stored plan cannot be read");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("remote-plan");
    TCase *tcase = fleet_test_case(suite, "remote-plan");

    tcase_add_test(tcase, greetings);
    tcase_add_test(tcase, a_greeting_without_end);
    tcase_add_test(tcase, this_machine);
    tcase_add_test(tcase, plans_are_read_back);
    tcase_add_test(tcase, no_unit_is_drawn_twice);
    tcase_add_test(tcase, wrong_plans);
    tcase_add_test(tcase, what_is_planned);
    tcase_add_test(tcase, what_is_not_done);
    tcase_add_test(tcase, a_plan_of_another_driver);
    return fleet_test_main(suite);
}
