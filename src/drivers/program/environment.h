/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a program is told about its attempt: environment variables, and the parameters as JSON on its stdin.
 */

#include "drivers/driver.h"

/* All of it, "FLEET_DEVICE_ID=router-1" and so on, NULL-terminated, sorted in no particular way; each name is there
 * once. Owned by the caller. */
char **fleet_program_environment(const FleetAttempt *attempt) G_GNUC_WARN_UNUSED_RESULT;

/* What anybody may read of it: which device, action and attempt it is. Owned by the caller. */
char **fleet_program_environment_public(const FleetAttempt *attempt) G_GNUC_WARN_UNUSED_RESULT;

/* Its parameters, which may be secrets. Owned by the caller. */
char **fleet_program_environment_parameters(const FleetParameters *parameters) G_GNUC_WARN_UNUSED_RESULT;

/* An environment, with what a program finds in its environment anyway (PATH, HOME, LANG, ...), out of this process's
 * own; nothing else of it is passed on. For programs that no systemd starts. Owned by the caller. */
char **fleet_program_environment_full(char *const *environment) G_GNUC_WARN_UNUSED_RESULT;

/* The same as the text of a file for EnvironmentFile=, systemd.exec(5). Owned by the caller. */
char *fleet_program_environment_file(char *const *environment) G_GNUC_WARN_UNUSED_RESULT;

/* The parameters as one JSON object of strings, and a line's end. Owned by the caller. */
char *fleet_program_parameters_json(const FleetParameters *parameters) G_GNUC_WARN_UNUSED_RESULT;

/* A file in memory that holds the text, cannot be changed any more, and is read from its beginning. -1 with an error of
 * UNSUPPORTED if the kernel refuses. Owned by the caller. */
int fleet_program_sealed_file(const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
