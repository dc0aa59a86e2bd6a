/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a message bus would answer, for a peer on the private socket: so that clients made for a bus work there. One
 * name exists besides the peer's own: org.fleet.Manager, whose owner is FLEET_PEER_OWN_NAME. Matches are only counted:
 * a peer that has one gets all signals, and its library picks.
 */

#include "bus/endpoint.h"

/* The daemon's own unique name. */
#define FLEET_PEER_OWN_NAME ":1.0"

/* Publishes org.freedesktop.DBus to a peer. Negative errno on failure. */
int fleet_peer_publish(FleetEndpoint *endpoint);
