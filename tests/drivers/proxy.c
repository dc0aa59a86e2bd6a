/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proxy.h"

#include "lib/loop.h"
#include "lib/main.h"

#include <arpa/inet.h>
#include <glib-unix.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One connection through it: what comes from one end goes to the other. */
typedef struct {
    Proxy *proxy;
    int fds[2]; /* the client's, the broker's */
    guint sources[2];
    gboolean is_mute; /* nothing of the broker's is passed on */
} Link;

struct Proxy {
    const FleetTestBroker *broker; /* weak */
    int fd, port;
    guint source;
    GPtrArray *links; /* of Link */
    gboolean is_open;
    char *text; /* NULL = it does not break any more */
    ProxyBreak how;
    gboolean is_broken;
};

static void free_link(gpointer data)
{
    Link *link = data;

    for (guint i = 0; i < G_N_ELEMENTS(link->fds); i++) {
        if (link->sources[i] != 0)
            g_source_remove(link->sources[i]);
        close(link->fds[i]);
    }
    g_free(link);
}

static void write_all(int fd, const char *bytes, gsize length)
{
    while (length > 0) {
        ssize_t written = send(fd, bytes, length, MSG_NOSIGNAL);

        if (written < 0)
            return; /* its end is seen when it is read from */
        bytes += written;
        length -= (gsize)written;
    }
}

static gboolean breaks(Proxy *proxy, const char *bytes, gsize length)
{
    return proxy->text != NULL && memmem(bytes, length, proxy->text, strlen(proxy->text)) != NULL;
}

static gboolean drop_all(gpointer data)
{
    Proxy *proxy = data;

    g_ptr_array_set_size(proxy->links, 0);
    proxy->is_broken = TRUE;
    return G_SOURCE_REMOVE;
}

static gboolean pass(int fd, GIOCondition condition, gpointer data)
{
    Link *link = data;
    Proxy *proxy = link->proxy;
    guint end = fd == link->fds[0] ? 0 : 1;
    char bytes[65536];
    ssize_t length = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (length <= 0) {
        link->sources[end] = 0;
        g_ptr_array_remove_fast(proxy->links, link);
        return G_SOURCE_REMOVE;
    }
    if (end == 0 && breaks(proxy, bytes, (gsize)length)) {
        g_clear_pointer(&proxy->text, g_free);
        link->is_mute = TRUE;
        if (proxy->how == PROXY_PASS)
            write_all(link->fds[1], bytes, (gsize)length);
        g_timeout_add(proxy->how == PROXY_PASS ? 200 : 0, drop_all, proxy);
        return G_SOURCE_CONTINUE;
    }
    if (end == 0 ? !link->is_mute || proxy->how == PROXY_PASS : !link->is_mute)
        write_all(link->fds[1 - end], bytes, (gsize)length);
    return G_SOURCE_CONTINUE;
}

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((guint16)port)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static gboolean take(int fd, GIOCondition condition, gpointer data)
{
    Proxy *proxy = data;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    int broker = proxy->is_open ? connect_to(fleet_test_broker_port(proxy->broker)) : -1;

    if (client < 0 || broker < 0) {
        if (client >= 0)
            close(client);
        return G_SOURCE_CONTINUE;
    }
    Link *link = g_new0(Link, 1);
    link->proxy = proxy;
    link->fds[0] = client;
    link->fds[1] = broker;
    for (guint i = 0; i < G_N_ELEMENTS(link->fds); i++)
        link->sources[i] = g_unix_fd_add(link->fds[i], G_IO_IN, pass, link);
    g_ptr_array_add(proxy->links, link);
    return G_SOURCE_CONTINUE;
}

Proxy *proxy_new(const FleetTestBroker *broker)
{
    Proxy *proxy = g_new0(Proxy, 1);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);

    proxy->broker = broker;
    proxy->is_open = TRUE;
    proxy->links = g_ptr_array_new_with_free_func(free_link);
    proxy->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(proxy->fd, (struct sockaddr *)&address, size) < 0 || listen(proxy->fd, 16) < 0 ||
            getsockname(proxy->fd, (struct sockaddr *)&address, &size) < 0)
        fleet_test_fail("no port to listen on: %m");
    proxy->port = ntohs(address.sin_port);
    proxy->source = g_unix_fd_add(proxy->fd, G_IO_IN, take, proxy);
    return proxy;
}

void proxy_free(Proxy *proxy)
{
    g_ptr_array_unref(proxy->links);
    g_source_remove(proxy->source);
    close(proxy->fd);
    g_free(proxy->text);
    g_free(proxy);
}

int proxy_port(const Proxy *proxy)
{
    return proxy->port;
}

void proxy_break_at(Proxy *proxy, const char *text, ProxyBreak how)
{
    g_free(proxy->text);
    proxy->text = g_strdup(text);
    proxy->how = how;
    proxy->is_broken = FALSE;
}

void proxy_wait_broken(Proxy *proxy)
{
    if (!fleet_test_run_until(fleet_test_is_set, &proxy->is_broken))
        fleet_test_fail("what the wire is to break at does not come");
}

void proxy_set_open(Proxy *proxy, gboolean open)
{
    proxy->is_open = open;
}
