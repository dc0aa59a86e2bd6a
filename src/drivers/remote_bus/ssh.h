/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A command on a machine, by ssh. Nothing of it is left to chance: no configuration but what is asked for is read, no
 * key that is not known is taken, no password is asked for, nothing is forwarded.
 */

#include "drivers/remote_bus/address.h"
#include "drivers/remote_bus/settings.h"

#include <glib.h>

typedef struct FleetRemoteSsh FleetRemoteSsh;

/* It has ended: its status as waitpid(2) has it, and the end of what it wrote to stderr, which may be any bytes. */
typedef void (*FleetRemoteSshEndedFunc)(int status, const char *errors, gpointer user_data);

/* The words of ssh's command line; command is what the machine's shell is given. Owned by the caller. */
char **fleet_remote_ssh_words(const char *program, const FleetRemoteAddress *address, const FleetRemoteAccess *access,
        const char *command) G_GNUC_WARN_UNUSED_RESULT;

/* Starts it. *fd is a socket, which does not block, to its standard input and output; the caller's. NULL with an error
 * of UNSUPPORTED if it cannot be started. */
FleetRemoteSsh *fleet_remote_ssh_start(char **words, FleetRemoteSshEndedFunc ended, gpointer user_data, int *fd,
        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Kills it, if it has not ended; nobody is told. */
void fleet_remote_ssh_free(FleetRemoteSsh *ssh);
