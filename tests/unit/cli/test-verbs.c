/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/verbs.h"

#include "cli/cli.h"
#include "lib/main.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const all[] = {"list", "get-info", "register", "update", "set-status", "heartbeat", "unregister",
        "initiate-action", "initiate-actions", "cancel-action", "action-status", "poll-action", "list-actions",
        "history", "audit", "monitor", "status", "reload", "help"};

START_TEST(verbs_are_there_and_in_the_help)
{
    g_autofree char *help = fleet_verbs_help();

    for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
        g_autoptr(GError) error = NULL;
        const FleetCliVerb *verb = fleet_cli_verb_lookup(all[i], &error);
        g_autofree char *line = g_strdup_printf("\n  %s ", all[i]);

        fleet_test_assert_no_error(error);
        ck_assert_str_eq(verb->name, all[i]);
        fleet_test_assert_contains(help, line);
    }
}
END_TEST

START_TEST(help_fits_a_usual_terminal)
{
    g_autofree char *help = fleet_verbs_help();
    g_auto(GStrv) lines = g_strsplit(help, "\n", -1);

    for (guint i = 0; lines[i] != NULL; i++)
        if (strlen(lines[i]) > 100)
            fleet_test_fail("too long: %s", lines[i]);
}
END_TEST

START_TEST(help_names_every_option)
{
    g_autofree char *help = fleet_verbs_help();

    for (guint bit = FLEET_OPTION_NAME; bit < FLEET_OPTION_LAST_; bit <<= 1)
        fleet_test_assert_contains(help, fleet_option_name(bit));
}
END_TEST

START_TEST(unknown_verbs_are_named)
{
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(fleet_cli_verb_lookup("lists", &error));
    fleet_test_assert_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE);
    fleet_test_assert_contains(error->message, "'lists'");
}
END_TEST

static void assert_checked(const char *name, guint n, guint given, const char *message)
{
    g_autoptr(FleetCliOptions) options = fleet_cli_options_new();
    g_autoptr(GError) error = NULL;
    const FleetCliVerb *verb = fleet_cli_verb_lookup(name, &error);

    fleet_test_assert_no_error(error);
    options->given = given;
    if (message == NULL) {
        ck_assert(fleet_cli_verb_check(verb, n, options, &error));
        return;
    }
    ck_assert(!fleet_cli_verb_check(verb, n, options, &error));
    fleet_test_assert_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE);
    fleet_test_assert_contains(error->message, message);
}

START_TEST(arguments_are_counted)
{
    assert_checked("list", 0, 0, NULL);
    assert_checked("list", 1, 0, "too many arguments: it is 'list'");
    assert_checked("set-status", 2, 0, NULL);
    assert_checked("set-status", 1, 0, "too few arguments: it is 'set-status DEVICE STATUS'");
    assert_checked("set-status", 3, 0, "too many arguments");
    assert_checked("initiate-actions", 1, 0, "too few arguments: it is 'initiate-actions TYPE DEVICE...'");
    assert_checked("initiate-actions", 5000, 0, NULL);
    assert_checked("heartbeat", 0, 0, "too few arguments: it is 'heartbeat DEVICE...'");
    assert_checked("heartbeat", 5000, 0, NULL);
}
END_TEST

START_TEST(options_belong_to_verbs)
{
    assert_checked("register", 1, FLEET_OPTION_NAME | FLEET_OPTION_TYPE | FLEET_OPTION_STATUS, NULL);
    assert_checked("poll-action", 1, FLEET_OPTION_INTERVAL, NULL);
    assert_checked("poll-action", 1, FLEET_OPTION_PARAMS, "'poll-action' takes no option '--params'");
    assert_checked("register", 1, FLEET_OPTION_DRIVER | FLEET_OPTION_ADDRESS, NULL);
    assert_checked("update", 1, FLEET_OPTION_NAME | FLEET_OPTION_TYPE | FLEET_OPTION_ADDRESS, NULL);
    assert_checked("update", 1, FLEET_OPTION_STATUS, "'update' takes no option '--status'");
    assert_checked("update", 1, FLEET_OPTION_DRIVER, "'update' takes no option '--driver'");
    assert_checked("cancel-action", 1, FLEET_OPTION_FORCE | FLEET_OPTION_WAIT, NULL);
    assert_checked("cancel-action", 1, FLEET_OPTION_PRIORITY, "takes no option '--priority'");
    assert_checked("initiate-action", 2, FLEET_OPTION_REQUEST_ID | FLEET_OPTION_WAIT, NULL);
    /* One id cannot stand for several actions. */
    assert_checked("initiate-actions", 2, FLEET_OPTION_REQUEST_ID, "takes no option '--request-id'");
    assert_checked("initiate-actions", 2, FLEET_OPTION_IF_BUSY | FLEET_OPTION_RETRY, NULL);
    assert_checked("audit", 0, FLEET_OPTION_LIMIT, NULL);
    assert_checked("audit", 0, FLEET_OPTION_DEVICE, "takes no option '--device'");
    assert_checked("history", 1, FLEET_OPTION_LIMIT, "takes no option '--limit'");
}
END_TEST

/* Runs fleetctl within this process, with stdout and stderr into a file; gives its exit status. */
static int run(const char *line, char **text)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "output", NULL);
    g_auto(GStrv) argv = NULL;
    int argc, saved_out = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO);
    int fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);

    ck_assert(g_shell_parse_argv(line, &argc, &argv, NULL));
    fflush(stdout);
    ck_assert_int_ge(dup2(fd, STDOUT_FILENO), 0);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    int status = fleet_cli_main(argc, argv);
    fflush(stdout);
    fflush(stderr);
    ck_assert_int_ge(dup2(saved_out, STDOUT_FILENO), 0);
    ck_assert_int_ge(dup2(saved_err, STDERR_FILENO), 0);
    *text = fleet_test_read(path);
    return status;
}

static void assert_run(const char *line, int expected, const char *part)
{
    g_autofree char *text = NULL;
    int status = run(line, &text);

    if (status != expected)
        fleet_test_fail("'%s' exits with %d rather than %d: %s", line, status, expected, text);
    fleet_test_assert_contains(text, part);
}

START_TEST(exit_statuses)
{
    setenv("LC_ALL", "C", 1);
    assert_run("fleetctl --help", FLEET_CLI_EXIT_DONE, "Usage: fleetctl");
    assert_run("fleetctl help", FLEET_CLI_EXIT_DONE, "Usage: fleetctl");
    assert_run("fleetctl --version", FLEET_CLI_EXIT_DONE, "fleetctl ");
    assert_run("fleetctl bogus", FLEET_CLI_EXIT_USAGE, "error: verb 'bogus' is unknown; see 'fleetctl --help'");
    assert_run("fleetctl --bogus", FLEET_CLI_EXIT_USAGE, "see 'fleetctl --help'");
    assert_run("fleetctl get-info", FLEET_CLI_EXIT_USAGE, "get-info DEVICE");
    assert_run("fleetctl initiate-action r X --not-before=soon", FLEET_CLI_EXIT_USAGE,
            "--not-before: 'soon' is not a time");
}
END_TEST

START_TEST(no_bus_is_unreachable)
{
    setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/system", 1);
    setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/session", 1);
    assert_run("fleetctl", FLEET_CLI_EXIT_UNREACHABLE, "cannot connect to the system bus: No such file");
    assert_run("fleetctl --user list", FLEET_CLI_EXIT_UNREACHABLE, "cannot connect to the session bus: No such file");
    assert_run("fleetctl --address=unix:path=/nonexistent/x status", FLEET_CLI_EXIT_UNREACHABLE,
            "cannot connect to 'unix:path=/nonexistent/x': No such file");
    assert_run("fleetctl --address=somewhere status", FLEET_CLI_EXIT_UNREACHABLE, "no D-Bus address");
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    unsetenv("XDG_RUNTIME_DIR");
    assert_run("fleetctl --user list", FLEET_CLI_EXIT_UNREACHABLE, "DBUS_SESSION_BUS_ADDRESS");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-verbs");
    TCase *tcase = fleet_test_case(suite, "verbs");

    tcase_add_test(tcase, verbs_are_there_and_in_the_help);
    tcase_add_test(tcase, help_fits_a_usual_terminal);
    tcase_add_test(tcase, help_names_every_option);
    tcase_add_test(tcase, unknown_verbs_are_named);
    tcase_add_test(tcase, arguments_are_counted);
    tcase_add_test(tcase, options_belong_to_verbs);
    tcase_add_test(tcase, exit_statuses);
    tcase_add_test(tcase, no_bus_is_unreachable);
    return fleet_test_main(suite);
}
