/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verb that prints every change as it comes.
 */

#include "cli/verbs.h"

gboolean fleet_cli_verb_monitor(FleetCli *cli, const char *const *args, GError **error);

/*
 * A change as one object: Time (µs), Object ("device", "action", "manager" or "daemon"), Id ("" for the last two),
 * Event
 * ("added", "changed", "removed"; of the daemon "started" or "stopped") and Properties. Takes properties, which may be
 * NULL. Owned by the caller.
 */
JsonObject *fleet_change_new(gint64 time, const char *object, const char *id, const char *event,
        JsonObject *properties) G_GNUC_WARN_UNUSED_RESULT;

/* The same for people: "[10:30:15] device router-001 changed: Status=BUSY". Owned by the caller. */
char *fleet_change_to_line(JsonObject *change) G_GNUC_WARN_UNUSED_RESULT;
