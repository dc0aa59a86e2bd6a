/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Commands: each is one attempt, from the wish to send it until its topic is empty again.
 *
 * A command is never sent twice. If the broker goes away before it has confirmed one, its topic tells whether it has
 * come, once the broker is back; if it is empty, the broker has either never got the command or lost it together with
 * the rest of its memory. So each command is preceded by a mark that is known to be retained (sync.c), and is sent
 * again only if that mark is still there.
 */

#include "drivers/thin_edge/private.h"

#include "base/clock.h"
#include "base/log.h"
#include "drivers/thin_edge/message.h"
#include "drivers/thin_edge/topic.h"

#include <string.h>

/* Each change of phase is stored; what a device says beyond that is passed over. */
#define PHASES_MAX 1000

/* Of a command that nothing was heard of for so long the topic is looked at again, for brokers drop messages that are
 * not read fast enough; then after twice that time, and so on, up to the longest. */
#define LOOK_AGAIN_USEC (30 * FLEET_USEC_PER_SEC)
#define LOOK_AGAIN_LONGEST_USEC (3600 * FLEET_USEC_PER_SEC)

/* Commands that are between the wish for a mark and the broker's word at the same time. What is on disk as sent, and is
 * not, is lost if fleetd dies; so there must not be many. */
#define UNDER_WAY_MAX 128

/* Commands of nobody that are known of, or are being cleared, at the same time. */
#define STRAYS_MAX 10000

typedef enum {
    STAGE_WANTED,   /* to be sent */
    STAGE_SENT,     /* but not confirmed */
    STAGE_THERE,    /* the broker has it, or had */
    STAGE_ENDED,    /* and the engine knows how */
    STAGE_CLEARING, /* nobody needs it any more */
} Stage;

struct FleetThinEdgeCommand {
    FleetThinEdgeCommands *commands;
    FleetAttemptId id;
    FleetAttempt *attempt;       /* weak; NULL once the engine has let go of it */
    FleetThinEdgeDevice *device; /* weak; NULL if it is not ours any more */
    char *topic;
    char *client;  /* who has to be named in it */
    char *payload; /* what is to be sent; NULL: it was, before a restart */
    Stage stage;
    guint64 fresh_mark;  /* that the broker has, for one that is wanted; 0 = none in this connection */
    guint64 mark;        /* that it had when the command was sent; 0 = it never was */
    guint64 publication; /* of it, or of its clearing, until that is confirmed; 0 = none */
    gboolean is_queued;  /* in unmarked or marked */
    gboolean is_under_way;
    gboolean is_stray;   /* nobody has ever asked for it: it is only cleared */
    gboolean is_sought;  /* what is retained was asked for after it was sent */
    gboolean is_seen;    /* since then */
    gboolean is_unknown; /* as the engine was told */
    char *status;        /* that was reported last; NULL = none */
    guint digest;        /* of the payload that came last */
    double progress;     /* that was reported last */
    guint phases;        /* how many were */
    gint64 patience;     /* how long nothing may be heard of it, µs */
};

struct FleetThinEdgeCommands {
    FleetThinEdge *self;
    GHashTable *by_topic;     /* FleetThinEdgeCommand, which it owns */
    GHashTable *publications; /* guint64 * -> FleetThinEdgeCommand */
    GHashTable *strays;       /* topics of commands that bear our name and that nobody has asked for yet */
    GQueue unmarked, marked;  /* of commands to be sent: that wait for a mark to be made; for it to come back */
    guint64 mark;             /* what marked waits for; 0 = nothing */
    guint under_way;          /* so many commands are */
    guint n_strays;           /* likewise */
};

static void free_command(gpointer data)
{
    FleetThinEdgeCommand *command = data;

    if (command->is_stray)
        command->commands->n_strays--;
    g_free(command->topic);
    g_free(command->client);
    g_free(command->payload);
    g_free(command->status);
    g_free(command);
}

FleetThinEdgeCommands *fleet_thin_edge_commands_new(FleetThinEdge *self)
{
    FleetThinEdgeCommands *commands = g_new0(FleetThinEdgeCommands, 1);

    commands->self = self;
    commands->by_topic = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_command);
    commands->publications = g_hash_table_new(g_int64_hash, g_int64_equal);
    commands->strays = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return commands;
}

void fleet_thin_edge_commands_free(FleetThinEdgeCommands *commands)
{
    g_queue_clear(&commands->unmarked);
    g_queue_clear(&commands->marked);
    g_hash_table_unref(commands->publications);
    g_hash_table_unref(commands->strays);
    g_hash_table_unref(commands->by_topic);
    g_free(commands);
}

static FleetThinEdgeCommand *new_command(FleetThinEdgeCommands *commands, const char *topic, const char *client)
{
    FleetThinEdgeCommand *command = g_new0(FleetThinEdgeCommand, 1);

    command->commands = commands;
    command->topic = g_strdup(topic);
    command->client = g_strdup(client);
    command->progress = -1.0;
    g_hash_table_replace(commands->by_topic, command->topic, command);
    return command;
}

static void set_publication(FleetThinEdgeCommand *command, guint64 id)
{
    if (command->publication != 0)
        g_hash_table_remove(command->commands->publications, &command->publication);
    command->publication = id;
    if (id != 0)
        g_hash_table_insert(command->commands->publications, &command->publication, command);
}

/* One mark is good for all that wait for one and have their turn. */
static void make_mark(FleetThinEdgeCommands *commands)
{
    FleetThinEdgeCommand *command;

    if (commands->mark != 0 || fleet_thin_edge_client(commands->self) == NULL)
        return;
    while (commands->under_way < UNDER_WAY_MAX && (command = g_queue_pop_head(&commands->unmarked)) != NULL) {
        g_queue_push_tail(&commands->marked, command);
        command->is_under_way = TRUE;
        commands->under_way++;
    }
    if (!g_queue_is_empty(&commands->marked))
        commands->mark = fleet_thin_edge_sync_mark(commands->self->sync);
}

static void end_turn(FleetThinEdgeCommand *command)
{
    if (!command->is_under_way)
        return;
    command->is_under_way = FALSE;
    command->commands->under_way--;
    make_mark(command->commands);
}

static void unqueue(FleetThinEdgeCommand *command)
{
    if (command->is_queued && !g_queue_remove(&command->commands->unmarked, command))
        g_queue_remove(&command->commands->marked, command);
    command->is_queued = FALSE;
    end_turn(command);
}

static void set_stage(FleetThinEdgeCommand *command, Stage stage)
{
    command->stage = stage;
    if (stage != STAGE_WANTED && stage != STAGE_SENT)
        unqueue(command);
}

/* Its topic is empty, or is not ours to look after. */
static void drop(FleetThinEdgeCommand *command)
{
    FleetThinEdgeCommands *commands = command->commands;

    set_publication(command, 0);
    unqueue(command);
    if (command->device != NULL)
        command->device->commands = g_slist_remove(command->device->commands, command);
    if (command->attempt != NULL)
        command->attempt->data = NULL;
    g_hash_table_remove(commands->by_topic, command->topic);
}

/* What the engine is told. */

static const FleetDriver *driver_of(const FleetThinEdgeCommand *command)
{
    return &command->commands->self->driver;
}

static void look_again(FleetThinEdgeCommand *command, gint64 after)
{
    const FleetDriver *driver = driver_of(command);

    command->patience = MIN(after, LOOK_AGAIN_LONGEST_USEC);
    driver->host->wake_at(command->id, fleet_clock_boottime() + command->patience, driver->host_data);
}

static void report_finished(
        FleetThinEdgeCommand *command, FleetOutcome outcome, const char *message, const char *output)
{
    const FleetDriver *driver = driver_of(command);

    set_stage(command, STAGE_ENDED);
    driver->host->finished(command->id, outcome, message, output, driver->host_data);
}

static void report_unknown(FleetThinEdgeCommand *command, const char *message)
{
    const FleetDriver *driver = driver_of(command);

    if (command->is_unknown)
        return;
    command->is_unknown = TRUE;
    set_stage(command, STAGE_THERE);
    driver->host->unknown(command->id, message, driver->host_data);
}

static void report_phase(FleetThinEdgeCommand *command, const char *status)
{
    const FleetDriver *driver = driver_of(command);

    command->is_unknown = FALSE;
    g_free(command->status);
    command->status = g_strdup(status);
    if (command->phases < PHASES_MAX) {
        command->phases++;
        driver->host->phase(command->id, status, driver->host_data);
    } else if (command->phases == PHASES_MAX) {
        command->phases++;
        fleet_thin_edge_complain(command->commands->self, command->topic, "it has too many phases");
    }
}

/* A step does not take back what the device itself has said. */
static void report_progress(FleetThinEdgeCommand *command, double progress, gboolean is_step)
{
    const FleetDriver *driver = driver_of(command);

    if (progress < 0.0 || progress == command->progress || (is_step && progress < command->progress))
        return;
    command->progress = progress;
    driver->host->progress(command->id, progress, driver->host_data);
}

static void report_return(const FleetThinEdgeCommand *command)
{
    const FleetDriver *driver = driver_of(command);

    driver->host->point_of_no_return(command->id, driver->host_data);
}

/* Sending. */

static void send(FleetThinEdgeCommand *command)
{
    FleetThinEdgeClient *client = fleet_thin_edge_client(command->commands->self);

    command->mark = command->fresh_mark;
    command->fresh_mark = 0;
    command->stage = STAGE_SENT;
    command->is_sought = FALSE;
    set_publication(command, fleet_thin_edge_client_publish(client, command->topic, command->payload, TRUE));
    report_phase(command, "init");
    report_progress(command, 0.0, TRUE);
    look_again(command, LOOK_AGAIN_USEC);
}

static void want_mark(FleetThinEdgeCommand *command)
{
    if (command->is_queued)
        return;
    command->is_queued = TRUE;
    g_queue_push_tail(&command->commands->unmarked, command);
    make_mark(command->commands);
}

/* The next step towards sending it: a mark, then the disk, from which _stored leads on. In this order, for what is on
 * disk and not sent when fleetd dies is lost. */
static void advance(FleetThinEdgeCommand *command)
{
    const FleetThinEdge *self = command->commands->self;

    if (command->stage != STAGE_WANTED || command->device == NULL || !fleet_thin_edge_is_fetched(self, command->device))
        return;
    if (command->fresh_mark == 0)
        want_mark(command);
    else if (!command->attempt->action->past_return)
        report_return(command);
    else
        send(command);
}

void fleet_thin_edge_commands_mark_came(FleetThinEdgeCommands *commands, guint64 mark)
{
    if (commands->mark == 0 || mark < commands->mark)
        return;
    commands->mark = 0;
    /* Those that join meanwhile wait for a mark of their own. */
    for (guint n = commands->marked.length; n > 0 && !g_queue_is_empty(&commands->marked); n--) {
        FleetThinEdgeCommand *command = g_queue_pop_head(&commands->marked);

        command->is_queued = FALSE;
        command->fresh_mark = mark;
        advance(command);
    }
    make_mark(commands);
}

static void clear(FleetThinEdgeCommand *command)
{
    FleetThinEdgeClient *client = fleet_thin_edge_client(command->commands->self);

    set_stage(command, STAGE_CLEARING);
    command->is_sought = FALSE;
    if (client != NULL)
        set_publication(command, fleet_thin_edge_client_publish(client, command->topic, "", TRUE));
}

/* What is not confirmed stays so; what was not sent has to be sent anew. */
void fleet_thin_edge_commands_lost(FleetThinEdgeCommands *commands)
{
    GHashTableIter iter;
    gpointer value;

    g_queue_clear(&commands->unmarked);
    g_queue_clear(&commands->marked);
    commands->mark = 0;
    commands->under_way = 0;
    g_hash_table_remove_all(commands->publications);
    g_hash_table_iter_init(&iter, commands->by_topic);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        FleetThinEdgeCommand *command = value;

        command->publication = command->fresh_mark = 0;
        command->is_queued = command->is_under_way = FALSE;
        if (command->stage == STAGE_CLEARING && command->device == NULL)
            g_hash_table_iter_remove(&iter);
    }
}

void fleet_thin_edge_commands_published(FleetThinEdgeCommands *commands, guint64 id, const char *refusal)
{
    FleetThinEdgeCommand *command = g_hash_table_lookup(commands->publications, &id);

    if (command == NULL)
        return;
    set_publication(command, 0);
    if (command->stage == STAGE_CLEARING) {
        if (refusal != NULL)
            fleet_thin_edge_complain(commands->self, command->topic, refusal);
        drop(command);
    } else if (command->stage == STAGE_SENT && refusal != NULL) {
        g_autofree char *message = g_strdup_printf("the broker does not take the command: %s", refusal);
        report_finished(command, FLEET_OUTCOME_PERMANENT, message, "");
    } else if (command->stage == STAGE_SENT) {
        set_stage(command, STAGE_THERE);
    }
}

/* What devices say. */

static void take_end(FleetThinEdgeCommand *command, const FleetThinEdgeState *state)
{
    const char *output = state->failures != NULL ? state->failures : "";

    if (state->end == FLEET_THIN_EDGE_SUCCESSFUL)
        report_finished(command, FLEET_OUTCOME_SUCCESS, "the device says that it was successful", output);
    else if (state->reason != NULL && *state->reason != '\0')
        report_finished(command, FLEET_OUTCOME_PERMANENT, state->reason, output);
    else
        report_finished(command, FLEET_OUTCOME_PERMANENT, "the device says that it failed, and not why", output);
}

/* What has come before, or is the echo of what was sent, is no sign of life. */
static void take_state(FleetThinEdgeCommand *command, const FleetThinEdgeState *state, guint digest)
{
    gboolean is_news = command->digest != digest || command->is_unknown;

    command->digest = digest;
    set_stage(command, STAGE_THERE);
    if (state->end != FLEET_THIN_EDGE_GOES_ON) {
        take_end(command, state);
        return;
    }
    if (!is_news || (g_str_equal(state->status, "init") && command->payload != NULL && !command->is_unknown))
        return;
    if (command->status == NULL || command->is_unknown || !g_str_equal(command->status, state->status))
        report_phase(command, state->status);
    report_progress(command, state->progress, state->is_step);
    report_return(command);
    look_again(command, LOOK_AGAIN_USEC);
}

static void take_message(FleetThinEdgeCommand *command, const char *payload, gsize length)
{
    g_auto(FleetThinEdgeState) state = {0};
    g_autoptr(GError) error = NULL;

    if (length == 0) {
        if (command->stage == STAGE_SENT || command->stage == STAGE_THERE)
            report_unknown(command, "somebody has taken the command away from the broker");
        return;
    }
    command->is_seen = TRUE;
    if (command->stage == STAGE_CLEARING && command->publication == 0)
        clear(command);
    if (command->stage >= STAGE_ENDED)
        return;
    if (!fleet_thin_edge_state_parse(payload, length, &state, &error)) {
        fleet_thin_edge_complain(command->commands->self, command->topic, error->message);
        return;
    }
    if (state.client != NULL && !g_str_equal(state.client, command->client)) {
        command->is_seen = FALSE;
        fleet_thin_edge_complain(command->commands->self, command->topic, "it is another requester's command");
        return;
    }
    g_autofree char *text = g_strndup(payload, length);
    take_state(command, &state, g_str_hash(text));
}

/* Commands that bear our name. */

static void clear_stray(FleetThinEdgeCommands *commands, const char *topic)
{
    FleetThinEdgeCommand *command;

    if (commands->n_strays >= STRAYS_MAX) {
        fleet_thin_edge_complain(commands->self, topic, "too many commands of nobody are being cleared");
        return;
    }
    command = new_command(commands, topic, "");
    command->is_stray = TRUE;
    commands->n_strays++;
    clear(command);
}

static void take_stray(FleetThinEdgeCommands *commands, const char *topic, const char *payload, gsize length)
{
    g_auto(FleetThinEdgeState) state = {0};

    if (length == 0) {
        g_hash_table_remove(commands->strays, topic);
        return;
    }
    if (!fleet_thin_edge_state_parse(payload, length, &state, NULL) || state.client == NULL ||
            !g_str_equal(state.client, commands->self->settings->client_id))
        return;
    if (commands->self->is_swept)
        clear_stray(commands, topic);
    else if (g_hash_table_size(commands->strays) < STRAYS_MAX)
        g_hash_table_add(commands->strays, g_strdup(topic));
}

void fleet_thin_edge_commands_sweep(FleetThinEdgeCommands *commands)
{
    GHashTableIter iter;
    gpointer topic;

    g_hash_table_iter_init(&iter, commands->strays);
    while (fleet_thin_edge_client(commands->self) != NULL && g_hash_table_iter_next(&iter, &topic, NULL))
        if (!g_hash_table_contains(commands->by_topic, topic))
            clear_stray(commands, topic);
    g_hash_table_remove_all(commands->strays);
}

void fleet_thin_edge_commands_message(
        FleetThinEdgeCommands *commands, const char *topic, const char *name, const char *payload, gsize length)
{
    FleetThinEdgeCommand *command = g_hash_table_lookup(commands->by_topic, topic);

    if (command != NULL)
        take_message(command, payload, length);
    else if (g_str_has_prefix(name, FLEET_THIN_EDGE_COMMAND_PREFIX))
        take_stray(commands, topic, payload, length);
}

/* What is retained. */

const char *fleet_thin_edge_command_elsewhere(const FleetThinEdgeCommand *command, const char *prefix)
{
    return g_str_has_prefix(command->topic, prefix) ? NULL : command->topic;
}

void fleet_thin_edge_commands_seek(const FleetThinEdgeDevice *device)
{
    for (GSList *i = device->commands; i != NULL; i = i->next) {
        FleetThinEdgeCommand *command = i->data;

        command->is_sought = command->stage != STAGE_WANTED && command->publication == 0;
        command->is_seen = FALSE;
    }
}

/* One that was sent, and was not there. */
static void miss(FleetThinEdgeCommand *command)
{
    if (command->stage != STAGE_SENT) {
        report_unknown(command, "the broker does not have the command any more");
        return;
    }
    if (fleet_thin_edge_sync_remembers(command->commands->self->sync, command->mark)) {
        fleet_log_info("'%s' is sent again, for it has not come to the broker", command->topic);
        command->stage = STAGE_WANTED;
        advance(command);
        return;
    }
    report_unknown(command, "the broker was lost before it had confirmed the command, and does not have it");
}

void fleet_thin_edge_commands_fetched(FleetThinEdgeCommands *commands, FleetThinEdgeDevice *device)
{
    g_autoptr(GSList) all = g_slist_copy(device->commands);

    for (GSList *i = all; i != NULL; i = i->next) {
        FleetThinEdgeCommand *command = i->data;
        gboolean is_missing = command->is_sought && !command->is_seen;

        if (command->stage == STAGE_WANTED)
            advance(command);
        else if (command->stage == STAGE_CLEARING && is_missing)
            drop(command);
        else if ((command->stage == STAGE_SENT || command->stage == STAGE_THERE) && is_missing)
            miss(command);
    }
}

void fleet_thin_edge_commands_forget(FleetThinEdgeDevice *device)
{
    g_autoptr(GSList) all = g_steal_pointer(&device->commands);

    for (GSList *i = all; i != NULL; i = i->next) {
        FleetThinEdgeCommand *command = i->data;

        command->device = NULL;
        if (command->stage == STAGE_WANTED)
            unqueue(command);
        if (command->stage == STAGE_CLEARING && command->publication == 0)
            drop(command);
    }
}

/* Attempts. */

/* A command with what the plan says; NULL if that is none of ours. */
static FleetThinEdgeCommand *command_of(FleetThinEdge *self, FleetAttempt *attempt)
{
    g_auto(GStrv) lines = g_strsplit(attempt->action->plan, "\n", -1);
    FleetThinEdgeCommand *command, *old;

    if (g_strv_length(lines) != 2 || *lines[0] == '\0')
        return NULL;
    old = g_hash_table_lookup(self->commands->by_topic, lines[0]);
    if (old != NULL)
        drop(old);
    g_hash_table_remove(self->commands->strays, lines[0]);
    command = new_command(self->commands, lines[0], lines[1]);
    command->id = attempt->id;
    command->attempt = attempt;
    command->device = g_hash_table_lookup(self->devices, attempt->action->device_id);
    if (command->device != NULL)
        command->device->commands = g_slist_prepend(command->device->commands, command);
    attempt->data = command;
    return command;
}

void fleet_thin_edge_commands_start(FleetThinEdge *self, FleetAttempt *attempt)
{
    const FleetDriver *driver = &self->driver;
    FleetThinEdgeCommand *command = command_of(self, attempt);
    g_autoptr(GPtrArray) types = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    FleetThinEdgeOperation operation;

    if (command == NULL) {
        driver->host->finished(
                attempt->id, FLEET_OUTCOME_REJECTED, "the stored plan cannot be read", "", driver->host_data);
        return;
    }
    command->payload = fleet_thin_edge_plan_payload(attempt->action, command->client, &operation, types, &error);
    if (command->payload == NULL)
        report_finished(command, FLEET_OUTCOME_REJECTED, error->message, "");
    else
        advance(command);
}

/* The device is fetched in any case: what is known of it is older than the wish to know of this command. */
void fleet_thin_edge_commands_reattach(FleetThinEdge *self, FleetAttempt *attempt)
{
    const FleetDriver *driver = &self->driver;
    g_autoptr(GPtrArray) types = g_ptr_array_new_with_free_func(g_free);
    FleetThinEdgeCommand *command = command_of(self, attempt);
    FleetThinEdgeOperation operation;

    if (command == NULL) {
        driver->host->unknown(attempt->id, "the stored plan cannot be read", driver->host_data);
        return;
    }
    if (!attempt->action->past_return)
        command->payload = fleet_thin_edge_plan_payload(attempt->action, command->client, &operation, types, NULL);
    command->stage = command->payload != NULL ? STAGE_WANTED : STAGE_THERE;
    if (command->device == NULL)
        report_unknown(command, "its device is not one of the driver 'thin-edge' any more");
    else
        fleet_thin_edge_sync_fetch(self->sync, command->device);
    look_again(command, LOOK_AGAIN_USEC);
}

void fleet_thin_edge_commands_stored(FleetThinEdge *self, FleetAttempt *attempt)
{
    if (attempt->data != NULL)
        advance(attempt->data);
}

/* What was sent cannot be stopped, and what was not is not even begun. */
void fleet_thin_edge_commands_cancel(FleetThinEdge *self, FleetAttempt *attempt)
{
    FleetThinEdgeCommand *command = attempt->data;

    if (command == NULL || command->stage != STAGE_WANTED)
        return;
    report_finished(command, FLEET_OUTCOME_STOPPED, "it was stopped before it was sent", "");
}

void fleet_thin_edge_commands_wake(FleetThinEdge *self, FleetAttempt *attempt)
{
    FleetThinEdgeCommand *command = attempt->data;

    if (command == NULL || command->stage == STAGE_ENDED)
        return;
    if (command->device != NULL)
        fleet_thin_edge_sync_fetch(self->sync, command->device);
    look_again(command, 2 * command->patience);
}

/* Is its end on disk? If not, the command has to stay, for the attempt will be looked for after the restart. */
static gboolean is_over(const FleetAttempt *attempt)
{
    const FleetAction *action = attempt->action;

    return fleet_action_is_terminal(action) || action->attempt != attempt->id.number || action->retry_at.realtime != 0;
}

void fleet_thin_edge_commands_release(FleetThinEdge *self, FleetAttempt *attempt)
{
    FleetThinEdgeCommand *command = attempt->data;

    attempt->data = NULL;
    if (command == NULL)
        return;
    command->attempt = NULL;
    if (!is_over(attempt) || (command->mark == 0 && command->payload != NULL))
        drop(command);
    else
        clear(command);
}
