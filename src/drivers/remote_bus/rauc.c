/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A bundle that RAUC of the machine installs. RAUC does one at a time and goes on whoever is connected; but of one that
 * has ended it keeps no more than how the last one went. So it is known how it has gone if that was heard, or if the
 * same service is found idle that had taken the bundle on; else nobody knows.
 */

#include "drivers/program/unit_call.h"
#include "drivers/remote_bus/bundle.h"
#include "drivers/remote_bus/run.h"

#include <string.h>

#define RAUC "de.pengutronix.rauc"
#define INSTALLER RAUC ".Installer"
#define OBJECT "/"
#define IDLE "idle"

typedef struct {
    FleetRemoteRun *run; /* weak */
    sd_bus_slot *call;
    sd_bus_slot *properties; /* matches */
    sd_bus_slot *completed;
    sd_bus_slot *owner;
    char *service; /* the unique name of the one that has taken it on; NULL = none has, that we know of */
    char boot[FLEET_REMOTE_BOOT_ID_SIZE];
} Rauc;

/* What its properties say. */
typedef struct {
    char *operation;
    char *last_error;
    char *message;
    gint32 percentage; /* negative = not said */
} State;

static void state_clear(State *state)
{
    g_free(state->operation);
    g_free(state->last_error);
    g_free(state->message);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(State, state_clear)

static Rauc *rauc_of(FleetRemoteRun *run)
{
    if (run->data == NULL) {
        Rauc *rauc = g_new0(Rauc, 1);

        rauc->run = run;
        run->data = rauc;
    }
    return run->data;
}

static void let_go(FleetRemoteRun *run)
{
    Rauc *rauc = rauc_of(run);

    rauc->call = sd_bus_slot_unref(rauc->call);
    rauc->properties = sd_bus_slot_unref(rauc->properties);
    rauc->completed = sd_bus_slot_unref(rauc->completed);
    rauc->owner = sd_bus_slot_unref(rauc->owner);
}

static void free_rauc(FleetRemoteRun *run)
{
    Rauc *rauc = rauc_of(run);

    g_free(rauc->service);
    g_free(rauc);
}

/* Reading. */

static int read_text(sd_bus_message *message, char **text)
{
    const char *value;
    int r = sd_bus_message_read(message, "v", "s", &value);

    if (r >= 0) {
        g_free(*text);
        *text = g_strdup(value);
    }
    return r;
}

static int read_progress(sd_bus_message *message, State *state)
{
    const char *text;
    gint32 percentage, depth;
    int r = sd_bus_message_read(message, "v", "(isi)", &percentage, &text, &depth);

    if (r >= 0) {
        state->percentage = CLAMP(percentage, 0, 100);
        g_free(state->message);
        state->message = fleet_remote_failure_text(text);
    }
    return r;
}

static int read_property(sd_bus_message *message, State *state)
{
    const char *name;
    int r = sd_bus_message_read(message, "s", &name);

    if (r < 0)
        return r;
    if (g_str_equal(name, "Operation"))
        return read_text(message, &state->operation);
    if (g_str_equal(name, "LastError"))
        return read_text(message, &state->last_error);
    if (g_str_equal(name, "Progress"))
        return read_progress(message, state);
    return sd_bus_message_skip(message, "v");
}

/* An a{sv}. Negative errno if it is none. */
static int read_state(sd_bus_message *message, State *state)
{
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        r = read_property(message, state);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
    }
    return r >= 0 ? sd_bus_message_exit_container(message) : r;
}

/* Asking. */

static int call_get_all(Rauc *rauc, sd_bus_message_handler_t handler)
{
    rauc->call = sd_bus_slot_unref(rauc->call);
    return sd_bus_call_method_async(fleet_remote_run_bus(rauc->run), &rauc->call, RAUC, OBJECT,
            "org.freedesktop.DBus.Properties", "GetAll", handler, rauc, "s", INSTALLER);
}

static void not_there(FleetRemoteRun *run, const sd_bus_error *failure)
{
    const char *where = fleet_remote_run_where(run);
    g_autofree char *reason = fleet_remote_failure_text(failure->message);
    g_autofree char *message = NULL;

    if (sd_bus_error_has_name(failure, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
            sd_bus_error_has_name(failure, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
            sd_bus_error_has_name(failure, SD_BUS_ERROR_UNKNOWN_OBJECT) ||
            sd_bus_error_has_name(failure, SD_BUS_ERROR_UNKNOWN_INTERFACE)) {
        message = g_strdup_printf("'%s' has no RAUC, and no program is configured for this: %s", where, reason);
        fleet_remote_run_finish(run, FLEET_OUTCOME_REJECTED, message);
        return;
    }
    message = g_strdup_printf("RAUC of '%s' does not answer: %s", where, reason);
    fleet_remote_run_finish(run,
            fleet_program_unit_is_denied(failure->name) ? FLEET_OUTCOME_PERMANENT : FLEET_OUTCOME_TRANSIENT, message);
}

static int checked(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    Rauc *rauc = user_data;
    FleetRemoteRun *run = rauc->run;
    const sd_bus_error *failure = sd_bus_message_get_error(reply);
    g_auto(State) state = {.percentage = -1};

    rauc->call = sd_bus_slot_unref(rauc->call);
    if (failure != NULL && fleet_program_unit_is_unanswered(failure) && fleet_remote_run_bus(run) == NULL)
        return 1; /* that the connection is lost is told by itself */
    if (failure != NULL) {
        not_there(run, failure);
    } else if (read_state(reply, &state) < 0 || state.operation == NULL) {
        fleet_remote_run_finish(run, FLEET_OUTCOME_PERMANENT, "what RAUC says of itself cannot be read");
    } else if (!g_str_equal(state.operation, IDLE)) {
        fleet_remote_run_finish(run, FLEET_OUTCOME_TRANSIENT, "RAUC is at another installation");
    } else {
        fleet_remote_run_intend(run);
    }
    return 1;
}

static void begin(FleetRemoteRun *run)
{
    int r = call_get_all(rauc_of(run), checked);

    if (r < 0)
        fleet_remote_run_fail_call(run, "RAUC's state", r);
}

static void fail(FleetRemoteRun *run, const char *last_error)
{
    g_autofree char *reason = fleet_remote_failure_text(last_error != NULL ? last_error : "");
    g_autofree char *message =
            g_strdup_printf("RAUC could not install the bundle: %s", *reason != '\0' ? reason : "it does not say why");

    fleet_remote_run_finish(run, FLEET_OUTCOME_PERMANENT, message);
}

static void succeed(FleetRemoteRun *run)
{
    fleet_remote_run_finish(run, FLEET_OUTCOME_SUCCESS, "RAUC has installed the bundle; it is in force after a reboot");
}

static void nobody_knows(FleetRemoteRun *run, const char *why)
{
    g_autofree char *message = g_strdup_printf("%s, and nobody knows how the installation has gone", why);

    fleet_remote_run_finish(run, FLEET_OUTCOME_UNCERTAIN, message);
}

/* It has ended badly; that is known for certain, only the reason is not. */
static int told_why(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    Rauc *rauc = user_data;
    g_auto(State) state = {.percentage = -1};

    rauc->call = sd_bus_slot_unref(rauc->call);
    if (sd_bus_message_is_method_error(reply, NULL) || read_state(reply, &state) < 0)
        g_clear_pointer(&state.last_error, g_free);
    fail(rauc->run, state.last_error);
    return 1;
}

static int completed(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    Rauc *rauc = user_data;
    gint32 result;

    /* Before ours was taken on, it is somebody else's. */
    if (rauc->service == NULL || sd_bus_message_read(message, "i", &result) < 0)
        return 0;
    if (result == 0)
        succeed(rauc->run);
    else if (call_get_all(rauc, told_why) < 0)
        fail(rauc->run, NULL);
    return 0;
}

static void report(FleetRemoteRun *run, const State *state)
{
    if (state->percentage >= 0)
        fleet_remote_run_progress(run, state->percentage / 100.0);
    if (state->message != NULL && *state->message != '\0')
        fleet_remote_run_message(run, state->message);
}

static int properties_changed(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    Rauc *rauc = user_data;
    g_auto(State) state = {.percentage = -1};

    if (sd_bus_message_skip(message, "s") >= 0 && read_state(message, &state) >= 0)
        report(rauc->run, &state);
    return 0;
}

/* It has ended, or another one has taken its place. */
static int owner_changed(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    Rauc *rauc = user_data;
    const char *name, *before, *after;

    if (sd_bus_message_read(message, "sss", &name, &before, &after) >= 0 && *before != '\0')
        nobody_knows(rauc->run, "RAUC has ended");
    return 0;
}

/* Before it is asked, so that nothing is missed. */
static int listen(Rauc *rauc)
{
    sd_bus *bus = fleet_remote_run_bus(rauc->run);

    let_go(rauc->run);
    int r = sd_bus_match_signal_async(bus, &rauc->properties, RAUC, OBJECT, "org.freedesktop.DBus.Properties",
            "PropertiesChanged", properties_changed, NULL, rauc);
    if (r >= 0)
        r = sd_bus_match_signal_async(
                bus, &rauc->completed, RAUC, OBJECT, INSTALLER, "Completed", completed, NULL, rauc);
    if (r >= 0)
        r = sd_bus_add_match_async(bus, &rauc->owner,
                "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" RAUC "'", owner_changed,
                NULL, rauc);
    return r;
}

static void resume(FleetRemoteRun *run);

static int accepted(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    Rauc *rauc = user_data;
    FleetRemoteRun *run = rauc->run;
    const sd_bus_error *failure = sd_bus_message_get_error(reply);

    rauc->call = sd_bus_slot_unref(rauc->call);
    if (failure == NULL) {
        g_free(rauc->service);
        rauc->service = g_strdup(sd_bus_message_get_sender(reply));
    } else if (fleet_program_unit_is_unanswered(failure)) {
        if (fleet_remote_run_bus(run) != NULL)
            resume(run);
    } else if (strstr(failure->message, "already processing") != NULL) {
        fleet_remote_run_finish(run, FLEET_OUTCOME_TRANSIENT, "RAUC is at another installation");
    } else {
        fail(run, failure->message);
    }
    return 1;
}

static void ask(FleetRemoteRun *run)
{
    Rauc *rauc = rauc_of(run);
    const char *bundle = fleet_remote_bundle_source(run->attempt->action->parameters, NULL);

    g_strlcpy(rauc->boot, fleet_remote_link_boot(run->link)->id, sizeof(rauc->boot));
    int r = listen(rauc);
    if (r >= 0)
        r = sd_bus_call_method_async(fleet_remote_run_bus(run), &rauc->call, RAUC, OBJECT, INSTALLER, "InstallBundle",
                accepted, rauc, "sa{sv}", bundle, 0);
    if (r < 0) {
        run->asked = FALSE; /* it was not sent */
        fleet_remote_run_fail_call(run, "an installation", r);
    }
}

/* Finding out. */

static void consider(Rauc *rauc, const State *state, const char *sender)
{
    FleetRemoteRun *run = rauc->run;

    if (!g_str_equal(state->operation, IDLE)) {
        g_free(rauc->service);
        rauc->service = g_strdup(sender);
        fleet_remote_run_found(run);
        report(run, state);
    } else if (rauc->service == NULL || !g_str_equal(rauc->service, sender)) {
        nobody_knows(run, "RAUC is idle by now");
    } else if (state->last_error != NULL && *state->last_error != '\0') {
        fail(run, state->last_error);
    } else {
        succeed(run);
    }
}

static int looked(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    Rauc *rauc = user_data;
    const sd_bus_error *failure = sd_bus_message_get_error(reply);
    g_auto(State) state = {.percentage = -1};

    rauc->call = sd_bus_slot_unref(rauc->call);
    if (failure != NULL && fleet_program_unit_is_unanswered(failure)) {
        if (fleet_remote_run_bus(rauc->run) != NULL)
            fleet_remote_link_fail(rauc->run->link, g_strdup("RAUC does not answer"));
    } else if (failure != NULL || read_state(reply, &state) < 0 || state.operation == NULL) {
        nobody_knows(rauc->run, "RAUC is not there any more");
    } else {
        consider(rauc, &state, sd_bus_message_get_sender(reply));
    }
    return 1;
}

static void resume(FleetRemoteRun *run)
{
    Rauc *rauc = rauc_of(run);
    const char *boot = fleet_remote_link_boot(run->link)->id;

    if (*rauc->boot == '\0' && !fleet_remote_run_has_rebooted(run))
        g_strlcpy(rauc->boot, boot, sizeof(rauc->boot));
    if (!g_str_equal(rauc->boot, boot)) {
        nobody_knows(run, "the machine has been rebooted");
        return;
    }
    int r = listen(rauc);
    if (r >= 0)
        r = call_get_all(rauc, looked);
    if (r < 0)
        fleet_remote_link_fail(run->link, g_strdup_printf("RAUC cannot be asked: %s", g_strerror(-r)));
}

const FleetRemoteWork fleet_remote_rauc_work = {.phase = "installing",
        .is_final = TRUE,
        .begin = begin,
        .ask = ask,
        .resume = resume,
        .let_go = let_go,
        .free = free_rauc};
