/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/simulated.h"

#include <stdio.h>

/* Progress comes in this many steps, so that a run costs the same number of wakeups however long it takes. */
#define STEPS 20

typedef struct {
    FleetDriver driver;
    FleetSimulation simulation;
    guint64 entropy; /* takes the seed's place where none is given */
} Simulated;

/* What a plan says, and how far the attempt is. */
typedef struct {
    gint64 duration; /* µs */
    gboolean success;
    gboolean transient; /* what kind of failure, if it is one */
    const char *phase;  /* the one reported last, or NULL */
    gboolean past_return;
} Run;

typedef struct {
    const char *type;
    const char *phases[6];
} Script;

static const Script scripts[] = {
        {"SOFTWARE_UPDATE", {"preparing", "downloading", "installing", "verifying"}},
        {"FIRMWARE_UPDATE", {"preparing", "downloading", "installing", "rebooting", "verifying"}},
        {"SYSTEM_REBOOT", {"preparing", "rebooting", "verifying"}},
        {"CONFIGURATION_CHANGE", {"preparing", "applying", "verifying"}},
};
static const Script other_script = {NULL, {"preparing", "running", "verifying"}};

/* From this phase of this type on, a stop would do harm. */
static const char irreversible_type[] = "FIRMWARE_UPDATE";
static const char irreversible_phase[] = "rebooting";

static FleetDriver *create(const FleetDriverHost *host, gpointer host_data)
{
    Simulated *self = g_new0(Simulated, 1);

    self->driver.class = &fleet_simulated_driver_class;
    self->driver.host = host;
    self->driver.host_data = host_data;
    self->simulation = (FleetSimulation)FLEET_SIMULATION_INIT;
    self->entropy = (guint64)g_random_int() << 32 | g_random_int();
    return &self->driver;
}

static void destroy(FleetDriver *driver)
{
    g_free(driver);
}

void fleet_simulated_driver_configure(FleetDriver *driver, const FleetSimulation *simulation)
{
    Simulated *self = (Simulated *)driver;

    g_assert(driver->class == &fleet_simulated_driver_class);
    self->simulation = *simulation;
}

/* The finaliser of splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014):
 * neighbouring sequences give unrelated draws. */
static guint64 mix(guint64 x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static double unit_interval(guint64 random)
{
    return (double)(random >> 11) * 0x1.0p-53;
}

/* The draw of an action's attempt: it depends on nothing else than these two and the seed. */
static guint64 draw_of(const Simulated *self, gint64 sequence, guint attempt)
{
    guint64 seed = self->simulation.seeded ? self->simulation.seed : self->entropy;
    guint64 draw = mix(mix(seed) ^ (guint64)sequence);

    return attempt > 1 ? mix(draw ^ attempt) : draw;
}

static GRefString *plan(FleetDriver *driver, const FleetAction *action, const FleetDevice *device, GError **error)
{
    const Simulated *self = (const Simulated *)driver;
    const FleetSimulation *simulation = &self->simulation;
    guint64 draw = draw_of(self, action->id.sequence, action->attempt);
    gint64 span = simulation->max_duration - simulation->min_duration;
    gint64 duration = simulation->min_duration + (gint64)(unit_interval(draw) * (double)span);
    gboolean success = unit_interval(mix(draw)) < simulation->success_rate;
    gboolean transient = unit_interval(mix(mix(draw))) < simulation->transient_rate;
    char text[96];

    g_snprintf(text, sizeof(text), "duration=%" G_GINT64_FORMAT " success=%d transient=%d", duration, success,
            !success && transient);
    return g_ref_string_new(text);
}

static guint count_phases(const Script *script)
{
    guint n = 0;

    while (n < G_N_ELEMENTS(script->phases) && script->phases[n] != NULL)
        n++;
    return n;
}

static const Script *script_of(const char *type)
{
    for (guint i = 0; i < G_N_ELEMENTS(scripts); i++)
        if (g_str_equal(scripts[i].type, type))
            return &scripts[i];
    return &other_script;
}

/* Which of the script's phases it is in at a step of STEPS. */
static guint phase_index(const Script *script, guint step)
{
    guint n = count_phases(script);

    return MIN(step * n / STEPS, n - 1);
}

static void finish(FleetDriver *driver, FleetAttempt *attempt, const Run *run)
{
    const Script *script = script_of(attempt->action->type);
    g_autofree char *message = NULL;
    FleetOutcome failure = run->transient ? FLEET_OUTCOME_TRANSIENT : FLEET_OUTCOME_PERMANENT;

    if (run->success)
        message = g_strdup("simulated success");
    else
        message = g_strdup_printf("simulated failure while %s", script->phases[phase_index(script, STEPS)]);
    driver->host->finished(attempt->id, run->success ? FLEET_OUTCOME_SUCCESS : failure, message, "", driver->host_data);
}

/* A late step may have gone over the phase itself, so all that come after it count, too. */
static void report_return(FleetDriver *driver, FleetAttempt *attempt, Run *run, const Script *script, guint index)
{
    if (run->past_return || !g_str_equal(attempt->action->type, irreversible_type))
        return;
    for (guint i = 0; i <= index; i++)
        if (g_str_equal(script->phases[i], irreversible_phase)) {
            run->past_return = TRUE;
            driver->host->point_of_no_return(attempt->id, driver->host_data);
            return;
        }
}

/* Where the attempt is follows from the clock alone, so that a step that came late, or a restart, changes nothing. */
static void wake(FleetDriver *driver, FleetAttempt *attempt)
{
    Run *run = attempt->data;
    gint64 elapsed = MAX(fleet_clock_boottime() - attempt->started, 0);

    if (elapsed >= run->duration) {
        finish(driver, attempt, run);
        return;
    }

    driver->host->presence(attempt->action->device_id, FLEET_PRESENCE_ONLINE, driver->host_data);
    const Script *script = script_of(attempt->action->type);
    guint step = (guint)((double)elapsed / (double)run->duration * STEPS);
    guint index = phase_index(script, step);
    if (script->phases[index] != run->phase) {
        run->phase = script->phases[index];
        driver->host->phase(attempt->id, run->phase, driver->host_data);
        report_return(driver, attempt, run, script, index);
    }
    driver->host->progress(attempt->id, (double)step / STEPS, driver->host_data);
    driver->host->wake_at(attempt->id, attempt->started + (gint64)((double)run->duration / STEPS * (step + 1)) + 1,
            driver->host_data);
}

static void begin(FleetDriver *driver, FleetAttempt *attempt)
{
    gint64 duration;
    int success, transient = 0;

    /* Plans of earlier releases do not know transient failures. */
    if (sscanf(attempt->action->plan, "duration=%" G_GINT64_FORMAT " success=%d transient=%d", &duration, &success,
                &transient) < 2 ||
            duration < 0) {
        driver->host->finished(attempt->id, FLEET_OUTCOME_PERMANENT, "the stored plan of the simulation cannot be read",
                "", driver->host_data);
        return;
    }

    Run *run = g_new0(Run, 1);
    run->duration = duration;
    run->success = success != 0;
    run->transient = transient != 0;
    attempt->data = run;
    wake(driver, attempt);
}

/* There is no work that would have to wind down. */
static void cancel(FleetDriver *driver, FleetAttempt *attempt)
{
    driver->host->finished(attempt->id, FLEET_OUTCOME_STOPPED, "the simulation was stopped", "", driver->host_data);
}

static void release(FleetDriver *driver, FleetAttempt *attempt)
{
    g_clear_pointer(&attempt->data, g_free);
}

const FleetDriverClass fleet_simulated_driver_class = {
        .name = "simulated",
        .create = create,
        .destroy = destroy,
        .plan = plan,
        .start = begin,
        .reattach = begin,
        .cancel = cancel,
        .wake = wake,
        .release = release,
};
