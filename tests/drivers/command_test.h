/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A driver "command" with a directory of its own, and shell scripts for programs.
 */

#include "drivers/command/command.h"
#include "drivers_test.h"
#include "lib/main.h"

typedef struct {
    FleetTestDriver *test;
    char *directory; /* of the places */
    char *files;     /* for the scripts: $FILES in their environment, as it is their parameter "files" */
    gint64 kill_timeout;
    FleetCommandSettings *settings;
} FleetCommandTest;

/* A driver without programs. Fails the check if FLEET_COMMAND_KEEPER is not set. */
FleetCommandTest *fleet_command_test_new(void) G_GNUC_WARN_UNUSED_RESULT;
void fleet_command_test_free(FleetCommandTest *self);

/* Puts the program in place of the one there was: the words of a command line, NULL-terminated. */
void fleet_command_test_set_program(FleetCommandTest *self, const char *const *argv);

/* Starts a script of the shell as an attempt at an action of the type "X", number 1 of that sequence. What is $FILES in
 * it stands for self->files. Owned by the driver. */
FleetTestAttempt *fleet_command_test_start(FleetCommandTest *self, gint64 sequence, const char *script);

/* The same, and waits until it has finished. */
FleetTestAttempt *fleet_command_test_run(FleetCommandTest *self, const char *script);

/* Ends fleetd and starts it again, in the eyes of the driver; nothing is attached anew. */
void fleet_command_test_restart(FleetCommandTest *self);

/* The path of a file in self->files. Owned by the caller. */
char *fleet_command_test_path(const FleetCommandTest *self, const char *name) G_GNUC_WARN_UNUSED_RESULT;

/* Waits until a script has written the file; and what is in it, without the line's end. Owned by the caller. */
char *fleet_command_test_wait_text(const FleetCommandTest *self, const char *name) G_GNUC_WARN_UNUSED_RESULT;

/* Fails the check unless the process whose number a script has written to that file is gone. */
void fleet_command_test_assert_gone(const FleetCommandTest *self, const char *name);

/* Does systemd run this machine? */
gboolean fleet_command_test_has_units(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetCommandTest, fleet_command_test_free)
