/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/command/run.h"

#include "base/error.h"
#include "base/log.h"
#include "model/records.h"

#include <string.h>
#include <unistd.h>

#define READ_SIZE (64 * 1024)
#define DRAIN_MAX (4 * 1024 * 1024) /* bytes: more than a pipe holds */

/* Lines of output in the log: so many at once, and so many a second in the long run. */
#define LOG_BURST 1000
#define LOG_RATE 100

static void report_progress(double progress, gpointer user_data)
{
    const FleetCommandRun *run = user_data;
    const FleetDriver *driver = &run->driver->driver;

    if (!run->silent)
        driver->host->progress(run->id, progress, driver->host_data);
}

static void report_phase(const char *phase, gpointer user_data)
{
    const FleetCommandRun *run = user_data;
    const FleetDriver *driver = &run->driver->driver;

    if (!run->silent)
        driver->host->phase(run->id, phase, driver->host_data);
}

static void report_status(const char *text, gpointer user_data)
{
    const FleetCommandRun *run = user_data;
    const FleetDriver *driver = &run->driver->driver;

    if (!run->silent)
        driver->host->message(run->id, text, driver->host_data);
}

static void report_return(gpointer user_data)
{
    const FleetCommandRun *run = user_data;
    const FleetDriver *driver = &run->driver->driver;

    if (!run->silent)
        driver->host->point_of_no_return(run->id, driver->host_data);
}

static void log_line(const FleetCommandRun *run, const char *line)
{
    const FleetCommandPlaceInfo *info = &run->place->info;

    fleet_log_about(LOG_INFO, FLEET_COMMAND_RUN_SUBJECT(run), "%s on '%s': %s", info->action_id, info->device_id, line);
}

static void log_lost(FleetCommandRun *run)
{
    if (run->log_lost == 0)
        return;
    g_autofree char *line = g_strdup_printf("(%" G_GUINT64_FORMAT " lines left out)", run->log_lost);
    run->log_lost = 0;
    log_line(run, line);
}

static void take_log(const char *line, gpointer user_data)
{
    FleetCommandRun *run = user_data;

    if (run->log_budget < 1) {
        gint64 now = g_get_monotonic_time();

        run->log_budget += (double)(now - run->log_time) / G_USEC_PER_SEC * LOG_RATE;
        run->log_budget = MIN(run->log_budget, LOG_BURST);
        run->log_time = now;
    }
    if (run->log_budget < 1) {
        run->log_lost++;
        return;
    }
    run->log_budget -= 1;
    log_lost(run);
    log_line(run, line);
}

static const FleetProgramOutputFuncs output_funcs = {
        .progress = report_progress,
        .phase = report_phase,
        .status = report_status,
        .point_of_no_return = report_return,
        .log = take_log,
};

FleetCommandRun *fleet_command_run_new(FleetCommandDriver *driver, FleetAttemptId id)
{
    FleetCommandRun *run = g_new0(FleetCommandRun, 1);

    run->driver = driver;
    run->settings = fleet_command_settings_ref(driver->settings);
    run->id = id;
    run->log_budget = LOG_BURST;
    run->log_time = g_get_monotonic_time();
    run->output = fleet_program_output_new(&output_funcs, run);
    g_hash_table_insert(driver->runs, &run->id, run);
    return run;
}

static void unwatch(FleetCommandInlet *inlet)
{
    if (inlet->watched)
        fleet_command_poller_remove(inlet->run->driver->poller, &inlet->watch);
    inlet->watched = FALSE;
}

void fleet_command_run_free(FleetCommandRun *run)
{
    g_hash_table_remove(run->driver->runs, &run->id);
    for (guint i = 0; i < FLEET_PROGRAM_STREAMS; i++)
        unwatch(&run->inlets[i]);
    if (run->backend != NULL)
        run->backend->release(run);
    g_clear_pointer(&run->place, fleet_command_place_free);
    fleet_program_output_free(run->output);
    fleet_command_settings_unref(run->settings);
    g_free(run);
}

void fleet_command_run_close(FleetCommandRun *run)
{
    if (run->place != NULL) {
        run->backend->dismiss(run);
        fleet_command_place_remove(run->place);
    }
    fleet_command_run_free(run);
}

void fleet_command_run_save(const FleetCommandRun *run)
{
    if (run->place == NULL || run->ended)
        return;
    g_autofree char *tail = fleet_program_output_tail(run->output);
    if (!fleet_command_place_write(run->place, "tail", tail))
        fleet_log_about(LOG_WARNING, FLEET_COMMAND_RUN_SUBJECT(run),
                "what %s printed before this restart will be missing", run->place->info.action_id);
}

/* The number of bytes, 0 when nobody can write any more, -1 when nothing is there now. */
static gssize read_some(FleetCommandInlet *inlet)
{
    static char buffer[READ_SIZE];
    gssize n = read(inlet->watch.fd, buffer, sizeof(buffer));

    if (n > 0)
        fleet_program_output_feed(inlet->run->output, inlet->stream, buffer, (gsize)n);
    return n;
}

static void stream_ready(gpointer data)
{
    FleetCommandInlet *inlet = data;

    if (read_some(inlet) == 0)
        unwatch(inlet);
}

void fleet_command_run_watch(FleetCommandRun *run)
{
    for (guint i = 0; i < FLEET_PROGRAM_STREAMS; i++) {
        FleetCommandInlet *inlet = &run->inlets[i];

        *inlet = (FleetCommandInlet){.run = run,
                .stream = (FleetProgramStream)i,
                .watch = {.fd = run->place->streams[i], .ready = stream_ready, .data = inlet}};
        inlet->watched = fleet_command_poller_add(run->driver->poller, &inlet->watch);
        if (!inlet->watched)
            fleet_log_about(LOG_WARNING, FLEET_COMMAND_RUN_SUBJECT(run), "the output of %s cannot be watched",
                    run->place->info.action_id);
    }
}

static void drain(FleetCommandRun *run)
{
    for (guint i = 0; i < FLEET_PROGRAM_STREAMS; i++) {
        gsize total = 0;
        gssize n;

        while (total < DRAIN_MAX && (n = read_some(&run->inlets[i])) > 0)
            total += (gsize)n;
    }
}

/* The plan is "token=" and the token. */
static const char *token_of(const FleetAttempt *attempt)
{
    return attempt->action->plan + strlen("token=");
}

gboolean fleet_command_run_make_place(FleetCommandRun *run, FleetCommandBackendKind kind)
{
    g_autoptr(GError) error = NULL;
    char action_id[FLEET_ACTION_ID_BUFFER];
    const FleetCommandPlaceInfo info = {.backend = kind,
            .token = (char *)token_of(run->attempt),
            .action_id = (char *)fleet_action_id_format(run->attempt->action->id, action_id),
            .device_id = (char *)run->attempt->action->device_id};

    run->place = fleet_command_place_create(run->settings->directory, run->id, &info, &error);
    if (run->place == NULL) {
        fleet_command_run_failed(run, FLEET_OUTCOME_TRANSIENT, error->message);
        return FALSE;
    }
    fleet_command_run_watch(run);
    return TRUE;
}

/* From here on nothing happens to it any more. */
static void end(FleetCommandRun *run)
{
    run->ended = TRUE;
    run->backend->release(run);
    for (guint i = 0; i < FLEET_PROGRAM_STREAMS; i++)
        unwatch(&run->inlets[i]);
}

/* The last thing that happens in a run; nobody waiting for its release, it goes. */
static void finish(FleetCommandRun *run, FleetOutcome outcome, const char *message)
{
    const FleetDriver *driver = &run->driver->driver;
    g_autofree char *tail = fleet_program_output_tail(run->output);
    FleetAttemptId id = run->id;
    gboolean silent = run->silent;

    end(run);
    if (run->attempt == NULL)
        fleet_command_run_close(run);
    if (!silent)
        driver->host->finished(id, outcome, message, tail, driver->host_data);
}

void fleet_command_run_failed(FleetCommandRun *run, FleetOutcome outcome, const char *message)
{
    finish(run, outcome, message);
}

void fleet_command_run_ended(FleetCommandRun *run, const FleetProgramResult *result)
{
    drain(run);
    fleet_program_output_finish(run->output);
    log_lost(run);
    g_autofree char *message = fleet_program_result_message(result, fleet_program_output_status(run->output));
    finish(run, fleet_program_result_outcome(result), message);
}

void fleet_command_run_gone(FleetCommandRun *run, const char *message)
{
    const FleetDriver *driver = &run->driver->driver;

    drain(run);
    fleet_program_output_finish(run->output);
    if (!run->attaching || run->silent) {
        finish(run, FLEET_OUTCOME_UNCERTAIN, message);
        return;
    }
    end(run);
    driver->host->unknown(run->id, message, driver->host_data);
}
