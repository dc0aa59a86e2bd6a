/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Programs that do well, and programs that do not.
 */

#include "base/clock.h"
#include "base/error.h"
#include "command_test.h"
#include "model/records.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

START_TEST(success)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_run(self, "echo hello; echo world >&2");

    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    ck_assert_str_eq(attempt->message, "done");
    fleet_test_assert_contains(attempt->output, "hello\n");
    fleet_test_assert_contains(attempt->output, "world\n");
    ck_assert_uint_eq(attempt->finished, 1);
}
END_TEST

START_TEST(exit_statuses)
{
    static const struct {
        const char *script;
        FleetOutcome outcome;
        const char *message;
    } cases[] = {{"exit 0", FLEET_OUTCOME_SUCCESS, "done"}, {"exit 1", FLEET_OUTCOME_PERMANENT, "exited with status 1"},
            {"exit 75", FLEET_OUTCOME_TRANSIENT, "exited with status 75"},
            {"exit 255", FLEET_OUTCOME_PERMANENT, "exited with status 255"},
            {"kill -SEGV $$", FLEET_OUTCOME_PERMANENT, "killed by SIGSEGV"},
            {"kill -TERM $$", FLEET_OUTCOME_PERMANENT, "killed by SIGTERM"},
            {"echo STATUS no space; exit 3", FLEET_OUTCOME_PERMANENT, "exited with status 3: no space"},
            {"echo STATUS all fine", FLEET_OUTCOME_SUCCESS, "all fine"}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FleetCommandTest) self = fleet_command_test_new();
        FleetTestAttempt *attempt = fleet_command_test_run(self, cases[i].script);

        ck_assert_msg(attempt->outcome == cases[i].outcome, "%s: outcome %d", cases[i].script, attempt->outcome);
        if (!fleet_command_test_has_units() || cases[i].outcome == FLEET_OUTCOME_SUCCESS)
            ck_assert_str_eq(attempt->message, cases[i].message);
        fleet_test_attempt_release(self->test, attempt);
    }
}
END_TEST

START_TEST(the_protocol_in_order)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1,
            "echo PHASE preparing; echo PROGRESS 0.25; until [ -e $FILES/go ]; do sleep 0.05; done;"
            "printf 'PHA'; printf 'SE installing\\nSTATUS hal'; printf 'f done\\nPOINT-OF-NO-RETURN\\nPROGRESS 1'");

    fleet_test_attempt_wait_report(attempt, "progress 0.25");
    g_autofree char *go = fleet_command_test_path(self, "go");
    fleet_test_write(go, "");
    fleet_test_attempt_wait(attempt);
    fleet_test_assert_contains(attempt->reports->str, "phase preparing\nprogress 0.25\nphase installing\n");
    fleet_test_assert_contains(attempt->reports->str, "message half done\n");
    fleet_test_assert_contains(attempt->reports->str, "point-of-no-return\n");
    fleet_test_assert_contains(attempt->reports->str, "progress 1.00\nfinished success\n");
    ck_assert_str_eq(attempt->output, "");
}
END_TEST

START_TEST(what_it_is_told)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_test_attempt_new(self->test, 9, 2, "X",
            (const char *const[]){"url", "$HOME `id` \"x\" \\ 'y'", "two", "a\nb", "a.b", "dot", "a-b", "minus", NULL});

    fleet_command_test_set_program(self,
            (const char *const[]){"/bin/sh", "-c",
                    "env | grep ^FLEET_ | grep -v TOKEN | sort; cat <&$FLEET_PARAMS_FD; echo \"argument $1\"; pwd",
                    "sh", "${FLEET_ATTEMPT} $FLEET_ATTEMPT %n *", NULL});
    fleet_test_attempt_start(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    static const char *const parts[] = {"FLEET_ACTION_ID=action_1700000000000_9\n", "FLEET_ACTION_TYPE=X\n",
            "FLEET_ATTEMPT=2\n", "FLEET_DEVICE_ID=router-1\n", "FLEET_DEVICE_NAME=Router One\n",
            "FLEET_DEVICE_TYPE=router\n", "FLEET_PARAMS_FD=0\n", "FLEET_PARAM_URL=$HOME `id` \"x\" \\ 'y'\n",
            "FLEET_PARAM_A_B=minus\n",
            "{\"a-b\": \"minus\", \"a.b\": \"dot\", \"two\": \"a\\u000ab\", \"url\": \"$HOME `id` \\\"x\\\" \\\\ "
            "'y'\"}\n",
            "argument ${FLEET_ATTEMPT} $FLEET_ATTEMPT %n *\n"};
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
        fleet_test_assert_contains(attempt->output, parts[i]);
    ck_assert(g_str_has_suffix(attempt->output, "\n/\n"));
}
END_TEST

START_TEST(nothing_of_ours_leaks_into_it)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();

    g_setenv("NOTIFY_SOCKET", "/secret", TRUE);
    FleetTestAttempt *attempt = fleet_command_test_run(self,
            "ls /proc/self/fd | tr '\\n' ' '; echo; env | grep -c SECRET_ || true; env | grep ^NOTIFY || true;"
            "grep -E 'Sig(Blk|Ign)' /proc/self/status; cat /proc/$$/stat | cut -d' ' -f1,5,6");
    /* 3 is the directory that ls reads. */
    fleet_test_assert_contains(attempt->output, "0 1 2 3 \n");
    fleet_test_assert_contains(attempt->output, "SigBlk:\t0000000000000000\n");
    if (!fleet_command_test_has_units()) {
        /* A unit has SIGPIPE ignored; two of the C library's own may be anywhere. It leads its group and its session.
         */
        fleet_test_assert_matches(attempt->output, "^SigIgn:\t[0-9a-f]{8}[08]0{7}$");
        fleet_test_assert_matches(attempt->output, "^([0-9]+) \\1 \\1$");
    }
    ck_assert_ptr_null(strstr(attempt->output, "NOTIFY_SOCKET"));
}
END_TEST

START_TEST(the_limit_of_files_is_ours_alone)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = MIN(limit.rlim_max, 777);
    setrlimit(RLIMIT_NOFILE, &limit);
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_run(self, "ulimit -Sn");

    if (!fleet_command_test_has_units()) {
        g_autofree char *expected = g_strdup_printf("%lu\n", (unsigned long)limit.rlim_cur);
        ck_assert_str_eq(attempt->output, expected);
    }
    getrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_uint_eq(limit.rlim_cur, limit.rlim_max);
}
END_TEST

START_TEST(a_program_that_does_not_exist)
{
    static const char *const programs[] = {"/nowhere/update", "fleet-no-such-program", "/etc/passwd"};

    for (guint i = 0; i < G_N_ELEMENTS(programs); i++) {
        g_autoptr(FleetCommandTest) self = fleet_command_test_new();
        FleetTestAttempt *attempt = fleet_test_attempt_new(self->test, 1, 1, "X", NULL);

        fleet_command_test_set_program(self, (const char *const[]){programs[i], NULL});
        fleet_test_attempt_start(self->test, attempt);
        fleet_test_attempt_wait(attempt);
        ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
        fleet_test_assert_contains(attempt->message, "could not be started");
        fleet_test_attempt_release(self->test, attempt);
    }
}
END_TEST

START_TEST(a_keeper_that_does_not_exist)
{
    if (fleet_command_test_has_units())
        return;
    g_setenv("FLEET_COMMAND_KEEPER", "/nowhere/keeper", TRUE);
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_run(self, "true");

    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    fleet_test_assert_contains(attempt->message, "'/nowhere/keeper' could not be started: No such file");
}
END_TEST

START_TEST(no_program_for_it)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_test_attempt_new(self->test, 1, 1, "Y", NULL);
    g_autoptr(GError) error = NULL;

    ck_assert(!fleet_test_attempt_plan(self->test, attempt, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED);
    fleet_test_assert_contains(error->message, "[Command router Y]");
}
END_TEST

START_TEST(a_place_that_cannot_be_made)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();

    fleet_test_write(self->directory, "a file in its way");
    FleetTestAttempt *attempt = fleet_command_test_run(self, "true");
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_TRANSIENT);
    fleet_test_assert_contains(attempt->message, "actions/1-1' cannot be made");
}
END_TEST

START_TEST(floods)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    struct rusage before, after;

    getrusage(RUSAGE_SELF, &before);
    FleetTestAttempt *attempt = fleet_command_test_run(self,
            "yes 'PROGRESS 0.5' | head -c 25000000; head -c 50000000 /dev/zero; yes err | head -c 25000000 >&2; echo;"
            "echo end >&2; echo STATUS flooded");
    getrusage(RUSAGE_SELF, &after);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    ck_assert_str_eq(attempt->message, "flooded");
    fleet_test_assert_contains(attempt->output, "end\n");
    ck_assert_uint_le(strlen(attempt->output), FLEET_OUTPUT_MAX);
    /* In KiB; sanitizers keep what is freed for a while. */
    if (g_getenv("ASAN_OPTIONS") == NULL)
        ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 16 * 1024);
    /* Of 1.9 million PROGRESS, only one is reported for each read. */
    ck_assert_uint_lt(attempt->reports->len, 200000);
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt =
            fleet_command_test_run(self, "printf 'a\\0b\\377c\\nSTATUS \\303(\\n'; head -c 10000 /dev/zero");

    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    ck_assert(g_utf8_validate(attempt->output, -1, NULL));
    ck_assert_str_eq(attempt->message, "\xef\xbf\xbd(");
}
END_TEST

START_TEST(a_cancel)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1, "echo $$ > $FILES/pid; echo PHASE up; sleep 1000");

    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
    ck_assert_str_eq(attempt->message, "stopped");
    fleet_command_test_assert_gone(self, "pid");
}
END_TEST

START_TEST(a_cancel_at_once)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1, "sleep 1000");

    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
}
END_TEST

START_TEST(a_cancel_that_it_takes_its_time_for)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1,
            "trap 'sleep 0.3; echo STATUS rolled back; touch $FILES/clean; exit 9' TERM; echo PHASE up;"
            "while :; do sleep 0.05; done");

    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
    ck_assert_str_eq(attempt->message, "stopped: rolled back");
    g_autofree char *clean = fleet_command_test_path(self, "clean");
    ck_assert(g_file_test(clean, G_FILE_TEST_EXISTS));
}
END_TEST

START_TEST(a_success_in_spite_of_a_cancel_is_one)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1,
            "trap ': >$FILES/asked' TERM; echo PHASE up; until [ -e $FILES/asked ]; do sleep 0.05; done; exit 0");

    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
}
END_TEST

START_TEST(one_that_ignores_sigterm)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();

    self->kill_timeout = 300 * FLEET_USEC_PER_MSEC;
    FleetTestAttempt *attempt = fleet_command_test_start(
            self, 1, "trap '' TERM; echo $$ > $FILES/pid; echo PHASE up; while :; do sleep 1000; done");
    fleet_test_attempt_wait_report(attempt, "phase up");
    gint64 before = fleet_clock_boottime();
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
    fleet_test_assert_contains(attempt->message, "SIGKILL");
    ck_assert_int_ge(fleet_clock_boottime() - before, self->kill_timeout);
    fleet_command_test_assert_gone(self, "pid");
}
END_TEST

START_TEST(one_that_is_halted)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1, "echo PHASE up; kill -STOP $$");

    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_test_attempt_cancel(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
}
END_TEST

START_TEST(one_that_forks_away)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_run(self,
            "setsid sh -c 'echo $$ > '$FILES'/daemon; exec sleep 1000' >/dev/null 2>&1 </dev/null &"
            "until [ -s $FILES/daemon ]; do sleep 0.05; done; exit 4");

    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_PERMANENT);
    ck_assert_str_eq(attempt->message, "exited with status 4");
    fleet_command_test_assert_gone(self, "daemon");
}
END_TEST

START_TEST(a_family_that_ignores_sigterm)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();

    self->kill_timeout = 300 * FLEET_USEC_PER_MSEC;
    FleetTestAttempt *attempt = fleet_command_test_run(self,
            "trap '' TERM; setsid sh -c 'sh -c \"echo \\$\\$ > $0/grandchild; sleep 1000; :\" & echo $$ > $0/child;"
            "wait; sleep 1000' $FILES & until [ -s $FILES/grandchild -a -s $FILES/child ]; do sleep 0.05; done");
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    fleet_command_test_assert_gone(self, "child");
    fleet_command_test_assert_gone(self, "grandchild");
}
END_TEST

START_TEST(one_that_closes_stdout)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(
            self, 1, "echo PROGRESS 0.5; exec >&- 2>&-; until [ -e $FILES/go ]; do sleep 0.05; done; exit 75");

    fleet_test_attempt_wait_report(attempt, "progress 0.50");
    ck_assert_uint_eq(attempt->finished, 0);
    g_autofree char *go = fleet_command_test_path(self, "go");
    fleet_test_write(go, "");
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_TRANSIENT);
}
END_TEST

START_TEST(the_streams_can_be_opened_by_name)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_run(self, "echo PROGRESS 0.5 >/dev/stdout; echo oops >/dev/stderr");

    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    fleet_test_assert_contains(attempt->reports->str, "progress 0.50\n");
    ck_assert_str_eq(attempt->output, "oops\n");
}
END_TEST

START_TEST(nothing_is_left_behind)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_run(self, "true");
    g_autofree char *place = g_build_filename(self->directory, "1-1", NULL);

    ck_assert(g_file_test(place, G_FILE_TEST_EXISTS));
    fleet_test_attempt_release(self->test, attempt);
    ck_assert(!g_file_test(place, G_FILE_TEST_EXISTS));
}
END_TEST

START_TEST(one_that_is_let_go_of_goes_on)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1,
            "echo PHASE up; until [ -e $FILES/go ]; do sleep 0.05; done; head -c 1000000 /dev/zero; touch $FILES/done");
    g_autofree char *go = fleet_command_test_path(self, "go");
    g_autofree char *done = fleet_command_test_path(self, "done");
    g_autofree char *place = g_build_filename(self->directory, "1-1", NULL);

    fleet_test_attempt_wait_report(attempt, "phase up");
    fleet_test_attempt_release(self->test, attempt);
    fleet_test_write(go, "");
    /* Its output is read all the same, or it would hang. */
    fleet_test_wait_file(done, TRUE);
    fleet_test_wait_file(place, FALSE);
    ck_assert_uint_eq(attempt->finished, 1);
}
END_TEST

START_TEST(many_at_a_time)
{
    g_autoptr(FleetCommandTest) self = fleet_command_test_new();
    FleetTestAttempt *attempts[50];

    for (guint i = 0; i < G_N_ELEMENTS(attempts); i++)
        attempts[i] = fleet_command_test_start(self, i + 1, "echo PROGRESS 0.5; echo $FLEET_ACTION_ID; sleep 0.2");
    for (guint i = 0; i < G_N_ELEMENTS(attempts); i++) {
        g_autofree char *expected = g_strdup_printf("action_1700000000000_%u\n", i + 1);

        fleet_test_attempt_wait(attempts[i]);
        ck_assert_int_eq(attempts[i]->outcome, FLEET_OUTCOME_SUCCESS);
        ck_assert_str_eq(attempts[i]->output, expected);
        fleet_test_attempt_release(self->test, attempts[i]);
    }
}
END_TEST

static void add_ends(Suite *suite)
{
    TCase *tcase = fleet_test_case(suite, "ends");

    tcase_add_test(tcase, success);
    tcase_add_test(tcase, exit_statuses);
    tcase_add_test(tcase, a_program_that_does_not_exist);
    tcase_add_test(tcase, a_keeper_that_does_not_exist);
    tcase_add_test(tcase, no_program_for_it);
    tcase_add_test(tcase, a_place_that_cannot_be_made);
    tcase_add_test(tcase, nothing_is_left_behind);
    tcase_add_test(tcase, one_that_is_let_go_of_goes_on);
    tcase_add_test(tcase, many_at_a_time);
}

static void add_surroundings(Suite *suite)
{
    TCase *tcase = fleet_test_case(suite, "surroundings");

    tcase_add_test(tcase, what_it_is_told);
    tcase_add_test(tcase, nothing_of_ours_leaks_into_it);
    tcase_add_test(tcase, the_limit_of_files_is_ours_alone);
    tcase_add_test(tcase, the_streams_can_be_opened_by_name);
}

static void add_output(Suite *suite)
{
    TCase *tcase = fleet_test_case(suite, "output");

    tcase_add_test(tcase, the_protocol_in_order);
    tcase_add_test(tcase, floods);
    tcase_add_test(tcase, bytes_that_are_no_text);
    tcase_add_test(tcase, one_that_closes_stdout);
}

static void add_stops(Suite *suite)
{
    TCase *tcase = fleet_test_case(suite, "stops");

    tcase_add_test(tcase, a_cancel);
    tcase_add_test(tcase, a_cancel_at_once);
    tcase_add_test(tcase, a_cancel_that_it_takes_its_time_for);
    tcase_add_test(tcase, a_success_in_spite_of_a_cancel_is_one);
    tcase_add_test(tcase, one_that_ignores_sigterm);
    tcase_add_test(tcase, one_that_is_halted);
    tcase_add_test(tcase, one_that_forks_away);
    tcase_add_test(tcase, a_family_that_ignores_sigterm);
}

int main(void)
{
    Suite *suite = suite_create("command");

    add_ends(suite);
    add_surroundings(suite);
    add_output(suite);
    add_stops(suite);
    return fleet_test_main(suite);
}
