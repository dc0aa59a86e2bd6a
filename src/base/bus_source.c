/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/bus_source.h"

#include "base/clock.h"
#include "base/slice.h"

#include <poll.h>

struct FleetBusSource {
    GSource source;
    sd_bus *bus;
    gpointer fd_tag;
    int events;              /* that are waited for now */
    FleetBusFlushFunc flush; /* NULL: the owner writes nothing */
    FleetBusClosedFunc closed;
    gpointer user_data;
    gboolean more; /* the last turn ended before sd-bus had nothing left */
    gboolean ended;
};

static void end(FleetBusSource *self, int r)
{
    self->ended = TRUE;
    g_source_remove_unix_fd(&self->source, self->fd_tag);
    self->closed(r, self->user_data);
}

static gboolean is_flushed(const FleetBusSource *self)
{
    return self->flush == NULL || self->flush(self->user_data);
}

/*
 * Whether sd-bus may have control. What it has not written yet goes before what the owner has, and only sd-bus can
 * write it. It does so before anything else, if the other end takes it, as at the beginning of a turn; later in the
 * turn it might read on instead, and answer what comes later before what the owner has still to write. (So it may once
 * it has written a part of what is larger than the socket takes at once. There is no way to have it write only.)
 */
static gboolean may_process(const FleetBusSource *self, gboolean turn_begins)
{
    guint64 queued;

    if (is_flushed(self))
        return TRUE;
    return turn_begins && sd_bus_get_n_queued_write(self->bus, &queued) >= 0 && queued > 0;
}

static void wait_for(FleetBusSource *self, int events)
{
    /* Telling the context wakes it, even if nothing is new. */
    if (events != self->events)
        g_source_modify_unix_fd(&self->source, self->fd_tag, (GIOCondition)events);
    self->events = events;
}

static gboolean prepare(GSource *source, int *timeout)
{
    FleetBusSource *self = (FleetBusSource *)source;
    guint64 until = G_MAXUINT64;

    *timeout = -1;
    if (self->ended)
        return FALSE;
    if (!is_flushed(self)) {
        wait_for(self, POLLOUT);
        return FALSE;
    }
    int events = sd_bus_get_events(self->bus);
    if (self->more || events < 0 || sd_bus_get_timeout(self->bus, &until) < 0)
        return TRUE;

    wait_for(self, events);
    if (until == G_MAXUINT64)
        return FALSE;
    gint64 left = (gint64)until - g_get_monotonic_time();
    if (left <= 0)
        return TRUE;
    *timeout = (int)MIN((left + FLEET_USEC_PER_MSEC - 1) / FLEET_USEC_PER_MSEC, G_MAXINT);
    return FALSE;
}

static gboolean check(GSource *source)
{
    FleetBusSource *self = (FleetBusSource *)source;
    guint64 until;

    if (self->ended)
        return FALSE;
    if (g_source_query_unix_fd(source, self->fd_tag) != 0)
        return TRUE;
    return sd_bus_get_timeout(self->bus, &until) > 0 && (gint64)until <= g_get_monotonic_time();
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    FleetBusSource *self = (FleetBusSource *)source;
    FleetSlice slice = fleet_slice_begin();

    /* The owner may free the source from a handler. */
    g_source_ref(source);
    int r = may_process(self, TRUE) ? sd_bus_process(self->bus, NULL) : 0;
    while (r > 0 && !g_source_is_destroyed(source) && fleet_slice_goes_on(&slice))
        r = may_process(self, FALSE) ? sd_bus_process(self->bus, NULL) : 0;
    self->more = r > 0;
    if (r < 0 && !g_source_is_destroyed(source))
        end(self, r);
    g_source_unref(source);
    return G_SOURCE_CONTINUE;
}

static void finalize(GSource *source)
{
    sd_bus_unref(((FleetBusSource *)source)->bus);
}

static GSourceFuncs source_funcs = {.prepare = prepare, .check = check, .dispatch = dispatch, .finalize = finalize};

FleetBusSource *fleet_bus_source_new(sd_bus *bus, FleetBusClosedFunc closed, gpointer user_data)
{
    FleetBusSource *self = (FleetBusSource *)g_source_new(&source_funcs, sizeof(FleetBusSource));

    self->bus = sd_bus_ref(bus);
    self->closed = closed;
    self->user_data = user_data;
    self->more = TRUE; /* what sd-bus read together with the handshake does not show on the socket */
    g_source_set_name(&self->source, "fleet-bus");
    /* It does not recur; but a source that may need not be taken out of the poll, and put back, at each turn. */
    g_source_set_can_recurse(&self->source, TRUE);
    self->events = POLLIN;
    self->fd_tag = g_source_add_unix_fd(&self->source, sd_bus_get_fd(bus), G_IO_IN);
    g_source_attach(&self->source, g_main_context_get_thread_default());
    return self;
}

void fleet_bus_source_set_flush(FleetBusSource *self, FleetBusFlushFunc flush)
{
    self->flush = flush;
}

void fleet_bus_source_free(FleetBusSource *self)
{
    g_source_destroy(&self->source);
    g_source_unref(&self->source);
}
