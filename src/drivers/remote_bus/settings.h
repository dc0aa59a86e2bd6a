/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the driver "remote-bus" is told: how machines are reached, and which programs are run on them.
 */

#include "drivers/program/programs.h"
#include "drivers/remote_bus/address.h"
#include "model/device.h"

#include <glib.h>

/* How a machine is reached. Of a group of the configuration, what it does not say is NULL or 0. */
typedef struct {
    char *user;
    char *identity_file;    /* the private key */
    char *known_hosts_file; /* the keys that machines are known by */
    char *config_file;      /* of ssh; NULL = none is read */
    guint port;
    gint64 connect_timeout; /* until a machine can be talked to, µs */
    gint64 return_timeout;  /* until one that is away is given up, µs */
    gint64 keep_alive;      /* a machine that says nothing for so long is asked whether it is there, µs */
    gint64 reconnect_delay; /* before it is tried again, after a first failure, µs */
    gint64 reconnect_cap;   /* and after many, µs */
} FleetRemoteAccess;

typedef struct {
    FleetPrograms *programs;    /* of the kind "RemoteBus" */
    FleetRemoteAccess defaults; /* of [RemoteBus], all of it set but config_file */
    GHashTable *types;          /* type of device -> FleetRemoteAccess */
    GHashTable *devices;        /* id of device -> FleetRemoteAccess */
    char *ssh;                  /* the program, a path */
    guint max_connections;      /* to machines, at the same time */
    gint64 idle_timeout;        /* one that is not used is closed after so long, µs; 0 = at once */
    char *directory;            /* for what programs on this machine are told; made when it is missing */
} FleetRemoteSettings;

/* No program, the defaults, NULL for directory. A reference of the caller's. Once the driver has them, they must not be
 * changed any more. */
FleetRemoteSettings *fleet_remote_settings_new(void) G_GNUC_WARN_UNUSED_RESULT;
FleetRemoteSettings *fleet_remote_settings_ref(FleetRemoteSettings *settings);
void fleet_remote_settings_unref(FleetRemoteSettings *settings);

/*
 * Sets what one key says, of a group of the configuration that is about all machines ("RemoteBus"), those of a type
 * ("RemoteBusType TYPE") or one ("RemoteBusDevice ID"). INVALID_ARGUMENT if the group names no type or device, if there
 * is no such key in it, or if the value is not right.
 */
gboolean fleet_remote_settings_set(FleetRemoteSettings *settings, const char *group, const char *key, const char *value,
        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Is such a group's name right, whatever keys it has? */
gboolean fleet_remote_settings_check_group(const char *group, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The program that a group "RemoteBus ACTION-TYPE" or "RemoteBus DEVICE-TYPE ACTION-TYPE" is about, as
 * fleet_programs_add() has it; INVALID_ARGUMENT also for SYSTEM_REBOOT, which no program does.
 */
FleetProgram *fleet_remote_settings_add_program(
        FleetRemoteSettings *settings, const char *group, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* How a device is reached: by what is said of it, else of its type, else of all; and by its address, which is stronger.
 * To be cleared. */
void fleet_remote_settings_resolve(const FleetRemoteSettings *settings, const FleetDevice *device,
        const FleetRemoteAddress *address, FleetRemoteAccess *access);
void fleet_remote_access_clear(FleetRemoteAccess *access);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetRemoteSettings, fleet_remote_settings_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetRemoteAccess, fleet_remote_access_clear)
