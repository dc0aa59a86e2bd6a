/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The back-end where no systemd is: each program has a keeper (keeper.c), which outlives fleetd. All that goes to and
 * fro between the two are files in the attempt's place, so that a fleetd that was restarted is no different from the
 * one before.
 */

#include "base/log.h"
#include "drivers/command/run.h"
#include "drivers/program/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/* As the keeper has them. */
enum { FD_IN, FD_OUT, FD_ERR, FD_END, FD_CONTROL, FD_DIRECTORY, FDS };

typedef struct {
    FleetCommandWatch end;
    gboolean watched;
} Child;

static void unwatch(FleetCommandRun *run)
{
    Child *child = run->data;

    if (child == NULL || !child->watched)
        return;
    fleet_command_poller_remove(run->driver->poller, &child->end);
    child->watched = FALSE;
}

/* The keeper has written the result, or it is gone. */
static void look_for_result(FleetCommandRun *run)
{
    FleetProgramResult result;

    unwatch(run);
    if (fleet_command_place_read_result(run->place, &result))
        fleet_command_run_ended(run, &result);
    else
        fleet_command_run_gone(run, "the process that kept watch over the program has ended without a result");
}

static void end_ready(gpointer data)
{
    FleetCommandRun *run = data;

    if (!fleet_command_place_is_kept(run->place))
        look_for_result(run);
}

static void watch_end(FleetCommandRun *run)
{
    Child *child = g_new0(Child, 1);

    run->data = child;
    child->end = (FleetCommandWatch){.fd = run->place->end, .ready = end_ready, .data = run};
    child->watched = fleet_command_poller_add(run->driver->poller, &child->end);
    if (!child->watched)
        fleet_log_about(
                LOG_ERR, FLEET_COMMAND_RUN_SUBJECT(run), "the end of %s cannot be watched", run->place->info.action_id);
}

/* The descriptors, each above those that they become in the keeper, so that none overwrites another. -1 and errno. */
static int lift(int fd)
{
    if (fd < 0)
        return -1;
    int lifted = fcntl(fd, F_DUPFD_CLOEXEC, FDS);
    int saved = errno;
    close(fd);
    errno = saved;
    return lifted;
}

static gboolean open_fds(FleetCommandRun *run, int parameters, int fds[static FDS])
{
    const FleetCommandPlace *place = run->place;
    gboolean all = TRUE;

    fds[FD_IN] = lift(parameters);
    fds[FD_OUT] = lift(fleet_command_place_open_stream(place, FLEET_PROGRAM_STDOUT));
    fds[FD_ERR] = lift(fleet_command_place_open_stream(place, FLEET_PROGRAM_STDERR));
    fds[FD_END] = lift(fleet_command_place_open_file(place, "end", O_WRONLY | O_NONBLOCK));
    fds[FD_CONTROL] = lift(fleet_command_place_open_file(place, "control", O_RDWR | O_NONBLOCK));
    fds[FD_DIRECTORY] = lift(fcntl(place->directory, F_DUPFD_CLOEXEC, FDS));
    for (guint i = 0; i < FDS; i++)
        all &= fds[i] >= 0;
    return all;
}

/* The process that is started only forks the keeper and ends; it is reaped when GLib hears of it. */
static void reaped(GPid pid, int status, gpointer user_data)
{
    if (status != 0)
        fleet_log_warning("a keeper could not be forked");
}

static int spawn(FleetCommandRun *run, const int fds[static FDS])
{
    g_autofree char *kill_timeout = g_strdup_printf("%" G_GINT64_FORMAT, run->program->kill_timeout);
    g_autofree char *nofile = g_strdup_printf("%" G_GINT64_FORMAT, run->driver->nofile);
    g_auto(GStrv) own = fleet_program_environment(run->attempt);
    g_auto(GStrv) environment = fleet_program_environment_full(own);
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    pid_t pid;

    g_ptr_array_add(argv, run->settings->keeper);
    g_ptr_array_add(argv, kill_timeout);
    g_ptr_array_add(argv, nofile);
    for (guint i = 0; run->program->argv[i] != NULL; i++)
        g_ptr_array_add(argv, run->program->argv[i]);
    g_ptr_array_add(argv, NULL);

    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < FDS; i++)
        posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    posix_spawnattr_init(&attributes);
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int failure = posix_spawn(&pid, run->settings->keeper, &actions, &attributes, (char **)argv->pdata, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failure == 0)
        g_child_watch_add(pid, reaped, NULL);
    return failure;
}

static void start(FleetCommandRun *run)
{
    g_autofree char *json = fleet_program_parameters_json(run->attempt->action->parameters);
    g_autoptr(GError) error = NULL;
    int fds[FDS];

    if (!fleet_command_run_make_place(run, FLEET_COMMAND_CHILD))
        return;
    int parameters = fleet_program_sealed_file(json, &error);
    if (parameters < 0) {
        fleet_command_run_failed(run, FLEET_OUTCOME_TRANSIENT, error->message);
        return;
    }
    int failure = open_fds(run, parameters, fds) ? spawn(run, fds) : errno;
    for (guint i = 0; i < FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (failure == 0) {
        watch_end(run);
        return;
    }
    g_autofree char *message =
            g_strdup_printf("'%s' could not be started: %s", run->settings->keeper, g_strerror(failure));
    fleet_command_run_failed(run,
            failure == EAGAIN || failure == ENOMEM || failure == EMFILE || failure == ENFILE ? FLEET_OUTCOME_TRANSIENT
                                                                                             : FLEET_OUTCOME_PERMANENT,
            message);
}

static void attach(FleetCommandRun *run)
{
    if (!fleet_command_place_is_kept(run->place)) {
        look_for_result(run);
        return;
    }
    run->attaching = FALSE;
    watch_end(run);
}

static void stop(FleetCommandRun *run)
{
    fleet_command_place_control(run->place, 's');
}

static void dismiss(FleetCommandRun *run)
{
    fleet_command_place_control(run->place, 'd');
}

static void release(FleetCommandRun *run)
{
    if (run->data == NULL)
        return;
    unwatch(run);
    g_clear_pointer(&run->data, g_free);
}

const FleetCommandBackend fleet_command_child_backend = {
        .start = start, .attach = attach, .stop = stop, .dismiss = dismiss, .release = release};
