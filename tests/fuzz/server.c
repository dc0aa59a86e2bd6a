/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "server.h"

#include "daemon/daemon.h"
#include "daemon/options.h"
#include "fuzz.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CHANGES_MAX 200     /* inputs that change something before the server starts anew */
#define PATIENCE_MSEC 30000 /* for an answer: a sanitizer on a busy machine is slow */

/* Actions end soon and in any way, so that all that follows an end is reached. */
#define CONFIG                                                                                                         \
    "[Simulation]\nMinDuration=0\nMaxDuration=5ms\nSuccessRate=0.5\nTransientRate=0.5\nSeed=1\n"                       \
    "[Retention]\nFinishedActions=10\n[Log]\nLevel=err\n"

static GThread *thread; /* NULL: it does not run */
static char *socket_path;
static guint changes;

static gpointer run(gpointer data)
{
    g_autoptr(FleetOptions) options = data;
    FleetDaemon *daemon = fleet_daemon_new(options);
    FleetExitStatus status = fleet_daemon_run(daemon);

    if (status != FLEET_EXIT_SUCCESS)
        g_error("fleetd ends with %d", (int)status);
    fleet_daemon_free(daemon);
    return NULL;
}

/* As an administrator would. */
static void stop(void)
{
    if (thread == NULL)
        return;
    kill(getpid(), SIGTERM);
    g_thread_join(g_steal_pointer(&thread));
    g_clear_pointer(&socket_path, g_free);
}

static int try_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, socket_path, sizeof(address.sun_path));
    g_assert_cmpint(fd, >=, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

int fleet_fuzz_server_connect(void)
{
    int fd = try_connect();

    if (fd < 0)
        g_error("cannot connect to fleetd: %m");
    return fd;
}

/* Nothing tells that it listens but that it does. */
static void wait_until_it_listens(void)
{
    gint64 deadline = g_get_monotonic_time() + PATIENCE_MSEC * 1000;
    int fd;

    while ((fd = try_connect()) < 0) {
        if (g_get_monotonic_time() > deadline)
            g_error("fleetd does not come up");
        (void)poll(NULL, 0, 1);
    }
    close(fd);
}

void fleet_fuzz_server_start(void)
{
    static gboolean once;
    g_autofree char *directory = NULL;
    FleetExitStatus status;

    if (changes > CHANGES_MAX)
        stop();
    if (thread != NULL)
        return;
    directory = fleet_fuzz_directory_new();
    if (!once)
        atexit(stop);
    once = TRUE;
    changes = 0;
    socket_path = g_build_filename(directory, "socket", NULL);
    g_autofree char *config = g_build_filename(directory, "fleetd.conf", NULL);
    g_assert_true(g_file_set_contents(config, CONFIG, -1, NULL));
    g_autofree char *socket_option = g_strconcat("--socket=", socket_path, NULL);
    g_autofree char *state_option = g_strconcat("--state-directory=", directory, "/state", NULL);
    g_autofree char *config_option = g_strconcat("--config=", config, NULL);
    char *arguments[] = {(char *)"fleetd", (char *)"--no-bus", socket_option, state_option, config_option, NULL};
    FleetOptions *options = fleet_options_parse((int)G_N_ELEMENTS(arguments) - 1, arguments, &status);
    g_assert_nonnull(options);
    thread = g_thread_new("fleetd", run, options);
    wait_until_it_listens();
}

void fleet_fuzz_server_was_changed(void)
{
    changes++;
}

/* libFuzzer looks at its clock from a signal, now and then. */
static void wait_for(struct pollfd *ready)
{
    gint64 deadline = g_get_monotonic_time() + PATIENCE_MSEC * 1000;
    int r;

    do
        r = poll(ready, 1, PATIENCE_MSEC);
    while (r < 0 && errno == EINTR && g_get_monotonic_time() < deadline);
    if (r != 1)
        g_error("fleetd neither answers nor closes the connection");
}

/* Appends what has come. FALSE at the end. */
static gboolean receive(int fd, GByteArray *received)
{
    guint8 buffer[16384];
    gssize n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);

    if (n > 0)
        g_byte_array_append(received, buffer, (guint)n);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

gboolean fleet_fuzz_server_exchange(int fd, const guint8 *bytes, gsize size, gboolean finish, GByteArray *received,
        FleetFuzzEnoughFunc enough, gpointer user_data)
{
    gboolean finished = FALSE;

    for (;;) {
        struct pollfd ready = {.fd = fd, .events = (short)(POLLIN | (size > 0 ? POLLOUT : 0))};

        if (size == 0 && finish && !finished) {
            (void)shutdown(fd, SHUT_WR);
            finished = TRUE;
        }
        if (size == 0 && !finish && (enough == NULL || enough(received, user_data)))
            return TRUE;
        wait_for(&ready);
        if ((ready.revents & POLLIN) != 0 && !receive(fd, received))
            return FALSE;
        if ((ready.revents & POLLOUT) != 0) {
            gssize n = send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n < 0 && errno != EAGAIN)
                size = 0; /* it has closed; what it said before that is still to be read */
            else if (n > 0) {
                bytes += n;
                size -= (gsize)n;
            }
        } else if ((ready.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && (ready.revents & POLLIN) == 0)
            return FALSE;
    }
}
