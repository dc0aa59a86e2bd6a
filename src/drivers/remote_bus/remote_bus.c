/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/remote_bus/remote_bus.h"

#include "base/error.h"
#include "drivers/attempt.h"
#include "drivers/remote_bus/bundle.h"
#include "drivers/remote_bus/run.h"

static void tell_presence(const char *device_id, FleetPresence presence, gpointer user_data)
{
    const FleetDriver *driver = user_data;

    driver->host->presence(device_id, presence, driver->host_data);
}

static const FleetRemotePoolFuncs pool_funcs = {.presence = tell_presence};

static FleetDriver *create(const FleetDriverHost *host, gpointer host_data)
{
    FleetRemoteDriver *self = g_new0(FleetRemoteDriver, 1);

    self->driver = (FleetDriver){.class = &fleet_remote_bus_driver_class, .host = host, .host_data = host_data};
    self->settings = fleet_remote_settings_new();
    self->pool = fleet_remote_pool_new(&pool_funcs, self);
    self->runs = g_hash_table_new(NULL, NULL);
    return &self->driver;
}

static void destroy(FleetDriver *driver)
{
    FleetRemoteDriver *self = (FleetRemoteDriver *)driver;
    g_autoptr(GList) runs = g_hash_table_get_keys(self->runs);

    for (GList *i = runs; i != NULL; i = i->next)
        fleet_remote_run_free(i->data);
    g_hash_table_unref(self->runs);
    fleet_remote_pool_free(self->pool);
    fleet_remote_settings_unref(self->settings);
    g_free(self);
}

void fleet_remote_bus_driver_configure(FleetDriver *driver, FleetRemoteSettings *settings)
{
    FleetRemoteDriver *self = (FleetRemoteDriver *)driver;

    g_assert(driver->class == &fleet_remote_bus_driver_class);
    fleet_remote_settings_ref(settings);
    fleet_remote_settings_unref(self->settings);
    self->settings = settings;
    fleet_remote_pool_configure(self->pool, settings);
}

static gboolean check_address(const char *text, GError **error)
{
    g_auto(FleetRemoteAddress) address = {0};

    return fleet_remote_address_parse(text, &address, error);
}

static void adopt(FleetDriver *driver, const FleetDevice *device)
{
    fleet_remote_pool_adopt(((FleetRemoteDriver *)driver)->pool, device);
}

static void forget(FleetDriver *driver, const FleetDevice *device)
{
    fleet_remote_pool_forget(((FleetRemoteDriver *)driver)->pool, device->id);
}

static const FleetProgram *find_program(
        const FleetRemoteDriver *self, const FleetAction *action, const FleetDevice *device)
{
    return fleet_programs_lookup(self->settings->programs, device->type, action->type);
}

static gboolean fail_unsupported(const FleetAction *action, const FleetDevice *device, GError **error)
{
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED,
            "the driver 'remote-bus' has no program for %s on devices of the type '%s'; add a group [RemoteBus %s%s%s] "
            "to the configuration",
            action->type, device->type, device->type, *device->type != '\0' ? " " : "", action->type);
    return FALSE;
}

/* Of this machine the boot that a reboot will end is known; of others only when they are connected to. */
static gboolean plan_reboot(const FleetRemoteAddress *address, FleetRemotePlan *plan, GError **error)
{
    FleetRemoteBoot boot;

    plan->kind = FLEET_REMOTE_REBOOT;
    if (!address->local)
        return TRUE;
    if (!fleet_remote_greeting_local(&boot, error))
        return FALSE;
    g_strlcpy(plan->boot, boot.id, sizeof(plan->boot));
    return TRUE;
}

static gboolean make_plan(const FleetRemoteDriver *self, const FleetAction *action, const FleetDevice *device,
        const FleetRemoteAddress *address, FleetRemotePlan *plan, GError **error)
{
    if (g_str_equal(action->type, "SYSTEM_REBOOT"))
        return plan_reboot(address, plan, error);
    if (find_program(self, action, device) != NULL) {
        plan->kind = FLEET_REMOTE_PROGRAM;
        fleet_remote_plan_draw_unit(plan, action->id.sequence, action->attempt);
        return TRUE;
    }
    if (!g_str_equal(action->type, "FIRMWARE_UPDATE"))
        return fail_unsupported(action, device, error);
    plan->kind = FLEET_REMOTE_RAUC;
    return fleet_remote_bundle_source(action->parameters, error) != NULL;
}

static GRefString *plan(FleetDriver *driver, const FleetAction *action, const FleetDevice *device, GError **error)
{
    g_auto(FleetRemoteAddress) address = {0};
    g_autoptr(GError) local = NULL;
    FleetRemotePlan made = {0};

    if (!fleet_remote_address_parse(fleet_device_where(device), &address, &local)) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED, "device '%s' cannot be reached: %s", device->id,
                local->message);
        return NULL;
    }
    if (!make_plan((FleetRemoteDriver *)driver, action, device, &address, &made, error))
        return NULL;
    g_autofree char *text = fleet_remote_plan_format(&made);
    return g_ref_string_new(text);
}

/* NULL after a _finished. */
static FleetRemoteRun *new_run(FleetDriver *driver, FleetAttempt *attempt)
{
    FleetRemoteDriver *self = (FleetRemoteDriver *)driver;
    FleetRemotePlan read;

    if (attempt->device == NULL || !fleet_remote_plan_parse(attempt->action->plan, &read)) {
        driver->host->finished(attempt->id, FLEET_OUTCOME_UNCERTAIN,
                attempt->device == NULL ? "its device is gone" : "its stored plan cannot be read", "",
                driver->host_data);
        return NULL;
    }
    FleetRemoteRun *run = fleet_remote_run_new(self, attempt, &read);
    run->program = read.kind == FLEET_REMOTE_PROGRAM ? find_program(self, attempt->action, attempt->device) : NULL;
    attempt->data = run;
    return run;
}

static void start(FleetDriver *driver, FleetAttempt *attempt)
{
    FleetRemoteRun *run = new_run(driver, attempt);

    if (run != NULL)
        fleet_remote_run_start(run);
}

static void reattach(FleetDriver *driver, FleetAttempt *attempt)
{
    FleetRemoteRun *run = new_run(driver, attempt);

    if (run != NULL)
        fleet_remote_run_reattach(run);
}

static void cancel(FleetDriver *driver, FleetAttempt *attempt)
{
    if (attempt->data != NULL)
        fleet_remote_run_cancel(attempt->data);
}

static void wake(FleetDriver *driver, FleetAttempt *attempt)
{
    if (attempt->data != NULL)
        fleet_remote_run_wake(attempt->data);
}

static void stored(FleetDriver *driver, FleetAttempt *attempt)
{
    if (attempt->data != NULL)
        fleet_remote_run_stored(attempt->data);
}

static void release(FleetDriver *driver, FleetAttempt *attempt)
{
    FleetRemoteRun *run = attempt->data;

    attempt->data = NULL;
    if (run != NULL)
        fleet_remote_run_release(run, fleet_attempt_is_over(attempt));
}

const FleetDriverClass fleet_remote_bus_driver_class = {
        .name = "remote-bus",
        .create = create,
        .destroy = destroy,
        .check_address = check_address,
        .adopt = adopt,
        .forget = forget,
        .plan = plan,
        .start = start,
        .reattach = reattach,
        .cancel = cancel,
        .wake = wake,
        .stored = stored,
        .release = release,
};
