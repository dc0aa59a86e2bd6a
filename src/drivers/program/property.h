/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The properties of systemd's units that a program's configuration may set: whom it runs as, what it may take, and what
 * it may reach. Others are refused: they would change how fleetd finds the unit again and learns of its end.
 */

#include <glib.h>
#include <systemd/sd-bus.h>

/* Is there a property of that name? */
gboolean fleet_program_property_is_known(const char *name);

/* All names, separated by ", ". Owned by the caller. */
char *fleet_program_property_names(void) G_GNUC_WARN_UNUSED_RESULT;

/* Can name take value? INVALID_ARGUMENT that names the property and what would be right if not, or if there is none of
 * that name. */
gboolean fleet_program_property_check(const char *name, const char *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Appends the (sv) of a property that was checked. Negative errno on a failure of sd-bus. */
int fleet_program_property_append(sd_bus_message *message, const char *name, const char *value);
