/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Programs that run to their end: busctl, gdbus, fleetctl. They see the private bus, for the check's environment names
 * it.
 *
 *     g_autofree char *out = fleet_test_run_ok(fleet_test_env("FLEETCTL"), "list", "--no-legend");
 *     fleet_test_run_fails(4, "is not registered", fleet_test_env("FLEETCTL"), "get-info", "nobody");
 *
 * One that has not ended after FLEET_TEST_PATIENCE fails the check.
 */

#include <glib.h>

/* Runs argv (NULL-terminated) with additions to the environment (see fleet_test_process_start()). Its exit status, or
 * 128 + the signal that killed it. What it wrote is handed over where out and err are not NULL. */
int fleet_test_run(const char *const *argv, const char *const *env, char **out, char **err);

/* Runs a program with the given arguments, which must exit with 0. What it wrote to stdout, owned by the caller. */
#define fleet_test_run_ok(...) fleet_test_run_ok_at(__FILE__, __LINE__, __VA_ARGS__, NULL)
char *fleet_test_run_ok_at(
        const char *file, int line, const char *program, ...) G_GNUC_NULL_TERMINATED G_GNUC_WARN_UNUSED_RESULT;

/* Runs a program with the given arguments, which must exit with that status and say that on stderr. */
#define fleet_test_run_fails(status, part, ...)                                                                        \
    fleet_test_run_fails_at(__FILE__, __LINE__, (status), (part), __VA_ARGS__, NULL)
void fleet_test_run_fails_at(
        const char *file, int line, int status, const char *part, const char *program, ...) G_GNUC_NULL_TERMINATED;
