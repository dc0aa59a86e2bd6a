/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Puts a file where systemd of a machine can read it and nobody else but root can: the environment of a unit, which
 * must not be among its properties, for these everybody can read. On another machine it goes through a second run of
 * ssh, for the bus carries no files.
 */

#include "drivers/remote_bus/link.h"

typedef struct FleetRemoteDelivery FleetRemoteDelivery;

/* It is there, at path; or (path is NULL) it is not, and message says why. */
typedef void (*FleetRemoteDeliveredFunc)(const char *path, const char *message, gpointer user_data);

/* name is that of the file, without a directory; no text (NULL) has it removed. The func is called later, once. */
FleetRemoteDelivery *fleet_remote_delivery_start(FleetRemoteLink *link, const FleetRemoteSettings *settings,
        const char *name, const char *text, FleetRemoteDeliveredFunc delivered,
        gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;

/* If it is not over yet, it does not go on, and nobody is told. */
void fleet_remote_delivery_free(FleetRemoteDelivery *delivery);
