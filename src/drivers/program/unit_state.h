/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What systemd says about a unit of ours.
 */

#include "drivers/program/result.h"

#include <systemd/sd-bus.h>

typedef struct {
    char *load;        /* "loaded", "not-found", ... */
    char *active;      /* "active", "inactive", ... */
    char *result;      /* "success", "oom-kill", ... */
    char *said;        /* StatusText: what the program has told systemd last, "" if nothing */
    char *token;       /* of the environment, NULL if there is none */
    char *invocation;  /* in hexadecimal, "" if it has never run */
    gboolean has_job;  /* systemd has something to do with it */
    gint32 code;       /* si_code of the program's end, 0 = it has not ended */
    gint32 status;     /* si_status */
    guint64 exit_time; /* of the program, µs of CLOCK_MONOTONIC, 0 = it has not ended */
} FleetProgramUnitState;

/* Reads the reply to a GetAll of all interfaces of a unit. Negative errno if it is no such reply. To be cleared anyway.
 */
int fleet_program_unit_state_read(sd_bus_message *reply, FleetProgramUnitState *state);
void fleet_program_unit_state_clear(FleetProgramUnitState *state);

gboolean fleet_program_unit_state_is_loaded(const FleetProgramUnitState *state);

/* How the program has ended, if it has or if the unit is inactive. stop_at is when its stop was asked for, 0 = never.
 */
void fleet_program_unit_state_result(const FleetProgramUnitState *state, gint64 stop_at, FleetProgramResult *result);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetProgramUnitState, fleet_program_unit_state_clear)
