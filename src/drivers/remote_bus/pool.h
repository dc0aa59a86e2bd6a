/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Private to link.c and pool.c: what the two are to each other.
 */

#include "drivers/remote_bus/link.h"

FleetRemoteSettings *fleet_remote_pool_settings(const FleetRemotePool *pool);
void fleet_remote_pool_tell_presence(FleetRemotePool *pool, const char *device_id, FleetPresence presence);

/* A link wants to connect: it is opened now, or in its turn. */
void fleet_remote_pool_queue(FleetRemotePool *pool, FleetRemoteLink *link);

/* It does not want to any more. */
void fleet_remote_pool_unqueue(FleetRemotePool *pool, FleetRemoteLink *link);

/* There may be room for one that waits. */
void fleet_remote_pool_serve(FleetRemotePool *pool);

/* It had been opened, and is closed. */
void fleet_remote_pool_closed(FleetRemotePool *pool, FleetRemoteLink *link);

FleetRemoteLink *fleet_remote_link_new(FleetRemotePool *pool, const FleetDevice *device) G_GNUC_WARN_UNUSED_RESULT;
void fleet_remote_link_free(FleetRemoteLink *link);

/* Ends its connection, or its waiting for one. */
void fleet_remote_link_close(FleetRemoteLink *link);

/* Its turn has come. */
void fleet_remote_link_open(FleetRemoteLink *link);

/* Closes a connection that nobody uses. FALSE if somebody does, or if there is none. */
gboolean fleet_remote_link_close_idle(FleetRemoteLink *link);

gboolean fleet_remote_link_is_used(const FleetRemoteLink *link);
void fleet_remote_link_set_device(FleetRemoteLink *link, const FleetDevice *device);

/* Does it need a place among those that are limited? */
gboolean fleet_remote_link_is_local(const FleetRemoteLink *link);
