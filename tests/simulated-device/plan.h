/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How the devices of one run behave: what their user has asked for.
 */

#include "command.h"

#include <glib.h>

#define SIM_PHASES 2 /* SIM_SCHEDULED and SIM_EXECUTING, the statuses of work that is under way */
#define SIM_PHASE(status) ((status)-SIM_SCHEDULED)

typedef struct {
    char *service;         /* whose health is that of the device */
    char *type;            /* "" = none */
    GPtrArray *operations; /* of SimOperation */
    gint64 duration;       /* µs that the work on a command takes */
    gint64 boot_time;      /* µs that a device is down when it restarts */
    guint steps;           /* how often it says how far it is */
    char *fail_reason;     /* NULL = it depends on the rate alone */
    double fail_rate;      /* the part of the commands that fail; negative = all if there is a reason, else none */
    guint seed;
    gint64 away[SIM_PHASES]; /* µs for which it is away, once a command, from that phase on; 0 = not */
} SimPlan;

/* Frees what it holds. */
void sim_plan_clear(SimPlan *plan);

/* Why that command fails, or NULL if it succeeds. The same each time. Owned by the plan. */
const char *sim_plan_failure(const SimPlan *plan, const char *device, const SimCommand *command);
