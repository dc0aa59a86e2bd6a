/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/peer_source.h"

#include "base/clock.h"
#include "base/slice.h"
#include "bus/intake.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

const FleetPeerLimits fleet_peer_limits = {.greeting = 30 * FLEET_USEC_PER_SEC, .message = 10 * FLEET_USEC_PER_SEC};

struct FleetPeerSource {
    GSource source;
    sd_bus *bus;
    FleetIntake *intake;
    FleetTimers *timers;
    FleetTimer deadline; /* of the greeting, or of a message that has begun */
    int socket;          /* sd-bus's */
    gpointer fd_tag;     /* NULL: it is not looked at */
    int events;          /* that are waited for now */
    const FleetPeerLimits *limits;
    const FleetPeerCallbacks *callbacks;
    gpointer user_data;
    int piped;       /* whole messages that are in the pipe, at least so many; G_MAXINT = not known */
    gboolean single; /* the pipe was filled with one message only */
    gboolean more;   /* there is something to do, whatever the socket says */
    gboolean open;   /* the greeting is over */
    gboolean ended;
};

static void wait_for(FleetPeerSource *self, int events)
{
    /* Telling the context wakes it, even if nothing is new. */
    if (events == self->events)
        return;
    self->events = events;
    if (events == 0) {
        /* One that has gone would be shown to us at each turn. */
        g_source_remove_unix_fd(&self->source, self->fd_tag);
        self->fd_tag = NULL;
    } else if (self->fd_tag == NULL)
        self->fd_tag = g_source_add_unix_fd(&self->source, self->socket, (GIOCondition)events);
    else
        g_source_modify_unix_fd(&self->source, self->fd_tag, (GIOCondition)events);
}

static void end(FleetPeerSource *self, int r)
{
    self->ended = TRUE;
    wait_for(self, 0);
    fleet_timers_clear(self->timers, &self->deadline);
    self->callbacks->closed(r, self->user_data);
}

/* Of a message that sd-bus sends by itself, or of the greeting. */
static gboolean sd_bus_has_unwritten(const FleetPeerSource *self)
{
    int events = sd_bus_get_events(self->bus);

    return events > 0 && (events & POLLOUT) != 0;
}

static gboolean has_unwritten(const FleetPeerSource *self)
{
    return !self->callbacks->flush(self->user_data) || sd_bus_has_unwritten(self);
}

/* Whether the peer's calls must be answered before more of them is read. */
static gboolean is_full(const FleetPeerSource *self)
{
    return self->callbacks->full(self->user_data) ||
           (fleet_intake_holds(self->intake) && self->callbacks->unanswered(self->user_data) > 0);
}

static gboolean is_held(const FleetPeerSource *self)
{
    return has_unwritten(self) || is_full(self);
}

static gboolean prepare(GSource *source, int *timeout)
{
    FleetPeerSource *self = (FleetPeerSource *)source;

    *timeout = -1;
    if (self->ended)
        return FALSE;
    if (sd_bus_is_open(self->bus) <= 0)
        return TRUE;
    if (has_unwritten(self))
        wait_for(self, POLLOUT);
    else if (is_full(self) || fleet_intake_waits(self->intake))
        wait_for(self, 0);
    else {
        wait_for(self, POLLIN);
        return self->more || fleet_intake_holds(self->intake);
    }
    return FALSE;
}

static gboolean check(GSource *source)
{
    const FleetPeerSource *self = (FleetPeerSource *)source;

    return !self->ended && self->fd_tag != NULL && g_source_query_unix_fd(source, self->fd_tag) != 0;
}

/* Whether the peer has sent what has not been looked at yet. */
static gboolean is_ahead(const FleetPeerSource *self)
{
    int unread = 0;

    return ioctl(self->socket, FIONREAD, &unread) == 0 && unread > 0;
}

static void too_late(FleetTimer *timer)
{
    FleetPeerSource *self = timer->data;

    /* It is not the peer's fault that it is not read from. */
    if (self->open && (is_held(self) || fleet_intake_waits(self->intake) || is_ahead(self)))
        fleet_timers_set(self->timers, &self->deadline, fleet_clock_boottime() + self->limits->message);
    else
        end(self, -ETIMEDOUT);
}

/* A message that has begun has its time; whatever has ended, the next one has its own. */
static void set_deadline(FleetPeerSource *self, gboolean has_ended)
{
    gboolean midway = fleet_intake_is_midway(self->intake);

    if (!self->open)
        return;
    if (has_ended || !midway)
        fleet_timers_clear(self->timers, &self->deadline);
    if (midway && !fleet_timer_is_set(&self->deadline))
        fleet_timers_set(self->timers, &self->deadline, fleet_clock_boottime() + self->limits->message);
}

/* Fills the pipe. Returns 0 if there is nothing, negative errno if nothing will come. */
static int feed(FleetPeerSource *self)
{
    self->piped = fleet_intake_feed(self->intake);
    self->single = self->piped == 1;
    if (self->piped >= 0)
        set_deadline(self, (self->piped > 0 && self->piped < G_MAXINT) || fleet_intake_holds(self->intake));
    return self->piped;
}

/* sd-bus has read all that is in the pipe. */
static int drained(FleetPeerSource *self)
{
    self->piped = 0;
    self->more = self->more || fleet_intake_has_more(self->intake);
    if (self->open || !fleet_intake_has_begun(self->intake))
        return 0;
    if (sd_bus_is_ready(self->bus) <= 0) /* BEGIN from somebody who has not said who he is */
        return sd_bus_has_unwritten(self) ? 0 : -EBADMSG;
    self->open = self->more = TRUE;
    fleet_timers_clear(self->timers, &self->deadline);
    fleet_intake_open(self->intake);
    return self->callbacks->opened(self->user_data);
}

/* One message, or what else there is. Returns 0 if there is nothing more for now; negative errno at the end. */
static int step(FleetPeerSource *self)
{
    if (self->piped == 0) {
        int r = feed(self);
        if (r <= 0)
            return r;
    }
    int r = sd_bus_process(self->bus, NULL);
    if (r == 0)
        return drained(self);
    if (r > 0 && self->piped < G_MAXINT && --self->piped == 0 && self->single)
        return 0; /* the next one is not there yet: who sends one at a time waits for the reply */
    return r;
}

/* What waits to be written goes first. Returns whether something still waits; negative errno at the end. */
static int write_out(FleetPeerSource *self)
{
    if (sd_bus_has_unwritten(self)) {
        int r = sd_bus_process(self->bus, NULL);
        if (r < 0)
            return r;
    }
    return has_unwritten(self);
}

static int take_turn(FleetPeerSource *self)
{
    FleetSlice slice = fleet_slice_begin();
    int r = write_out(self);

    if (r != 0)
        return MIN(r, 0);
    do {
        if (!is_full(self) && fleet_intake_holds(self->intake) && self->piped == 0)
            fleet_intake_release(self->intake);
        r = is_held(self) ? 0 : step(self);
    } while (r > 0 && !g_source_is_destroyed(&self->source) && !self->ended && fleet_slice_goes_on(&slice));
    return r;
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    FleetPeerSource *self = (FleetPeerSource *)source;

    /* The owner may free the source from a handler. */
    g_source_ref(source);
    self->more = FALSE;
    int r = sd_bus_is_open(self->bus) > 0 ? take_turn(self) : -ENOTCONN;
    if (!g_source_is_destroyed(source) && !self->ended) {
        self->more = self->more || self->piped > 0;
        if (r < 0)
            end(self, r);
    }
    g_source_unref(source);
    return G_SOURCE_CONTINUE;
}

static void finalize(GSource *source)
{
    FleetPeerSource *self = (FleetPeerSource *)source;

    g_clear_pointer(&self->intake, fleet_intake_free);
    if (self->bus != NULL)
        sd_bus_close(self->bus);
    sd_bus_unref(self->bus);
}

static GSourceFuncs source_funcs = {.prepare = prepare, .check = check, .dispatch = dispatch, .finalize = finalize};

static void room_granted(gpointer user_data)
{
    ((FleetPeerSource *)user_data)->more = TRUE;
}

/* sd-bus's side of the connection. Takes both file descriptors. */
static int new_bus(int input, int output, sd_id128_t server_id, sd_bus **ret)
{
    __attribute__((cleanup(sd_bus_unrefp))) sd_bus *bus = NULL;
    int r = sd_bus_new(&bus);

    if (r >= 0)
        r = sd_bus_set_fd(bus, input, output);
    if (r < 0) {
        close(input);
        close(output);
        return r;
    }
    r = sd_bus_set_server(bus, TRUE, server_id);
    if (r >= 0)
        r = sd_bus_set_anonymous(bus, TRUE); /* see bus/intake.h */
    if (r >= 0)
        r = sd_bus_set_description(bus, "private");
    if (r >= 0)
        r = sd_bus_start(bus);
    if (r >= 0)
        *ret = g_steal_pointer(&bus);
    return r;
}

FleetPeerSource *fleet_peer_source_new(int socket, uid_t uid, sd_id128_t server_id, FleetRoom *room,
        FleetTimers *timers, const FleetPeerLimits *limits, const FleetPeerCallbacks *callbacks, gpointer user_data,
        int *r)
{
    FleetPeerSource *self = (FleetPeerSource *)g_source_new(&source_funcs, sizeof(FleetPeerSource));
    int pipe;

    g_source_set_static_name(&self->source, "fleet-peer");
    /* It does not recur; but a source that may need not be taken out of the poll, and put back, at each turn. */
    g_source_set_can_recurse(&self->source, TRUE);
    self->deadline = (FleetTimer){.fire = too_late, .data = self};
    self->socket = socket;
    self->timers = timers;
    self->limits = limits;
    self->callbacks = callbacks;
    self->user_data = user_data;
    self->intake = fleet_intake_new(room, socket, uid, room_granted, self, &pipe);
    if (self->intake == NULL) {
        *r = -errno;
        close(socket);
    } else
        *r = new_bus(pipe, socket, server_id, &self->bus);
    if (*r < 0) {
        g_source_unref(&self->source);
        return NULL;
    }
    fleet_timers_set(timers, &self->deadline, fleet_clock_boottime() + limits->greeting);
    g_source_attach(&self->source, g_main_context_get_thread_default());
    return self;
}

void fleet_peer_source_free(FleetPeerSource *self)
{
    fleet_timers_clear(self->timers, &self->deadline);
    g_source_destroy(&self->source);
    g_source_unref(&self->source);
}

sd_bus *fleet_peer_source_bus(const FleetPeerSource *self)
{
    return self->bus;
}
