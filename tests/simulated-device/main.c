/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fleet-simulated-device: devices for who has none, see fleet-simulated-device(1).
 */

#include "crew.h"
#include "log.h"
#include "loop.h"
#include "memory.h"
#include "options.h"

#include <mosquitto.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define FILES_PER_CONNECTION 3 /* a socket, and a pair of them that the library makes for itself */
#define FILES_BESIDES 32

/* Each of very many connections needs open files, of which a process may have only so many. */
static void allow_files(const SimOptions *options)
{
    guint connections = (options->count + options->per_connection - 1) / options->per_connection;
    rlim_t needed = (rlim_t)connections * FILES_PER_CONNECTION + FILES_BESIDES;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed)
        return;
    if (limit.rlim_max < needed)
        sim_die("%u connections take %ju open files, and %ju are allowed (ulimit -Hn): "
                "raise that, or have devices share connections (--per-connection=N)",
                connections, (uintmax_t)needed, (uintmax_t)limit.rlim_max);
    limit.rlim_cur = needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        sim_die("cannot have %ju open files", (uintmax_t)needed);
}

static void on_signal(guint32 events, gpointer data)
{
    sim_crew_end(data);
}

/* SIGTERM and SIGINT as a file descriptor. */
static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void run(const SimOptions *options, SimMemory *memory)
{
    g_autoptr(SimLoop) loop = sim_loop_new();
    g_autoptr(SimCrew) crew = sim_crew_new(loop, options, memory);
    SimWatch signals = {.func = on_signal, .data = crew, .fd = -1};
    int fd = open_signals();

    sim_loop_watch(loop, &signals, fd, EPOLLIN | EPOLLET);
    sim_crew_start(crew);
    sim_loop_run(loop);
    sim_loop_unwatch(loop, &signals);
    close(fd);
}

int main(int argc, char **argv)
{
    int status = EXIT_FAILURE;
    g_autoptr(GError) error = NULL;
    g_autoptr(SimOptions) options = sim_options_parse(argc, argv, &status);

    if (options == NULL)
        return status;
    allow_files(options);
    g_autoptr(SimMemory) memory = sim_memory_open(options->state, options->record, &error);
    if (memory == NULL)
        sim_die("%s", error->message);
    mosquitto_lib_init();
    run(options, memory);
    mosquitto_lib_cleanup();
    return EXIT_SUCCESS;
}
