/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A driver "remote-bus" and the machine that its device is.
 */

#include "drivers/remote_bus/remote_bus.h"
#include "drivers_test.h"
#include "lib/machine.h"
#include "lib/main.h"

typedef struct {
    FleetTestDriver *test;
    FleetTestMachine *machine;
    char *directory; /* a new one */
    FleetRemoteSettings *settings;
} FleetRemoteTest;

/* A machine that is booted, and a driver that knows how to reach it and has no program. Its waits are short. */
FleetRemoteTest *fleet_remote_test_new(void) G_GNUC_WARN_UNUSED_RESULT;

/* The same, of a machine that runs a script at each boot before it can be reached. */
FleetRemoteTest *fleet_remote_test_new_with_setup(const char *setup) G_GNUC_WARN_UNUSED_RESULT;

/* Of such a script: makes a user "operator", who is let in like root and has no rights. */
#define FLEET_REMOTE_TEST_OPERATOR                                                                                     \
    "echo 'operator:x:4321:4321::/:/bin/sh' >>/etc/passwd\necho 'operator:*:1::::::' >>/etc/shadow\n"

/* The same, of a machine that the caller has prepared and has not booted. Takes it. */
FleetRemoteTest *fleet_remote_test_new_for(FleetTestMachine *machine) G_GNUC_WARN_UNUSED_RESULT;
void fleet_remote_test_free(FleetRemoteTest *self);

/* Begins a new configuration with what the machine needs. */
void fleet_remote_test_configure(FleetRemoteTest *self);

/* Sets a key of a group of it, and puts it into force. */
void fleet_remote_test_set(FleetRemoteTest *self, const char *group, const char *key, const char *value);

/* Has the script of a shell be the program for SOFTWARE_UPDATE. The program is the settings'. */
FleetProgram *fleet_remote_test_set_script(FleetRemoteTest *self, const char *script);

/* Starts an attempt, number 1 of that sequence. Owned by the driver's table. */
FleetTestAttempt *fleet_remote_test_start(FleetRemoteTest *self, gint64 sequence, const char *type);

/* Sets the script, starts it, and waits until it has finished. */
FleetTestAttempt *fleet_remote_test_run_script(FleetRemoteTest *self, const char *script);

/* Ends fleetd and starts it again, in the eyes of the driver; nothing is attached anew. */
void fleet_remote_test_restart(FleetRemoteTest *self);

/* The process ids of this test's ssh. Owned by the caller. */
GArray *fleet_remote_test_ssh_pids(void) G_GNUC_WARN_UNUSED_RESULT;

/* Sends them a signal; there must be some. */
void fleet_remote_test_kill_ssh(int signal);

/* Waits until that many of them are there. */
void fleet_remote_test_wait_ssh(guint n);

/* Runs a command there, again and again, until it succeeds; the driver goes on meanwhile. */
void fleet_remote_test_wait_for(FleetRemoteTest *self, const char *command);

/* Waits until a machine was reported present so many times. */
void fleet_remote_test_wait_seen(FleetRemoteTest *self, guint n);

/* Waits until the machine has that many units of actions. */
void fleet_remote_test_wait_units(FleetRemoteTest *self, guint n);

/* Waits until a file is there on the machine. */
void fleet_remote_test_wait_file(FleetRemoteTest *self, const char *path);

/* Fails unless all that the attempt was about is gone from the machine. */
void fleet_remote_test_assert_nothing_is_left(FleetRemoteTest *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetRemoteTest, fleet_remote_test_free)
