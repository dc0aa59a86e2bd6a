/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The object paths of the API. An identifier becomes the last element of a path as sd_bus_path_encode(3) writes it.
 */

#include "model/identifier.h"

#include <glib.h>

#define FLEET_BUS_NAME "org.fleet.Manager"
#define FLEET_PATH_MANAGER "/org/fleet/Manager"
#define FLEET_PATH_DEVICES "/org/fleet/Manager/device"
#define FLEET_PATH_ACTIONS "/org/fleet/Manager/action"

/* The path of a device. Owned by the caller. */
char *fleet_path_of_device(const char *id) G_GNUC_WARN_UNUSED_RESULT;

/* The id that a device's path stands for, or NULL if it is not such a path. Owned by the caller. */
char *fleet_path_to_device(const char *path) G_GNUC_WARN_UNUSED_RESULT;

#define FLEET_ACTION_PATH_BUFFER (sizeof(FLEET_PATH_ACTIONS) + FLEET_ACTION_ID_BUFFER + 5)

/* Writes the path of an action into buffer and returns it; "/" for no action. */
const char *fleet_path_of_action(FleetActionId id, char buffer[static FLEET_ACTION_PATH_BUFFER]);

/* Reads an action's path. FALSE if it is not one. */
gboolean fleet_path_to_action(const char *path, FleetActionId *id) G_GNUC_WARN_UNUSED_RESULT;
