/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the driver wants to find again of an attempt: how it is carried out, and what its work is known by. It is kept
 * as a text in the action's plan.
 */

#include "drivers/remote_bus/greeting.h"

#include <glib.h>

typedef enum {
    FLEET_REMOTE_PROGRAM, /* a program, as a unit */
    FLEET_REMOTE_REBOOT,
    FLEET_REMOTE_RAUC,  /* a bundle, by RAUC */
    FLEET_REMOTE_KINDS, /* not one: their number */
} FleetRemoteKind;

#define FLEET_REMOTE_UNIT_SIZE 96 /* with the NUL */

typedef struct {
    FleetRemoteKind kind;
    char unit[FLEET_REMOTE_UNIT_SIZE];    /* of a program: the name of its unit, which nobody else's has */
    char boot[FLEET_REMOTE_BOOT_ID_SIZE]; /* of a reboot: the boot that it ends; "" = not known beforehand */
} FleetRemotePlan;

/* The text. Owned by the caller. */
char *fleet_remote_plan_format(const FleetRemotePlan *plan) G_GNUC_WARN_UNUSED_RESULT;

/* Reads one. FALSE on anything that _format() does not write. */
gboolean fleet_remote_plan_parse(const char *text, FleetRemotePlan *plan) G_GNUC_WARN_UNUSED_RESULT;

/* Gives it a unit of its own. */
void fleet_remote_plan_draw_unit(FleetRemotePlan *plan, gint64 sequence, guint attempt);
