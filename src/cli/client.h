/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The connection to the daemon: through a bus, a remote one, or the daemon's own socket. Failures are FLEET_CLI_ERRORs
 * with the exit status that fits.
 */

#include "cli/json.h"
#include "cli/options.h"
#include "cli/sdbus.h"

#include <glib.h>

#define FLEET_SERVICE "org.fleet.Manager"
#define FLEET_MANAGER_PATH "/org/fleet/Manager"
#define FLEET_MANAGER_INTERFACE "org.fleet.Manager"
#define FLEET_DEVICE_PREFIX "/org/fleet/Manager/device"
#define FLEET_DEVICE_INTERFACE "org.fleet.Device"
#define FLEET_ACTION_PREFIX "/org/fleet/Manager/action"
#define FLEET_ACTION_INTERFACE "org.fleet.Action"

typedef struct FleetClient FleetClient;

/* Connects as the options say, which must outlive the client, and waits until the connection stands. UNREACHABLE. */
FleetClient *fleet_client_open(const FleetCliOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void fleet_client_free(FleetClient *client);

/* Drops the connection, if it is not lost already, and makes another. What was subscribed is gone. */
gboolean fleet_client_reopen(FleetClient *client, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Drops the connection. Calls that are waiting are never answered. */
void fleet_client_close(FleetClient *client);

/* The connection, owned by the client; NULL while there is none. */
sd_bus *fleet_client_bus(const FleetClient *client);

/* A call of the manager's method, to be filled in. Owned by the caller. */
sd_bus_message *fleet_client_new_call(
        FleetClient *client, const char *member, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Sends a call and waits for its answer: at most as long as sd-bus does by default, or as a person may need to
 * authenticate where one may be asked (--no-ask-password), for which an agent is started. Owned by the caller. */
sd_bus_message *fleet_client_send(FleetClient *client, sd_bus_message *call, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Both in one, with arguments as sd_bus_message_append() has them. Owned by the caller. */
sd_bus_message *fleet_client_call(
        FleetClient *client, GError **error, const char *member, const char *types, ...) G_GNUC_WARN_UNUSED_RESULT;

/* All properties of the manager. Owned by the caller. */
JsonObject *fleet_client_get_manager(FleetClient *client, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The error of a call, as ours. r is the negative errno where the daemon said nothing itself. */
void fleet_client_set_error(GError **error, const sd_bus_error *from, int r);

/* TRUE unless r is negative: then FAILED, since a message could not be written or read. */
gboolean fleet_client_check(int r, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetClient, fleet_client_free)
