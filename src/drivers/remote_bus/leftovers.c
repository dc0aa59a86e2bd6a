/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/remote_bus/leftovers.h"

#include "base/log.h"
#include "drivers/program/unit_call.h"

struct FleetRemoteLeftovers {
    GPtrArray *units; /* Unit */
    void (*rested)(gpointer user_data);
    gpointer user_data;
};

typedef struct {
    FleetRemoteLeftovers *leftovers;
    char *name;
    sd_bus_slot *call; /* that stops it, or NULL */
} Unit;

static void free_unit(gpointer data)
{
    Unit *unit = data;

    sd_bus_slot_unref(unit->call);
    g_free(unit->name);
    g_free(unit);
}

FleetRemoteLeftovers *fleet_remote_leftovers_new(void (*rested)(gpointer user_data), gpointer user_data)
{
    FleetRemoteLeftovers *leftovers = g_new0(FleetRemoteLeftovers, 1);

    leftovers->units = g_ptr_array_new_with_free_func(free_unit);
    leftovers->rested = rested;
    leftovers->user_data = user_data;
    return leftovers;
}

void fleet_remote_leftovers_free(FleetRemoteLeftovers *leftovers)
{
    g_ptr_array_unref(leftovers->units);
    g_free(leftovers);
}

static int ignored(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    const sd_bus_error *failure = sd_bus_message_get_error(reply);

    if (failure != NULL)
        fleet_log_debug("systemd refused a call: %s", failure->message);
    return 1;
}

static int call(sd_bus *bus, const char *method, const char *unit)
{
    return sd_bus_call_method_async(
            bus, NULL, FLEET_SYSTEMD_NAME, FLEET_SYSTEMD_PATH, FLEET_SYSTEMD_MANAGER, method, ignored, NULL, "s", unit);
}

/* One that is not there any more is as good. */
static int stopped(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    Unit *unit = user_data;
    FleetRemoteLeftovers *leftovers = unit->leftovers;
    sd_bus *bus = sd_bus_message_get_bus(reply);
    const sd_bus_error *failure = sd_bus_message_get_error(reply);

    unit->call = sd_bus_slot_unref(unit->call);
    if (failure != NULL && fleet_program_unit_is_unanswered(failure))
        return 1; /* once more on the next connection */
    if (failure != NULL && !sd_bus_error_has_name(failure, "org.freedesktop.systemd1.NoSuchUnit"))
        fleet_log_warning("'%s' cannot be stopped on its machine: %s", unit->name, failure->message);
    if (call(bus, "ResetFailedUnit", unit->name) < 0 || call(bus, "UnrefUnit", unit->name) < 0)
        fleet_log_debug("'%s' stays until the connection ends", unit->name);
    g_ptr_array_remove_fast(leftovers->units, unit);
    leftovers->rested(leftovers->user_data);
    return 1;
}

/* Where that fails, the connection is at its end, and another one will come. */
static void stop(Unit *unit, sd_bus *bus)
{
    int r = sd_bus_call_method_async(bus, &unit->call, FLEET_SYSTEMD_NAME, FLEET_SYSTEMD_PATH, FLEET_SYSTEMD_MANAGER,
            "StopUnit", stopped, unit, "ss", unit->name, "replace");

    if (r < 0)
        fleet_log_debug("'%s' is stopped later: %s", unit->name, g_strerror(-r));
}

void fleet_remote_leftovers_add(FleetRemoteLeftovers *leftovers, const char *name, sd_bus *bus)
{
    Unit *unit = g_new0(Unit, 1);

    unit->leftovers = leftovers;
    unit->name = g_strdup(name);
    g_ptr_array_add(leftovers->units, unit);
    if (bus != NULL)
        stop(unit, bus);
}

void fleet_remote_leftovers_send(FleetRemoteLeftovers *leftovers, sd_bus *bus)
{
    for (guint i = 0; i < leftovers->units->len; i++) {
        Unit *unit = g_ptr_array_index(leftovers->units, i);

        if (unit->call == NULL)
            stop(unit, bus);
    }
}

gboolean fleet_remote_leftovers_is_busy(const FleetRemoteLeftovers *leftovers)
{
    for (guint i = 0; i < leftovers->units->len; i++)
        if (((const Unit *)g_ptr_array_index(leftovers->units, i))->call != NULL)
            return TRUE;
    return FALSE;
}

void fleet_remote_leftovers_let_go(FleetRemoteLeftovers *leftovers)
{
    for (guint i = 0; i < leftovers->units->len; i++) {
        Unit *unit = g_ptr_array_index(leftovers->units, i);

        unit->call = sd_bus_slot_unref(unit->call);
    }
}

void fleet_remote_leftovers_forget(FleetRemoteLeftovers *leftovers)
{
    g_ptr_array_set_size(leftovers->units, 0);
}
