/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/listener.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "bus/endpoint.h"
#include "model/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128
#define ACCEPTED_PER_TURN 16

/* Of connections that are refused or ended for a reason, one is told of in so long a time. */
#define TOLD_USEC FLEET_USEC_PER_SEC

/* How long to wait when the process or the system is out of file descriptors or memory. */
#define ACCEPT_AGAIN_USEC FLEET_USEC_PER_SEC

struct FleetListener {
    FleetApi *api;
    FleetChanges *changes;
    char *path; /* of the socket made here, to be removed at the end; NULL: it was passed and stays */
    int fd;
    guint source; /* 0 while nothing is accepted */
    FleetTimer accept_again;
    GPtrArray *endpoints;
    FleetUsage *connections;
    FleetRoom *room;
    gint64 told_at;    /* µs of CLOCK_BOOTTIME */
    guint untold;      /* since then */
    guint64 last_peer; /* the number in the last unique name */
    sd_id128_t server_id;
};

static gboolean set_error(GError **error, const char *path, const char *what)
{
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "private socket '%s' %s: %s", path, what,
            g_strerror(errno));
    return FALSE;
}

/* A socket on which nobody answers is what a killed instance left; one on which somebody does is not ours to take. */
static gboolean remove_stale(const struct sockaddr_un *address, GError **error)
{
    struct stat st;
    int fd, r;

    if (lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return TRUE;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return set_error(error, address->sun_path, "cannot be tried");
    r = connect(fd, (const struct sockaddr *)address, sizeof(*address));
    gboolean stale = r < 0 && errno == ECONNREFUSED;
    close(fd);
    if (!stale) {
        errno = EADDRINUSE;
        return set_error(error, address->sun_path, "is used by another process");
    }
    return unlink(address->sun_path) == 0 || set_error(error, address->sun_path, "is stale and cannot be removed");
}

static gboolean open_socket(FleetListener *listener, const char *path, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return set_error(error, path, "cannot be made");
    }
    memcpy(address.sun_path, path, strlen(path));
    if (!remove_stale(&address, error))
        return FALSE;

    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0 || bind(listener->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return set_error(error, path, "cannot be made");
    if (chmod(path, 0666) < 0 || listen(listener->fd, BACKLOG) < 0)
        return set_error(error, path, "cannot be listened on");
    return TRUE;
}

/* Whoever connects and connects must not fill the journal. */
static void tell(FleetListener *listener, const char *what)
{
    gint64 now = fleet_clock_boottime();

    if (listener->told_at != 0 && now - listener->told_at < TOLD_USEC) {
        listener->untold++;
        return;
    }
    if (listener->untold > 0)
        fleet_log_warning("%s; so were %u more before, or similarly", what, listener->untold);
    else
        fleet_log_warning("%s", what);
    listener->told_at = now;
    listener->untold = 0;
}

/* Why a connection was ended from this side; NULL if the peer has left. */
static const char *reason_of(int r)
{
    switch (-r) {
    case ETIMEDOUT:
        return "it has not ended its greeting or a message in time";
    case EMSGSIZE:
        return "it announces a message of more than 16 MiB";
    case EBADMSG:
        return "it does not speak D-Bus";
    default:
        return NULL;
    }
}

static void drop_endpoint(FleetEndpoint *endpoint, int r, gpointer user_data)
{
    FleetListener *listener = user_data;
    const char *name = fleet_endpoint_unique_name(endpoint), *reason = reason_of(r);
    uid_t uid = fleet_endpoint_peer(endpoint)->uid;

    if (reason != NULL) {
        g_autofree char *what =
                g_strdup_printf("the connection of peer %s of user %u is closed: %s", name, (guint)uid, reason);
        tell(listener, what);
    } else
        fleet_log_debug("peer %s is gone: %s", name, g_strerror(-r));
    fleet_usage_remove(listener->connections, uid);
    fleet_changes_remove_endpoint(listener->changes, endpoint);
    g_ptr_array_remove_fast(listener->endpoints, endpoint);
}

/* The greeting has not begun, so all that can be said is ERROR, which may have a text for people ("Authentication
 * Protocol" in the D-Bus specification). */
static void send_away(FleetListener *listener, int fd, const GError *error)
{
    g_autofree char *line = g_strdup_printf("ERROR %s\r\n", error->message);
    g_autofree char *what = g_strdup_printf("a connection on the private socket is refused: %s", error->message);

    /* Whoever does not get it is told nothing. */
    (void)send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
    tell(listener, what);
}

static int add_peer(FleetListener *listener, int fd)
{
    g_autoptr(GError) error = NULL;
    FleetPeerIdentity identity = {.server_id = listener->server_id};
    char name[32];
    int r = fleet_caller_from_socket(&identity.caller, fd);

    if (r < 0) {
        close(fd);
        return r;
    }
    if (!fleet_usage_check(listener->connections, identity.caller.uid, &error)) {
        send_away(listener, fd, error);
        return 0;
    }

    g_snprintf(name, sizeof(name), ":1.%" G_GUINT64_FORMAT, ++listener->last_peer);
    identity.unique_name = name;
    FleetEndpoint *endpoint =
            fleet_endpoint_new_peer(listener->api, fd, &identity, listener->room, drop_endpoint, listener, &r);
    if (endpoint == NULL)
        return r;
    g_ptr_array_add(listener->endpoints, endpoint);
    fleet_usage_add(listener->connections, identity.caller.uid);
    fleet_changes_add_endpoint(listener->changes, endpoint);
    return 0;
}

static gboolean is_exhausted(int r)
{
    return r == -EMFILE || r == -ENFILE || r == -ENOBUFS || r == -ENOMEM;
}

static gboolean accept_peers(int listening, GIOCondition condition, gpointer user_data)
{
    FleetListener *listener = user_data;

    for (guint i = 0; i < ACCEPTED_PER_TURN; i++) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        int r = fd >= 0 ? add_peer(listener, fd) : -errno;

        if (r == -EAGAIN)
            break;
        if (r < 0) {
            g_autofree char *what =
                    g_strdup_printf("a connection on the private socket is refused: %s", g_strerror(-r));
            tell(listener, what);
        }
        if (is_exhausted(r)) {
            /* The connection stays in the backlog, so the socket would wake us at once, and again. */
            listener->source = 0;
            fleet_timers_set(
                    listener->api->timers, &listener->accept_again, fleet_clock_boottime() + ACCEPT_AGAIN_USEC);
            return G_SOURCE_REMOVE;
        }
    }
    return G_SOURCE_CONTINUE;
}

static void accept_again(FleetTimer *timer)
{
    FleetListener *listener = timer->data;

    listener->source = g_unix_fd_add(listener->fd, G_IO_IN, accept_peers, listener);
}

static void free_endpoint(gpointer endpoint)
{
    fleet_endpoint_free(endpoint);
}

static FleetListener *new_listener(FleetApi *api, FleetChanges *changes)
{
    FleetListener *listener = g_new0(FleetListener, 1);

    listener->api = api;
    listener->changes = changes;
    listener->fd = -1;
    listener->accept_again = (FleetTimer){.fire = accept_again, .data = listener};
    listener->endpoints = g_ptr_array_new_with_free_func(free_endpoint);
    listener->connections = fleet_usage_new(FLEET_QUOTA_CONNECTIONS, geteuid());
    listener->room = fleet_room_new();
    return listener;
}

static gboolean start_listening(FleetListener *listener, const char *name, GError **error)
{
    if (sd_id128_randomize(&listener->server_id) < 0) {
        errno = EIO;
        return set_error(error, name, "cannot be given an id");
    }
    accept_again(&listener->accept_again);
    return TRUE;
}

FleetListener *fleet_listener_new(FleetApi *api, FleetChanges *changes, const char *path, GError **error)
{
    g_autoptr(FleetListener) listener = new_listener(api, changes);

    if (!open_socket(listener, path, error))
        return NULL;
    listener->path = g_strdup(path);
    return start_listening(listener, path, error) ? g_steal_pointer(&listener) : NULL;
}

/* Whether it is what can be accepted from; errno says what it is not. */
static gboolean is_listening(int fd)
{
    static const struct {
        int option, value, otherwise;
    } expected[] = {
            {SO_DOMAIN, AF_UNIX, EAFNOSUPPORT},
            {SO_TYPE, SOCK_STREAM, EPROTOTYPE},
            {SO_ACCEPTCONN, TRUE, EINVAL},
    };

    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        int value;
        socklen_t size = sizeof(value);

        if (getsockopt(fd, SOL_SOCKET, expected[i].option, &value, &size) < 0)
            return FALSE;
        if (value != expected[i].value) {
            errno = expected[i].otherwise;
            return FALSE;
        }
    }
    return TRUE;
}

FleetListener *fleet_listener_new_from_fd(FleetApi *api, FleetChanges *changes, int fd, GError **error)
{
    g_autofree char *name = g_strdup_printf("file descriptor %d", fd);
    g_autoptr(FleetListener) listener = new_listener(api, changes);

    listener->fd = fd;
    if (!is_listening(fd)) {
        set_error(error, name, "is not a listening Unix stream socket");
        return NULL;
    }
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || !g_unix_set_fd_nonblocking(fd, TRUE, NULL)) {
        set_error(error, name, "cannot be set up");
        return NULL;
    }
    return start_listening(listener, name, error) ? g_steal_pointer(&listener) : NULL;
}

void fleet_listener_configure(FleetListener *listener, const FleetQuotas *quotas)
{
    fleet_usage_configure(listener->connections, quotas);
}

void fleet_listener_free(FleetListener *listener)
{
    g_clear_handle_id(&listener->source, g_source_remove);
    fleet_timers_clear(listener->api->timers, &listener->accept_again);
    for (guint i = 0; i < listener->endpoints->len; i++)
        fleet_changes_remove_endpoint(listener->changes, g_ptr_array_index(listener->endpoints, i));
    g_ptr_array_unref(listener->endpoints);
    fleet_room_free(listener->room);
    fleet_usage_free(listener->connections);
    if (listener->fd >= 0)
        close(listener->fd);
    if (listener->path != NULL)
        unlink(listener->path);
    g_free(listener->path);
    g_free(listener);
}

gboolean fleet_listener_is_flushed(const FleetListener *listener)
{
    for (guint i = 0; i < listener->endpoints->len; i++)
        if (!fleet_endpoint_flush(g_ptr_array_index(listener->endpoints, i)))
            return FALSE;
    return TRUE;
}
