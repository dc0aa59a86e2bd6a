/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/thin_edge/resolver.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "getent"
#define OUTPUT_MAX (64 * 1024)
#define TIMEOUT_MSEC 60000
#define NOT_FOUND 2 /* its exit status */

struct FleetThinEdgeResolver {
    char *host;
    FleetThinEdgeResolved resolved;
    gpointer user_data;
    GPid pid; /* 0 = it has been reaped, or never was */
    int fd;   /* its stdout; -1 = at its end */
    GString *output;
    int status;
    char *failure; /* NULL = none but what the status says */
    guint watch, input, timeout, idle;
};

static void let_go(FleetThinEdgeResolver *resolver)
{
    g_clear_handle_id(&resolver->watch, g_source_remove);
    g_clear_handle_id(&resolver->input, g_source_remove);
    g_clear_handle_id(&resolver->timeout, g_source_remove);
    g_clear_handle_id(&resolver->idle, g_source_remove);
    if (resolver->fd >= 0)
        close(resolver->fd);
    g_string_free(resolver->output, TRUE);
    g_free(resolver->host);
    g_free(resolver->failure);
    g_free(resolver);
}

static void reaped_late(GPid pid, int status, gpointer data)
{
    g_spawn_close_pid(pid);
}

void fleet_thin_edge_resolver_cancel(FleetThinEdgeResolver *resolver)
{
    if (resolver->pid != 0) {
        kill(resolver->pid, SIGKILL);
        g_child_watch_add(resolver->pid, reaped_late, NULL);
    }
    let_go(resolver);
}

/* "ADDRESS STREAM NAME", and the same for other types of sockets. */
static char **read_addresses(const char *output)
{
    g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
    GPtrArray *addresses = g_ptr_array_new();

    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit_set(*line, " \t", 2);

        if (words[0] != NULL && words[1] != NULL && strstr(words[1], "STREAM") != NULL &&
                g_hostname_is_ip_address(words[0]))
            g_ptr_array_add(addresses, g_strdup(words[0]));
    }
    g_ptr_array_add(addresses, NULL);
    return (char **)g_ptr_array_free(addresses, FALSE);
}

static char *describe_failure(const FleetThinEdgeResolver *resolver)
{
    if (resolver->failure != NULL)
        return g_strdup(resolver->failure);
    if (!WIFEXITED(resolver->status))
        return g_strdup("'" PROGRAM "' was killed");
    if (WEXITSTATUS(resolver->status) != 0 && WEXITSTATUS(resolver->status) != NOT_FOUND)
        return g_strdup_printf("'" PROGRAM "' exited with status %d", WEXITSTATUS(resolver->status));
    return g_strdup_printf("the host '%s' is not known", resolver->host);
}

static void finish(FleetThinEdgeResolver *resolver)
{
    gboolean is_right = resolver->failure == NULL && resolver->status == 0;
    g_auto(GStrv) addresses = read_addresses(is_right ? resolver->output->str : "");
    g_autofree char *failure = *addresses == NULL ? describe_failure(resolver) : NULL;
    FleetThinEdgeResolved resolved = resolver->resolved;
    gpointer user_data = resolver->user_data;

    let_go(resolver);
    resolved(failure == NULL ? (const char *const *)addresses : NULL, failure, user_data);
}

/* It has ended, and all that it wrote has been read. */
static void finish_if_over(FleetThinEdgeResolver *resolver)
{
    if (resolver->pid == 0 && resolver->fd < 0)
        finish(resolver);
}

static void reaped(GPid pid, int status, gpointer data)
{
    FleetThinEdgeResolver *resolver = data;

    g_spawn_close_pid(pid);
    resolver->watch = 0;
    resolver->pid = 0;
    resolver->status = status;
    finish_if_over(resolver);
}

static gboolean take_output(int fd, GIOCondition condition, gpointer data)
{
    FleetThinEdgeResolver *resolver = data;
    char buffer[4096];
    ssize_t length = read(fd, buffer, sizeof(buffer));

    if (length < 0 && (errno == EINTR || errno == EAGAIN))
        return G_SOURCE_CONTINUE;
    if (length > 0 && resolver->output->len + (gsize)length <= OUTPUT_MAX) {
        g_string_append_len(resolver->output, buffer, length);
        return G_SOURCE_CONTINUE;
    }
    close(fd);
    resolver->fd = -1;
    resolver->input = 0;
    finish_if_over(resolver);
    return G_SOURCE_REMOVE;
}

static gboolean give_up(gpointer data)
{
    FleetThinEdgeResolver *resolver = data;

    resolver->timeout = 0;
    resolver->failure = g_strdup_printf("nobody tells the addresses of the host '%s'", resolver->host);
    if (resolver->pid != 0)
        kill(resolver->pid, SIGKILL);
    return G_SOURCE_REMOVE;
}

static gboolean fail_later(gpointer data)
{
    FleetThinEdgeResolver *resolver = data;

    resolver->idle = 0;
    finish(resolver);
    return G_SOURCE_REMOVE;
}

FleetThinEdgeResolver *fleet_thin_edge_resolver_start(
        const char *host, FleetThinEdgeResolved resolved, gpointer user_data)
{
    const char *argv[] = {PROGRAM, "ahosts", host, NULL};
    FleetThinEdgeResolver *resolver = g_new0(FleetThinEdgeResolver, 1);
    g_autoptr(GError) error = NULL;

    resolver->host = g_strdup(host);
    resolver->resolved = resolved;
    resolver->user_data = user_data;
    resolver->output = g_string_new(NULL);
    resolver->fd = -1;
    if (!g_spawn_async_with_pipes(NULL, (char **)argv, NULL,
                G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                &resolver->pid, NULL, &resolver->fd, NULL, &error)) {
        resolver->failure = g_strdup(error->message);
        resolver->idle = g_idle_add(fail_later, resolver);
        return resolver;
    }
    resolver->watch = g_child_watch_add(resolver->pid, reaped, resolver);
    resolver->input = g_unix_fd_add(resolver->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, take_output, resolver);
    resolver->timeout = g_timeout_add(TIMEOUT_MSEC, give_up, resolver);
    return resolver;
}
