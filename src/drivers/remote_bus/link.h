/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The bus of one machine: the connection that all attempts on a device share, which is made when it is asked for and
 * closed some time after the last of them has left. All links of a driver are in a pool, which limits how many are
 * connected at the same time.
 */

#include "drivers/remote_bus/failure.h"
#include "drivers/remote_bus/greeting.h"
#include "drivers/remote_bus/settings.h"
#include "model/device.h"

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct FleetRemotePool FleetRemotePool;
typedef struct FleetRemoteLink FleetRemoteLink;

/* Called from the main loop, never from within a call of the link's user. */
typedef struct {
    /* It can be used from now on. */
    void (*ready)(gpointer user_data);

    /* It could not be made, or is not there any more; no call on it will be answered. The link may be asked to connect
     * again. */
    void (*lost)(const FleetRemoteFailure *failure, gpointer user_data);
} FleetRemoteLinkFuncs;

typedef struct {
    /* What is known of a device by now. */
    void (*presence)(const char *device_id, FleetPresence presence, gpointer user_data);
} FleetRemotePoolFuncs;

FleetRemotePool *fleet_remote_pool_new(const FleetRemotePoolFuncs *funcs, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;

/* Ends all connections. */
void fleet_remote_pool_free(FleetRemotePool *pool);

/* Applies to connections that are made from now on. Takes a reference. */
void fleet_remote_pool_configure(FleetRemotePool *pool, FleetRemoteSettings *settings);

/* The device has another image by now, or is gone; one that has never been connected to is passed over. */
void fleet_remote_pool_adopt(FleetRemotePool *pool, const FleetDevice *device);
void fleet_remote_pool_forget(FleetRemotePool *pool, const char *device_id);

/* The link to a device, as the image has it, which is made where there is none yet. Owned by the pool, at least as long
 * as it has users. */
FleetRemoteLink *fleet_remote_pool_link(FleetRemotePool *pool, const FleetDevice *device);

/* Does it go to where that image of its device is? While it is used it stays where it was. */
gboolean fleet_remote_link_is_for(const FleetRemoteLink *link, const FleetDevice *device);

/* From now on, or not any more, the user is told of what becomes of it. */
void fleet_remote_link_join(FleetRemoteLink *link, const FleetRemoteLinkFuncs *funcs, gpointer user_data);
void fleet_remote_link_leave(FleetRemoteLink *link, gconstpointer user_data);

/* Begins to connect, unless that is under way: _ready or _lost will be called. It may have to wait for its turn. */
void fleet_remote_link_connect(FleetRemoteLink *link);

/* When it should be asked to connect, µs of CLOCK_BOOTTIME: the past, but after failures. */
gint64 fleet_remote_link_next_try(const FleetRemoteLink *link);

/* The connection, or NULL while it is not ready, or is closing. Owned by the link. */
sd_bus *fleet_remote_link_bus(const FleetRemoteLink *link);

/* Of the connection that is there, or was last. */
const FleetRemoteBoot *fleet_remote_link_boot(const FleetRemoteLink *link);

/* The machine began its boot no earlier than that, µs of CLOCK_BOOTTIME here. */
gint64 fleet_remote_link_booted_after(const FleetRemoteLink *link);

/* How the machine is reached, for a command besides the connection; of the connection that is there, or was last. */
const FleetRemoteAddress *fleet_remote_link_address(const FleetRemoteLink *link);
const FleetRemoteAccess *fleet_remote_link_access(const FleetRemoteLink *link);

/* Somebody's connection does not do what it should: it is given up. Takes the message. */
void fleet_remote_link_fail(FleetRemoteLink *link, char *message);

/* Has a unit stopped and forgotten that nobody needs any more: now, or when the machine is connected to next. */
void fleet_remote_link_discard_unit(FleetRemoteLink *link, const char *name);
