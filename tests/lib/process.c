/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/process.h"

#include "lib/main.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct FleetTestProcess {
    char *name;
    char *directory;
    char *files[2]; /* by FleetTestStream */
    GPid pid;
    int end;    /* of a pipe whose other end only the process holds: valgrind does not know pidfds */
    int status; /* -1 while it runs */
};

/* In the child, after fork(): only calls that are safe there. */
static void die_with_parent(gpointer data)
{
    pid_t parent = GPOINTER_TO_INT(data);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
}

static int create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0)
        fleet_test_fail("cannot create %s: %m", path);
    return fd;
}

static char **environment(const char *const *additions)
{
    char **env = g_get_environ();

    for (; additions != NULL && *additions != NULL; additions++) {
        g_auto(GStrv) pair = g_strsplit(*additions, "=", 2);

        env = g_environ_setenv(env, pair[0], pair[1], TRUE);
    }
    return env;
}

FleetTestProcess *fleet_test_process_start(const char *const *argv, const char *const *env)
{
    return fleet_test_process_start_with_fd(argv, env, -1);
}

FleetTestProcess *fleet_test_process_start_with_fd(const char *const *argv, const char *const *env, int fd)
{
    FleetTestProcess *process = g_new0(FleetTestProcess, 1);
    g_auto(GStrv) full_env = environment(env);
    g_autoptr(GError) error = NULL;
    int pipes[2];

    process->name = g_path_get_basename(argv[0]);
    process->directory = fleet_test_directory_new();
    process->files[FLEET_TEST_STDOUT] = g_build_filename(process->directory, "stdout", NULL);
    process->files[FLEET_TEST_STDERR] = g_build_filename(process->directory, "stderr", NULL);
    process->status = -1;
    int out = create(process->files[FLEET_TEST_STDOUT]);
    int err = create(process->files[FLEET_TEST_STDERR]);
    if (pipe2(pipes, O_CLOEXEC) < 0)
        fleet_test_fail("cannot make a pipe: %m");
    process->end = pipes[0];
    const int fds[] = {pipes[1], fd}, targets[] = {pipes[1], FLEET_TEST_PASSED_FD};
    if (!g_spawn_async_with_pipes_and_fds(NULL, argv, (const char *const *)full_env,
                G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, die_with_parent, GINT_TO_POINTER(getpid()), -1, out,
                err, fds, targets, fd < 0 ? 1 : 2, &process->pid, NULL, NULL, NULL, &error))
        fleet_test_fail("%s", error->message);
    close(pipes[1]);
    close(out);
    close(err);
    return process;
}

void fleet_test_process_free(FleetTestProcess *process)
{
    if (process->status < 0) {
        fleet_test_process_signal(process, SIGKILL);
        (void)fleet_test_process_wait(process, FLEET_TEST_PATIENCE);
    }
    close(process->end);
    fleet_test_remove(process->directory);
    g_free(process->name);
    g_free(process->directory);
    g_free(process->files[FLEET_TEST_STDOUT]);
    g_free(process->files[FLEET_TEST_STDERR]);
    g_free(process);
}

GPid fleet_test_process_pid(const FleetTestProcess *process)
{
    return process->pid;
}

int fleet_test_process_fd(const FleetTestProcess *process)
{
    return process->end;
}

void fleet_test_process_signal(FleetTestProcess *process, int signal)
{
    if (process->status < 0 && kill(process->pid, signal) < 0)
        fleet_test_fail("cannot signal %s: %m", process->name);
}

static void reap(FleetTestProcess *process)
{
    int status;

    if (waitpid(process->pid, &status, 0) != process->pid)
        fleet_test_fail("cannot wait for %s: %m", process->name);
    process->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int fleet_test_process_wait(FleetTestProcess *process, double seconds)
{
    gint64 deadline = fleet_test_deadline(seconds);

    while (process->status < 0) {
        struct pollfd wait = {.fd = process->end, .events = POLLIN};
        int n = poll(&wait, 1, fleet_test_remaining(deadline));

        if (n > 0)
            reap(process);
        else if (n == 0)
            return -1;
        else if (errno != EINTR)
            fleet_test_fail("cannot wait for %s: %m", process->name);
    }
    return process->status;
}

char *fleet_test_process_output(FleetTestProcess *process, FleetTestStream stream)
{
    return fleet_test_read(process->files[stream]);
}

static gboolean output_matches(FleetTestProcess *process, FleetTestStream stream, const char *pattern)
{
    g_autofree char *text = fleet_test_process_output(process, stream);

    return g_regex_match_simple(pattern, text, G_REGEX_MULTILINE, 0);
}

gboolean fleet_test_process_wait_output(
        FleetTestProcess *process, FleetTestStream stream, const char *pattern, double seconds)
{
    gint64 deadline = fleet_test_deadline(seconds);
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    gboolean found = FALSE;

    if (watch < 0 || inotify_add_watch(watch, process->files[stream], IN_MODIFY) < 0)
        fleet_test_fail("cannot watch %s: %m", process->files[stream]);
    while (!(found = output_matches(process, stream, pattern))) {
        struct pollfd wait[] = {{.fd = watch, .events = POLLIN}, {.fd = process->end, .events = POLLIN}};
        char events[4096];

        if (process->status >= 0 || poll(wait, 2, fleet_test_remaining(deadline)) == 0)
            break;
        /* Only that something was written matters, not what inotify says of it. */
        if (read(watch, events, sizeof(events)) < 0 && errno != EAGAIN)
            fleet_test_fail("cannot read from inotify: %m");
        if (wait[1].revents != 0)
            reap(process); /* and look at what it wrote, once more */
    }
    close(watch);
    return found;
}
