/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What each method of the API means for access: one table, method -> verb. A method that has no row is denied to
 * everyone.
 */

#include "access/caller.h"

#include <glib.h>

typedef enum {
    FLEET_VERB_READ,           /* look at devices and actions */
    FLEET_VERB_MANAGE_DEVICES, /* register, change, unregister devices, set their status */
    FLEET_VERB_RUN_ACTIONS,    /* start actions */
    FLEET_VERB_CANCEL_ACTIONS, /* stop one's own actions */
    FLEET_VERB_CANCEL_ANY,     /* stop somebody else's actions; no method's own verb: the owner decides */
    FLEET_VERB_READ_AUDIT,     /* look at who did what */
} FleetVerb;

/* The verb of a method. ACCESS_DENIED if the table has no row for it. */
gboolean fleet_verb_of(
        const char *interface, const char *member, FleetVerb *verb, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* May this caller do that? Reading is open to all; the rest is for root and the daemon's own user. ACCESS_DENIED names
 * the caller and the verb. */
gboolean fleet_verb_check(FleetVerb verb, const FleetCaller *caller, GError **error) G_GNUC_WARN_UNUSED_RESULT;
