/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/listener.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "bus/endpoint.h"

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

static void drop_endpoint(FleetEndpoint *endpoint, int r, gpointer user_data)
{
    FleetListener *listener = user_data;

    fleet_log_debug("peer %s is gone: %s", fleet_endpoint_unique_name(endpoint), g_strerror(-r));
    fleet_changes_remove_endpoint(listener->changes, endpoint);
    g_ptr_array_remove_fast(listener->endpoints, endpoint);
}

/* A connection of our own side of sd-bus; takes the fd. */
static int start_server(FleetListener *listener, int fd, sd_bus **ret)
{
    __attribute__((cleanup(sd_bus_unrefp))) sd_bus *bus = NULL;
    int r = sd_bus_new(&bus);

    if (r >= 0)
        r = sd_bus_set_fd(bus, fd, fd);
    if (r < 0) {
        close(fd);
        return r;
    }
    r = sd_bus_set_server(bus, TRUE, listener->server_id);
    if (r >= 0)
        r = sd_bus_set_description(bus, "private");
    if (r >= 0)
        r = sd_bus_start(bus);
    if (r >= 0)
        *ret = g_steal_pointer(&bus);
    return r;
}

static int add_peer(FleetListener *listener, int fd)
{
    __attribute__((cleanup(sd_bus_unrefp))) sd_bus *bus = NULL;
    FleetCaller peer;
    char name[32];
    int r = fleet_caller_from_socket(&peer, fd);

    if (r < 0) {
        close(fd);
        return r;
    }
    r = start_server(listener, fd, &bus);
    if (r < 0)
        return r;

    g_snprintf(name, sizeof(name), ":1.%" G_GUINT64_FORMAT, ++listener->last_peer);
    FleetEndpoint *endpoint = fleet_endpoint_new_peer(listener->api, bus, &peer, name, drop_endpoint, listener, &r);
    if (endpoint == NULL)
        return r;
    g_ptr_array_add(listener->endpoints, endpoint);
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
        if (r < 0)
            fleet_log_warning("a connection on the private socket is refused: %s", g_strerror(-r));
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

void fleet_listener_free(FleetListener *listener)
{
    g_clear_handle_id(&listener->source, g_source_remove);
    fleet_timers_clear(listener->api->timers, &listener->accept_again);
    for (guint i = 0; i < listener->endpoints->len; i++)
        fleet_changes_remove_endpoint(listener->changes, g_ptr_array_index(listener->endpoints, i));
    g_ptr_array_unref(listener->endpoints);
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
        if (!fleet_endpoint_is_flushed(g_ptr_array_index(listener->endpoints, i)))
            return FALSE;
    return TRUE;
}
