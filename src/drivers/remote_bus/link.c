/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/remote_bus/link.h"

#include "base/bus_source.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/timespan.h"
#include "drivers/program/unit_call.h"
#include "drivers/remote_bus/leftovers.h"
#include "drivers/remote_bus/pool.h"
#include "drivers/remote_bus/ssh.h"
#include "model/policy.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

/* How long ssh may take to say why it has ended, once it has let go of the connection. */
#define LAST_WORDS_USEC (2 * FLEET_USEC_PER_SEC)

/* The part of a delay that is drawn at random, so that machines that were lost together do not come back together. */
#define JITTER 0.5

typedef enum {
    STATE_DOWN,
    STATE_QUEUED,    /* for a place */
    STATE_GREETING,  /* ssh runs; the machine has not said which boot it is in */
    STATE_HANDSHAKE, /* its bus was asked whether it is there */
    STATE_READY,
    STATE_DYING, /* the connection is gone; ssh will say why */
} State;

typedef struct {
    const FleetRemoteLinkFuncs *funcs;
    gpointer user_data;
} User;

struct FleetRemoteLink {
    FleetRemotePool *pool;
    const FleetDevice *device;
    const FleetDevice *next_device; /* what it becomes once nobody uses the link; or NULL */
    gboolean local;
    FleetRemoteAddress address;
    FleetRemoteAccess access;
    State state;
    FleetRemoteSsh *ssh;
    int fd;       /* ssh's stream until the bus has it, or -1 */
    guint source; /* watches it, or 0 */
    GString *greeting;
    sd_bus *bus;
    FleetBusSource *bus_source;
    sd_bus_slot *ping; /* a question that was not answered yet, or NULL */
    guint timer;       /* what it is for follows from the state; or 0 */
    guint failed;      /* an idle source that reports the failure, or 0 */
    FleetRemoteFailure failure;
    FleetRemoteBoot boot;
    gboolean reused; /* in the handshake: the connection is not new, and another one may do if it does not */
    gint64 asked_at; /* when the boot was asked for, µs of CLOCK_BOOTTIME */
    guint failures;  /* since it was ready last */
    gint64 next_try;
    GArray *users; /* User */
    FleetRemoteLeftovers *leftovers;
    FleetRemoteSettings *set; /* as they were when it was opened */
};

static void rest_or_watch(FleetRemoteLink *link);
static void may_be_idle(gpointer data);

FleetRemoteLink *fleet_remote_link_new(FleetRemotePool *pool, const FleetDevice *device)
{
    FleetRemoteLink *link = g_new0(FleetRemoteLink, 1);

    link->pool = pool;
    link->fd = -1;
    link->users = g_array_new(FALSE, FALSE, sizeof(User));
    link->leftovers = fleet_remote_leftovers_new(may_be_idle, link);
    link->set = fleet_remote_settings_ref(fleet_remote_pool_settings(pool));
    fleet_remote_link_set_device(link, device);
    return link;
}

static void stop_timer(FleetRemoteLink *link)
{
    if (link->timer != 0)
        g_source_remove(link->timer);
    link->timer = 0;
}

static void start_timer(FleetRemoteLink *link, gint64 after, GSourceFunc function)
{
    stop_timer(link);
    link->timer = g_timeout_add((guint)MIN(after / FLEET_USEC_PER_MSEC + 1, G_MAXINT), function, link);
}

/* Lets go of all that a connection consists of. */
static void disconnect(FleetRemoteLink *link)
{
    stop_timer(link);
    if (link->source != 0)
        g_source_remove(link->source);
    link->source = 0;
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
    link->ping = sd_bus_slot_unref(link->ping);
    fleet_remote_leftovers_let_go(link->leftovers);
    g_clear_pointer(&link->bus_source, fleet_bus_source_free);
    g_clear_pointer(&link->bus, sd_bus_close_unref);
    g_clear_pointer(&link->ssh, fleet_remote_ssh_free);
    if (link->greeting != NULL)
        g_string_free(g_steal_pointer(&link->greeting), TRUE);
}

/* Back to where nothing is under way. */
static void go_down(FleetRemoteLink *link)
{
    gboolean opened = link->state > STATE_QUEUED;

    if (link->state == STATE_QUEUED)
        fleet_remote_pool_unqueue(link->pool, link);
    link->state = STATE_DOWN;
    link->reused = FALSE;
    disconnect(link);
    if (opened)
        fleet_remote_pool_closed(link->pool, link);
}

void fleet_remote_link_close(FleetRemoteLink *link)
{
    go_down(link);
}

void fleet_remote_link_free(FleetRemoteLink *link)
{
    disconnect(link);
    if (link->failed != 0)
        g_source_remove(link->failed);
    fleet_remote_failure_clear(&link->failure);
    fleet_remote_address_clear(&link->address);
    fleet_remote_access_clear(&link->access);
    fleet_device_unref(link->device);
    g_clear_pointer(&link->next_device, fleet_device_unref);
    g_array_unref(link->users);
    fleet_remote_leftovers_free(link->leftovers);
    fleet_remote_settings_unref(link->set);
    g_free(link);
}

gboolean fleet_remote_link_is_used(const FleetRemoteLink *link)
{
    return link->users->len > 0;
}

gboolean fleet_remote_link_is_local(const FleetRemoteLink *link)
{
    return link->local;
}

gboolean fleet_remote_link_close_idle(FleetRemoteLink *link)
{
    if (link->state != STATE_READY || fleet_remote_link_is_used(link) ||
            fleet_remote_leftovers_is_busy(link->leftovers))
        return FALSE;
    go_down(link);
    return TRUE;
}

gboolean fleet_remote_link_is_for(const FleetRemoteLink *link, const FleetDevice *device)
{
    return g_str_equal(link->device->id, device->id) &&
           g_str_equal(fleet_device_where(link->device), fleet_device_where(device)) &&
           g_str_equal(link->device->type, device->type);
}

/* What somebody has in hand is a matter of the machine where it was begun, whatever comes in its place meanwhile. */
void fleet_remote_link_set_device(FleetRemoteLink *link, const FleetDevice *device)
{
    const FleetDevice *old = link->device;
    gboolean moved = old != NULL && !fleet_remote_link_is_for(link, device);

    fleet_device_ref(device);
    g_clear_pointer(&link->next_device, fleet_device_unref);
    if (moved && fleet_remote_link_is_used(link)) {
        link->next_device = device;
        return;
    }
    link->device = device;
    g_clear_pointer(&old, fleet_device_unref);
    if (!moved)
        return;
    /* What was left over stays on the machine where it is. */
    go_down(link);
    fleet_remote_leftovers_forget(link->leftovers);
    link->next_try = 0;
}

/* The next try is the later the more have failed. */
static void back_off(FleetRemoteLink *link)
{
    const FleetPolicy policy = {.retry_delay = link->access.reconnect_delay,
            .retry_factor = 2.0,
            .retry_cap = link->access.reconnect_cap,
            .retry_jitter = JITTER};

    link->failures++;
    link->next_try = fleet_clock_boottime() + fleet_policy_retry_delay(&policy, link->failures, g_random_double());
}

static gboolean has_joined(const FleetRemoteLink *link, gconstpointer user_data)
{
    for (guint i = 0; i < link->users->len; i++)
        if (g_array_index(link->users, User, i).user_data == user_data)
            return TRUE;
    return FALSE;
}

/* Tells all that it is ready (no failure), or lost. Any of them may leave meanwhile, or have others leave. */
static void tell_users(FleetRemoteLink *link, const FleetRemoteFailure *failure)
{
    g_autoptr(GArray) users = g_array_copy(link->users);

    for (guint i = 0; i < users->len; i++) {
        const User *user = &g_array_index(users, User, i);

        if (!has_joined(link, user->user_data))
            continue;
        if (failure != NULL)
            user->funcs->lost(failure, user->user_data);
        else
            user->funcs->ready(user->user_data);
    }
}

static gboolean report_failure(gpointer data)
{
    FleetRemoteLink *link = data;
    g_auto(FleetRemoteFailure) failure = link->failure;

    link->failed = 0;
    link->failure = (FleetRemoteFailure){0};
    if (link->reused) {
        go_down(link);
        fleet_remote_link_connect(link);
        return G_SOURCE_REMOVE;
    }
    back_off(link);
    go_down(link);
    fleet_log_about(link->failures == 1 ? LOG_INFO : LOG_DEBUG, FLEET_LOG_SUBJECT(.device = link->device->id), "%s",
            failure.message);
    fleet_remote_pool_tell_presence(link->pool, link->device->id, FLEET_PRESENCE_UNKNOWN);
    tell_users(link, &failure);
    return G_SOURCE_REMOVE;
}

/* From the loop, for whoever called may be in the middle of something. Of several failures the first one counts. */
static void fail(FleetRemoteLink *link, FleetOutcome outcome, char *message)
{
    if (link->failed != 0) {
        g_free(message);
        return;
    }
    fleet_remote_failure_set(&link->failure, outcome, message);
    /* No machine is so busy that this has to wait for its end. */
    link->failed = g_idle_add_full(G_PRIORITY_DEFAULT, report_failure, link, NULL);
}

void fleet_remote_link_fail(FleetRemoteLink *link, char *message)
{
    fail(link, FLEET_OUTCOME_TRANSIENT, message);
}

static const char *where(const FleetRemoteLink *link)
{
    return link->local ? "local" : link->address.host;
}

static void fail_silent(FleetRemoteLink *link, gint64 timeout)
{
    g_autofree char *limit = fleet_timespan_format(timeout);

    fail(link, FLEET_OUTCOME_TRANSIENT, g_strdup_printf("'%s' did not answer within %s", where(link), limit));
}

/* What ssh has said by now is all that is known. */
static gboolean last_words_are_over(gpointer data)
{
    FleetRemoteLink *link = data;

    link->timer = 0;
    fail(link, FLEET_OUTCOME_TRANSIENT, g_strdup_printf("the connection to '%s' was lost", where(link)));
    return G_SOURCE_REMOVE;
}

/* The stream has ended. */
static void begin_to_die(FleetRemoteLink *link)
{
    if (link->ssh == NULL) {
        fail(link, FLEET_OUTCOME_TRANSIENT, g_strdup_printf("the connection to the bus of '%s' was lost", where(link)));
        return;
    }
    link->state = STATE_DYING;
    start_timer(link, LAST_WORDS_USEC, last_words_are_over);
}

static void ssh_ended(int status, const char *errors, gpointer user_data)
{
    FleetRemoteLink *link = user_data;
    g_auto(FleetRemoteFailure) failure = {0};

    fleet_remote_failure_read(&link->address, &link->access, status, errors, &failure);
    fail(link, failure.outcome, g_steal_pointer(&failure.message));
}

static void bus_closed(int r, gpointer user_data)
{
    begin_to_die(user_data);
}

static gboolean connect_timed_out(gpointer data)
{
    FleetRemoteLink *link = data;

    link->timer = 0;
    fail_silent(link, link->access.connect_timeout);
    return G_SOURCE_REMOVE;
}

void fleet_remote_link_discard_unit(FleetRemoteLink *link, const char *name)
{
    fleet_remote_leftovers_add(link->leftovers, name, fleet_remote_link_bus(link));
}

static void become_ready(FleetRemoteLink *link)
{
    link->state = STATE_READY;
    link->reused = FALSE;
    link->failures = 0;
    fleet_remote_leftovers_send(link->leftovers, link->bus);
    rest_or_watch(link);
    fleet_remote_pool_tell_presence(link->pool, link->device->id, FLEET_PRESENCE_ONLINE);
    tell_users(link, NULL);
}

static int answered(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    FleetRemoteLink *link = user_data;
    const sd_bus_error *failure = sd_bus_message_get_error(reply);

    /* What is not answered stays open, and the timer finds it so; a connection that has ended tells by itself. */
    if (failure != NULL && fleet_program_unit_is_unanswered(failure))
        return 1;
    link->ping = sd_bus_slot_unref(link->ping);
    if (failure != NULL) {
        g_autofree char *reason = fleet_remote_failure_text(failure->message);

        fail(link, FLEET_OUTCOME_TRANSIENT,
                g_strdup_printf("the bus of '%s' does not answer: %s", where(link), reason));
    } else if (link->state == STATE_HANDSHAKE) {
        become_ready(link);
    }
    return 1;
}

/* Asks the bus whether it is there. Not by a Ping, which the bridge to it would answer. */
static void ask(FleetRemoteLink *link)
{
    int r = sd_bus_call_method_async(link->bus, &link->ping, "org.freedesktop.DBus", "/org/freedesktop/DBus",
            "org.freedesktop.DBus", "GetId", answered, link, NULL);

    if (r < 0)
        fail(link, FLEET_OUTCOME_TRANSIENT,
                g_strdup_printf("the bus of '%s' cannot be asked: %s", where(link), g_strerror(-r)));
}

static gboolean keep_alive(gpointer data)
{
    FleetRemoteLink *link = data;

    if (link->ping == NULL) {
        ask(link);
        return G_SOURCE_CONTINUE;
    }
    link->timer = 0;
    fail_silent(link, link->access.keep_alive);
    return G_SOURCE_REMOVE;
}

static gboolean rested(gpointer data)
{
    FleetRemoteLink *link = data;

    link->timer = 0;
    if (!fleet_remote_link_close_idle(link))
        rest_or_watch(link);
    return G_SOURCE_REMOVE;
}

/* One that is used is watched, another one is closed after a while. */
static void rest_or_watch(FleetRemoteLink *link)
{
    if (fleet_remote_link_is_used(link))
        start_timer(link, link->access.keep_alive, keep_alive);
    else
        start_timer(link, link->set->idle_timeout, rested);
}

/* Who waits for a place may have this one's. */
static void may_be_idle(gpointer data)
{
    FleetRemoteLink *link = data;

    if (link->state == STATE_READY && !fleet_remote_link_is_used(link))
        fleet_remote_pool_serve(link->pool);
}

static void shake_hands(FleetRemoteLink *link)
{
    link->state = STATE_HANDSHAKE;
    sd_bus_set_method_call_timeout(link->bus, (uint64_t)link->access.connect_timeout);
    link->bus_source = fleet_bus_source_new(link->bus, bus_closed, link);
    ask(link);
}

/* sd-bus speaks with the machine's bus over the stream. Negative errno. */
static int start_bus(FleetRemoteLink *link)
{
    int r = sd_bus_new(&link->bus);

    if (r >= 0)
        r = sd_bus_set_fd(link->bus, link->fd, link->fd);
    if (r < 0)
        return r;
    link->fd = -1; /* the bus closes it */
    r = sd_bus_set_bus_client(link->bus, TRUE);
    if (r >= 0)
        r = sd_bus_negotiate_fds(link->bus, FALSE);
    return r >= 0 ? sd_bus_start(link->bus) : r;
}

static void take_greeting(FleetRemoteLink *link)
{
    FleetRemoteGreeting greeting = fleet_remote_greeting_read(link->greeting->str, link->greeting->len, &link->boot);

    if (greeting == FLEET_REMOTE_GREETING_PART)
        return;
    g_source_remove(link->source);
    link->source = 0;
    if (greeting == FLEET_REMOTE_GREETING_WRONG) {
        fail(link, FLEET_OUTCOME_PERMANENT,
                g_strdup_printf("'%s' does not say which boot it is in; does the user '%s' have a shell there?",
                        where(link), link->access.user));
        return;
    }
    int r = start_bus(link);
    if (r < 0)
        fail(link, FLEET_OUTCOME_TRANSIENT,
                g_strdup_printf("the bus of '%s' cannot be talked to: %s", where(link), g_strerror(-r)));
    else
        shake_hands(link);
}

static gboolean stream_ready(int fd, GIOCondition condition, gpointer data)
{
    FleetRemoteLink *link = data;
    char buffer[FLEET_REMOTE_GREETING_MAX];
    gssize n = read(fd, buffer, sizeof(buffer));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return G_SOURCE_CONTINUE;
    if (n <= 0) {
        link->source = 0;
        begin_to_die(link);
        return G_SOURCE_REMOVE;
    }
    g_string_append_len(link->greeting, buffer, n);
    take_greeting(link);
    return link->source != 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* ssh would only say that it was not let in. */
static gboolean check_files(const FleetRemoteLink *link, FleetRemoteFailure *failure)
{
    const char *const files[] = {link->access.identity_file, link->access.known_hosts_file};

    for (guint i = 0; i < G_N_ELEMENTS(files); i++)
        if (access(files[i], R_OK) < 0) {
            fleet_remote_failure_set(failure, FLEET_OUTCOME_PERMANENT,
                    g_strdup_printf("'%s', which it takes to reach '%s', cannot be read: %s", files[i], where(link),
                            g_strerror(errno)));
            return FALSE;
        }
    return TRUE;
}

static void open_remote(FleetRemoteLink *link)
{
    g_auto(FleetRemoteFailure) failure = {0};
    g_autoptr(GError) error = NULL;

    if (!check_files(link, &failure)) {
        fail(link, failure.outcome, g_steal_pointer(&failure.message));
        return;
    }
    g_auto(GStrv) words =
            fleet_remote_ssh_words(link->set->ssh, &link->address, &link->access, FLEET_REMOTE_GREETING_COMMAND);
    link->ssh = fleet_remote_ssh_start(words, ssh_ended, link, &link->fd, &error);
    if (link->ssh == NULL) {
        fail(link, FLEET_OUTCOME_TRANSIENT, g_strdup(error->message));
        return;
    }
    link->greeting = g_string_new(NULL);
    link->source = g_unix_fd_add(link->fd, G_IO_IN | G_IO_HUP, stream_ready, link);
}

static void open_local(FleetRemoteLink *link)
{
    g_autoptr(GError) error = NULL;

    if (!fleet_remote_greeting_local(&link->boot, &error)) {
        fail(link, FLEET_OUTCOME_TRANSIENT, g_strdup(error->message));
        return;
    }
    int r = sd_bus_open_system(&link->bus);
    if (r < 0) {
        fail(link, FLEET_OUTCOME_TRANSIENT, g_strdup_printf("the system bus cannot be reached: %s", g_strerror(-r)));
        return;
    }
    sd_bus_set_exit_on_disconnect(link->bus, FALSE);
    shake_hands(link);
}

void fleet_remote_link_open(FleetRemoteLink *link)
{
    g_autoptr(GError) error = NULL;

    link->state = STATE_GREETING;
    fleet_remote_settings_ref(fleet_remote_pool_settings(link->pool));
    fleet_remote_settings_unref(link->set);
    link->set = fleet_remote_pool_settings(link->pool);
    fleet_remote_address_clear(&link->address);
    fleet_remote_access_clear(&link->access);
    gboolean right = fleet_remote_address_parse(fleet_device_where(link->device), &link->address, &error);
    fleet_remote_settings_resolve(link->set, link->device, &link->address, &link->access);
    if (!right) {
        fail(link, FLEET_OUTCOME_PERMANENT, g_strdup(error->message));
        return;
    }
    link->asked_at = fleet_clock_boottime();
    start_timer(link, link->access.connect_timeout, connect_timed_out);
    if (link->local)
        open_local(link);
    else
        open_remote(link);
}

void fleet_remote_link_connect(FleetRemoteLink *link)
{
    if (link->state != STATE_DOWN)
        return;
    link->local = g_str_equal(fleet_device_where(link->device), "local");
    link->state = STATE_QUEUED;
    fleet_remote_pool_queue(link->pool, link);
}

/* A machine that was lost while nobody used the connection may not have told so: what is asked on it would be lost,
 * too, and nobody would know. So it is tried first. */
static void try_again(FleetRemoteLink *link)
{
    link->state = STATE_HANDSHAKE;
    link->reused = TRUE;
    start_timer(link, link->access.keep_alive, connect_timed_out);
    link->ping = sd_bus_slot_unref(link->ping);
    ask(link);
}

void fleet_remote_link_join(FleetRemoteLink *link, const FleetRemoteLinkFuncs *funcs, gpointer user_data)
{
    const User user = {.funcs = funcs, .user_data = user_data};

    g_array_append_val(link->users, user);
    if (link->state == STATE_READY && link->users->len == 1)
        try_again(link);
}

void fleet_remote_link_leave(FleetRemoteLink *link, gconstpointer user_data)
{
    for (guint i = 0; i < link->users->len; i++)
        if (g_array_index(link->users, User, i).user_data == user_data) {
            g_array_remove_index(link->users, i);
            break;
        }
    if (fleet_remote_link_is_used(link))
        return;
    if (link->next_device != NULL) {
        const FleetDevice *next = g_steal_pointer(&link->next_device);

        fleet_remote_link_set_device(link, next);
        fleet_device_unref(next);
    }
    if (link->state == STATE_READY)
        rest_or_watch(link);
    else if (link->state == STATE_QUEUED)
        go_down(link);
    may_be_idle(link);
}

gint64 fleet_remote_link_next_try(const FleetRemoteLink *link)
{
    return link->next_try;
}

sd_bus *fleet_remote_link_bus(const FleetRemoteLink *link)
{
    /* One that is closing ends its calls first, and tells only then. */
    return link->state == STATE_READY && link->failed == 0 && sd_bus_is_open(link->bus) > 0 ? link->bus : NULL;
}

const FleetRemoteBoot *fleet_remote_link_boot(const FleetRemoteLink *link)
{
    return &link->boot;
}

gint64 fleet_remote_link_booted_after(const FleetRemoteLink *link)
{
    /* It is told in hundredths of a second. */
    return link->asked_at - link->boot.uptime - 10 * FLEET_USEC_PER_MSEC;
}

const FleetRemoteAddress *fleet_remote_link_address(const FleetRemoteLink *link)
{
    return &link->address;
}

const FleetRemoteAccess *fleet_remote_link_access(const FleetRemoteLink *link)
{
    return &link->access;
}
