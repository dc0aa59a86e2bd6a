/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads the a{sv} arguments of the API: options, filters and changes. What a method does not know is refused, never
 * ignored.
 */

#include <glib.h>
#include <systemd/sd-bus.h>

/* One key that a method knows. The target's type follows from the signature: "s" const char * (owned by the message),
 * "b" gboolean, "t" guint64, "u" guint32, "as" char ** (owned by the caller, as g_strfreev() frees it; NULL if empty).
 */
typedef struct {
    const char *name;
    const char *signature;
    gpointer target;
    gboolean *given; /* set to TRUE if the key is there; may be NULL */
} FleetOption;

/*
 * Reads the whole dictionary that comes next in the message. what names it in errors: "option", "filter", "change".
 * INVALID_ARGUMENT on a key that is unknown, given twice, or of another type; the message says what would be right.
 * LIMIT_EXCEEDED on an array of more than 1,000 strings. Targets of keys that are not given stay as they are. On
 * failure the targets of "as" may be set all the same, and are the caller's.
 */
gboolean fleet_options_read(sd_bus_message *message, const char *what, const FleetOption *options, guint n,
        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A dictionary in which no key is known yet. */
gboolean fleet_options_read_none(sd_bus_message *message, GError **error) G_GNUC_WARN_UNUSED_RESULT;
