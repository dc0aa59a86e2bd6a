/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Clients that keep fleetd busy, and remember what they were promised. Some are on the bus and some on the private
 * socket; each sends its calls without waiting for the answers, and each has devices of its own, so that it knows what
 * every one of its devices may be: what was acknowledged last, or what it asked for since.
 */

#include "lib/fleet_test.h"

typedef struct FleetTestLoad FleetTestLoad;

/* Registers the devices that the load needs; the daemon must run. Both outlive it. Owned by the caller. */
FleetTestLoad *fleet_test_load_new(const FleetTestBus *bus, FleetTestDaemon *daemon) G_GNUC_WARN_UNUSED_RESULT;
void fleet_test_load_free(FleetTestLoad *load);

/* Connects all clients and lets them call, as long as the main context runs. */
void fleet_test_load_start(FleetTestLoad *load);

/* From here on fleetd is ending: a call may go unanswered, or be refused with ShuttingDown. Until then either fails the
 * check. The clients go on until the first call is lost. */
void fleet_test_load_expect_end(FleetTestLoad *load);

/* Lets no client call any more, and waits until each of their calls is answered or lost. Closes the connections. */
void fleet_test_load_finish(FleetTestLoad *load);

/* For a daemon that goes on while its clients are gone: waits until it has carried out what it had taken of their
 * calls. These may be lost to a client, which then knows no more than that they may be. */
void fleet_test_load_settle(FleetTestLoad *load);

/* How many calls were acknowledged, refused with ShuttingDown and lost since the start. */
guint fleet_test_load_acknowledged(const FleetTestLoad *load);
guint fleet_test_load_refused(const FleetTestLoad *load);
guint fleet_test_load_lost(const FleetTestLoad *load);

/* Fails the check unless all that was acknowledged is there, nothing is there that was refused, and what is there is
 * consistent. Asks the daemon, which must have been started again. */
void fleet_test_load_verify(FleetTestLoad *load);

/* The ids of all actions that were ever acknowledged. Owned by the load. */
GHashTable *fleet_test_load_actions(const FleetTestLoad *load);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestLoad, fleet_test_load_free)
