/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "work.h"

#include "base/quotable.h"
#include "log.h"
#include "operation.h"

#include <string.h>

struct SimWork {
    SimLoop *loop;           /* weak */
    const SimPlan *plan;     /* weak */
    SimMemory *memory;       /* weak */
    const SimWorkHost *host; /* static */
    gpointer data;           /* weak */
    char *device;
    GHashTable *commands; /* "OPERATION/ID" -> SimCommand: all that it has ever heard of */
    GQueue queue;         /* of those: what is to be done, or to be told */
    gboolean connected;
    SimCommand *busy; /* the one that is worked on, or NULL */
    SimTimer timer;   /* of that one */
};

static void proceed(SimWork *work);

static void say(const SimWork *work, const SimCommand *command, const char *what)
{
    g_autofree char *id = fleet_printable(command->id);

    sim_log(work->device, "%s %s: %s", command->operation, id, what);
}

static char *key_of(const char *operation, const char *id)
{
    return g_strdup_printf("%s/%s", operation, id);
}

static SimCommand *find(const SimWork *work, const char *operation, const char *id)
{
    g_autofree char *key = key_of(operation, id);

    return g_hash_table_lookup(work->commands, key);
}

static SimCommand *add(SimWork *work, SimCommand *command)
{
    g_hash_table_insert(work->commands, key_of(command->operation, command->id), command);
    return command;
}

static void tell(SimWork *work, SimCommand *command)
{
    gboolean under_way = command->status == SIM_EXECUTING;
    g_autofree char *payload =
            sim_command_write(command, under_way ? (double)command->step / (work->plan->steps + 1) : 0);

    command->told = FALSE;
    command->number = work->host->publish(command, payload, work->data);
}

static void move(SimWork *work, SimCommand *command, SimStatus status, const char *reason)
{
    sim_command_set_status(command, status, reason);
    sim_memory_keep(work->memory, work->device, command);
    g_autofree char *text = g_strjoin(": ", sim_status_to_string(status), reason, NULL);
    say(work, command, text);
    tell(work, command);
}

static void finish(SimWork *work, SimCommand *command)
{
    const char *reason = sim_plan_failure(work->plan, work->device, command);

    work->busy = NULL;
    if (reason == NULL)
        work->host->succeeded(command, work->data);
    move(work, command, reason == NULL ? SIM_SUCCESSFUL : SIM_FAILED, reason);
    proceed(work);
}

static void set_timer(SimWork *work)
{
    sim_loop_set_timer(work->loop, &work->timer, work->plan->duration / (work->plan->steps + 1));
}

/* A part of the work is done. */
static void on_timer(gpointer data)
{
    SimWork *work = data;
    SimCommand *command = work->busy;

    command->step++;
    if (command->step <= work->plan->steps) {
        set_timer(work);
        tell(work, command);
    } else if (sim_operation_restarts(command->operation) &&
               sim_plan_failure(work->plan, work->device, command) == NULL) {
        say(work, command, "restarting");
        work->host->restart(work->data);
    } else {
        finish(work, command);
    }
}

/* Of a restart in whose midst the program has ended and begun anew, nothing is left to be done. */
static void set_to_work(SimWork *work, SimCommand *command)
{
    work->busy = command;
    command->step = 0;
    if (command->resumed) {
        say(work, command, "resumed");
        if (sim_operation_is_restart(command->operation)) {
            finish(work, command);
            return;
        }
    }
    set_timer(work);
}

static SimCommand *next(const SimWork *work)
{
    for (GList *link = work->queue.head; link != NULL; link = link->next) {
        SimCommand *command = link->data;

        if (!sim_status_is_final(command->status))
            return command;
    }
    return NULL;
}

static void proceed(SimWork *work)
{
    SimCommand *command = next(work);

    if (work->busy != NULL || command == NULL || !command->told)
        return;
    if (command->status == SIM_EXECUTING) {
        set_to_work(work, command);
        return;
    }
    if (!work->connected)
        return;
    sim_memory_record(work->memory, work->device, command);
    move(work, command, SIM_EXECUTING, NULL);
}

static void recall(SimWork *work)
{
    g_autoptr(GPtrArray) commands = sim_memory_take(work->memory, work->device);

    while (commands != NULL && commands->len > 0) {
        SimCommand *command = add(work, g_ptr_array_steal_index(commands, 0));

        command->resumed = command->status == SIM_EXECUTING;
        /* Had the broker not heard of the end of one, it would ask by what it has of it instead. */
        command->told = sim_status_is_final(command->status);
        if (!command->told)
            g_queue_push_tail(&work->queue, command);
    }
}

static void free_command(gpointer command)
{
    sim_command_free(command);
}

SimWork *sim_work_new(SimLoop *loop, const SimPlan *plan, SimMemory *memory, const char *device,
        const SimWorkHost *host, gpointer data)
{
    SimWork *work = g_new0(SimWork, 1);

    work->loop = loop;
    work->plan = plan;
    work->memory = memory;
    work->host = host;
    work->data = data;
    work->device = g_strdup(device);
    work->commands = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_command);
    g_queue_init(&work->queue);
    work->timer = (SimTimer){.func = on_timer, .data = work};
    recall(work);
    return work;
}

void sim_work_free(SimWork *work)
{
    sim_work_stop(work);
    g_queue_clear(&work->queue);
    g_hash_table_unref(work->commands);
    g_free(work->device);
    g_free(work);
}

void sim_work_stop(SimWork *work)
{
    sim_loop_stop_timer(&work->timer);
}

/* Somebody does not know how it stands with a command that the device knows, or knows it no longer. */
static void answer(SimWork *work, SimCommand *command, JsonObject *payload, SimStatus status)
{
    if (command->number != 0 || !command->told || command->status == status)
        return;
    if (command->payload == NULL)
        sim_command_set_payload(command, payload);
    if (sim_status_is_final(command->status))
        g_queue_push_tail(&work->queue, command);
    say(work, command, "known already");
    tell(work, command);
}

static void begin(SimWork *work, SimCommand *command)
{
    const SimOperation *operation = sim_operations_find(work->plan->operations, command->operation);
    g_autofree char *objection = sim_operation_objection(operation, command->payload);

    g_queue_push_tail(&work->queue, command);
    move(work, command, objection == NULL ? SIM_SCHEDULED : SIM_FAILED, objection);
}

/* What the broker has of a command that the device has forgotten was written by the device itself. */
static void adopt(SimWork *work, SimCommand *command, SimStatus status)
{
    sim_command_set_status(command, status, NULL);
    command->told = TRUE;
    command->resumed = status == SIM_EXECUTING;
    if (sim_status_is_final(status))
        g_clear_pointer(&command->payload, json_object_unref);
    else if (status == SIM_EXECUTING)
        g_queue_push_head(&work->queue, command);
    else
        g_queue_push_tail(&work->queue, command);
    sim_memory_keep(work->memory, work->device, command);
    proceed(work);
}

void sim_work_take(
        SimWork *work, const char *operation, const char *id, JsonObject *payload, SimStatus status, gboolean retained)
{
    SimCommand *command = find(work, operation, id);

    /* Its own words come back to the device; they are no news. */
    if (status != SIM_INIT && !retained)
        return;
    if (command != NULL) {
        answer(work, command, payload, status);
        return;
    }
    command = add(work, sim_command_new(operation, id));
    sim_command_set_payload(command, payload);
    if (status == SIM_INIT)
        begin(work, command);
    else
        adopt(work, command, status);
}

void sim_work_cleared(SimWork *work, const char *operation, const char *id)
{
    const SimCommand *command = find(work, operation, id);

    if (command != NULL && !sim_status_is_final(command->status))
        say(work, command, "cleared by its requester; the work goes on");
}

static void acknowledge(SimWork *work, SimCommand *command)
{
    command->number = 0;
    command->told = TRUE;
    if (sim_status_is_final(command->status)) {
        g_queue_remove(&work->queue, command);
        g_clear_pointer(&command->payload, json_object_unref);
    } else if (!command->resumed && !command->reached[SIM_PHASE(command->status)]) {
        command->reached[SIM_PHASE(command->status)] = TRUE;
        work->host->reached(command->status, work->data);
    }
    proceed(work);
}

gboolean sim_work_acknowledged(SimWork *work, int number)
{
    for (GList *link = work->queue.head; link != NULL; link = link->next) {
        SimCommand *command = link->data;

        if (command->number == number) {
            acknowledge(work, command);
            return TRUE;
        }
    }
    return FALSE;
}

void sim_work_connected(SimWork *work)
{
    work->connected = TRUE;
    for (GList *link = work->queue.head; link != NULL; link = link->next) {
        SimCommand *command = link->data;

        if (!command->told && command->number == 0)
            tell(work, command);
    }
    proceed(work);
}

void sim_work_disconnected(SimWork *work)
{
    work->connected = FALSE;
    for (GList *link = work->queue.head; link != NULL; link = link->next)
        ((SimCommand *)link->data)->number = 0;
}

void sim_work_restarted(SimWork *work)
{
    if (work->busy != NULL)
        finish(work, work->busy);
}
