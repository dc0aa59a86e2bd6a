/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/options.h"

#include "base/clock.h"
#include "cli/exit.h"
#include "lib/main.h"

#include <stdlib.h>

/* Reads a command line, written as a shell would have it. */
static FleetCliOptions *parse(const char *line, GError **error)
{
    g_autofree char *whole = g_strconcat("fleetctl ", line, NULL);
    g_auto(GStrv) argv = NULL;
    int argc;

    ck_assert(g_shell_parse_argv(whole, &argc, &argv, NULL));
    return fleet_cli_options_parse(argc, argv, error);
}

static FleetCliOptions *parse_well(const char *line)
{
    g_autoptr(GError) error = NULL;
    FleetCliOptions *options = parse(line, &error);

    fleet_test_assert_no_error(error);
    return options;
}

static void assert_list(GPtrArray *list, const char *expected)
{
    g_autoptr(GPtrArray) ended = g_ptr_array_copy(list, NULL, NULL);

    g_ptr_array_set_free_func(ended, NULL);
    g_ptr_array_add(ended, NULL);
    g_autofree char *joined = g_strjoinv("|", (char **)ended->pdata);
    ck_assert_str_eq(joined, expected);
}

static void assert_refused(const char *line, const char *part)
{
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(parse(line, &error));
    fleet_test_assert_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE);
    fleet_test_assert_contains(error->message, part);
}

START_TEST(nothing_gives_the_defaults)
{
    g_autoptr(FleetCliOptions) options = parse_well("");

    ck_assert_int_eq(options->transport, FLEET_TRANSPORT_SYSTEM);
    ck_assert_ptr_null(options->destination);
    ck_assert_int_eq(options->json, FLEET_JSON_OFF);
    ck_assert(options->legend && options->pager && options->ask_password);
    ck_assert(!options->quiet && !options->help && !options->version);
    ck_assert_int_eq(options->interval, 2 * FLEET_USEC_PER_SEC);
    ck_assert_uint_eq(options->given, 0);
    ck_assert_uint_eq(options->words->len, 0);
}
END_TEST

START_TEST(options_stand_anywhere)
{
    static const char *const lines[] = {"--name 'Main Router' --type router --status idle register r1",
            "register --name 'Main Router' r1 --type router --status=idle",
            "register r1 --type=router --status Idle --name='Main Router'"};

    for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(FleetCliOptions) options = parse_well(lines[i]);

        assert_list(options->words, "register|r1");
        assert_list(options->statuses, "IDLE");
        assert_list(options->types, "router");
        ck_assert_str_eq(options->name, "Main Router");
        ck_assert_uint_eq(options->given, FLEET_OPTION_NAME | FLEET_OPTION_TYPE | FLEET_OPTION_STATUS);
    }
}
END_TEST

START_TEST(options_stand_anywhere_for_posix_too)
{
    setenv("POSIXLY_CORRECT", "1", 1);
    g_autoptr(FleetCliOptions) options = parse_well("register r1 --type router");

    assert_list(options->words, "register|r1");
    assert_list(options->types, "router");
}
END_TEST

START_TEST(dashes_end_the_options)
{
    g_autoptr(FleetCliOptions) options = parse_well("get-info -q -- --user -q");

    assert_list(options->words, "get-info|--user|-q");
    ck_assert_int_eq(options->transport, FLEET_TRANSPORT_SYSTEM);
    ck_assert(options->quiet);
}
END_TEST

START_TEST(params_take_words_up_to_the_next_option)
{
    g_autoptr(FleetCliOptions) options = parse_well("initiate-action r1 X --params a=1 b=x=y c= --quiet");

    assert_list(options->params, "a=1|b=x=y|c=");
    assert_list(options->words, "initiate-action|r1|X");
    ck_assert(options->quiet);
}
END_TEST

START_TEST(params_repeat)
{
    g_autoptr(FleetCliOptions) options = parse_well("initiate-action --params=a=1 r1 --params b=2 c=3 X --params=-d=4");

    assert_list(options->params, "a=1|b=2|c=3|-d=4");
    assert_list(options->words, "initiate-action|r1|X");
}
END_TEST

START_TEST(params_end_at_the_dashes)
{
    g_autoptr(FleetCliOptions) options = parse_well("initiate-action --params a=1 -- id=1 X");

    assert_list(options->params, "a=1");
    assert_list(options->words, "initiate-action|id=1|X");
}
END_TEST

START_TEST(params_are_pairs)
{
    assert_refused("initiate-action r1 X --params version", "KEY=VALUE");
    assert_refused("initiate-action r1 X --params =1", "KEY=VALUE");
    assert_refused("initiate-action r1 X --params a=1 =2", "KEY=VALUE");
    assert_refused("initiate-action r1 X --params", "'--params' needs a value");
}
END_TEST

START_TEST(lists_take_commas_and_repeat)
{
    g_autoptr(FleetCliOptions) options =
            parse_well("list-actions --status=running,Pending --status failed --result Timed-Out --type a,b --type c");

    assert_list(options->statuses, "RUNNING|PENDING|FAILED");
    assert_list(options->results, "timed-out");
    /* A device's type is free text and may hold a comma. */
    assert_list(options->types, "a,b|c");
}
END_TEST

START_TEST(last_destination_wins)
{
    g_autoptr(FleetCliOptions) options = parse_well("--system --user list");
    g_autoptr(FleetCliOptions) address = parse_well("--user --address unix:path=/x list");
    g_autoptr(FleetCliOptions) host = parse_well("-Hroot@box list");
    g_autoptr(FleetCliOptions) system = parse_well("--address=unix:path=/x --system");

    ck_assert_int_eq(options->transport, FLEET_TRANSPORT_USER);
    ck_assert_int_eq(address->transport, FLEET_TRANSPORT_ADDRESS);
    ck_assert_str_eq(address->destination, "unix:path=/x");
    ck_assert_int_eq(host->transport, FLEET_TRANSPORT_HOST);
    ck_assert_str_eq(host->destination, "root@box");
    ck_assert_int_eq(system->transport, FLEET_TRANSPORT_SYSTEM);
    ck_assert_ptr_null(system->destination);
}
END_TEST

/* Whose address it is: of the daemon, unless a verb that gives a device one stands before it. */
static const struct {
    const char *line, *destination, *device;
} addresses[] = {
        {"--address=unix:path=/x register r", "unix:path=/x", NULL},
        {"--address unix:path=/x -q register r --name n", "unix:path=/x", NULL},
        {"register --address=floor/1 r", NULL, "floor/1"},
        {"register r --driver thin-edge --address device/r//", NULL, "device/r//"},
        {"--address=unix:path=/x register r --address=floor/1", "unix:path=/x", "floor/1"},
        {"-q --driver=d register r --address=a --address=b", NULL, "b"},
        {"update r --address=", NULL, ""},
        {"--address=unix:path=/x update --address 'unix:path=/y' r", "unix:path=/x", "unix:path=/y"},
        {"update r --addr=floor/1", NULL, "floor/1"},
        {"list --address=unix:path=/x", "unix:path=/x", NULL},
        {"get-info register --address=unix:path=/x", "unix:path=/x", NULL},
        {"heartbeat update --address=unix:path=/x", "unix:path=/x", NULL},
        {"registers --address=unix:path=/x", "unix:path=/x", NULL},
};

START_TEST(addresses_belong_to_what_stands_before)
{
    g_autoptr(FleetCliOptions) options = parse_well(addresses[_i].line);

    ck_assert_pstr_eq(options->destination, addresses[_i].destination);
    ck_assert_pstr_eq(options->device_address, addresses[_i].device);
    ck_assert_int_eq(
            options->transport, addresses[_i].destination != NULL ? FLEET_TRANSPORT_ADDRESS : FLEET_TRANSPORT_SYSTEM);
    ck_assert_int_eq((options->given & FLEET_OPTION_ADDRESS) != 0, addresses[_i].device != NULL);
}
END_TEST

START_TEST(switches_switch)
{
    g_autoptr(FleetCliOptions) options =
            parse_well("-q --no-legend --no-pager --no-ask-password --json=pretty --help --version --active");

    ck_assert(options->quiet && !options->legend && !options->pager && !options->ask_password);
    ck_assert(options->help && options->version);
    ck_assert_int_eq(options->json, FLEET_JSON_PRETTY);
    ck_assert_uint_eq(options->given, FLEET_OPTION_ACTIVE);
}
END_TEST

START_TEST(json_has_three_modes)
{
    g_autoptr(FleetCliOptions) brief = parse_well("--json short");
    g_autoptr(FleetCliOptions) off = parse_well("--json=short --json=off");

    ck_assert_int_eq(brief->json, FLEET_JSON_SHORT);
    ck_assert_int_eq(off->json, FLEET_JSON_OFF);
    assert_refused("--json=long list", "use short, pretty or off");
    assert_refused("--json", "'--json' needs a value");
}
END_TEST

START_TEST(interval_is_a_span)
{
    g_autoptr(FleetCliOptions) seconds = parse_well("poll-action a --interval 5");
    g_autoptr(FleetCliOptions) span = parse_well("poll-action a --interval=250ms");

    ck_assert_int_eq(seconds->interval, 5 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(span->interval, 250 * FLEET_USEC_PER_MSEC);
    assert_refused("poll-action a --interval=soon", "'soon' is not a time span");
    assert_refused("poll-action a --interval=-1", "not a time span");
    assert_refused("poll-action a --interval=0", "too short");
}
END_TEST

START_TEST(limit_is_a_number)
{
    g_autoptr(FleetCliOptions) options = parse_well("list-actions -n 25");

    ck_assert_uint_eq(options->limit, 25);
    assert_refused("list-actions -n 0", "not a number of rows");
    assert_refused("list-actions -n ten", "not a number of rows");
    assert_refused("list-actions --limit=-3", "not a number of rows");
}
END_TEST

START_TEST(starts_are_described)
{
    g_autoptr(FleetCliOptions) options =
            parse_well("initiate-action r X --if-busy queue --priority -3 --timeout=1min --step-timeout 5 --retry=2 "
                       "--retry-delay=100ms --request-id=x --wait");

    ck_assert_str_eq(options->if_busy, "queue");
    ck_assert_int_eq(options->priority, -3);
    ck_assert_int_eq(options->timeout, 60 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(options->step_timeout, 5 * FLEET_USEC_PER_SEC);
    ck_assert_uint_eq(options->retry, 2);
    ck_assert_int_eq(options->retry_delay, 100 * FLEET_USEC_PER_MSEC);
    ck_assert_str_eq(options->request_id, "x");
    ck_assert_uint_eq(options->given, FLEET_OPTION_IF_BUSY | FLEET_OPTION_PRIORITY | FLEET_OPTION_TIMEOUT |
                                              FLEET_OPTION_STEP_TIMEOUT | FLEET_OPTION_RETRY |
                                              FLEET_OPTION_RETRY_DELAY | FLEET_OPTION_REQUEST_ID | FLEET_OPTION_WAIT);
    assert_list(options->words, "initiate-action|r|X");
}
END_TEST

START_TEST(starts_are_checked)
{
    assert_refused("initiate-action r X --if-busy=wait", "--if-busy=wait is unknown; use fail, queue or replace");
    assert_refused("initiate-action r X --priority=high", "--priority=high is not a whole number");
    assert_refused("initiate-action r X --priority=3000000000", "--priority=3000000000");
    assert_refused("initiate-action r X --timeout=soon", "--timeout: 'soon' is not a time span");
    assert_refused("initiate-action r X --step-timeout=-1", "--step-timeout: ");
    assert_refused("initiate-action r X --retry=-1", "--retry=-1 is not a number of further attempts; use 0 to 999");
    assert_refused("initiate-action r X --retry=1000", "use 0 to 999");
    assert_refused("initiate-action r X --retry-delay=x", "--retry-delay: ");
    assert_refused("initiate-action r X --start-deadline=18:00", "--start-deadline: '18:00' is not a time");
    assert_refused("initiate-action r X --wait=1", "'--wait=1' takes no value");
}
END_TEST

START_TEST(times_are_absolute_or_from_now)
{
    gint64 before = fleet_clock_realtime();
    g_autoptr(FleetCliOptions) options =
            parse_well("list-actions --since -1h --until=+1h --not-before=2024-01-15 --start-deadline '+10min'");
    gint64 passed = fleet_clock_realtime() - before, hour = 3600 * FLEET_USEC_PER_SEC;

    ck_assert_int_ge(options->since, before - hour);
    ck_assert_int_le(options->since, before - hour + passed);
    ck_assert_int_ge(options->until, before + hour);
    ck_assert_int_le(options->until, before + hour + passed);
    ck_assert_int_ge(options->start_deadline, before + hour / 6);
    ck_assert_int_lt(options->not_before, before);
    ck_assert_uint_eq(options->given,
            FLEET_OPTION_SINCE | FLEET_OPTION_UNTIL | FLEET_OPTION_NOT_BEFORE | FLEET_OPTION_START_DEADLINE);
}
END_TEST

START_TEST(owner_is_a_name_or_a_number)
{
    g_autoptr(FleetCliOptions) name = parse_well("list-actions --owner=root");
    g_autoptr(FleetCliOptions) number = parse_well("list-actions --owner=4000000000");

    ck_assert_uint_eq(name->owner, 0);
    ck_assert_uint_eq(name->given, FLEET_OPTION_OWNER);
    ck_assert_uint_eq(number->owner, 4000000000u);
    assert_refused("list-actions --owner=no-such-user", "--owner=no-such-user is no user of this system");
    assert_refused("list-actions --owner=4294967295", "is no user");
    assert_refused("list-actions --owner=", "is no user");
}
END_TEST

START_TEST(unknown_options_are_named)
{
    assert_refused("--bogus list", "'--bogus'");
    assert_refused("list -x", "'-x' is unknown");
    assert_refused("list -qx", "'-x' is unknown");
    assert_refused("list --na=x", "unknown or ambiguous");
    assert_refused("list --user=me", "'--user=me' takes no value");
    assert_refused("list --help=me", "'--help=me' takes no value");
    assert_refused("list -H", "'-H' needs a value");
}
END_TEST

START_TEST(text_must_be_utf8)
{
    char *argv[] = {(char *)"fleetctl", (char *)"register", (char *)"r\xff", NULL};
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(fleet_cli_options_parse(3, argv, &error));
    fleet_test_assert_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE);
    fleet_test_assert_contains(error->message, "not valid UTF-8");
}
END_TEST

START_TEST(names_of_options)
{
    ck_assert_str_eq(fleet_option_name(FLEET_OPTION_NAME), "--name");
    ck_assert_str_eq(fleet_option_name(FLEET_OPTION_LIMIT), "--limit");
    ck_assert_str_eq(fleet_option_name(FLEET_OPTION_DRIVER), "--driver");
    ck_assert_str_eq(fleet_option_name(FLEET_OPTION_FORCE), "--force");
    ck_assert_str_eq(fleet_option_name(FLEET_OPTION_OWNER), "--owner");
    ck_assert_str_eq(fleet_option_name(FLEET_OPTION_ADDRESS), "--address");
    ck_assert_str_eq(fleet_option_name(FLEET_OPTION_INTERVAL | FLEET_OPTION_LIMIT), "--interval");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-options");
    TCase *tcase = fleet_test_case(suite, "options");

    tcase_add_test(tcase, nothing_gives_the_defaults);
    tcase_add_test(tcase, options_stand_anywhere);
    tcase_add_test(tcase, options_stand_anywhere_for_posix_too);
    tcase_add_test(tcase, dashes_end_the_options);
    tcase_add_test(tcase, params_take_words_up_to_the_next_option);
    tcase_add_test(tcase, params_repeat);
    tcase_add_test(tcase, params_end_at_the_dashes);
    tcase_add_test(tcase, params_are_pairs);
    tcase_add_test(tcase, lists_take_commas_and_repeat);
    tcase_add_test(tcase, last_destination_wins);
    tcase_add_loop_test(tcase, addresses_belong_to_what_stands_before, 0, G_N_ELEMENTS(addresses));
    tcase_add_test(tcase, switches_switch);
    tcase_add_test(tcase, json_has_three_modes);
    tcase_add_test(tcase, interval_is_a_span);
    tcase_add_test(tcase, limit_is_a_number);
    tcase_add_test(tcase, starts_are_described);
    tcase_add_test(tcase, starts_are_checked);
    tcase_add_test(tcase, times_are_absolute_or_from_now);
    tcase_add_test(tcase, owner_is_a_name_or_a_number);
    tcase_add_test(tcase, unknown_options_are_named);
    tcase_add_test(tcase, text_must_be_utf8);
    tcase_add_test(tcase, names_of_options);
    return fleet_test_main(suite);
}
