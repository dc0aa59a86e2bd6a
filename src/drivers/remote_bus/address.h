/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where a machine is: "[user@]host[:port]", or "local" for the one that fleetd runs on. These strings become arguments
 * of ssh, so nothing is taken that could be an option, a pattern or a shell's.
 */

#include <glib.h>

typedef struct {
    gboolean local; /* all else is empty then */
    char *user;     /* NULL = by configuration */
    char *host;     /* a name, or an address; of IPv6 without the brackets */
    guint port;     /* 0 = by configuration */
} FleetRemoteAddress;

/* Reads an address. INVALID_ARGUMENT with what would be right; *address is empty then. To be cleared. */
gboolean fleet_remote_address_parse(
        const char *text, FleetRemoteAddress *address, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void fleet_remote_address_clear(FleetRemoteAddress *address);

/* Is it the name of a user that can be logged in as? */
gboolean fleet_remote_address_is_user(const char *name);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetRemoteAddress, fleet_remote_address_clear)
