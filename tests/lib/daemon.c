/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/daemon.h"

#include "lib/main.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct FleetTestDaemon {
    char *directory;
    char *mode;
    char *state_directory;
    char *config;
    char *socket;
    GPtrArray *arguments;
    GPtrArray *env;
    int notify;
    GPtrArray *notifications; /* of char *, one assignment each, since the start */
    FleetTestProcess *process;
};

int fleet_test_notify_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path))
        fleet_test_fail("%s is too long for a socket", path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        fleet_test_fail("cannot listen on %s: %m", path);
    return fd;
}

FleetTestDaemon *fleet_test_daemon_new(void)
{
    FleetTestDaemon *daemon = g_new0(FleetTestDaemon, 1);

    daemon->directory = fleet_test_directory_new();
    daemon->mode = g_strdup("--system");
    daemon->state_directory = g_build_filename(daemon->directory, "state", NULL);
    daemon->config = g_build_filename(daemon->directory, "fleetd.conf", NULL);
    daemon->socket = g_build_filename(daemon->directory, "fleetd.sock", NULL);
    daemon->arguments = g_ptr_array_new_with_free_func(g_free);
    daemon->env = g_ptr_array_new_with_free_func(g_free);
    daemon->notifications = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *notify = g_build_filename(daemon->directory, "notify", NULL);
    daemon->notify = fleet_test_notify_socket(notify);
    g_ptr_array_add(daemon->env, g_strconcat("NOTIFY_SOCKET=", notify, NULL));
    fleet_test_daemon_set_config(daemon, "");
    return daemon;
}

void fleet_test_daemon_free(FleetTestDaemon *daemon)
{
    if (daemon->process != NULL && fleet_test_process_wait(daemon->process, 0) < 0) {
        int status = fleet_test_daemon_stop(daemon);
        if (status != 0) {
            g_autofree char *written = fleet_test_daemon_stderr(daemon);
            fleet_test_fail("fleetd exits with %d: %s", status, written);
        }
    }
    g_clear_pointer(&daemon->process, fleet_test_process_free);
    close(daemon->notify);
    fleet_test_remove(daemon->directory);
    g_free(daemon->directory);
    g_free(daemon->mode);
    g_free(daemon->state_directory);
    g_free(daemon->config);
    g_free(daemon->socket);
    g_ptr_array_unref(daemon->arguments);
    g_ptr_array_unref(daemon->env);
    g_ptr_array_unref(daemon->notifications);
    g_free(daemon);
}

const char *fleet_test_daemon_state_directory(const FleetTestDaemon *daemon)
{
    return daemon->state_directory;
}

const char *fleet_test_daemon_config(const FleetTestDaemon *daemon)
{
    return daemon->config;
}

const char *fleet_test_daemon_socket(const FleetTestDaemon *daemon)
{
    return daemon->socket;
}

void fleet_test_daemon_set_mode(FleetTestDaemon *daemon, const char *mode)
{
    g_free(daemon->mode);
    daemon->mode = g_strdup(mode);
}

void fleet_test_daemon_set_state_directory(FleetTestDaemon *daemon, const char *path)
{
    char *copy = g_strdup(path);

    g_free(daemon->state_directory);
    daemon->state_directory = copy;
}

void fleet_test_daemon_add_argument(FleetTestDaemon *daemon, const char *argument)
{
    g_ptr_array_add(daemon->arguments, g_strdup(argument));
}

void fleet_test_daemon_add_env(FleetTestDaemon *daemon, const char *assignment)
{
    g_ptr_array_add(daemon->env, g_strdup(assignment));
}

void fleet_test_daemon_preload(FleetTestDaemon *daemon, const char *library)
{
    const char *options = g_getenv("ASAN_OPTIONS");
    g_autofree char *preload = g_strconcat("LD_PRELOAD=", library, NULL);
    /* AddressSanitizer wants to be the first; the library calls on to it, so it need not. */
    g_autofree char *asan =
            g_strconcat("ASAN_OPTIONS=", options != NULL ? options : "", ":verify_asan_link_order=0", NULL);

    fleet_test_daemon_add_env(daemon, preload);
    fleet_test_daemon_add_env(daemon, asan);
}

void fleet_test_daemon_set_config(FleetTestDaemon *daemon, const char *text)
{
    fleet_test_write(daemon->config, text);
}

/* Takes in all that has arrived. */
static void read_notifications(FleetTestDaemon *daemon)
{
    char text[8192];
    ssize_t length;

    while ((length = recv(daemon->notify, text, sizeof(text) - 1, 0)) >= 0) {
        text[length] = '\0';
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line != NULL; line++)
            if (**line != '\0')
                g_ptr_array_add(daemon->notifications, g_strdup(*line));
    }
    if (errno != EAGAIN)
        fleet_test_fail("cannot read notifications: %m");
}

void fleet_test_daemon_launch(FleetTestDaemon *daemon)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) env = g_ptr_array_new();
    const char *wrapper = g_getenv("FLEET_TEST_WRAPPER");

    g_assert(daemon->process == NULL || fleet_test_process_wait(daemon->process, 0) >= 0);
    if (wrapper != NULL)
        g_ptr_array_add(argv, g_strdup(wrapper));
    g_ptr_array_add(argv, g_strdup(fleet_test_env("FLEETD")));
    g_ptr_array_add(argv, g_strdup(daemon->mode));
    g_ptr_array_add(argv, g_strconcat("--state-directory=", daemon->state_directory, NULL));
    g_ptr_array_add(argv, g_strconcat("--config=", daemon->config, NULL));
    g_ptr_array_add(argv, g_strconcat("--socket=", daemon->socket, NULL));
    for (guint i = 0; i < daemon->arguments->len; i++)
        g_ptr_array_add(argv, g_strdup(daemon->arguments->pdata[i]));
    g_ptr_array_add(argv, NULL);
    g_ptr_array_extend(env, daemon->env, NULL, NULL);
    g_ptr_array_add(env, NULL);

    g_clear_pointer(&daemon->process, fleet_test_process_free);
    fleet_test_daemon_forget_notified(daemon); /* the last words of one that was killed, too */
    daemon->process = fleet_test_process_start((const char *const *)argv->pdata, (const char *const *)env->pdata);
}

void fleet_test_daemon_start(FleetTestDaemon *daemon)
{
    fleet_test_daemon_launch(daemon);
    if (!fleet_test_daemon_wait_notify(daemon, "READY=1", FLEET_TEST_PATIENCE)) {
        g_autofree char *written = fleet_test_daemon_stderr(daemon);
        fleet_test_fail(
                "fleetd does not get ready (exit status %d): %s", fleet_test_process_wait(daemon->process, 0), written);
    }
}

int fleet_test_daemon_start_fails(FleetTestDaemon *daemon)
{
    fleet_test_daemon_launch(daemon);
    int status = fleet_test_daemon_wait(daemon, FLEET_TEST_PATIENCE);
    if (status < 0) {
        g_autofree char *written = fleet_test_daemon_stderr(daemon);
        fleet_test_fail("fleetd runs where it should give up: %s", written);
    }
    if (fleet_test_daemon_wait_notify(daemon, "READY=1", 0))
        fleet_test_fail("fleetd was ready before it gave up");
    return status;
}

int fleet_test_daemon_stop(FleetTestDaemon *daemon)
{
    fleet_test_daemon_signal(daemon, SIGTERM);
    int status = fleet_test_daemon_wait(daemon, FLEET_TEST_PATIENCE);
    if (status < 0) {
        g_autofree char *written = fleet_test_daemon_stderr(daemon);
        fleet_test_fail("fleetd does not end on SIGTERM: %s", written);
    }
    return status;
}

void fleet_test_daemon_kill(FleetTestDaemon *daemon)
{
    fleet_test_daemon_signal(daemon, SIGKILL);
    if (fleet_test_daemon_wait(daemon, FLEET_TEST_PATIENCE) < 0)
        fleet_test_fail("fleetd does not end on SIGKILL");
}

void fleet_test_daemon_restart(FleetTestDaemon *daemon)
{
    int status = fleet_test_daemon_stop(daemon);

    if (status != 0) {
        g_autofree char *written = fleet_test_daemon_stderr(daemon);
        fleet_test_fail("fleetd exits with %d: %s", status, written);
    }
    fleet_test_daemon_start(daemon);
}

int fleet_test_daemon_wait(FleetTestDaemon *daemon, double seconds)
{
    return fleet_test_process_wait(daemon->process, seconds);
}

static gboolean was_notified(FleetTestDaemon *daemon, const char *assignment)
{
    for (guint i = 0; i < daemon->notifications->len; i++)
        if (g_pattern_match_simple(assignment, daemon->notifications->pdata[i]))
            return TRUE;
    return FALSE;
}

gboolean fleet_test_daemon_wait_notify(FleetTestDaemon *daemon, const char *assignment, double seconds)
{
    gint64 deadline = fleet_test_deadline(seconds);

    for (gboolean last = FALSE;;) {
        struct pollfd wait[] = {{.fd = daemon->notify, .events = POLLIN},
                {.fd = fleet_test_process_fd(daemon->process), .events = POLLIN}};

        read_notifications(daemon);
        if (was_notified(daemon, assignment))
            return TRUE;
        if (last)
            return FALSE;
        /* What was sent before the end of the process, or of the time, counts. */
        last = poll(wait, 2, fleet_test_remaining(deadline)) == 0 || wait[1].revents != 0;
    }
}

void fleet_test_daemon_forget_notified(FleetTestDaemon *daemon)
{
    read_notifications(daemon);
    g_ptr_array_set_size(daemon->notifications, 0);
}

void fleet_test_daemon_signal(FleetTestDaemon *daemon, int signal)
{
    fleet_test_process_signal(daemon->process, signal);
}

FleetTestProcess *fleet_test_daemon_process(const FleetTestDaemon *daemon)
{
    return daemon->process;
}

char *fleet_test_daemon_stderr(const FleetTestDaemon *daemon)
{
    return fleet_test_process_output(daemon->process, FLEET_TEST_STDERR);
}
