/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a call about several devices says of those that it could not be done for.
 */

#include "cli/verbs.h"

/* The device that an index of such an answer stands for; the answer of a daemon that is none of ours may hold any. */
const char *fleet_failures_device(const char *const *devices, guint index);

/* Reads the a(uss) of an answer: an error on each device, or as JSON an element of the array, and then the exit status
 * is FAILED. Negative errno if the answer is something else. */
int fleet_failures_read(FleetCli *cli, sd_bus_message *reply, const char *const *devices, JsonArray *failures);
