/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/bus_link.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "bus/endpoint.h"
#include "bus/paths.h"

#include <errno.h>
#include <unistd.h>

/* How long to wait before the first attempt to reach a lost bus and, at the most, before a further one. Each is twice
 * the one before, less up to half of it by chance, so that not all services of a machine come at the same moment. */
#define FIRST_DELAY_USEC (100 * FLEET_USEC_PER_MSEC)
#define LAST_DELAY_USEC (5 * FLEET_USEC_PER_SEC)

/* What org.freedesktop.DBus.RequestName answers (D-Bus specification, "Message Bus Messages"). */
enum {
    NAME_OURS = 1,
    NAME_OURS_ALREADY = 4,
};

struct FleetBusLink {
    FleetApi *api;
    FleetChanges *changes;
    gboolean user;
    FleetBusLinkFunc changed;
    gpointer user_data;

    FleetEndpoint *endpoint; /* NULL: no connection */
    sd_bus_slot *request;    /* for the name, while it is asked for again */
    gboolean works;          /* the name is ours */
    FleetTimer again;        /* while there is no connection */
    gint64 delay;            /* before the next attempt, µs; 0 = none was made yet */
    gboolean told_why;       /* why the last attempt failed was logged */
    gboolean given_up;       /* what is lost stays lost */
};

static void disconnect(FleetBusLink *link)
{
    link->request = sd_bus_slot_unref(link->request);
    if (link->endpoint != NULL)
        fleet_changes_remove_endpoint(link->changes, link->endpoint);
    g_clear_pointer(&link->endpoint, fleet_endpoint_free);
}

static void try_later(FleetBusLink *link)
{
    if (link->given_up)
        return;
    link->delay = link->delay == 0 ? FIRST_DELAY_USEC : MIN(2 * link->delay, LAST_DELAY_USEC);
    fleet_timers_set(link->api->timers, &link->again,
            fleet_clock_boottime() + (gint64)((double)link->delay * g_random_double_range(0.5, 1.0)));
}

/* A bus that is back and does not let us in is worth a word, but not at each attempt. */
static void attempt_failed(FleetBusLink *link, const char *what, const char *why)
{
    fleet_log(link->told_why ? LOG_DEBUG : LOG_WARNING, "%s: %s", what, why);
    link->told_why = TRUE;
    disconnect(link);
    try_later(link);
}

static void closed(FleetEndpoint *endpoint, int r, gpointer user_data)
{
    FleetBusLink *link = user_data;

    disconnect(link);
    if (!link->works) {
        fleet_log_debug("the bus is lost again: %s", g_strerror(-r));
        try_later(link);
        return;
    }
    link->works = FALSE;
    link->delay = 0;
    link->told_why = FALSE;
    fleet_log_about(LOG_ERR, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_BUS_LOST),
            "the connection to the bus is lost: %s", g_strerror(-r));
    try_later(link);
    link->changed(FALSE, link->user_data);
}

/* Publishes everything on a new connection. Negative errno on failure. */
static int connect_and_publish(FleetBusLink *link)
{
    __attribute__((cleanup(sd_bus_unrefp))) sd_bus *bus = NULL;
    int r = link->user ? sd_bus_open_user_with_description(&bus, "fleetd")
                       : sd_bus_open_system_with_description(&bus, "fleetd");

    if (r >= 0)
        link->endpoint = fleet_endpoint_new_bus(link->api, bus, !link->user, closed, link, &r);
    return r;
}

/* Why an answer does not give us the name; NULL = it does. */
static const char *find_refusal(sd_bus_message *reply)
{
    const sd_bus_error *error = sd_bus_message_get_error(reply);
    guint32 result;

    if (error != NULL)
        return error->message != NULL ? error->message : error->name;
    int r = sd_bus_message_read_basic(reply, 'u', &result);
    if (r < 0)
        return g_strerror(-r);
    return result == NAME_OURS || result == NAME_OURS_ALREADY ? NULL : "another process owns it";
}

/* What is asked of fleetd once it has the name comes after this answer. */
static int name_answered(sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    FleetBusLink *link = user_data;
    const char *why = find_refusal(reply);

    link->request = sd_bus_slot_unref(link->request);
    if (why != NULL) {
        attempt_failed(link, "the bus is back, but the name '" FLEET_BUS_NAME "' cannot be taken", why);
        return 1;
    }
    fleet_log_about(LOG_NOTICE, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_BUS_BACK), "the bus is back");
    link->works = TRUE;
    fleet_changes_add_endpoint(link->changes, link->endpoint);
    link->changed(TRUE, link->user_data);
    return 1;
}

/* Nothing here waits: a bus that takes the connection and then says nothing must not hold up the others. */
static void try_again(FleetTimer *timer)
{
    FleetBusLink *link = timer->data;
    int r = connect_and_publish(link);

    if (r >= 0)
        r = sd_bus_request_name_async(
                fleet_endpoint_bus(link->endpoint), &link->request, FLEET_BUS_NAME, 0, name_answered, link);
    if (r >= 0)
        return;
    fleet_log_debug("the bus cannot be reached yet: %s", g_strerror(-r));
    disconnect(link);
    try_later(link);
}

FleetBusLink *fleet_bus_link_new(
        FleetApi *api, FleetChanges *changes, gboolean user, FleetBusLinkFunc changed, gpointer user_data)
{
    FleetBusLink *link = g_new0(FleetBusLink, 1);

    link->api = api;
    link->changes = changes;
    link->user = user;
    link->changed = changed;
    link->user_data = user_data;
    link->again = (FleetTimer){.fire = try_again, .data = link};
    return link;
}

void fleet_bus_link_free(FleetBusLink *link)
{
    disconnect(link);
    fleet_timers_clear(link->api->timers, &link->again);
    g_free(link);
}

static FleetExitStatus take_name(sd_bus *bus, GError **error)
{
    int r = sd_bus_request_name(bus, FLEET_BUS_NAME, 0);

    if (r >= 0)
        return FLEET_EXIT_SUCCESS;
    if (r == -EEXIST)
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "the bus name '%s' is taken; is fleetd running already?", FLEET_BUS_NAME);
    else if (r == -EPERM || r == -EACCES)
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED,
                "the bus does not let user %u own '%s'; run as the user of its policy, or as root", (guint)geteuid(),
                FLEET_BUS_NAME);
    else
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "the bus name '%s' cannot be taken: %s",
                FLEET_BUS_NAME, g_strerror(-r));
    return FLEET_EXIT_NAME;
}

FleetExitStatus fleet_bus_link_start(FleetBusLink *link, GError **error)
{
    int r = connect_and_publish(link);

    if (r < 0) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "the %s bus cannot be reached: %s",
                link->user ? "session" : "system", g_strerror(-r));
        return FLEET_EXIT_BUS;
    }
    fleet_changes_add_endpoint(link->changes, link->endpoint);
    FleetExitStatus status = take_name(fleet_endpoint_bus(link->endpoint), error);
    link->works = status == FLEET_EXIT_SUCCESS;
    return status;
}

gboolean fleet_bus_link_works(const FleetBusLink *link)
{
    return link->works;
}

void fleet_bus_link_stop_trying(FleetBusLink *link)
{
    link->given_up = TRUE;
    fleet_timers_clear(link->api->timers, &link->again);
    if (!link->works)
        disconnect(link);
}

gboolean fleet_bus_link_is_flushed(const FleetBusLink *link)
{
    return !link->works || fleet_endpoint_flush(link->endpoint);
}
