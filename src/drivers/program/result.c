/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/program/result.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* EX_TEMPFAIL of sysexits.h. */
#define EXIT_TRANSIENT 75

/* In a unit, these exit statuses can also say that systemd could not start the program, see systemd.exec(5). */
#define EXIT_SYSTEMD_FIRST 200
#define EXIT_SYSTEMD_LAST 245

static const char *const ends[] = {"exited", "killed", "not-started"};
G_STATIC_ASSERT(G_N_ELEMENTS(ends) == FLEET_PROGRAM_ENDS);

static const char *const causes[] = {"-", "oom-kill", "timeout"};
G_STATIC_ASSERT(G_N_ELEMENTS(causes) == FLEET_PROGRAM_CAUSES);

char *fleet_program_result_format(const FleetProgramResult *result)
{
    g_autofree char *text = g_strdup_printf("%s %d %s %s", ends[result->end], result->number,
            result->stopped ? "stopped" : "by-itself", causes[result->cause]);

    return g_strdup_printf("%-*s\n", FLEET_PROGRAM_RESULT_SIZE - 1, text);
}

static int find(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (g_str_equal(names[i], name))
            return i;
    return -1;
}

gboolean fleet_program_result_parse(const char *line, FleetProgramResult *result)
{
    char end[16], how[16], cause[16];
    int number;

    if (sscanf(line, "%15s %d %15s %15s", end, &number, how, cause) != 4)
        return FALSE;
    int i = find(ends, FLEET_PROGRAM_ENDS, end);
    int j = find(causes, FLEET_PROGRAM_CAUSES, cause);
    if (i < 0 || j < 0 || !(g_str_equal(how, "stopped") || g_str_equal(how, "by-itself")))
        return FALSE;
    *result = (FleetProgramResult){.end = (FleetProgramEnd)i,
            .number = number,
            .stopped = g_str_equal(how, "stopped"),
            .cause = (FleetProgramCause)j};
    return TRUE;
}

FleetOutcome fleet_program_result_outcome(const FleetProgramResult *result)
{
    if (result->end == FLEET_PROGRAM_EXITED && result->number == 0)
        return FLEET_OUTCOME_SUCCESS;
    if (result->stopped)
        return FLEET_OUTCOME_STOPPED;
    if (result->end == FLEET_PROGRAM_EXITED && result->number == EXIT_TRANSIENT)
        return FLEET_OUTCOME_TRANSIENT;
    /* The machine is short of something; the program has done nothing yet. */
    if (result->end == FLEET_PROGRAM_NOT_STARTED &&
            (result->number == EAGAIN || result->number == ENOMEM || result->number == EMFILE ||
                    result->number == ENFILE || result->number == ETXTBSY))
        return FLEET_OUTCOME_TRANSIENT;
    return FLEET_OUTCOME_PERMANENT;
}

static char *describe_signal(int signal)
{
    const char *name = sigabbrev_np(signal);

    return name != NULL ? g_strdup_printf("SIG%s", name) : g_strdup_printf("signal %d", signal);
}

static char *describe_killed(const FleetProgramResult *result)
{
    g_autofree char *signal = describe_signal(result->number);

    switch (result->cause) {
    case FLEET_PROGRAM_CAUSE_OOM:
        return g_strdup_printf("killed by %s: it took more memory than there is or than it may", signal);
    case FLEET_PROGRAM_CAUSE_RUNTIME:
        return g_strdup_printf("killed by %s: it ran longer than RuntimeMaxSec allows", signal);
    case FLEET_PROGRAM_CAUSE_NONE:
    case FLEET_PROGRAM_CAUSES:
    default:
        return g_strdup_printf("killed by %s", signal);
    }
}

char *fleet_program_result_describe(const FleetProgramResult *result)
{
    if (fleet_program_result_outcome(result) == FLEET_OUTCOME_STOPPED)
        return g_strdup(result->end == FLEET_PROGRAM_KILLED && result->number == SIGKILL
                                ? "stopped by SIGKILL, for it did not end in time after SIGTERM"
                                : "stopped");

    switch (result->end) {
    case FLEET_PROGRAM_EXITED:
        if (result->number == 0)
            return g_strdup("done");
        if (result->unit && result->number >= EXIT_SYSTEMD_FIRST && result->number <= EXIT_SYSTEMD_LAST)
            return g_strdup_printf("exited with status %d, which may stand for a failure of systemd to set up the unit",
                    result->number);
        return g_strdup_printf("exited with status %d", result->number);
    case FLEET_PROGRAM_KILLED:
        return describe_killed(result);
    case FLEET_PROGRAM_NOT_STARTED:
        return result->number != 0 ? g_strdup_printf("could not be started: %s", g_strerror(result->number))
                                   : g_strdup("could not be started");
    case FLEET_PROGRAM_ENDS:
    default:
        g_assert_not_reached();
    }
}

char *fleet_program_result_message(const FleetProgramResult *result, const char *said)
{
    g_autofree char *description = fleet_program_result_describe(result);

    if (*said == '\0')
        return g_steal_pointer(&description);
    if (fleet_program_result_outcome(result) == FLEET_OUTCOME_SUCCESS)
        return g_strdup(said);
    return g_strdup_printf("%s: %s", description, said);
}
