/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a machine says before its bus is talked to: which boot it is in, and for how long. It comes on the connection
 * itself, so what is asked on that is asked of this boot and of no other.
 */

#include <glib.h>

/* What the machine's shell is given. */
#define FLEET_REMOTE_GREETING_COMMAND "cat /proc/sys/kernel/random/boot_id /proc/uptime && exec systemd-stdio-bridge"

#define FLEET_REMOTE_GREETING_MAX 16384 /* bytes, with what the shell's own files may print */

#define FLEET_REMOTE_BOOT_ID_SIZE 37 /* with the NUL */

typedef struct {
    char id[FLEET_REMOTE_BOOT_ID_SIZE]; /* of the boot, a UUID in lower case */
    gint64 uptime;                      /* µs, suspend included */
} FleetRemoteBoot;

typedef enum {
    FLEET_REMOTE_GREETING_PART, /* more has to come */
    FLEET_REMOTE_GREETING_WHOLE,
    FLEET_REMOTE_GREETING_WRONG, /* this becomes none any more */
} FleetRemoteGreeting;

/* Reads what has come so far. Lines before the greeting are passed over; nothing comes after it. */
FleetRemoteGreeting fleet_remote_greeting_read(const char *bytes, gsize length, FleetRemoteBoot *boot);

/* The same of this machine. FALSE, with an error of UNSUPPORTED, if it does not say. */
gboolean fleet_remote_greeting_local(FleetRemoteBoot *boot, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Is it written as a boot's id? */
gboolean fleet_remote_greeting_is_boot_id(const char *text);
