/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program as a transient unit of the machine's systemd. It remains after its exit, whatever that is, until the end is
 * on disk here; so its result can be read whenever the machine is back, and the same name is never started twice. It is
 * stopped with signals, and not by stopping the unit, for the same reason.
 */

#include "base/clock.h"
#include "base/log.h"
#include "drivers/program/environment.h"
#include "drivers/program/output.h"
#include "drivers/program/unit_call.h"
#include "drivers/program/unit_state.h"
#include "drivers/remote_bus/delivery.h"
#include "drivers/remote_bus/run.h"

#include <signal.h>
#include <string.h>

#define LOOK_AGAIN_USEC (2 * FLEET_USEC_PER_SEC)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)

typedef struct {
    FleetRemoteRun *run; /* weak */
    char *path;          /* of the unit, on the bus */
    FleetRemoteDelivery *delivery;
    char *file;         /* the environment's, once the machine has it */
    sd_bus_slot *match; /* the unit's changes */
    sd_bus_slot *call;  /* that is under way, or NULL */
    gboolean look_again;
    gboolean seen;     /* the unit was there */
    gboolean signaled; /* the program was told to stop, on this connection */
    char *invocation;
    char boot[FLEET_REMOTE_BOOT_ID_SIZE]; /* in which it was asked, or found; "" = not known */
    char *status;                         /* what it has told systemd last, NULL = nothing */
    char *said;                           /* what of that was for people, last */
    FleetProgramOutput *output;           /* makes sense of it */
    FleetOutcome refusal;
    char *refusal_message;
} Program;

static void look(Program *program);

static void take_progress(double progress, gpointer user_data)
{
    fleet_remote_run_progress(((const Program *)user_data)->run, progress);
}

/* One word is ours: by it, it would seem that the machine was not asked yet. */
static void take_phase(const char *phase, gpointer user_data)
{
    if (!g_str_equal(phase, FLEET_REMOTE_PHASE_CONNECTING))
        fleet_remote_run_phase(((const Program *)user_data)->run, phase);
}

static void take_text(const char *text, gpointer user_data)
{
    Program *program = user_data;

    g_free(program->said);
    program->said = g_strdup(text);
    fleet_remote_run_message(program->run, text);
}

static void take_return(gpointer user_data)
{
    fleet_remote_run_point_of_no_return(((const Program *)user_data)->run);
}

/* What systemd is told as a status is the protocol of the driver "command", or a line for people as it is. */
static const FleetProgramOutputFuncs output_funcs = {.progress = take_progress,
        .phase = take_phase,
        .status = take_text,
        .point_of_no_return = take_return,
        .log = take_text};

static Program *program_of(FleetRemoteRun *run)
{
    if (run->data == NULL) {
        Program *program = g_new0(Program, 1);

        program->run = run;
        program->said = g_strdup("");
        program->output = fleet_program_output_new(&output_funcs, program);
        int r = sd_bus_path_encode(FLEET_SYSTEMD_PATH "/unit", run->plan.unit, &program->path);
        g_assert(r >= 0);
        run->data = program;
    }
    return run->data;
}

static void let_go(FleetRemoteRun *run)
{
    Program *program = program_of(run);

    g_clear_pointer(&program->delivery, fleet_remote_delivery_free);
    program->match = sd_bus_slot_unref(program->match);
    program->call = sd_bus_slot_unref(program->call);
    program->look_again = program->signaled = FALSE;
}

static void free_program(FleetRemoteRun *run)
{
    Program *program = program_of(run);

    free(program->path);
    g_free(program->file);
    g_free(program->invocation);
    g_free(program->status);
    g_free(program->said);
    g_free(program->refusal_message);
    fleet_program_output_free(program->output);
    g_free(program);
}

/* Making ready. */

static void delivered(const char *path, const char *message, gpointer user_data)
{
    Program *program = user_data;
    FleetRemoteRun *run = program->run;

    if (path == NULL) {
        fleet_remote_run_finish(run, FLEET_OUTCOME_TRANSIENT, message);
        return;
    }
    program->file = g_strdup(path);
    g_clear_pointer(&program->delivery, fleet_remote_delivery_free);
    fleet_remote_run_intend(run);
}

static void begin(FleetRemoteRun *run)
{
    Program *program = program_of(run);
    const FleetParameters *parameters = run->attempt->action->parameters;

    if (run->program == NULL) {
        fleet_remote_run_finish(
                run, FLEET_OUTCOME_REJECTED, "the program was taken out of the configuration before the start");
        return;
    }
    if (fleet_parameters_count(parameters) == 0) {
        fleet_remote_run_intend(run);
        return;
    }
    g_auto(GStrv) environment = fleet_program_environment_parameters(parameters);
    g_autofree char *text = fleet_program_environment_file(environment);
    program->delivery = fleet_remote_delivery_start(run->link, run->settings, run->plan.unit, text, delivered, program);
}

/* Asking. */

static int append_texts(sd_bus_message *message, const Program *program)
{
    const FleetAttempt *attempt = program->run->attempt;
    char id[FLEET_ACTION_ID_BUFFER];
    g_autofree char *description = g_strdup_printf("%s of device '%s', attempt %u of %s", attempt->action->type,
            attempt->action->device_id, attempt->id.number, fleet_action_id_format(attempt->action->id, id));
    g_auto(GStrv) environment = fleet_program_environment_public(attempt);

    int r = sd_bus_message_append(
            message, "(sv)(sv)(sv)", "Description", "s", description, "AddRef", "b", 1, "NotifyAccess", "s", "all");
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'r', "sv");
    if (r >= 0)
        r = sd_bus_message_append(message, "s", "Environment");
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_append_strv(message, environment);
    for (guint i = 0; i < 2 && r >= 0; i++)
        r = sd_bus_message_close_container(message);
    if (r < 0 || program->file == NULL)
        return r;
    r = sd_bus_message_append(message, "(sv)", "EnvironmentFiles", "a(sb)", 1, program->file, 0);
    return r >= 0 ? fleet_program_unit_append_removal(message, program->file) : r;
}

static int ignored(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    const sd_bus_error *failure = sd_bus_message_get_error(reply);

    if (failure != NULL)
        fleet_log_debug("systemd refused a call: %s", failure->message);
    return 1;
}

static int changed(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    look(user_data);
    return 0;
}

/* Without a subscriber systemd sends no signals; to subscribe twice on a connection does no harm. */
static int listen_for_changes(Program *program)
{
    sd_bus *bus = fleet_remote_run_bus(program->run);

    program->match = sd_bus_slot_unref(program->match);
    int r = sd_bus_match_signal_async(bus, &program->match, FLEET_SYSTEMD_NAME, program->path,
            "org.freedesktop.DBus.Properties", "PropertiesChanged", changed, NULL, program);
    if (r >= 0)
        r = sd_bus_call_method_async(bus, NULL, FLEET_SYSTEMD_NAME, FLEET_SYSTEMD_PATH, FLEET_SYSTEMD_MANAGER,
                "Subscribe", ignored, NULL, NULL);
    return r;
}

static void finish_refused(Program *program)
{
    fleet_remote_run_finish(program->run, program->refusal, program->refusal_message);
}

static void withdrawn(const char *path, const char *message, gpointer user_data)
{
    Program *program = user_data;

    if (path == NULL)
        fleet_log_warning("a file for '%s' is left behind: %s", program->run->plan.unit, message);
    finish_refused(program);
}

/* Whatever the error, systemd has not started anything; and the parameters are of no more use there. */
static void start_refused(Program *program, const sd_bus_error *failure)
{
    gboolean denied = fleet_program_unit_is_denied(failure->name);
    g_autofree char *reason = fleet_remote_failure_text(failure->message);

    program->refusal = fleet_program_unit_refusal(failure->name);
    program->refusal_message = g_strdup_printf("systemd of '%s' did not start the program: %s%s",
            fleet_remote_run_where(program->run), reason, denied ? "; the user needs the right to manage units" : "");
    if (program->file == NULL)
        finish_refused(program);
    else
        program->delivery = fleet_remote_delivery_start(
                program->run->link, program->run->settings, program->run->plan.unit, NULL, withdrawn, program);
}

static int started(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    Program *program = user_data;
    const sd_bus_error *failure = sd_bus_message_get_error(reply);

    program->call = sd_bus_slot_unref(program->call);
    /* No answer is no refusal; and a unit of that name can only be this one. */
    if (failure != NULL && !fleet_program_unit_is_unanswered(failure) &&
            !sd_bus_error_has_name(failure, "org.freedesktop.systemd1.UnitExists")) {
        start_refused(program, failure);
        return 1;
    }
    program->seen |= failure == NULL;
    look(program);
    return 1;
}

static int send_start(Program *program)
{
    FleetRemoteRun *run = program->run;
    sd_bus *bus = fleet_remote_run_bus(run);
    g_autoptr(sd_bus_message) message = NULL;

    int r = listen_for_changes(program);
    if (r >= 0)
        r = fleet_program_unit_begin(bus, run->plan.unit, run->program, &message);
    if (r >= 0)
        r = append_texts(message, program);
    if (r >= 0)
        r = fleet_program_unit_end(message);
    return r >= 0 ? sd_bus_call_async(bus, &program->call, message, started, program, 0) : r;
}

static void ask(FleetRemoteRun *run)
{
    Program *program = program_of(run);

    g_strlcpy(program->boot, fleet_remote_link_boot(run->link)->id, sizeof(program->boot));
    int r = send_start(program);
    if (r < 0) {
        run->asked = FALSE; /* it was not sent */
        fleet_remote_run_fail_call(run, "the start of the program", r);
    }
}

/* Stopping. */

static void send_signal(Program *program, int signal)
{
    FleetRemoteRun *run = program->run;
    int r = sd_bus_call_method_async(fleet_remote_run_bus(run), NULL, FLEET_SYSTEMD_NAME, FLEET_SYSTEMD_PATH,
            FLEET_SYSTEMD_MANAGER, "KillUnit", ignored, NULL, "ssi", run->plan.unit, "all", signal);

    if (r < 0)
        fleet_log_warning(
                "'%s' on '%s' cannot be stopped: %s", run->plan.unit, fleet_remote_run_where(run), g_strerror(-r));
}

/* Once on each connection, for a call may have been lost together with the last one. */
static void signal_if_wanted(Program *program)
{
    FleetRemoteRun *run = program->run;
    gint64 patience = run->program != NULL ? run->program->kill_timeout : FLEET_PROGRAM_KILL_TIMEOUT;

    if (!run->stop_wanted || program->signaled || fleet_remote_run_bus(run) == NULL)
        return;
    program->signaled = TRUE;
    send_signal(program, SIGTERM);
    fleet_remote_run_set_due(run, FLEET_REMOTE_DUE_WORK, fleet_clock_boottime() + patience);
}

/* A unit that was not seen yet may have no process: its first sign makes up for it. */
static void stop(FleetRemoteRun *run)
{
    Program *program = program_of(run);

    if (program->seen)
        signal_if_wanted(program);
}

static void wake(FleetRemoteRun *run)
{
    Program *program = program_of(run);

    if (fleet_remote_run_bus(run) == NULL)
        return;
    if (program->signaled)
        send_signal(program, SIGKILL);
    look(program);
}

/* Looking. */

static void end(Program *program, const FleetProgramUnitState *state)
{
    FleetProgramResult result;

    /* The machine's clock is not ours: what ends after it was to be stopped counts as stopped. */
    fleet_program_unit_state_result(state, program->run->stop_wanted ? 1 : 0, &result);
    g_autofree char *message = fleet_program_result_message(&result, program->said);
    fleet_remote_run_finish(program->run, fleet_program_result_outcome(&result), message);
}

static void gone(Program *program, const char *why)
{
    g_autofree char *message = g_strdup_printf(
            "%s, and nobody knows how the program has ended there ('%s')", why, fleet_remote_run_where(program->run));

    fleet_remote_run_finish(program->run, FLEET_OUTCOME_UNCERTAIN, message);
}

/* Nobody has started it anew? The first invocation that is seen is the one. */
static gboolean is_same(Program *program, const FleetProgramUnitState *state)
{
    if (*state->invocation == '\0')
        return TRUE;
    if (program->invocation == NULL)
        program->invocation = g_strdup(state->invocation);
    return g_str_equal(program->invocation, state->invocation);
}

static void take_said(Program *program, const FleetProgramUnitState *state)
{
    g_autofree char *line = g_strconcat(state->said, "\n", NULL);

    if (*state->said == '\0' || g_strcmp0(state->said, program->status) == 0)
        return;
    g_free(program->status);
    program->status = g_strdup(state->said);
    fleet_program_output_feed(program->output, FLEET_PROGRAM_STDOUT, line, strlen(line));
}

/* The next step, from what systemd says of it. */
static void consider(Program *program, const FleetProgramUnitState *state)
{
    FleetRemoteRun *run = program->run;
    gboolean inactive = g_str_equal(state->active, "inactive") || g_str_equal(state->active, "failed");

    if (!fleet_program_unit_state_is_loaded(state)) {
        if (program->seen)
            gone(program, "its unit is gone");
        else
            fleet_remote_run_miss(run, "the machine has no unit of it");
        return;
    }
    if (!is_same(program, state)) {
        gone(program, "somebody has started its unit anew");
        return;
    }
    program->seen = TRUE;
    fleet_remote_run_found(run);
    if (inactive && state->has_job)
        return; /* it has not begun yet */
    take_said(program, state);
    if (state->code != 0 || inactive)
        end(program, state);
    else
        signal_if_wanted(program);
}

/* The time after which the program is killed, if one is set, is kept: it is looked at then, too. */
static void look_later(Program *program)
{
    FleetRemoteRun *run = program->run;

    if (run->due[FLEET_REMOTE_DUE_WORK] == FLEET_REMOTE_NEVER)
        fleet_remote_run_set_due(run, FLEET_REMOTE_DUE_WORK, fleet_clock_boottime() + LOOK_AGAIN_USEC);
}

static int looked(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    Program *program = user_data;
    FleetRemoteRun *run = program->run;
    const sd_bus_error *failure = sd_bus_message_get_error(reply);
    g_auto(FleetProgramUnitState) state = {0};

    program->call = sd_bus_slot_unref(program->call);
    /* The connection may be lost, which is told by itself; or a systemd that is busy takes too long. */
    if (failure != NULL && fleet_program_unit_is_unanswered(failure)) {
        look_later(program);
        return 1;
    }
    if (failure != NULL || fleet_program_unit_state_read(reply, &state) < 0) {
        fleet_log_warning("systemd of '%s' does not say how '%s' is%s%s", fleet_remote_run_where(run), run->plan.unit,
                failure != NULL ? ": " : "", failure != NULL ? failure->message : "");
        look_later(program);
        return 1;
    }
    if (program->look_again)
        look(program);
    else
        consider(program, &state);
    return 1;
}

static void look(Program *program)
{
    sd_bus *bus = fleet_remote_run_bus(program->run);

    program->look_again = program->call != NULL;
    if (bus == NULL || program->call != NULL)
        return;
    int r = sd_bus_call_method_async(bus, &program->call, FLEET_SYSTEMD_NAME, program->path,
            "org.freedesktop.DBus.Properties", "GetAll", looked, program, "s", "");
    if (r < 0)
        fleet_remote_link_fail(
                program->run->link, g_strdup_printf("systemd cannot be asked about a unit: %s", g_strerror(-r)));
}

/* A unit that is gone with a boot has left nothing. */
static void resume(FleetRemoteRun *run)
{
    Program *program = program_of(run);
    const FleetRemoteBoot *boot = fleet_remote_link_boot(run->link);

    if (*program->boot == '\0' && !fleet_remote_run_has_rebooted(run))
        g_strlcpy(program->boot, boot->id, sizeof(program->boot));
    if (!g_str_equal(program->boot, boot->id)) {
        gone(program, "the machine has been rebooted");
        return;
    }
    /* systemd keeps it only as long as somebody refers to it, or it is active. */
    int r = listen_for_changes(program);
    if (r >= 0)
        r = sd_bus_call_method_async(fleet_remote_run_bus(run), NULL, FLEET_SYSTEMD_NAME, FLEET_SYSTEMD_PATH,
                FLEET_SYSTEMD_MANAGER, "RefUnit", ignored, NULL, "s", run->plan.unit);
    if (r < 0)
        fleet_remote_link_fail(run->link, g_strdup_printf("systemd cannot be asked about a unit: %s", g_strerror(-r)));
    else
        look(program);
}

static void clean(FleetRemoteRun *run)
{
    if (program_of(run)->seen)
        fleet_remote_link_discard_unit(run->link, run->plan.unit);
}

const FleetRemoteWork fleet_remote_program_work = {.phase = "starting",
        .begin = begin,
        .ask = ask,
        .resume = resume,
        .let_go = let_go,
        .stop = stop,
        .wake = wake,
        .clean = clean,
        .free = free_program};
