/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/program/result.h"
#include "lib/main.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

START_TEST(lines_are_read_back)
{
    static const FleetProgramResult results[] = {{.end = FLEET_PROGRAM_EXITED, .number = 0},
            {.end = FLEET_PROGRAM_EXITED, .number = 75, .stopped = TRUE},
            {.end = FLEET_PROGRAM_KILLED, .number = SIGKILL, .cause = FLEET_PROGRAM_CAUSE_OOM},
            {.end = FLEET_PROGRAM_KILLED, .number = SIGTERM, .cause = FLEET_PROGRAM_CAUSE_RUNTIME},
            {.end = FLEET_PROGRAM_NOT_STARTED, .number = ENOENT}};

    for (guint i = 0; i < G_N_ELEMENTS(results); i++) {
        g_autofree char *line = fleet_program_result_format(&results[i]);
        FleetProgramResult read;

        ck_assert_uint_eq(strlen(line), FLEET_PROGRAM_RESULT_SIZE);
        ck_assert(fleet_program_result_parse(line, &read));
        ck_assert_int_eq(read.end, results[i].end);
        ck_assert_int_eq(read.number, results[i].number);
        ck_assert_int_eq(read.stopped, results[i].stopped);
        ck_assert_int_eq(read.cause, results[i].cause);
    }
}
END_TEST

START_TEST(other_lines_are_refused)
{
    static const char *const lines[] = {"", "      ", "exited", "exited x by-itself -", "vanished 0 by-itself -",
            "exited 0 perhaps -", "exited 0 by-itself who"};
    FleetProgramResult read;

    for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
        ck_assert_msg(!fleet_program_result_parse(lines[i], &read), "<%s> was taken", lines[i]);
}
END_TEST

START_TEST(outcomes_and_descriptions)
{
    static const struct {
        FleetProgramResult result;
        FleetOutcome outcome;
        const char *description;
    } cases[] = {
            {{.end = FLEET_PROGRAM_EXITED, .number = 0}, FLEET_OUTCOME_SUCCESS, "done"},
            {{.end = FLEET_PROGRAM_EXITED, .number = 0, .stopped = TRUE}, FLEET_OUTCOME_SUCCESS, "done"},
            {{.end = FLEET_PROGRAM_EXITED, .number = 1}, FLEET_OUTCOME_PERMANENT, "exited with status 1"},
            {{.end = FLEET_PROGRAM_EXITED, .number = 75}, FLEET_OUTCOME_TRANSIENT, "exited with status 75"},
            {{.end = FLEET_PROGRAM_EXITED, .number = 143, .stopped = TRUE}, FLEET_OUTCOME_STOPPED, "stopped"},
            {{.end = FLEET_PROGRAM_EXITED, .number = 217, .unit = TRUE}, FLEET_OUTCOME_PERMANENT,
                    "exited with status 217, which may stand for a failure of systemd to set up the unit"},
            {{.end = FLEET_PROGRAM_KILLED, .number = SIGSEGV}, FLEET_OUTCOME_PERMANENT, "killed by SIGSEGV"},
            {{.end = FLEET_PROGRAM_KILLED, .number = SIGTERM, .stopped = TRUE}, FLEET_OUTCOME_STOPPED, "stopped"},
            {{.end = FLEET_PROGRAM_KILLED, .number = SIGKILL, .stopped = TRUE}, FLEET_OUTCOME_STOPPED,
                    "stopped by SIGKILL, for it did not end in time after SIGTERM"},
            {{.end = FLEET_PROGRAM_KILLED, .number = SIGKILL, .cause = FLEET_PROGRAM_CAUSE_OOM},
                    FLEET_OUTCOME_PERMANENT, "killed by SIGKILL: it took more memory than there is or than it may"},
            {{.end = FLEET_PROGRAM_KILLED, .number = SIGTERM, .cause = FLEET_PROGRAM_CAUSE_RUNTIME},
                    FLEET_OUTCOME_PERMANENT, "killed by SIGTERM: it ran longer than RuntimeMaxSec allows"},
            {{.end = FLEET_PROGRAM_NOT_STARTED, .number = ENOENT}, FLEET_OUTCOME_PERMANENT,
                    "could not be started: No such file or directory"},
            {{.end = FLEET_PROGRAM_NOT_STARTED, .number = EAGAIN}, FLEET_OUTCOME_TRANSIENT,
                    "could not be started: Resource temporarily unavailable"},
            {{.end = FLEET_PROGRAM_NOT_STARTED}, FLEET_OUTCOME_PERMANENT, "could not be started"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *description = fleet_program_result_describe(&cases[i].result);

        ck_assert_int_eq(fleet_program_result_outcome(&cases[i].result), cases[i].outcome);
        ck_assert_str_eq(description, cases[i].description);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("result");
    TCase *tcase = fleet_test_case(suite, "result");

    tcase_add_test(tcase, lines_are_read_back);
    tcase_add_test(tcase, other_lines_are_refused);
    tcase_add_test(tcase, outcomes_and_descriptions);
    return fleet_test_main(suite);
}
