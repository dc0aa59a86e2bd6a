/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A program in the background. Its stdout and stderr go to files, so it never waits for a reader, and the kernel kills
 * it when the check that started it is gone, however that ended.
 */

#include <glib.h>

typedef struct FleetTestProcess FleetTestProcess;

typedef enum {
    FLEET_TEST_STDOUT,
    FLEET_TEST_STDERR,
} FleetTestStream;

/*
 * Starts argv (NULL-terminated; argv[0] is looked up in PATH). env is a NULL-terminated list of "NAME=VALUE" that is
 * added to the check's own environment, or NULL. stdin is empty. Fails the check if it cannot be started. Owned by the
 * caller.
 */
FleetTestProcess *fleet_test_process_start(const char *const *argv, const char *const *env) G_GNUC_WARN_UNUSED_RESULT;

/* The same, with a copy of a file descriptor (-1 = none) as the one of that number, where sd_listen_fds(3) has it. */
#define FLEET_TEST_PASSED_FD 3
FleetTestProcess *fleet_test_process_start_with_fd(
        const char *const *argv, const char *const *env, int fd) G_GNUC_WARN_UNUSED_RESULT;

/* Kills the process if it is still there, and frees. */
void fleet_test_process_free(FleetTestProcess *process);

GPid fleet_test_process_pid(const FleetTestProcess *process);

/* A file descriptor on which poll() reports POLLHUP when the process ends, and all that it started. Owned by the
 * process. */
int fleet_test_process_fd(const FleetTestProcess *process);

/* Sends a signal; nothing happens if the process has ended. */
void fleet_test_process_signal(FleetTestProcess *process, int signal);

/* Waits until it ends, for so many seconds. Its exit status, 128 + the number of the signal that killed it, or -1 if it
 * has not ended. May be called again. */
int fleet_test_process_wait(FleetTestProcess *process, double seconds);

/* What it has written so far. Owned by the caller. */
char *fleet_test_process_output(FleetTestProcess *process, FleetTestStream stream) G_GNUC_WARN_UNUSED_RESULT;

/* Waits, for so many seconds, until what it has written matches the pattern (GRegex, multi-line). FALSE if it does not,
 * or if the process ended without. */
gboolean fleet_test_process_wait_output(
        FleetTestProcess *process, FleetTestStream stream, const char *pattern, double seconds);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestProcess, fleet_test_process_free)
