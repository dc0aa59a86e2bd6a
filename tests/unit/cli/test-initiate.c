/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/initiate.h"

#include "cli/poll.h"
#include "lib/main.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The options of a call for such a command line, as JSON. Owned by the caller. */
static char *appended(const char *line)
{
    g_autofree char *whole = g_strconcat("fleetctl initiate-action r X ", line, NULL);
    g_autoptr(FleetCliOptions) options = NULL;
    g_autoptr(sd_bus_message) message = NULL;
    g_autoptr(JsonNode) node = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) argv = NULL;
    sd_bus *bus;
    int argc, fds[2];

    ck_assert(g_shell_parse_argv(whole, &argc, &argv, NULL));
    options = fleet_cli_options_parse(argc, argv, &error);
    fleet_test_assert_no_error(error);

    /* A message can be made only for a bus that was started; nobody needs to be at its other end. */
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    ck_assert_int_ge(sd_bus_new(&bus), 0);
    ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
    ck_assert_int_ge(sd_bus_start(bus), 0);
    ck_assert_int_ge(sd_bus_message_new_method_call(bus, &message, NULL, "/a", "a.b", "C"), 0);
    ck_assert_int_ge(fleet_initiate_append_options(message, options), 0);
    ck_assert_int_ge(sd_bus_message_seal(message, 1, 0), 0);
    ck_assert_str_eq(sd_bus_message_get_signature(message, TRUE), "a{sv}");
    node = fleet_json_read(message, &error);
    fleet_test_assert_no_error(error);
    sd_bus_close(bus);
    sd_bus_unref(bus);
    close(fds[1]);
    return fleet_json_to_text(node, FALSE);
}

static void assert_appended(const char *line, const char *expected)
{
    g_autofree char *json = appended(line);

    ck_assert_str_eq(json, expected);
}

START_TEST(only_what_is_given_is_sent)
{
    assert_appended("", "{}");
    assert_appended("--wait --interval=1 --params a=1", "{}");
    assert_appended("--if-busy=queue", "{\"IfBusy\":\"queue\"}");
    assert_appended("--priority=-7", "{\"Priority\":-7}");
    /* What says the default all the same says it: the configuration may have another. */
    assert_appended("--priority 0 --timeout=0 --retry=0", "{\"Priority\":0,\"Timeout\":0,\"MaxAttempts\":1}");
}
END_TEST

START_TEST(everything_is_sent)
{
    setenv("TZ", "UTC", 1);
    tzset();
    assert_appended("--if-busy=replace --not-before='2024-01-15 10:30' --start-deadline=2024-01-16 --timeout=1h "
                    "--step-timeout=30 --retry=3 --retry-delay=500ms --request-id='a b'",
            "{\"IfBusy\":\"replace\",\"NotBefore\":1705314600000000,\"StartDeadline\":1705363200000000,"
            "\"Timeout\":3600000000,\"StepTimeout\":30000000,\"MaxAttempts\":4,\"RetryDelay\":500000,"
            "\"RequestId\":\"a b\"}");
}
END_TEST

START_TEST(who_does_not_wait_needs_no_interval)
{
    g_autoptr(FleetCliOptions) options = fleet_cli_options_new();
    g_autoptr(GError) error = NULL;

    ck_assert(fleet_poll_check_options(options, &error));
    options->given = FLEET_OPTION_WAIT | FLEET_OPTION_INTERVAL;
    ck_assert(fleet_poll_check_options(options, &error));
    options->given = FLEET_OPTION_INTERVAL;
    ck_assert(!fleet_poll_check_options(options, &error));
    fleet_test_assert_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE);
    fleet_test_assert_contains(error->message, "--wait");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-initiate");
    TCase *tcase = fleet_test_case(suite, "initiate");

    tcase_add_test(tcase, only_what_is_given_is_sent);
    tcase_add_test(tcase, everything_is_sent);
    tcase_add_test(tcase, who_does_not_wait_needs_no_interval);
    return fleet_test_main(suite);
}
