/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What each method of the API means for access: one table, method -> verb -> action of polkit. A method that has no row
 * is denied to everyone.
 */

#include "access/caller.h"

#include <glib.h>

typedef enum {
    FLEET_VERB_READ,            /* look at devices and actions */
    FLEET_VERB_MANAGE_DEVICES,  /* register, change, unregister devices, set their status */
    FLEET_VERB_REPORT_PRESENCE, /* say that devices are there */
    FLEET_VERB_RUN_ACTIONS,     /* start actions */
    FLEET_VERB_CANCEL_ACTIONS,  /* stop one's own actions */
    FLEET_VERB_CANCEL_ANY,      /* stop somebody else's actions; no method's own verb: the owner decides */
    FLEET_VERB_CONFIGURE,       /* have the configuration read anew */
    FLEET_VERB_READ_AUDIT,      /* look at who did what */
    FLEET_VERB_LAST_,           /* not a verb: their number */
} FleetVerb;

/* The verb of a method. ACCESS_DENIED if the table has no row for it. */
gboolean fleet_verb_of(
        const char *interface, const char *member, FleetVerb *verb, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether this caller may do that without anybody being asked: reading is open to all; root and the daemon's own user
 * may do everything. */
gboolean fleet_verb_is_free(FleetVerb verb, const FleetCaller *caller) G_GNUC_WARN_UNUSED_RESULT;

/* The action of polkit that stands for a verb, "org.fleet.manage-devices"; NULL for READ. Static. */
const char *fleet_verb_action(FleetVerb verb);

/* What it is to do that, for messages: "manage devices". Static. */
const char *fleet_verb_description(FleetVerb verb);
