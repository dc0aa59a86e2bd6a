/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * fleetd, as it was built, with a directory of its own for state, configuration and private socket. FLEET_TEST_WRAPPER
 * in the environment (the path of one program, scripts/lib/valgrind-wrapper) is put before its command line.
 */

#include "lib/process.h"

#include <glib.h>

typedef struct FleetTestDaemon FleetTestDaemon;

/* One that does not run yet, on the system bus (see bus.h), with an empty configuration. Owned by the caller. */
FleetTestDaemon *fleet_test_daemon_new(void) G_GNUC_WARN_UNUSED_RESULT;

/* Stops it if it runs, which must succeed, and frees. */
void fleet_test_daemon_free(FleetTestDaemon *daemon);

/* Its paths. Owned by the daemon. The state directory does not exist before the first start. */
const char *fleet_test_daemon_state_directory(const FleetTestDaemon *daemon);
const char *fleet_test_daemon_config(const FleetTestDaemon *daemon);
const char *fleet_test_daemon_socket(const FleetTestDaemon *daemon);

/* Changes that the next start takes up. The mode is "--system", "--user" or "--no-bus". */
void fleet_test_daemon_set_mode(FleetTestDaemon *daemon, const char *mode);
void fleet_test_daemon_set_state_directory(FleetTestDaemon *daemon, const char *path);
void fleet_test_daemon_add_argument(FleetTestDaemon *daemon, const char *argument);
void fleet_test_daemon_add_env(FleetTestDaemon *daemon, const char *assignment);

/* Has a library loaded into it before all others, from the next start on. */
void fleet_test_daemon_preload(FleetTestDaemon *daemon, const char *library);

/* Writes the configuration file; the next start takes it up, or SIGHUP. */
void fleet_test_daemon_set_config(FleetTestDaemon *daemon, const char *text);

/* Starts it, and waits until it says READY=1. Fails the check, with what it wrote, if it does not. */
void fleet_test_daemon_start(FleetTestDaemon *daemon);

/* Starts it, expecting that it gives up instead. Its exit status; see fleet_test_daemon_stderr(). */
int fleet_test_daemon_start_fails(FleetTestDaemon *daemon) G_GNUC_WARN_UNUSED_RESULT;

/* Starts it, and waits for nothing. */
void fleet_test_daemon_launch(FleetTestDaemon *daemon);

/* Ends it with SIGTERM. Its exit status, 0 if all went well. */
int fleet_test_daemon_stop(FleetTestDaemon *daemon) G_GNUC_WARN_UNUSED_RESULT;

/* Ends it as a crash does, with SIGKILL. */
void fleet_test_daemon_kill(FleetTestDaemon *daemon);

/* Stops it, which must succeed, and starts it again. */
void fleet_test_daemon_restart(FleetTestDaemon *daemon);

/* Waits for its end, for so many seconds. Its exit status, or -1 if it has not ended. */
int fleet_test_daemon_wait(FleetTestDaemon *daemon, double seconds);

/* Waits until it has told the service manager that, e.g. "READY=1" or "STOPPING=1", since its start. A pattern that
 * ends with '*' stands for all that begin so. FALSE if it did not within so many seconds. */
gboolean fleet_test_daemon_wait_notify(FleetTestDaemon *daemon, const char *assignment, double seconds);

/* Forgets what it has told until now, so that the next wait is for what it tells from now on. */
void fleet_test_daemon_forget_notified(FleetTestDaemon *daemon);

/* A socket that takes the place of the service manager's, for who wants to see all that is said and in its order:
 * bound, does not block. It counts once fleetd is given NOTIFY_SOCKET=PATH. Owned by the caller. */
int fleet_test_notify_socket(const char *path) G_GNUC_WARN_UNUSED_RESULT;

/* Sends a signal to it. */
void fleet_test_daemon_signal(FleetTestDaemon *daemon, int signal);

/* The running process, or the one that ended last; until the next start. Owned by the daemon. */
FleetTestProcess *fleet_test_daemon_process(const FleetTestDaemon *daemon);

/* What it has written to stderr since its start. Owned by the caller. */
char *fleet_test_daemon_stderr(const FleetTestDaemon *daemon) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestDaemon, fleet_test_daemon_free)
