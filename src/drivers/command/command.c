/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/command/command.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "drivers/attempt.h"
#include "drivers/command/manager.h"
#include "drivers/command/run.h"

#include <string.h>
#include <sys/resource.h>

static guint hash_id(gconstpointer key)
{
    const FleetAttemptId *id = key;

    return g_int64_hash(&id->sequence) * 31 + id->number;
}

static gboolean same_id(gconstpointer a, gconstpointer b)
{
    const FleetAttemptId *x = a, *y = b;

    return x->sequence == y->sequence && x->number == y->number;
}

static FleetDriver *create(const FleetDriverHost *host, gpointer host_data)
{
    FleetCommandDriver *self = g_new0(FleetCommandDriver, 1);

    self->driver = (FleetDriver){.class = &fleet_command_driver_class, .host = host, .host_data = host_data};
    self->poller = fleet_command_poller_new();
    self->units = fleet_command_units_new(self);
    self->runs = g_hash_table_new(hash_id, same_id);
    return &self->driver;
}

static void destroy(FleetDriver *driver)
{
    FleetCommandDriver *self = (FleetCommandDriver *)driver;
    g_autoptr(GList) runs = g_hash_table_get_values(self->runs);

    for (GList *i = runs; i != NULL; i = i->next) {
        fleet_command_run_save(i->data);
        fleet_command_run_free(i->data);
    }
    g_hash_table_unref(self->runs);
    if (self->sweep != 0)
        g_source_remove(self->sweep);
    fleet_command_units_free(self->units);
    fleet_command_poller_free(self->poller);
    g_clear_pointer(&self->settings, fleet_command_settings_unref);
    g_free(self);
}

/* A place that nobody asked for belongs to an attempt that was closed by force, or to a database that is gone. */
static void adopt(FleetCommandDriver *self, FleetAttemptId id)
{
    FleetCommandPlace *place = fleet_command_place_open(self->settings->directory, id, NULL);

    if (place == NULL) {
        fleet_command_place_discard(self->settings->directory, id);
        return;
    }
    FleetCommandRun *run = fleet_command_run_new(self, id);
    run->silent = TRUE;
    run->attaching = TRUE;
    run->place = place;
    run->backend =
            place->info.backend == FLEET_COMMAND_UNIT ? &fleet_command_unit_backend : &fleet_command_child_backend;
    fleet_log_about(LOG_INFO, FLEET_COMMAND_RUN_SUBJECT(run),
            "looking after attempt %u of %s, which nobody asks for any more", id.number, place->info.action_id);
    fleet_command_run_watch(run);
    run->backend->attach(run);
}

static gboolean sweep(gpointer data)
{
    FleetCommandDriver *self = data;
    g_autoptr(GArray) ids = fleet_command_place_list(self->settings->directory);

    self->sweep = 0;
    for (guint i = 0; i < ids->len; i++) {
        FleetAttemptId id = g_array_index(ids, FleetAttemptId, i);

        if (!g_hash_table_contains(self->runs, &id))
            adopt(self, id);
    }
    return G_SOURCE_REMOVE;
}

/* Each attempt takes three descriptors. What programs may open stays as it was. */
static void raise_limit(FleetCommandDriver *self)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    self->nofile = (gint64)MIN(limit.rlim_cur, (rlim_t)G_MAXINT64);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        fleet_log_warning("the limit of open files cannot be raised: %m");
}

void fleet_command_driver_configure(FleetDriver *driver, FleetCommandSettings *settings)
{
    FleetCommandDriver *self = (FleetCommandDriver *)driver;
    gboolean first = self->settings == NULL;

    g_assert(driver->class == &fleet_command_driver_class);
    fleet_command_settings_ref(settings);
    g_clear_pointer(&self->settings, fleet_command_settings_unref);
    self->settings = settings;
    if (self->nofile == 0 && settings->programs->list->len > 0)
        raise_limit(self);
    if (!first || settings->directory == NULL)
        return;
    g_autoptr(GArray) ids = fleet_command_place_list(settings->directory);
    if (ids->len > 0)
        self->sweep = g_timeout_add((guint)(settings->sweep_after / FLEET_USEC_PER_MSEC), sweep, self);
}

static const FleetProgram *find_program(
        const FleetCommandDriver *self, const FleetAction *action, const FleetDevice *device)
{
    if (self->settings == NULL || self->settings->directory == NULL)
        return NULL;
    return fleet_programs_lookup(self->settings->programs, device != NULL ? device->type : "", action->type);
}

static GRefString *plan(FleetDriver *driver, const FleetAction *action, const FleetDevice *device, GError **error)
{
    char text[64];

    if (find_program((FleetCommandDriver *)driver, action, device) == NULL) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED,
                "the driver 'command' has no program for %s on devices of the type '%s'; add a group [Command %s%s%s] "
                "to "
                "the configuration",
                action->type, device->type, device->type, *device->type != '\0' ? " " : "", action->type);
        return NULL;
    }
    g_snprintf(text, sizeof(text), "token=%08x%08x%08x%08x", g_random_int(), g_random_int(), g_random_int(),
            g_random_int());
    return g_ref_string_new(text);
}

static void start(FleetDriver *driver, FleetAttempt *attempt)
{
    FleetCommandDriver *self = (FleetCommandDriver *)driver;
    const FleetProgram *program = find_program(self, attempt->action, attempt->device);

    if (program == NULL) {
        driver->host->finished(attempt->id, FLEET_OUTCOME_REJECTED,
                "the program was taken out of the configuration before the start", "", driver->host_data);
        return;
    }
    FleetCommandRun *run = fleet_command_run_new(self, attempt->id);
    run->program = program;
    run->attempt = attempt;
    attempt->data = run;
    run->backend = fleet_command_manager_exists(self->settings->user_manager) ? &fleet_command_unit_backend
                                                                              : &fleet_command_child_backend;
    run->backend->start(run);
}

static void report_unknown(FleetDriver *driver, const FleetAttempt *attempt, const char *message)
{
    driver->host->unknown(attempt->id, message, driver->host_data);
}

static void reattach(FleetDriver *driver, FleetAttempt *attempt)
{
    FleetCommandDriver *self = (FleetCommandDriver *)driver;
    g_autoptr(FleetCommandPlace) place = NULL;
    g_autoptr(GError) error = NULL;

    if (self->settings == NULL || self->settings->directory == NULL) {
        report_unknown(driver, attempt, "no directory is known in which it could be found");
        return;
    }
    place = fleet_command_place_open(self->settings->directory, attempt->id, &error);
    if (place == NULL) {
        report_unknown(driver, attempt, error->message);
        return;
    }
    if (!g_str_has_prefix(attempt->action->plan, "token=") ||
            !g_str_equal(attempt->action->plan + strlen("token="), place->info.token)) {
        g_autofree char *message = g_strdup_printf("'%s' is another attempt's", place->path);
        report_unknown(driver, attempt, message);
        return;
    }

    FleetCommandRun *run = fleet_command_run_new(self, attempt->id);
    run->attempt = attempt;
    run->attaching = TRUE;
    attempt->data = run;
    run->place = g_steal_pointer(&place);
    run->backend =
            run->place->info.backend == FLEET_COMMAND_UNIT ? &fleet_command_unit_backend : &fleet_command_child_backend;
    g_autofree char *tail = fleet_command_place_read(run->place, "tail");
    if (tail != NULL)
        fleet_program_output_restore(run->output, tail);
    fleet_command_run_watch(run);
    run->backend->attach(run);
}

static void cancel(FleetDriver *driver, FleetAttempt *attempt)
{
    FleetCommandRun *run = attempt->data;

    /* One that was not found again cannot be stopped, and cannot be said to have stopped. */
    if (run == NULL || run->ended || run->stop_wanted)
        return;
    run->stop_wanted = TRUE;
    run->backend->stop(run);
}

static void release(FleetDriver *driver, FleetAttempt *attempt)
{
    FleetCommandRun *run = attempt->data;

    attempt->data = NULL;
    if (run == NULL)
        return;
    if (run->ended && fleet_attempt_is_over(attempt))
        fleet_command_run_close(run);
    else if (run->ended || run->place == NULL)
        fleet_command_run_free(run);
    else
        run->attempt = NULL; /* the work goes on, and so does its output */
}

const FleetDriverClass fleet_command_driver_class = {
        .name = "command",
        .create = create,
        .destroy = destroy,
        .plan = plan,
        .start = start,
        .reattach = reattach,
        .cancel = cancel,
        .release = release,
};
