/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/poll.h"

#include "base/clock.h"
#include "base/timespan.h"
#include "cli/actions.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/wait.h"

#define AWAY_MAX (30 * FLEET_USEC_PER_SEC) /* how long the daemon may be away before we give up */
#define RETRY_EVERY FLEET_USEC_PER_SEC     /* how often it is looked for meanwhile */
#define REDRAW_EVERY FLEET_USEC_PER_SEC    /* the clock within the bar goes on by itself */
#define ANSWER_WITHIN (5 * FLEET_USEC_PER_SEC)
#define NEVER G_MAXINT64

/* Moments are those of g_get_monotonic_time(). */
typedef struct {
    FleetCli *cli;
    const char *id;
    const char *wanted;   /* the status that is a success */
    char *path;           /* the action's object */
    JsonObject *info;     /* the action as the daemon last told; NULL before */
    sd_bus_slot *pending; /* the question that is not answered yet */
    gboolean ask_again;   /* something happened since it was asked */
    gboolean line_due;    /* the interval has passed: the answer is to be printed */
    gboolean bar;         /* draw a bar rather than lines */
    gboolean drawn;       /* the bar stands in the line */
    gint64 next_line;     /* when the next interval has passed */
    gint64 away_since;    /* when the daemon was found to be away; NEVER while it is there */
    gint64 retry_at;      /* when it is looked for again; NEVER while it is there */
    GError *error;        /* what ends it all */
} Poll;

static gboolean is_plain(const Poll *poll)
{
    return poll->cli->output.json == FLEET_JSON_OFF && !poll->cli->output.quiet;
}

static void erase_bar(Poll *poll)
{
    if (poll->drawn)
        fleet_output_text(&poll->cli->output, "\r\033[K\033[?25h");
    poll->drawn = FALSE;
}

static void draw_bar(Poll *poll)
{
    FleetOutput *output = &poll->cli->output;
    FleetProgress progress = {
            .status = fleet_json_string(poll->info, "Status"),
            .phase = fleet_json_string(poll->info, "Phase"),
            .fraction = fleet_json_double(poll->info, "Progress"),
            .known = fleet_json_bool(poll->info, "ProgressKnown"),
            .elapsed = fleet_clock_realtime() - fleet_json_int(poll->info, "InitiatedAt"),
    };
    g_autofree char *line = fleet_progress_render(&progress, fleet_output_width(output), output->utf8);

    /* The cursor would flicker along the line. */
    fleet_output_text(output, poll->drawn ? "\r" : "\033[?25l\r");
    fleet_output_text(output, line);
    fleet_output_text(output, "\033[K");
    poll->drawn = TRUE;
}

static gboolean has_ended(const Poll *poll)
{
    static const char *const unfinished[] = {"PENDING", "RUNNING", NULL};

    return !g_strv_contains(unfinished, fleet_json_string(poll->info, "Status"));
}

static void print_status(Poll *poll)
{
    g_autofree char *clock = fleet_text_clock(fleet_clock_realtime());

    if (is_plain(poll))
        fleet_output_line(&poll->cli->output, "[%s] Status: %s", clock, fleet_json_string(poll->info, "Status"));
    poll->line_due = FALSE;
}

/* The daemon does not answer. Said once; it may come back, and the action goes on with it. */
static void set_away(Poll *poll, const char *reason)
{
    gint64 now = g_get_monotonic_time();

    if (poll->away_since == NEVER) {
        erase_bar(poll);
        fleet_output_note(&poll->cli->output, "%s; waiting for it to come back", reason);
        poll->away_since = now;
    }
    poll->retry_at = now + RETRY_EVERY;
}

static void take_info(Poll *poll, JsonObject *info)
{
    if (poll->away_since != NEVER)
        fleet_output_note(&poll->cli->output, "the daemon is back");
    poll->away_since = poll->retry_at = NEVER;
    g_clear_pointer(&poll->info, json_object_unref);
    poll->info = info;
}

static void take_error(Poll *poll, GError *error)
{
    if (error->code == FLEET_CLI_EXIT_UNREACHABLE) {
        set_away(poll, error->message);
        g_error_free(error);
    } else
        poll->error = error;
}

static void ask(Poll *poll);

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *unused)
{
    Poll *poll = userdata;
    GError *error = NULL;
    JsonObject *info = NULL;

    poll->pending = sd_bus_slot_unref(poll->pending);
    if (sd_bus_message_is_method_error(reply, NULL))
        fleet_client_set_error(&error, sd_bus_message_get_error(reply), -sd_bus_message_get_errno(reply));
    else
        info = fleet_json_read_object(reply, &error);
    if (info != NULL)
        take_info(poll, info);
    else
        take_error(poll, error);

    if (poll->ask_again && poll->away_since == NEVER)
        ask(poll);
    return 0;
}

/* Asks for the action's state; on_answer() takes it. One question at a time is enough. */
static void ask(Poll *poll)
{
    g_autoptr(sd_bus_message) call = NULL;
    sd_bus *bus = fleet_client_bus(poll->cli->client);
    int r;

    poll->ask_again = poll->pending != NULL;
    if (poll->ask_again || bus == NULL)
        return;
    call = fleet_client_new_call(poll->cli->client, "GetDeviceActionStatus", &poll->error);
    if (call == NULL)
        return;
    r = sd_bus_message_append(call, "s", poll->id);
    if (r >= 0)
        r = sd_bus_call_async(bus, &poll->pending, call, on_answer, poll, ANSWER_WITHIN);
    /* A connection that is just breaking refuses to send; that shows at the next wait. */
    if (r < 0 && sd_bus_is_open(bus) > 0)
        (void)!fleet_client_check(r, &poll->error);
}

static int on_change(sd_bus_message *message, void *userdata, sd_bus_error *unused)
{
    ask(userdata);
    return 0;
}

/* Finished actions leave the bus after a while; the daemon still answers for them. */
static int on_removed(sd_bus_message *message, void *userdata, sd_bus_error *unused)
{
    Poll *poll = userdata;
    const char *path;
    int r = sd_bus_message_read(message, "o", &path);

    if (r > 0 && g_str_equal(path, poll->path))
        ask(poll);
    return r < 0 ? r : 0;
}

static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *unused)
{
    const char *name;
    int r = sd_bus_message_read(message, "s", &name);

    if (r > 0 && g_str_equal(name, FLEET_SERVICE))
        ask(userdata);
    return r < 0 ? r : 0;
}

static gboolean subscribe(Poll *poll, GError **error)
{
    sd_bus *bus = fleet_client_bus(poll->cli->client);
    int r = sd_bus_match_signal(
            bus, NULL, NULL, poll->path, "org.freedesktop.DBus.Properties", "PropertiesChanged", on_change, poll);

    if (r >= 0)
        r = sd_bus_match_signal(bus, NULL, NULL, FLEET_MANAGER_PATH, "org.freedesktop.DBus.ObjectManager",
                "InterfacesRemoved", on_removed, poll);
    if (r >= 0)
        r = sd_bus_match_signal(bus, NULL, "org.freedesktop.DBus", NULL, "org.freedesktop.DBus", "NameOwnerChanged",
                on_owner_changed, poll);
    return fleet_client_check(r, error);
}

/* The first question: whatever goes wrong with it is final. */
static gboolean begin(Poll *poll, GError **error)
{
    g_autofree char *interval = fleet_timespan_format(poll->cli->options->interval);
    FleetOutput *output = &poll->cli->output;
    g_autoptr(sd_bus_message) reply = NULL;

    if (!fleet_client_check(sd_bus_path_encode(FLEET_ACTION_PREFIX, poll->id, &poll->path), error) ||
            !subscribe(poll, error))
        return FALSE;
    reply = fleet_client_call(poll->cli->client, error, "GetDeviceActionStatus", "s", poll->id);
    if (reply == NULL)
        return FALSE;
    poll->info = fleet_json_read_object(reply, error);
    if (poll->info == NULL)
        return FALSE;

    if (is_plain(poll) && output->legend) {
        fleet_output_line(output, "Polling action '%s' (interval: %s)...", poll->id, interval);
        fleet_output_line(output, "Press Ctrl+C to stop polling");
        fleet_output_line(output, "%s", "");
    }
    poll->bar = is_plain(poll) && output->terminal;
    poll->line_due = !poll->bar;
    poll->next_line = g_get_monotonic_time() + poll->cli->options->interval;
    return TRUE;
}

/* Tries to get the daemon back: the connection first, if that is what was lost. */
static void look_for_daemon(Poll *poll)
{
    g_autoptr(GError) error = NULL;
    gboolean connected = fleet_client_bus(poll->cli->client) != NULL;

    poll->retry_at = g_get_monotonic_time() + RETRY_EVERY;
    if (!connected)
        connected = fleet_client_reopen(poll->cli->client, &error) && subscribe(poll, &error);
    if (connected)
        ask(poll);
    else
        fleet_client_close(poll->cli->client);
}

static void lose_connection(Poll *poll)
{
    poll->pending = sd_bus_slot_unref(poll->pending);
    fleet_client_close(poll->cli->client);
    set_away(poll, "the connection to the daemon is lost");
}

/* What has become due. */
static void act(Poll *poll)
{
    gint64 now = g_get_monotonic_time();

    if (poll->away_since != NEVER) {
        if (now - poll->away_since >= AWAY_MAX)
            g_set_error(&poll->error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_UNREACHABLE,
                    "the daemon has not come back within %d s; the action goes on when it does",
                    (int)(AWAY_MAX / FLEET_USEC_PER_SEC));
        else if (now >= poll->retry_at)
            look_for_daemon(poll);
    } else if (now >= poll->next_line) {
        poll->line_due = !poll->bar;
        ask(poll);
    }
    /* Intervals that passed while the daemon was away are not made up for. */
    while (poll->next_line <= now)
        poll->next_line += poll->cli->options->interval;
}

/* Shows what is known, if it is to be shown now. The interval's line waits for its answer. */
static void show(Poll *poll)
{
    if (poll->away_since != NEVER || has_ended(poll))
        return;
    if (poll->bar)
        draw_bar(poll);
    else if (poll->line_due && poll->pending == NULL)
        print_status(poll);
}

static gint64 next_moment(const Poll *poll)
{
    gint64 next = MIN(poll->next_line, poll->retry_at);

    return poll->bar ? MIN(next, g_get_monotonic_time() + REDRAW_EVERY) : next;
}

/* Until the action has ended; FALSE when something ended it before. */
static gboolean follow(Poll *poll, FleetWaiter *waiter)
{
    while (!has_ended(poll)) {
        show(poll);
        if (!fleet_output_flush(&poll->cli->output, &poll->error))
            return FALSE;
        switch (fleet_wait(waiter, fleet_client_bus(poll->cli->client), next_moment(poll))) {
        case FLEET_WAIT_READY:
            break;
        case FLEET_WAIT_DISCONNECTED:
            lose_connection(poll);
            break;
        case FLEET_WAIT_INTERRUPTED:
            erase_bar(poll);
            fleet_waiter_die(waiter);
        case FLEET_WAIT_CLOSED:
            fleet_output_set_closed(&poll->error);
            return FALSE;
        default:
            g_assert_not_reached();
        }
        if (poll->error == NULL)
            act(poll);
        if (poll->error != NULL)
            return FALSE;
    }
    return TRUE;
}

/* Why it is not what was wanted. Owned by the caller. */
static char *describe_end(const Poll *poll, const char *status)
{
    if (g_str_equal(status, "COMPLETED"))
        return g_strdup("Action completed: it was not cancelled");
    return g_strdup_printf("Action %s: %s", g_str_equal(status, "CANCELLED") ? "cancelled" : "failed",
            fleet_action_reason(poll->info));
}

static void conclude(Poll *poll)
{
    FleetOutput *output = &poll->cli->output;
    const char *status = fleet_json_string(poll->info, "Status");

    print_status(poll);
    if (output->json != FLEET_JSON_OFF)
        fleet_output_json(output, fleet_json_node(json_object_ref(poll->info)));
    if (g_str_equal(status, poll->wanted)) {
        fleet_output_success(
                output, "Action %s successfully!", g_str_equal(status, "CANCELLED") ? "cancelled" : "completed");
        return;
    }
    poll->cli->status = FLEET_CLI_EXIT_FAILED;
    g_autofree char *end = describe_end(poll, status);
    /* It is the result that was waited for; only who wants no results is told as of an error. */
    if (is_plain(poll))
        fleet_output_failure(output, "%s", end);
    else if (output->json == FLEET_JSON_OFF)
        fleet_output_error(output, "%s", end);
}

gboolean fleet_poll_follow(FleetCli *cli, const char *id, const char *wanted, GError **error)
{
    Poll poll = {.cli = cli, .id = id, .wanted = wanted, .away_since = NEVER, .retry_at = NEVER};
    g_auto(FleetWaiter) waiter = {0};

    fleet_waiter_init(&waiter, fileno(cli->output.file));
    if (begin(&poll, &poll.error)) {
        gboolean ended = follow(&poll, &waiter);
        erase_bar(&poll);
        if (ended)
            conclude(&poll);
    }
    sd_bus_slot_unref(poll.pending);
    g_clear_pointer(&poll.info, json_object_unref);
    g_free(poll.path);
    if (poll.error != NULL) {
        g_propagate_error(error, poll.error);
        return FALSE;
    }
    return TRUE;
}

gboolean fleet_poll_check_options(const FleetCliOptions *options, GError **error)
{
    if ((options->given & FLEET_OPTION_INTERVAL) == 0 || (options->given & FLEET_OPTION_WAIT) != 0)
        return TRUE;
    g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "--interval needs --wait here");
    return FALSE;
}

gboolean fleet_cli_verb_poll_action(FleetCli *cli, const char *const *args, GError **error)
{
    return fleet_poll_follow(cli, args[0], "COMPLETED", error);
}
