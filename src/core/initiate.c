/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/run.h"

#include "base/clock.h"
#include "base/error.h"
#include "model/transition.h"

static const char *const if_busy_names[] = {"fail", "queue", "replace", NULL};
const FleetEnumTable fleet_if_busy_table = FLEET_ENUM_TABLE("IfBusy", if_busy_names);

static FleetAction *new_action(
        FleetEngine *engine, const FleetActionRequest *request, const FleetActionType *type, const FleetDevice *device)
{
    gint64 now = fleet_clock_realtime();
    const FleetActionId id = {.msec = now / FLEET_USEC_PER_MSEC, .sequence = ++engine->last_sequence};
    FleetAction *action = fleet_action_new(id, device->id, type->name, device->driver, request->parameters);

    action->initiated_at = action->moved_at = now;
    action->owner_uid = request->owner_uid;
    action->priority = request->priority;
    action->not_before = request->not_before;
    action->start_deadline = request->start_deadline;
    action->policy = request->policy;
    action->request_digest = request->request_digest;
    fleet_action_set_text(&action->request_id, request->request_id);
    return action;
}

/* The run that a device is busy with; NULL if it has none. */
static FleetRun *current_run(FleetEngine *engine, const FleetDevice *device)
{
    FleetRun *run = g_hash_table_lookup(engine->runs, &device->action.sequence);

    return run != NULL && !fleet_action_is_terminal(run->staged) ? run : NULL;
}

/* What replaces goes to the front. */
static gint front_priority(FleetEngine *engine, const FleetActionRequest *request)
{
    const FleetQueueEntry *first = fleet_queue_first(engine->queue, request->device_id);

    if (first == NULL || first->priority < request->priority)
        return request->priority;
    return first->priority < G_MAXINT ? first->priority + 1 : G_MAXINT;
}

static gboolean stage_replacement(
        FleetEngine *engine, FleetTransaction *transaction, const FleetDevice *device, GError **error)
{
    FleetRun *current = current_run(engine, device);

    if (current == NULL || (current->ending != NULL && current->ending->status != FLEET_ACTION_RUNNING))
        return TRUE;
    const char *message = "replaced by another action";
    if (fleet_run_is_between_attempts(current)) {
        g_autoptr(FleetEnding) ending = fleet_ending_new(FLEET_ACTION_CANCELLED, FLEET_RESULT_SUPERSEDED, message);
        fleet_run_stage_end(current, transaction, ending);
        return TRUE;
    }
    if (!fleet_run_check_replaceable(current, error))
        return FALSE;
    fleet_run_stage_stop(current, transaction, FLEET_RESULT_SUPERSEDED, message);
    return TRUE;
}

/* The action waits: for its time, its device, or its turn. */
static void stage_waiting(FleetEngine *engine, FleetTransaction *transaction, FleetAction *action, const char *phase)
{
    fleet_action_set_text(&action->phase, phase);
    FleetRun *run = fleet_run_new(engine, action);

    fleet_run_stage_first(run, transaction);
    const FleetDevice *device = fleet_run_device(run);
    fleet_registry_stage_action(
            engine->registry, transaction, device, device->own_status, device->action, device->queued + 1);
}

/* PENDING and RUNNING in one transaction, so that starting costs one sync; both moves are announced all the same. */
static gboolean stage_running(FleetEngine *engine, FleetTransaction *transaction, FleetAction *action, GError **error)
{
    FleetMark mark = fleet_transaction_mark(transaction);
    FleetRun *run = fleet_run_new(engine, action);

    fleet_run_stage_first(run, transaction);
    if (fleet_run_stage_attempt(run, transaction, error))
        return TRUE;
    fleet_transaction_unstage(transaction, mark);
    return FALSE;
}

/* Does nothing that waits for the device come before it? */
static gboolean is_in_turn(FleetEngine *engine, const FleetActionRequest *request)
{
    const FleetQueueEntry *first = fleet_queue_first(engine->queue, request->device_id);

    return first == NULL || first->priority < request->priority || request->if_busy == FLEET_IF_BUSY_FAIL;
}

static gboolean is_driver_ready(FleetEngine *engine, const FleetDevice *device)
{
    FleetDriver *driver = fleet_engine_find_driver(engine, device->driver);

    return fleet_engine_is_ready(driver, device);
}

gboolean fleet_engine_stage_initiate(FleetEngine *engine, FleetTransaction *transaction,
        const FleetActionRequest *request, FleetInitiated *initiated, GError **error)
{
    const FleetActionType *type = fleet_action_types_lookup(engine->settings.types, request->type, error);
    if (type == NULL)
        return FALSE;
    const FleetDevice *device = fleet_registry_lookup_staged(engine->registry, request->device_id, error);
    if (device == NULL)
        return FALSE;

    g_autoptr(GError) busy = NULL;
    gboolean scheduled = request->not_before > fleet_clock_realtime();
    gboolean is_free = fleet_device_check_free(device, &busy);
    if (!is_free && request->if_busy == FLEET_IF_BUSY_FAIL) {
        g_propagate_error(error, g_steal_pointer(&busy));
        return FALSE;
    }
    gboolean is_ready = is_free && is_driver_ready(engine, device);
    gboolean starts =
            is_ready && !scheduled && is_in_turn(engine, request) && fleet_engine_has_room(engine, type->name);
    if (!starts && !fleet_usage_check(engine->pending, request->owner_uid, error))
        return FALSE;
    FleetActionRequest placed = *request;
    if (!is_free && request->if_busy == FLEET_IF_BUSY_REPLACE) {
        if (!stage_replacement(engine, transaction, device, error))
            return FALSE;
        placed.priority = front_priority(engine, request);
    }

    g_autoptr(FleetAction) action = new_action(engine, &placed, type, device);
    *initiated = (FleetInitiated){.id = action->id, .status = starts ? FLEET_ACTION_RUNNING : FLEET_ACTION_PENDING};
    if (starts)
        return stage_running(engine, transaction, action, error);
    stage_waiting(engine, transaction, action, scheduled ? "scheduled" : is_ready ? "waiting-slot" : "waiting-device");
    return TRUE;
}

gboolean fleet_engine_find_request(
        FleetEngine *engine, const FleetActionRequest *request, FleetInitiated *initiated, GError **error)
{
    FleetAction probe_image = {
            .device_id = (GRefString *)request->device_id, .request_id = (GRefString *)request->request_id};
    const FleetRun probe = {.staged = &probe_image};
    const FleetRun *run = g_hash_table_lookup(engine->requests, &probe);

    if (run == NULL)
        return FALSE;
    return fleet_engine_check_request(run->staged, request, initiated, error);
}

gboolean fleet_engine_check_request(
        const FleetAction *action, const FleetActionRequest *request, FleetInitiated *initiated, GError **error)
{
    char id[FLEET_ACTION_ID_BUFFER];

    *initiated = (FleetInitiated){.id = action->id, .status = action->status};
    if (action->request_digest == request->request_digest)
        return TRUE;
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_REQUEST_ID_REUSED,
            "request id '%s' was used on device '%s' for another action, '%s'; use a new id for a new request",
            request->request_id, request->device_id, fleet_action_id_format(action->id, id));
    return TRUE;
}
