/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * From a body of ours to a message of sd-bus's, for the few replies that sd-bus sends itself.
 */

#include "bus/body.h"

#include <systemd/sd-bus.h>

/* Appends the values of a body to a message: those of the signature, which may have basic types other than y, n, q, i,
 * x, h, arrays and dictionaries in it. Negative errno on failure. */
int fleet_body_copy_to_message(const FleetBody *body, const char *signature, sd_bus_message *message);
