/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/remote_bus/failure.h"

#include "base/quotable.h"

#include <string.h>
#include <sys/wait.h>

#define TEXT_MAX 200 /* bytes */

/* What a shell says of a program that it does not find, or may not execute. */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127

/* What ssh ends with if it was not the machine's command that failed. */
#define EXIT_SSH 255

void fleet_remote_failure_set(FleetRemoteFailure *failure, FleetOutcome outcome, char *message)
{
    g_free(failure->message);
    *failure = (FleetRemoteFailure){.outcome = outcome, .message = message};
}

void fleet_remote_failure_clear(FleetRemoteFailure *failure)
{
    g_clear_pointer(&failure->message, g_free);
}

char *fleet_remote_failure_text(const char *text)
{
    g_autofree char *part = g_strndup(text, TEXT_MAX);

    return fleet_printable(part);
}

static gboolean is_ornament(const char *line)
{
    return line[strspn(line, "@ \t\r")] == '\0';
}

/* The last line that says something. Part of it may be the machine's, so it is not trusted to be text. */
static char *last_line(const char *errors)
{
    g_auto(GStrv) lines = g_strsplit(errors, "\n", -1);
    guint i = g_strv_length(lines);

    while (i > 0 && is_ornament(lines[i - 1]))
        i--;
    if (i == 0)
        return g_strdup("");
    return fleet_remote_failure_text(g_strstrip(lines[i - 1]));
}

static char *describe_key(const FleetRemoteAddress *address, const FleetRemoteAccess *access)
{
    return g_strdup_printf(
            "'%s' has another host key than the one in '%s': either it was set up anew, or something else "
            "answers in its place. Nothing is sent to it before a person has looked",
            address->host, access->known_hosts_file);
}

static char *describe_refusal(const FleetRemoteAddress *address, const FleetRemoteAccess *access)
{
    return g_strdup_printf(
            "'%s' does not let the user '%s' in with the key '%s'", address->host, access->user, access->identity_file);
}

static char *describe_command(const FleetRemoteAddress *address, int status, const char *line)
{
    if (status == EXIT_NOT_FOUND || status == EXIT_NOT_EXECUTABLE)
        return g_strdup_printf("'%s' has no systemd-stdio-bridge: %s", address->host, line);
    if (*line != '\0')
        return g_strdup_printf("'%s' does not give access to its bus: %s", address->host, line);
    return g_strdup_printf("the connection to the bus of '%s' has ended", address->host);
}

static void read_exit(const FleetRemoteAddress *address, int status, const char *line, FleetRemoteFailure *failure)
{
    if (status != EXIT_SSH)
        fleet_remote_failure_set(failure,
                status == EXIT_NOT_FOUND || status == EXIT_NOT_EXECUTABLE ? FLEET_OUTCOME_PERMANENT
                                                                          : FLEET_OUTCOME_TRANSIENT,
                describe_command(address, status, line));
    else
        fleet_remote_failure_set(failure, FLEET_OUTCOME_TRANSIENT,
                g_strdup_printf("'%s' cannot be reached: %s", address->host,
                        *line != '\0' ? line : "the connection has ended"));
}

void fleet_remote_failure_read(const FleetRemoteAddress *address, const FleetRemoteAccess *access, int status,
        const char *errors, FleetRemoteFailure *failure)
{
    g_autofree char *line = last_line(errors);
    gboolean by_ssh = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SSH;

    *failure = (FleetRemoteFailure){0};
    if (by_ssh && strstr(errors, "REMOTE HOST IDENTIFICATION HAS CHANGED") != NULL)
        fleet_remote_failure_set(failure, FLEET_OUTCOME_PERMANENT, describe_key(address, access));
    else if (by_ssh && strstr(errors, "Host key verification failed") != NULL)
        fleet_remote_failure_set(failure, FLEET_OUTCOME_PERMANENT,
                g_strdup_printf("no host key of '%s' that it shows is in '%s'; add it there", address->host,
                        access->known_hosts_file));
    else if (by_ssh && (strstr(errors, "Permission denied (") != NULL ||
                               strstr(errors, "Too many authentication failures") != NULL))
        fleet_remote_failure_set(failure, FLEET_OUTCOME_PERMANENT, describe_refusal(address, access));
    else if (WIFSIGNALED(status))
        fleet_remote_failure_set(failure, FLEET_OUTCOME_TRANSIENT,
                g_strdup_printf("the connection to '%s' was lost: ssh was killed by signal %d", address->host,
                        WTERMSIG(status)));
    else
        read_exit(address, WEXITSTATUS(status), line, failure);
}
