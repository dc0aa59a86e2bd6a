/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which devices are whose: what drivers are told of their devices, and what they tell about them.
 */

#include "core/run.h"

#include "base/clock.h"
#include "base/log.h"

/* Announced devices that are registered in one turn of the loop. */
#define REGISTERED_PER_TURN 256

/* How long to wait before those that could not be stored are registered again. */
#define STORE_AGAIN_USEC (2 * FLEET_USEC_PER_SEC)

typedef struct {
    const char *driver; /* static */
    char *id, *name, *type, *address;
} Announced;

static void free_announced(gpointer data)
{
    Announced *announced = data;

    g_free(announced->id);
    g_free(announced->name);
    g_free(announced->type);
    g_free(announced->address);
    g_free(announced);
}

void fleet_engine_forget_announced(FleetEngine *engine)
{
    g_queue_clear_full(&engine->announced, free_announced);
    fleet_timers_clear(engine->timers, &engine->registering);
}

static void forget(FleetEngine *engine, const FleetDevice *device)
{
    FleetDriver *driver = fleet_drivers_lookup(engine->drivers, device->driver);

    if (driver != NULL && driver->class->forget != NULL)
        driver->class->forget(driver, device);
}

static void adopt(FleetEngine *engine, const FleetDevice *device)
{
    FleetDriver *driver = fleet_drivers_lookup(engine->drivers, device->driver);

    if (driver != NULL && driver->class->adopt != NULL)
        driver->class->adopt(driver, device);
}

void fleet_engine_tell_driver(FleetEngine *engine, const FleetDevice *before, const FleetDevice *after)
{
    if (after == NULL)
        forget(engine, before);
    else if (before == NULL || before->address != after->address || before->type != after->type)
        adopt(engine, after);
}

static gboolean adopt_one(const FleetDevice *device, gpointer user_data)
{
    adopt(user_data, device);
    return TRUE;
}

void fleet_engine_adopt_all(FleetEngine *engine)
{
    fleet_registry_visit(engine->registry, "", FALSE, adopt_one, engine);
}

gboolean fleet_engine_is_ready(FleetDriver *driver, const FleetDevice *device)
{
    return driver->class->is_ready == NULL || driver->class->is_ready(driver, device);
}

/* One that is in the queue may start, and one between two attempts may go on. */
static void reconsider(FleetRun *run)
{
    if (run->entry.place != NULL)
        fleet_engine_consider(run->engine, run->committed->device_id);
    fleet_run_device_changed(run);
}

void fleet_engine_driver_changed(FleetEngine *engine, FleetDriver *driver, const char *device_id)
{
    GHashTableIter iter;
    gpointer value;

    if (device_id != NULL) {
        const FleetDevice *device = fleet_registry_lookup(engine->registry, device_id, NULL);

        if (device != NULL)
            fleet_engine_reconsider_device(engine, device);
        return;
    }
    g_hash_table_iter_init(&iter, engine->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((FleetRun *)value)->driver == driver)
            reconsider(value);
}

void fleet_engine_register_announced(
        FleetEngine *engine, const FleetDriver *driver, const FleetAnnouncement *announcement)
{
    Announced *announced = g_new0(Announced, 1);

    announced->driver = driver->class->name;
    announced->id = g_strdup(announcement->id);
    announced->name = g_strdup(announcement->name);
    announced->type = g_strdup(announcement->type);
    announced->address = g_strdup(announcement->address);
    g_queue_push_tail(&engine->announced, announced);
    if (!engine->stopped)
        fleet_timers_set(engine->timers, &engine->registering, 0);
}

/* Those of one transaction. */
typedef struct {
    FleetEngine *engine;
    GQueue announced;
} Batch;

/* A driver announces a device once, so what could not be stored is not forgotten. */
static void registered(const GError *error, gpointer user_data)
{
    g_autofree Batch *batch = user_data;
    FleetEngine *engine = batch->engine;

    if (error == NULL || engine->stopped) {
        g_queue_clear_full(&batch->announced, free_announced);
        return;
    }
    fleet_log_warning("devices that were announced could not be registered yet: %s", error->message);
    while (!g_queue_is_empty(&batch->announced))
        g_queue_push_head_link(&engine->announced, g_queue_pop_tail_link(&batch->announced));
    fleet_timers_set(engine->timers, &engine->registering, fleet_clock_boottime() + STORE_AGAIN_USEC);
}

static void stage(FleetEngine *engine, FleetTransaction *transaction, const Announced *announced)
{
    const FleetDeviceSpec spec = {.id = announced->id,
            .name = announced->name,
            .type = announced->type,
            .status = "",
            .driver = announced->driver,
            .address = announced->address};
    g_autoptr(GError) error = NULL;

    if (fleet_registry_lookup_staged(engine->registry, announced->id, NULL) != NULL)
        return;
    if (!fleet_registry_stage_register(engine->registry, transaction, &spec, &error))
        fleet_log_warning("a device that the driver '%s' has met is not registered: %s", spec.driver, error->message);
}

void fleet_engine_register_next(FleetTimer *timer)
{
    FleetEngine *engine = timer->data;
    FleetTransaction *transaction = fleet_transaction_new(engine->ledger);
    Batch *batch = g_new0(Batch, 1);

    batch->engine = engine;
    for (guint i = 0; i < REGISTERED_PER_TURN && !g_queue_is_empty(&engine->announced); i++) {
        stage(engine, transaction, g_queue_peek_head(&engine->announced));
        g_queue_push_tail_link(&batch->announced, g_queue_pop_head_link(&engine->announced));
    }
    fleet_transaction_submit(transaction, registered, batch);
    if (!g_queue_is_empty(&engine->announced)) /* a moment that was over would be of this turn */
        fleet_timers_set(engine->timers, timer, fleet_clock_boottime());
}
