/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/remote_bus/delivery.h"

#include "base/clock.h"
#include "drivers/remote_bus/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPLY_MAX 4096 /* bytes */

/* Where root may write, and all that is there is gone after a reboot; a user's own place of that kind otherwise. The
 * path is told on a line of its own, which nothing that the shell's files may print looks like. */
#define COMMAND                                                                                                        \
    "exec /bin/sh -c 'umask 077; d=/run; test -w /run || d=$XDG_RUNTIME_DIR; test -n \"$d\" || exit 1; "               \
    "rm -f \"$d/%s\" && cat >\"$d/%s\" && echo \"path=$d/%s\"'"

#define REMOVE_COMMAND "exec /bin/sh -c 'rm -f \"/run/%s\" \"${XDG_RUNTIME_DIR:-/run}/%s\"; echo path=/'"

struct FleetRemoteDelivery {
    FleetRemoteDeliveredFunc delivered;
    gpointer user_data;
    const FleetRemoteLink *link; /* weak: it outlives this */
    FleetRemoteSsh *ssh;         /* NULL on this machine */
    int fd;
    guint source; /* watches fd, or tells what is known already; or 0 */
    guint timer;  /* or 0 */
    char *text;   /* "" to be removed */
    gboolean removes;
    gsize sent;
    GString *reply;
    char *path;    /* once it is known */
    char *message; /* of a failure */
};

static void stop(FleetRemoteDelivery *delivery)
{
    if (delivery->source != 0)
        g_source_remove(delivery->source);
    if (delivery->timer != 0)
        g_source_remove(delivery->timer);
    delivery->source = delivery->timer = 0;
    if (delivery->fd >= 0)
        close(delivery->fd);
    delivery->fd = -1;
    g_clear_pointer(&delivery->ssh, fleet_remote_ssh_free);
}

void fleet_remote_delivery_free(FleetRemoteDelivery *delivery)
{
    stop(delivery);
    /* It may have been a secret. */
    explicit_bzero(delivery->text, strlen(delivery->text));
    g_free(delivery->text);
    g_string_free(delivery->reply, TRUE);
    g_free(delivery->path);
    g_free(delivery->message);
    g_free(delivery);
}

/* The owner may free it from there. */
static gboolean tell(gpointer data)
{
    FleetRemoteDelivery *delivery = data;

    delivery->source = 0;
    stop(delivery);
    delivery->delivered(delivery->path, delivery->message, delivery->user_data);
    return G_SOURCE_REMOVE;
}

static void tell_later(FleetRemoteDelivery *delivery)
{
    stop(delivery);
    delivery->source = g_idle_add_full(G_PRIORITY_DEFAULT, tell, delivery, NULL);
}

/* Takes the message. */
static void fail(FleetRemoteDelivery *delivery, char *message)
{
    g_free(delivery->message);
    delivery->message = message;
    tell_later(delivery);
}

static char *find_path(const char *reply)
{
    const char *mark = g_str_has_prefix(reply, "path=/") ? reply : strstr(reply, "\npath=/");
    const char *path = mark != NULL ? strchr(mark, '/') : NULL;
    const char *end = path != NULL ? strchr(path, '\n') : NULL;

    return end != NULL ? g_strndup(path, (gsize)(end - path)) : NULL;
}

static void read_reply(FleetRemoteDelivery *delivery)
{
    char buffer[1024];
    gssize n;

    while ((n = read(delivery->fd, buffer, sizeof(buffer))) > 0)
        if (delivery->reply->len < REPLY_MAX)
            g_string_append_len(delivery->reply, buffer, n);
}

static void ssh_ended(int status, const char *errors, gpointer user_data)
{
    FleetRemoteDelivery *delivery = user_data;
    const FleetRemoteAddress *address = fleet_remote_link_address(delivery->link);
    g_auto(FleetRemoteFailure) failure = {0};

    read_reply(delivery);
    delivery->path = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? find_path(delivery->reply->str) : NULL;
    if (delivery->path != NULL && g_utf8_validate(delivery->path, -1, NULL)) {
        tell_later(delivery);
        return;
    }
    g_clear_pointer(&delivery->path, g_free);
    fleet_remote_failure_read(address, fleet_remote_link_access(delivery->link), status, errors, &failure);
    fail(delivery, g_strdup_printf("the parameters cannot be put on '%s': %s", address->host, failure.message));
}

static gboolean timed_out(gpointer data)
{
    FleetRemoteDelivery *delivery = data;

    delivery->timer = 0;
    fail(delivery, g_strdup_printf("the parameters could not be put on '%s' in time",
                           fleet_remote_link_address(delivery->link)->host));
    return G_SOURCE_REMOVE;
}

/* All of it, and then its end; what ssh has to say of a failure comes when it ends. */
static gboolean stream_ready(int fd, GIOCondition condition, gpointer data)
{
    FleetRemoteDelivery *delivery = data;
    gsize left = strlen(delivery->text) - delivery->sent;
    gssize n = left > 0 ? send(fd, delivery->text + delivery->sent, left, MSG_NOSIGNAL) : 0;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return G_SOURCE_CONTINUE;
    if (n > 0)
        delivery->sent += (gsize)n;
    if (n >= 0 && delivery->text[delivery->sent] != '\0')
        return G_SOURCE_CONTINUE;
    delivery->source = 0;
    (void)shutdown(fd, SHUT_WR);
    return G_SOURCE_REMOVE;
}

static void start_remote(FleetRemoteDelivery *delivery, const FleetRemoteSettings *settings, const char *name)
{
    const FleetRemoteAccess *access = fleet_remote_link_access(delivery->link);
    g_autofree char *command = delivery->removes ? g_strdup_printf(REMOVE_COMMAND, name, name)
                                                 : g_strdup_printf(COMMAND, name, name, name);
    g_auto(GStrv) words =
            fleet_remote_ssh_words(settings->ssh, fleet_remote_link_address(delivery->link), access, command);
    g_autoptr(GError) error = NULL;

    delivery->ssh = fleet_remote_ssh_start(words, ssh_ended, delivery, &delivery->fd, &error);
    if (delivery->ssh == NULL) {
        fail(delivery, g_strdup(error->message));
        return;
    }
    delivery->source = g_unix_fd_add(delivery->fd, G_IO_OUT, stream_ready, delivery);
    delivery->timer =
            g_timeout_add((guint)MIN(access->connect_timeout / FLEET_USEC_PER_MSEC, G_MAXINT), timed_out, delivery);
}

static gboolean write_all(int fd, const char *text)
{
    gsize length = strlen(text), done = 0;

    while (done < length) {
        gssize n = write(fd, text + done, length - done);

        if (n < 0)
            return FALSE;
        done += (gsize)n;
    }
    return TRUE;
}

/* Of this machine's systemd; it need not outlive a crash. */
static gboolean write_local(const char *directory, const char *path, const char *text)
{
    if (g_mkdir_with_parents(directory, 0700) < 0 || (unlink(path) < 0 && errno != ENOENT))
        return FALSE;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return FALSE;
    gboolean written = write_all(fd, text);
    int saved = errno;
    close(fd);
    errno = saved;
    return written;
}

static gboolean remove_local(const char *path)
{
    return unlink(path) == 0 || errno == ENOENT;
}

static void start_local(FleetRemoteDelivery *delivery, const FleetRemoteSettings *settings, const char *name)
{
    const char *directory = settings->directory;
    g_autofree char *path = directory != NULL ? g_build_filename(directory, name, NULL) : NULL;

    if (path == NULL)
        fail(delivery, g_strdup("no directory is known for what programs on this machine are told"));
    else if (delivery->removes ? !remove_local(path) : !write_local(directory, path, delivery->text))
        fail(delivery, g_strdup_printf("'%s' cannot be written or removed: %s", path, g_strerror(errno)));
    else {
        delivery->path = g_steal_pointer(&path);
        tell_later(delivery);
    }
}

FleetRemoteDelivery *fleet_remote_delivery_start(FleetRemoteLink *link, const FleetRemoteSettings *settings,
        const char *name, const char *text, FleetRemoteDeliveredFunc delivered, gpointer user_data)
{
    FleetRemoteDelivery *delivery = g_new0(FleetRemoteDelivery, 1);

    delivery->delivered = delivered;
    delivery->user_data = user_data;
    delivery->link = link;
    delivery->fd = -1;
    delivery->text = g_strdup(text != NULL ? text : "");
    delivery->removes = text == NULL;
    delivery->reply = g_string_new(NULL);
    if (fleet_remote_link_address(link)->local)
        start_local(delivery, settings, name);
    else
        start_remote(delivery, settings, name);
    return delivery;
}
