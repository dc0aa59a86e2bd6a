/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What may name a device or an action. Each check gives INVALID_ARGUMENT with a message that quotes the name, cut and
 * escaped where it is long or unprintable, and says what would be right.
 */

#include "base/quotable.h"

#include <glib.h>

/* 1 to FLEET_DEVICE_ID_MAX bytes of UTF-8, no control characters, not "." or "..". */
gboolean fleet_device_id_check(const char *id, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* 0 to FLEET_DEVICE_NAME_MAX bytes of UTF-8, no control characters. */
gboolean fleet_device_name_check(const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* 0 to FLEET_DEVICE_TYPE_MAX bytes of UTF-8, no control characters. */
gboolean fleet_device_type_check(const char *type, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* 0 to FLEET_DEVICE_ADDRESS_MAX bytes of UTF-8, no control characters. Its driver may want more. */
gboolean fleet_device_address_check(const char *address, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * An action's identifier, "action_<ms since the epoch>_<sequence>". The sequence alone is unique, for good; the time
 * makes it readable and guards against a sequence typed by hand.
 */
typedef struct {
    gint64 msec;     /* when it was initiated, ms since the epoch */
    gint64 sequence; /* from 1; 0 stands for "no action" */
} FleetActionId;

#define FLEET_ACTION_ID_BUFFER 56 /* bytes that hold any formatted action id, its NUL included */

/* Writes the identifier into buffer and returns it. "" for sequence 0. */
const char *fleet_action_id_format(FleetActionId id, char buffer[static FLEET_ACTION_ID_BUFFER]);

/* Reads an identifier. FALSE on anything that fleet_action_id_format() does not write. */
gboolean fleet_action_id_parse(const char *string, FleetActionId *id) G_GNUC_WARN_UNUSED_RESULT;
