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
    const char *phase; /* the one reported last, or NULL */
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

static FleetDriver *create(const FleetDriverHost *host)
{
    Simulated *self = g_new0(Simulated, 1);

    self->driver.class = &fleet_simulated_driver_class;
    self->driver.host = host;
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

static GRefString *plan(FleetDriver *driver, const FleetAction *action)
{
    const Simulated *self = (const Simulated *)driver;
    const FleetSimulation *simulation = &self->simulation;
    guint64 draw = mix(mix(simulation->seeded ? simulation->seed : self->entropy) ^ (guint64)action->id.sequence);
    gint64 span = simulation->max_duration - simulation->min_duration;
    gint64 duration = simulation->min_duration + (gint64)(unit_interval(draw) * (double)span);
    gboolean success = unit_interval(mix(draw)) < simulation->success_rate;
    char text[64];

    g_snprintf(text, sizeof(text), "duration=%" G_GINT64_FORMAT " success=%d", duration, success);
    return g_ref_string_new(text);
}

static const char *phase_at(const char *type, guint step)
{
    const Script *script = &other_script;
    guint n = 0;

    for (guint i = 0; i < G_N_ELEMENTS(scripts); i++)
        if (g_str_equal(scripts[i].type, type))
            script = &scripts[i];
    while (n < G_N_ELEMENTS(script->phases) && script->phases[n] != NULL)
        n++;
    return script->phases[MIN(step * n / STEPS, n - 1)];
}

static void finish(FleetDriver *driver, FleetAttempt *attempt, const Run *run)
{
    g_autofree char *message = NULL;

    if (run->success)
        message = g_strdup("simulated success");
    else
        message = g_strdup_printf("simulated failure while %s", phase_at(attempt->action->type, STEPS));
    driver->host->finished(attempt, run->success ? FLEET_OUTCOME_SUCCESS : FLEET_OUTCOME_FAILURE, message);
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

    guint step = (guint)((double)elapsed / (double)run->duration * STEPS);
    const char *phase = phase_at(attempt->action->type, step);
    if (phase != run->phase) {
        run->phase = phase;
        driver->host->phase(attempt, phase);
    }
    driver->host->progress(attempt, (double)step / STEPS);
    driver->host->wake_at(attempt, attempt->started + (gint64)((double)run->duration / STEPS * (step + 1)) + 1);
}

static void begin(FleetDriver *driver, FleetAttempt *attempt)
{
    gint64 duration;
    int success;

    if (sscanf(attempt->action->plan, "duration=%" G_GINT64_FORMAT " success=%d", &duration, &success) != 2 ||
            duration < 0) {
        driver->host->finished(attempt, FLEET_OUTCOME_FAILURE, "the stored plan of the simulation cannot be read");
        return;
    }

    Run *run = g_new0(Run, 1);
    run->duration = duration;
    run->success = success != 0;
    attempt->data = run;
    wake(driver, attempt);
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
        .wake = wake,
        .release = release,
};
