/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/remote_bus/ssh.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define ERRORS_MAX 8192    /* bytes of stderr that are kept */
#define KEEP_ALIVE_TRIES 3 /* questions without an answer, before ssh gives up by itself */

struct FleetRemoteSsh {
    FleetRemoteSshEndedFunc ended; /* NULL = nobody wants to know any more */
    gpointer user_data;
    pid_t pid;
    int errors_fd;
    guint errors_source; /* or 0 */
    GString *errors;
};

static void add_option(GPtrArray *words, const char *option)
{
    g_ptr_array_add(words, g_strdup("-o"));
    g_ptr_array_add(words, g_strdup(option));
}

static void add_text(GPtrArray *words, const char *name, const char *value)
{
    g_ptr_array_add(words, g_strdup("-o"));
    g_ptr_array_add(words, g_strdup_printf("%s=%s", name, value));
}

/* ssh counts in seconds, and 0 of them mean something else. */
static void add_span(GPtrArray *words, const char *name, gint64 span)
{
    gint64 seconds = span / FLEET_USEC_PER_SEC + (span % FLEET_USEC_PER_SEC != 0);

    g_ptr_array_add(words, g_strdup("-o"));
    g_ptr_array_add(words, g_strdup_printf("%s=%" G_GINT64_FORMAT, name, MIN(seconds, G_MAXINT32)));
}

char **fleet_remote_ssh_words(
        const char *program, const FleetRemoteAddress *address, const FleetRemoteAccess *access, const char *command)
{
    static const char *const options[] = {"BatchMode=yes", "StrictHostKeyChecking=yes",
            "GlobalKnownHostsFile=/dev/null", "UpdateHostKeys=no", "VerifyHostKeyDNS=no", "CheckHostIP=no",
            "PreferredAuthentications=publickey", "PubkeyAuthentication=yes", "PasswordAuthentication=no",
            "KbdInteractiveAuthentication=no", "IdentitiesOnly=yes", "IdentityAgent=none", "ConnectionAttempts=1",
            "ControlMaster=no", "ControlPath=none", "ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no",
            "Tunnel=no", "PermitLocalCommand=no", "RequestTTY=no", "EscapeChar=none", "LogLevel=ERROR"};
    g_autofree char *tries = g_strdup_printf("ServerAliveCountMax=%d", KEEP_ALIVE_TRIES);
    GPtrArray *words = g_ptr_array_new();

    g_ptr_array_add(words, g_strdup(program));
    g_ptr_array_add(words, g_strdup("-F"));
    g_ptr_array_add(words, g_strdup(access->config_file != NULL ? access->config_file : "/dev/null"));
    for (guint i = 0; i < G_N_ELEMENTS(options); i++)
        add_option(words, options[i]);
    add_option(words, tries);
    add_text(words, "UserKnownHostsFile", access->known_hosts_file);
    add_text(words, "IdentityFile", access->identity_file);
    add_span(words, "ConnectTimeout", access->connect_timeout);
    add_span(words, "ServerAliveInterval", access->keep_alive);
    g_ptr_array_add(words, g_strdup("-p"));
    g_ptr_array_add(words, g_strdup_printf("%u", access->port));
    g_ptr_array_add(words, g_strdup("-l"));
    g_ptr_array_add(words, g_strdup(access->user));
    g_ptr_array_add(words, g_strdup("--"));
    g_ptr_array_add(words, g_strdup(address->host));
    g_ptr_array_add(words, g_strdup(command));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

/* The number of bytes, 0 at the end, negative when nothing is there now. */
static gssize read_some_errors(FleetRemoteSsh *ssh)
{
    char buffer[4096];
    gssize n = read(ssh->errors_fd, buffer, sizeof(buffer));

    if (n > 0)
        g_string_append_len(ssh->errors, buffer, n);
    if (ssh->errors->len > ERRORS_MAX)
        g_string_erase(ssh->errors, 0, (gssize)(ssh->errors->len - ERRORS_MAX));
    return n;
}

/* One piece a turn: a machine that says a lot keeps nobody waiting. */
static gboolean errors_ready(int fd, GIOCondition condition, gpointer data)
{
    FleetRemoteSsh *ssh = data;
    gssize n = read_some_errors(ssh);

    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return G_SOURCE_CONTINUE;
    ssh->errors_source = 0;
    return G_SOURCE_REMOVE;
}

static void free_ssh(FleetRemoteSsh *ssh)
{
    if (ssh->errors_source != 0)
        g_source_remove(ssh->errors_source);
    close(ssh->errors_fd);
    g_string_free(ssh->errors, TRUE);
    g_free(ssh);
}

static void reaped(GPid pid, int status, gpointer user_data)
{
    FleetRemoteSsh *ssh = user_data;

    ssh->pid = 0;
    if (ssh->ended == NULL) {
        free_ssh(ssh);
        return;
    }
    /* Nobody adds to it any more. */
    while (read_some_errors(ssh) > 0)
        ;
    /* The owner frees it. */
    ssh->ended(status, ssh->errors->str, ssh->user_data);
}

/* Nothing of fleetd's own; messages are in the language that is looked for. */
static char *const environment[] = {(char *)"PATH=/usr/local/bin:/usr/bin:/bin", (char *)"LC_ALL=C", NULL};

/* 0, or what is wrong. */
static int spawn(char **words, int stream, int errors, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, stream, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, stream, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    /* A session of its own, so that no terminal of fleetd's can be asked for anything, or interrupts it. */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    int failure = posix_spawn(pid, words[0], &actions, &attributes, words, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

static FleetRemoteSsh *start(char **words, const int streams[2], const int errors[2], int *failure)
{
    pid_t pid;

    *failure = spawn(words, streams[1], errors[1], &pid);
    if (*failure != 0)
        return NULL;
    FleetRemoteSsh *ssh = g_new0(FleetRemoteSsh, 1);
    ssh->pid = pid;
    ssh->errors = g_string_new(NULL);
    ssh->errors_fd = errors[0];
    ssh->errors_source = g_unix_fd_add(errors[0], G_IO_IN | G_IO_HUP, errors_ready, ssh);
    g_child_watch_add(pid, reaped, ssh);
    return ssh;
}

static void close_pair(int pair[2])
{
    for (guint i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

/* Only our ends do not block. FALSE with errno; nothing is open then. */
static gboolean open_pairs(int streams[2], int errors[2])
{
    streams[0] = streams[1] = errors[0] = errors[1] = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, streams) == 0 && pipe2(errors, O_CLOEXEC) == 0 &&
            fcntl(streams[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(errors[0], F_SETFL, O_NONBLOCK) == 0)
        return TRUE;
    int saved = errno;
    close_pair(streams);
    close_pair(errors);
    errno = saved;
    return FALSE;
}

FleetRemoteSsh *fleet_remote_ssh_start(
        char **words, FleetRemoteSshEndedFunc ended, gpointer user_data, int *fd, GError **error)
{
    int streams[2], errors[2], failure;
    FleetRemoteSsh *ssh;

    if (!open_pairs(streams, errors)) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED, "no pipe to ssh can be made: %s", g_strerror(errno));
        return NULL;
    }
    ssh = start(words, streams, errors, &failure);
    close(streams[1]);
    close(errors[1]);
    if (ssh == NULL) {
        close(streams[0]);
        close(errors[0]);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED, "'%s' cannot be started: %s", words[0],
                g_strerror(failure));
        return NULL;
    }
    ssh->ended = ended;
    ssh->user_data = user_data;
    *fd = streams[0];
    return ssh;
}

void fleet_remote_ssh_free(FleetRemoteSsh *ssh)
{
    if (ssh->pid == 0) {
        free_ssh(ssh);
        return;
    }
    /* Not SIGTERM: one that is stopped, or stuck, would not hear it. What is left is freed when it is reaped. */
    ssh->ended = NULL;
    if (kill(ssh->pid, SIGKILL) < 0)
        fleet_log_warning("ssh, process %d, cannot be ended: %m", ssh->pid);
}
