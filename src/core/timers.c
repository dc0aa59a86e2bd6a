/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/timers.h"

#include "base/clock.h"

#include <sys/timerfd.h>
#include <unistd.h>

/* Timers fired in one turn of the loop, so that a thundering herd does not keep calls waiting. */
#define FIRED_PER_TURN 256

typedef struct {
    GSource source;
    FleetTimers *timers;
} Source;

struct FleetTimers {
    GPtrArray *heap; /* of FleetTimer, the element at index i has the place i + 1 */
    GSource *source;
    int fd;
    gint64 armed; /* the deadline that the timerfd is set to; G_MAXINT64 = none */
};

static FleetTimer *at(FleetTimers *timers, guint place)
{
    return g_ptr_array_index(timers->heap, place - 1);
}

static void put(FleetTimers *timers, guint place, FleetTimer *timer)
{
    g_ptr_array_index(timers->heap, place - 1) = timer;
    timer->index = place;
}

static void sift_up(FleetTimers *timers, FleetTimer *timer)
{
    guint place = timer->index;

    while (place > 1 && at(timers, place / 2)->deadline > timer->deadline) {
        put(timers, place, at(timers, place / 2));
        place /= 2;
    }
    put(timers, place, timer);
}

static void sift_down(FleetTimers *timers, FleetTimer *timer)
{
    guint place = timer->index, n = timers->heap->len;

    while (2 * place <= n) {
        guint child = 2 * place;

        if (child < n && at(timers, child + 1)->deadline < at(timers, child)->deadline)
            child++;
        if (at(timers, child)->deadline >= timer->deadline)
            break;
        put(timers, place, at(timers, child));
        place = child;
    }
    put(timers, place, timer);
}

/* Setting the clock is left to the loop, just before it sleeps: however many timers a turn sets, it costs one call. */
static gboolean prepare(GSource *source, int *timeout)
{
    FleetTimers *timers = ((Source *)source)->timers;
    gint64 first = timers->heap->len > 0 ? MAX(at(timers, 1)->deadline, 1) : G_MAXINT64;

    *timeout = -1;
    if (first == timers->armed)
        return FALSE;

    struct itimerspec spec = {0};
    if (first != G_MAXINT64)
        spec.it_value = (struct timespec){
                .tv_sec = (time_t)(first / FLEET_USEC_PER_SEC), .tv_nsec = (long)(first % FLEET_USEC_PER_SEC * 1000)};
    int r = timerfd_settime(timers->fd, TFD_TIMER_ABSTIME, &spec, NULL);
    g_assert(r == 0);
    timers->armed = first;
    return FALSE;
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    FleetTimers *timers = ((Source *)source)->timers;
    gint64 now = fleet_clock_boottime();

    /* Setting the timerfd anew also takes back that it is readable, so it is never read. */
    timers->armed = 0;
    for (guint i = 0; i < FIRED_PER_TURN && timers->heap->len > 0 && at(timers, 1)->deadline <= now; i++) {
        FleetTimer *timer = at(timers, 1);

        fleet_timers_clear(timers, timer);
        timer->fire(timer);
    }
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.prepare = prepare, .dispatch = dispatch};

FleetTimers *fleet_timers_new(void)
{
    FleetTimers *timers = g_new0(FleetTimers, 1);

    timers->heap = g_ptr_array_new();
    timers->armed = G_MAXINT64;
    timers->fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    g_assert(timers->fd >= 0);

    timers->source = g_source_new(&source_funcs, sizeof(Source));
    ((Source *)timers->source)->timers = timers;
    g_source_set_name(timers->source, "fleet-timers");
    g_source_add_unix_fd(timers->source, timers->fd, G_IO_IN);
    g_source_attach(timers->source, g_main_context_get_thread_default());
    return timers;
}

void fleet_timers_free(FleetTimers *timers)
{
    g_assert(timers->heap->len == 0);
    g_source_destroy(timers->source);
    g_source_unref(timers->source);
    close(timers->fd);
    g_ptr_array_unref(timers->heap);
    g_free(timers);
}

void fleet_timers_set(FleetTimers *timers, FleetTimer *timer, gint64 deadline)
{
    if (timer->index == 0) {
        g_ptr_array_add(timers->heap, timer);
        timer->index = timers->heap->len;
        timer->deadline = deadline;
        sift_up(timers, timer);
        return;
    }

    gboolean sooner = deadline < timer->deadline;
    timer->deadline = deadline;
    if (sooner)
        sift_up(timers, timer);
    else
        sift_down(timers, timer);
}

void fleet_timers_clear(FleetTimers *timers, FleetTimer *timer)
{
    if (timer->index == 0)
        return;

    guint place = timer->index;
    FleetTimer *last = at(timers, timers->heap->len);
    g_ptr_array_set_size(timers->heap, (int)timers->heap->len - 1);
    timer->index = 0;
    if (last == timer)
        return;

    put(timers, place, last);
    sift_up(timers, last);
    sift_down(timers, last);
}
