/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Another machine: a container with its own systemd, bus, login manager and sshd, a boot id and an uptime, at a port of
 * this machine's loopback (see tests/lib/box). When it reboots, it is there again, with all that was written gone.
 */

#include <glib.h>

typedef struct FleetTestMachine FleetTestMachine;

/* Why there can be none here, for a test that is skipped then; NULL if there can. Owned by the caller. */
char *fleet_test_machine_obstacle(void) G_GNUC_WARN_UNUSED_RESULT;

/* One that is not booted yet, with keys of its own. Owned by the caller. */
FleetTestMachine *fleet_test_machine_new(void) G_GNUC_WARN_UNUSED_RESULT;
void fleet_test_machine_free(FleetTestMachine *machine);

/* A file that it finds at /box/files. What is called "setup" it runs with a shell at each boot, before sshd. */
void fleet_test_machine_add_file(FleetTestMachine *machine, const char *name, const char *text);
char *fleet_test_machine_path(const FleetTestMachine *machine, const char *name) G_GNUC_WARN_UNUSED_RESULT;

/* Boots it, and waits until sshd listens. */
void fleet_test_machine_boot(FleetTestMachine *machine);

/* Takes the power from it. */
void fleet_test_machine_kill(FleetTestMachine *machine);

/* Waits until sshd has begun to listen for so many times since _boot: 2 is after a first reboot. */
void fleet_test_machine_wait_boots(FleetTestMachine *machine, guint boots);

/* How often it has booted, since _boot. */
guint fleet_test_machine_boots(FleetTestMachine *machine);

/* What its sshd has logged. Owned by the caller. */
char *fleet_test_machine_errors(FleetTestMachine *machine) G_GNUC_WARN_UNUSED_RESULT;

/* "127.0.0.1:PORT". Owned by the machine. */
const char *fleet_test_machine_address(const FleetTestMachine *machine);
guint fleet_test_machine_port(const FleetTestMachine *machine);

/* The key that root is let in with, one that nobody is, and the file with the machine's own; paths. Owned by the
 * machine.
 */
const char *fleet_test_machine_identity(const FleetTestMachine *machine);
const char *fleet_test_machine_wrong_identity(const FleetTestMachine *machine);
const char *fleet_test_machine_known_hosts(const FleetTestMachine *machine);

/* Has it show another host key from the next boot on. */
void fleet_test_machine_change_key(FleetTestMachine *machine);

/* Runs a command there as root, which must succeed. What it printed, without the last line's end. Owned by the caller.
 */
char *fleet_test_machine_run(FleetTestMachine *machine, const char *command) G_GNUC_WARN_UNUSED_RESULT;

/* Runs it. Whether it has succeeded. */
gboolean fleet_test_machine_try(FleetTestMachine *machine, const char *command) G_GNUC_WARN_UNUSED_RESULT;

/* Runs it, again and again, until it succeeds. */
void fleet_test_machine_wait(FleetTestMachine *machine, const char *command);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestMachine, fleet_test_machine_free)
