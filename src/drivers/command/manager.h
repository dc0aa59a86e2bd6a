/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The connection to systemd, the machine's or the user's, over its bus. It is made when it is asked for.
 */

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct FleetCommandManager FleetCommandManager;

typedef struct {
    /* It can be used from now on. */
    void (*ready)(gpointer user_data);

    /* It could not be reached, or was lost; all calls on it have come to nothing. Owned by the caller. */
    void (*lost)(const char *message, gpointer user_data);

    /* Something about the unit of that path has changed. */
    void (*changed)(const char *path, gpointer user_data);
} FleetCommandManagerFuncs;

/* Does systemd run the machine, or the user's session? */
gboolean fleet_command_manager_exists(gboolean user);

FleetCommandManager *fleet_command_manager_new(
        const FleetCommandManagerFuncs *funcs, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
void fleet_command_manager_free(FleetCommandManager *manager);

/* Begins to connect, unless that has been done. Either _ready or _lost is called, later. */
void fleet_command_manager_connect(FleetCommandManager *manager, gboolean user);

/* Ends the connection, if there is one; nobody is told. All calls on it must be over. */
void fleet_command_manager_disconnect(FleetCommandManager *manager);

/* The connection, or NULL while it is not ready. Owned by the manager. */
sd_bus *fleet_command_manager_bus(const FleetCommandManager *manager);
