/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Turns what core announces into signals on every connection: InterfacesAdded, InterfacesRemoved and PropertiesChanged,
 * each with no more than what changed. What changes often is coalesced: an action's detail (progress, phase, message)
 * to 4 signals a second for each action, the Manager's counters to 2 a second. A change of status is never held back.
 */

#include "bus/api.h"
#include "bus/endpoint.h"
#include "core/observer.h"

typedef struct FleetChanges FleetChanges;

/* The api outlives it. */
FleetChanges *fleet_changes_new(FleetApi *api) G_GNUC_WARN_UNUSED_RESULT;
void fleet_changes_free(FleetChanges *changes);

/* What to attach to core; the user data is the FleetChanges. */
extern const FleetObserver fleet_changes_observer;

/* Signals go to this endpoint too, until it is removed. */
void fleet_changes_add_endpoint(FleetChanges *changes, FleetEndpoint *endpoint);
void fleet_changes_remove_endpoint(FleetChanges *changes, FleetEndpoint *endpoint);

/* A reload changed the types of action. */
void fleet_changes_announce_action_types(FleetChanges *changes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetChanges, fleet_changes_free)
