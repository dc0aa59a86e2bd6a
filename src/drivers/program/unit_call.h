/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How systemd is asked for the unit of a program: parts of a StartTransientUnit call, and what its errors mean. Such a
 * unit remains after its program has ended, whatever way that was, until somebody stops it.
 */

#include "drivers/driver.h"
#include "drivers/program/programs.h"

#include <systemd/sd-bus.h>

#define FLEET_SYSTEMD_NAME "org.freedesktop.systemd1"
#define FLEET_SYSTEMD_PATH "/org/freedesktop/systemd1"
#define FLEET_SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

/* All units are in there. */
#define FLEET_PROGRAM_SLICE "fleet-actions.slice"

/* Begins the message for a unit of that name, up to where its properties go, of which it appends those that all such
 * units have: which program, how it is stopped, that every end counts as success, and what the configuration sets.
 * *message is the caller's. Negative errno on failure. */
int fleet_program_unit_begin(sd_bus *bus, const char *name, const FleetProgram *program, sd_bus_message **message);

/* Ends the properties and the message. Negative errno on failure. */
int fleet_program_unit_end(sd_bus_message *message);

/* What it means that systemd has refused the call with that error: in any case it has not started anything. */
FleetOutcome fleet_program_unit_refusal(const char *error_name);

/* Is it an error of the connection, so that nobody knows whether the call was carried out? */
gboolean fleet_program_unit_is_unanswered(const sd_bus_error *error);

/* Was the call refused for lack of a right? */
gboolean fleet_program_unit_is_denied(const char *error_name);

/* Has an absolute path removed by root when the unit is done with. Negative errno on failure. */
int fleet_program_unit_append_removal(sd_bus_message *message, const char *path);
