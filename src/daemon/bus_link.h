/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The daemon on its bus: the connection, everything published on it, and the name. A bus that is lost is tried again
 * and again, at growing intervals, until it is back; meanwhile all else goes on. Once it is back everything is
 * published before the name is taken, as at the start.
 *
 * The name cannot be lost otherwise: fleetd does not let it be replaced.
 */

#include "bus/api.h"
#include "bus/changes.h"
#include "daemon/exit_status.h"

typedef struct FleetBusLink FleetBusLink;

/* The bus was lost, or is back. */
typedef void (*FleetBusLinkFunc)(gboolean works, gpointer user_data);

/* For the system bus, or the user's session. No connection is made yet. Signals go through changes; both outlive it. */
FleetBusLink *fleet_bus_link_new(FleetApi *api, FleetChanges *changes, gboolean user, FleetBusLinkFunc changed,
        gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
void fleet_bus_link_free(FleetBusLink *link);

/* Connects, publishes, and takes the name, waiting for the bus. What keeps it from that is not tried again: then the
 * status is not SUCCESS, and the error says why. */
FleetExitStatus fleet_bus_link_start(FleetBusLink *link, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether the bus is there and the name is ours. */
gboolean fleet_bus_link_works(const FleetBusLink *link);

/* Gives up a bus that was lost, or will be. */
void fleet_bus_link_stop_trying(FleetBusLink *link);

/* Whether nothing is left to be written. */
gboolean fleet_bus_link_is_flushed(const FleetBusLink *link);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetBusLink, fleet_bus_link_free)
