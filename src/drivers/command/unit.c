/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The back-end where systemd is: each program is a transient service. It remains after its exit, whatever that is (all
 * exit statuses and signals count as success, so that none makes the unit "failed", where systemd would close the
 * streams and people reset it); so its result can be read, and what it has printed, even if fleetd was away. When the
 * result has been put into the attempt's place the unit is stopped, which ends the processes that the program left
 * behind.
 */

#include "base/clock.h"
#include "base/log.h"
#include "drivers/command/manager.h"
#include "drivers/command/run.h"
#include "drivers/program/environment.h"
#include "drivers/program/unit_call.h"
#include "drivers/program/unit_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define RECONNECT_SECONDS 2
#define REST_SECONDS 5
#define LOOK_AGAIN_SECONDS 2 /* after systemd did not answer: no signal may come any more */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)

struct FleetCommandUnits {
    FleetCommandDriver *driver;
    FleetCommandManager *manager;
    GHashTable *units; /* path -> Unit */
    guint reconnect;   /* a timeout, or 0 */
    guint rest;        /* the same */
};

typedef enum {
    STAGE_WAITING, /* for systemd */
    STAGE_STARTING,
    STAGE_STARTED, /* or perhaps, after a loss of the connection; a look will tell */
} Stage;

typedef struct {
    FleetCommandRun *run;
    char *name;
    char *path;
    Stage stage;
    sd_bus_slot *call; /* the call that is under way, or NULL */
    gboolean look_again;
    guint later; /* a timeout until the next look, or 0 */
    gboolean referenced;
    gboolean stop_sent;
    gint64 stop_at; /* when the stop of the program was asked for, µs of CLOCK_MONOTONIC; 0 = not */
    gboolean has_result;
    FleetProgramResult result;
} Unit;

static void look(Unit *unit);

static sd_bus *get_bus(const Unit *unit)
{
    return fleet_command_manager_bus(unit->run->driver->units->manager);
}

static Unit *add_unit(FleetCommandRun *run, Stage stage)
{
    FleetCommandUnits *units = run->driver->units;
    Unit *unit = g_new0(Unit, 1);

    unit->run = run;
    unit->stage = stage;
    unit->name = g_strdup_printf("fleet-action-%" G_GINT64_FORMAT "-%u.service", run->id.sequence, run->id.number);
    int r = sd_bus_path_encode(FLEET_SYSTEMD_PATH "/unit", unit->name, &unit->path);
    g_assert(r >= 0);
    run->data = unit;
    g_hash_table_insert(units->units, unit->path, unit);
    return unit;
}

static gboolean rest(gpointer data)
{
    FleetCommandUnits *units = data;

    units->rest = 0;
    if (g_hash_table_size(units->units) == 0)
        fleet_command_manager_disconnect(units->manager);
    return G_SOURCE_REMOVE;
}

/* A subscriber is woken by all that happens to any unit of the machine, so it leaves once it has none of its own. */
static void rest_if_idle(FleetCommandUnits *units)
{
    if (g_hash_table_size(units->units) == 0 && units->rest == 0)
        units->rest = g_timeout_add_seconds(REST_SECONDS, rest, units);
}

static void release(FleetCommandRun *run)
{
    Unit *unit = run->data;

    if (unit == NULL)
        return;
    run->data = NULL;
    g_hash_table_remove(run->driver->units->units, unit->path);
    rest_if_idle(run->driver->units);
    sd_bus_slot_unref(unit->call);
    if (unit->later != 0)
        g_source_remove(unit->later);
    g_free(unit->name);
    free(unit->path);
    g_free(unit);
}

/* Calls of which nobody waits for the outcome; what they lead to shows in the unit's state. */
static int report_error(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    const sd_bus_error *failure = sd_bus_message_get_error(reply);

    if (failure != NULL)
        fleet_log_warning("systemd refused a call: %s", failure->message);
    return 1;
}

static void call_manager(const Unit *unit, const char *method, gboolean with_mode)
{
    sd_bus *bus = get_bus(unit);
    int r;

    if (bus == NULL)
        return;
    if (with_mode)
        r = sd_bus_call_method_async(bus, NULL, FLEET_SYSTEMD_NAME, FLEET_SYSTEMD_PATH, FLEET_SYSTEMD_MANAGER, method,
                report_error, NULL, "ss", unit->name, "replace");
    else
        r = sd_bus_call_method_async(bus, NULL, FLEET_SYSTEMD_NAME, FLEET_SYSTEMD_PATH, FLEET_SYSTEMD_MANAGER, method,
                report_error, NULL, "s", unit->name);
    if (r < 0)
        fleet_log_warning("%s of %s cannot be sent: %s", method, unit->name, g_strerror(-r));
}

static void send_stop(Unit *unit)
{
    if (unit->stop_sent || get_bus(unit) == NULL)
        return;
    unit->stop_sent = TRUE;
    call_manager(unit, "StopUnit", TRUE);
}

static void keep_result(Unit *unit, const FleetProgramUnitState *state)
{
    fleet_program_unit_state_result(state, unit->stop_at, &unit->result);
    unit->has_result = TRUE;
    fleet_command_place_write_result(unit->run->place, &unit->result);
}

/* It is the unit of this attempt, and nobody has started it anew? The first invocation that is seen is the one. */
static gboolean is_ours(const Unit *unit, const FleetProgramUnitState *state)
{
    const FleetCommandPlace *place = unit->run->place;
    g_autofree char *known = fleet_command_place_read(place, "invocation");

    if (state->token == NULL || !g_str_equal(state->token, place->info.token))
        return FALSE;
    if (known != NULL)
        return g_str_equal(known, state->invocation) || *state->invocation == '\0';
    if (*state->invocation != '\0' && fleet_command_place_write(place, "invocation", state->invocation))
        fleet_log_debug("%s has the invocation id %s", unit->name, state->invocation);
    return TRUE;
}

static void end(Unit *unit)
{
    FleetProgramResult result = unit->result;

    fleet_command_run_ended(unit->run, &result);
}

static void let_go(Unit *unit)
{
    if (unit->referenced)
        call_manager(unit, "UnrefUnit", FALSE);
    end(unit);
}

static int reset(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    Unit *unit = user_data;

    unit->call = sd_bus_slot_unref(unit->call);
    report_error(reply, NULL, NULL);
    let_go(unit);
    return 1;
}

/* It is done with: systemd may forget it. A failed unit it keeps until it is told to forget that it has failed. */
static void forget(Unit *unit, const FleetProgramUnitState *state)
{
    if (!g_str_equal(state->active, "failed") ||
            sd_bus_call_method_async(get_bus(unit), &unit->call, FLEET_SYSTEMD_NAME, FLEET_SYSTEMD_PATH,
                    FLEET_SYSTEMD_MANAGER, "ResetFailedUnit", reset, unit, "s", unit->name) < 0)
        let_go(unit);
}

/* The next step, from what systemd says of it. */
static void consider(Unit *unit, const FleetProgramUnitState *state)
{
    FleetCommandRun *run = unit->run;
    gboolean inactive = g_str_equal(state->active, "inactive") || g_str_equal(state->active, "failed");

    if (!fleet_program_unit_state_is_loaded(state) || !is_ours(unit, state)) {
        if (unit->has_result)
            end(unit);
        else
            fleet_command_run_gone(run, "its unit is gone, and nobody knows how the program has ended");
        return;
    }
    run->attaching = FALSE;
    if (inactive && state->has_job)
        return; /* it has not begun yet */
    if (state->exit_time != 0 || g_str_equal(state->active, "active"))
        unlinkat(run->place->directory, "environment", 0);
    if (!unit->has_result && (state->code != 0 || inactive))
        keep_result(unit, state);
    if (inactive)
        forget(unit, state);
    else if (unit->has_result || unit->stop_at != 0)
        send_stop(unit);
}

static gboolean look_now(gpointer user_data)
{
    Unit *unit = user_data;

    unit->later = 0;
    look(unit);
    return G_SOURCE_REMOVE;
}

static void look_later(Unit *unit)
{
    if (unit->later == 0)
        unit->later = g_timeout_add_seconds(LOOK_AGAIN_SECONDS, look_now, unit);
}

static int looked(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    Unit *unit = user_data;
    g_auto(FleetProgramUnitState) state = {0};

    unit->call = sd_bus_slot_unref(unit->call);
    if (sd_bus_message_is_method_error(reply, NULL)) {
        /* A lost connection is reported by itself, and another look is made then. */
        fleet_log_warning("systemd does not say how %s is: %s", unit->name, sd_bus_message_get_error(reply)->message);
        look_later(unit);
        return 1;
    }
    if (fleet_program_unit_state_read(reply, &state) < 0) {
        fleet_log_warning("what systemd says of %s cannot be read", unit->name);
        look_later(unit);
        return 1;
    }
    if (unit->look_again)
        look(unit);
    else
        consider(unit, &state);
    return 1;
}

static void look(Unit *unit)
{
    sd_bus *bus = get_bus(unit);

    unit->look_again = unit->call != NULL;
    if (bus == NULL || unit->call != NULL)
        return;
    int r = sd_bus_call_method_async(bus, &unit->call, FLEET_SYSTEMD_NAME, unit->path,
            "org.freedesktop.DBus.Properties", "GetAll", looked, unit, "s", "");
    if (r < 0) {
        fleet_log_warning("systemd cannot be asked about %s: %s", unit->name, g_strerror(-r));
        look_later(unit);
    }
}

/* sd-bus takes copies of the descriptors. */
static int append_streams(sd_bus_message *message, const FleetCommandRun *run)
{
    static const char *const names[] = {
            "StandardInputFileDescriptor", "StandardOutputFileDescriptor", "StandardErrorFileDescriptor"};
    g_autofree char *json = fleet_program_parameters_json(run->attempt->action->parameters);
    const int fds[] = {fleet_program_sealed_file(json, NULL),
            fleet_command_place_open_stream(run->place, FLEET_PROGRAM_STDOUT),
            fleet_command_place_open_stream(run->place, FLEET_PROGRAM_STDERR)};
    int r = 0;

    for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
        if (r >= 0)
            r = fds[i] < 0 ? -EMFILE : sd_bus_message_append(message, "(sv)", names[i], "h", fds[i]);
        if (fds[i] >= 0)
            close(fds[i]);
    }
    return r;
}

static int append_texts(sd_bus_message *message, const FleetCommandRun *run)
{
    const FleetCommandPlaceInfo *info = &run->place->info;
    g_autofree char *description = g_strdup_printf("%s of device '%s', attempt %u of %s", run->attempt->action->type,
            info->device_id, run->id.number, info->action_id);
    g_autofree char *token = g_strdup_printf("FLEET_TOKEN=%s", info->token);
    g_autofree char *environment = g_build_filename(run->place->path, "environment", NULL);

    int r = sd_bus_message_append(message, "(sv)", "Description", "s", description);
    if (r >= 0)
        r = sd_bus_message_append(message, "(sv)", "Environment", "as", 1, token);
    /* A file, for what is in Environment= anybody can read on the bus, and parameters may be secrets. */
    if (r >= 0)
        r = sd_bus_message_append(message, "(sv)", "EnvironmentFiles", "a(sb)", 1, environment, 0);
    return r;
}

static int append_properties(sd_bus_message *message, const FleetCommandRun *run)
{
    int r = sd_bus_message_append(message, "(sv)", "AddRef", "b", 1);

    if (r >= 0)
        r = append_texts(message, run);
    return r >= 0 ? append_streams(message, run) : r;
}

/* Whatever the error, systemd has not started anything. */
static void start_failed(FleetCommandRun *run, const char *name, const char *text)
{
    g_autofree char *message = g_strdup_printf("systemd did not start the program: %s%s", text,
            fleet_program_unit_is_denied(name) ? "; is the polkit rule for fleet-action units installed?" : "");

    fleet_command_run_failed(run, fleet_program_unit_refusal(name), message);
}

static int started(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    Unit *unit = user_data;
    const sd_bus_error *failure = sd_bus_message_get_error(reply);

    unit->call = sd_bus_slot_unref(unit->call);
    /* No answer is no refusal: it may run. */
    if (failure != NULL && !fleet_program_unit_is_unanswered(failure)) {
        start_failed(unit->run, failure->name, failure->message);
        return 1;
    }
    unit->stage = STAGE_STARTED;
    unit->referenced = failure == NULL;
    if (unit->stop_at != 0)
        send_stop(unit);
    look(unit);
    return 1;
}

static gboolean write_environment(const FleetCommandRun *run)
{
    g_auto(GStrv) environment = fleet_program_environment(run->attempt);
    g_autofree char *text = fleet_program_environment_file(environment);

    return fleet_command_place_write(run->place, "environment", text);
}

/* Sends the call. Negative errno. */
static int call_start(Unit *unit)
{
    sd_bus *bus = get_bus(unit);
    g_autoptr(sd_bus_message) message = NULL;

    int r = fleet_program_unit_begin(bus, unit->name, unit->run->program, &message);
    if (r >= 0)
        r = append_properties(message, unit->run);
    if (r >= 0)
        r = fleet_program_unit_end(message);
    return r >= 0 ? sd_bus_call_async(bus, &unit->call, message, started, unit, 0) : r;
}

static void start_now(Unit *unit)
{
    FleetCommandRun *run = unit->run;

    if (!fleet_command_run_make_place(run, FLEET_COMMAND_UNIT))
        return;
    if (!write_environment(run)) {
        fleet_command_run_failed(run, FLEET_OUTCOME_TRANSIENT, "the file for its environment cannot be written");
        return;
    }
    unit->stage = STAGE_STARTING;
    int r = call_start(unit);
    if (r < 0) {
        g_autofree char *message = g_strdup_printf("systemd cannot be asked to start the program: %s", g_strerror(-r));
        fleet_command_run_failed(run, FLEET_OUTCOME_TRANSIENT, message);
    }
}

/* As after a restart: systemd keeps it only as long as somebody refers to it, or it is active. */
static void attach_now(Unit *unit)
{
    if (!unit->referenced)
        call_manager(unit, "RefUnit", FALSE);
    unit->referenced = TRUE;
    if (unit->stop_at != 0 && !unit->stop_sent)
        send_stop(unit);
    look(unit);
}

static void go_on(Unit *unit)
{
    switch (unit->stage) {
    case STAGE_WAITING:
        start_now(unit);
        break;
    case STAGE_STARTED:
        attach_now(unit);
        break;
    case STAGE_STARTING:
    default:
        break;
    }
}

static void start(FleetCommandRun *run)
{
    Unit *unit = add_unit(run, STAGE_WAITING);

    if (get_bus(unit) != NULL)
        go_on(unit);
    else
        fleet_command_manager_connect(run->driver->units->manager, run->settings->user_manager);
}

static void attach(FleetCommandRun *run)
{
    Unit *unit = add_unit(run, STAGE_STARTED);
    g_autofree char *stopping = fleet_command_place_read(run->place, "stopping");

    unit->has_result = fleet_command_place_read_result(run->place, &unit->result);
    if (stopping != NULL)
        unit->stop_at = g_ascii_strtoll(stopping, NULL, 10);
    if (!fleet_command_manager_exists(run->settings->user_manager)) {
        if (unit->has_result)
            end(unit);
        else
            fleet_command_run_gone(run, "it was a unit of systemd, which does not run this machine any more");
    } else if (get_bus(unit) != NULL) {
        go_on(unit);
    } else {
        fleet_command_manager_connect(run->driver->units->manager, run->settings->user_manager);
    }
}

static void stop(FleetCommandRun *run)
{
    Unit *unit = run->data;
    g_autofree char *now = NULL;

    if (unit->stage == STAGE_WAITING) {
        fleet_command_run_failed(run, FLEET_OUTCOME_STOPPED, "stopped before the program was started");
        return;
    }
    if (unit->has_result)
        return; /* it has ended; what it left behind is being stopped */
    unit->stop_at = g_get_monotonic_time();
    now = g_strdup_printf("%" G_GINT64_FORMAT, unit->stop_at);
    if (!fleet_command_place_write(run->place, "stopping", now))
        fleet_log_about(LOG_WARNING, FLEET_COMMAND_RUN_SUBJECT(run),
                "after a restart, the stop of %s would look like a failure", run->place->info.action_id);
    if (unit->stage == STAGE_STARTED)
        send_stop(unit);
}

/* The unit was stopped before the result was handed over. */
static void dismiss(FleetCommandRun *run)
{
}

const FleetCommandBackend fleet_command_unit_backend = {
        .start = start, .attach = attach, .stop = stop, .dismiss = dismiss, .release = release};

/* For each unit of now, while one may take others away. */
static void for_each(FleetCommandUnits *units, void (*function)(Unit *unit))
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer path;

    g_hash_table_iter_init(&iter, units->units);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        g_ptr_array_add(paths, g_strdup(path));
    for (guint i = 0; i < paths->len; i++) {
        Unit *unit = g_hash_table_lookup(units->units, g_ptr_array_index(paths, i));

        if (unit != NULL)
            function(unit);
    }
}

static void ready(gpointer user_data)
{
    for_each(user_data, go_on);
}

static gboolean reconnect(gpointer data)
{
    FleetCommandUnits *units = data;

    units->reconnect = 0;
    if (g_hash_table_size(units->units) > 0)
        fleet_command_manager_connect(units->manager, units->driver->settings->user_manager);
    return G_SOURCE_REMOVE;
}

/* What was not started yet can be a child as well; what was waits until systemd can be asked again. */
static void lose(Unit *unit)
{
    FleetCommandRun *run = unit->run;

    unit->call = sd_bus_slot_unref(unit->call);
    unit->referenced = unit->stop_sent = unit->look_again = FALSE;
    if (unit->stage != STAGE_WAITING) {
        unit->stage = STAGE_STARTED;
        return;
    }
    release(run);
    run->backend = &fleet_command_child_backend;
    run->backend->start(run);
}

static void lost(const char *message, gpointer user_data)
{
    FleetCommandUnits *units = user_data;

    if (g_hash_table_size(units->units) > 0)
        fleet_log_warning("systemd cannot be reached: %s", message);
    for_each(units, lose);
    if (g_hash_table_size(units->units) > 0 && units->reconnect == 0)
        units->reconnect = g_timeout_add_seconds(RECONNECT_SECONDS, reconnect, units);
}

static void changed(const char *path, gpointer user_data)
{
    FleetCommandUnits *units = user_data;
    Unit *unit = g_hash_table_lookup(units->units, path);

    if (unit != NULL && unit->stage == STAGE_STARTED)
        look(unit);
}

static const FleetCommandManagerFuncs manager_funcs = {.ready = ready, .lost = lost, .changed = changed};

FleetCommandUnits *fleet_command_units_new(FleetCommandDriver *driver)
{
    FleetCommandUnits *units = g_new0(FleetCommandUnits, 1);

    units->driver = driver;
    units->manager = fleet_command_manager_new(&manager_funcs, units);
    units->units = g_hash_table_new(g_str_hash, g_str_equal);
    return units;
}

void fleet_command_units_free(FleetCommandUnits *units)
{
    if (units->reconnect != 0)
        g_source_remove(units->reconnect);
    if (units->rest != 0)
        g_source_remove(units->rest);
    g_hash_table_unref(units->units);
    fleet_command_manager_free(units->manager);
    g_free(units);
}
