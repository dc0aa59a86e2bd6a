/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Why a machine cannot be reached, read from what ssh says.
 */

#include "drivers/driver.h"
#include "drivers/remote_bus/address.h"
#include "drivers/remote_bus/settings.h"

typedef struct {
    FleetOutcome outcome; /* of an attempt that has not asked the machine for anything yet */
    char *message;        /* for people */
} FleetRemoteFailure;

/* How ssh has ended: its status as waitpid(2) has it, and the end of what it wrote to stderr, any bytes. The failure is
 * to be cleared. */
void fleet_remote_failure_read(const FleetRemoteAddress *address, const FleetRemoteAccess *access, int status,
        const char *errors, FleetRemoteFailure *failure);

/* One that may be over soon. Takes the message. */
void fleet_remote_failure_set(FleetRemoteFailure *failure, FleetOutcome outcome, char *message);

/* A text of the machine's, made fit for a message: one line, printable, and not too long. Owned by the caller. */
char *fleet_remote_failure_text(const char *text) G_GNUC_WARN_UNUSED_RESULT;

void fleet_remote_failure_clear(FleetRemoteFailure *failure);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetRemoteFailure, fleet_remote_failure_clear)
