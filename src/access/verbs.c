/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "access/verbs.h"

#include "base/error.h"

#include <unistd.h>

#define MANAGER "org.fleet.Manager"
#define DEVICE "org.fleet.Device"
#define ACTION "org.fleet.Action"

static const struct {
    const char *interface;
    const char *member;
    FleetVerb verb;
} rows[] = {
        {MANAGER, "GetDeviceInfo", FLEET_VERB_READ},
        {MANAGER, "GetDeviceActionStatus", FLEET_VERB_READ},
        {MANAGER, "ListDevices", FLEET_VERB_READ},
        {MANAGER, "QueryDevices", FLEET_VERB_READ},
        {MANAGER, "QueryActions", FLEET_VERB_READ},
        {MANAGER, "GetActionHistory", FLEET_VERB_READ},
        {MANAGER, "QueryAudit", FLEET_VERB_READ_AUDIT},
        {MANAGER, "RegisterDevice", FLEET_VERB_MANAGE_DEVICES},
        {MANAGER, "RegisterDevices", FLEET_VERB_MANAGE_DEVICES},
        {MANAGER, "SetDeviceStatus", FLEET_VERB_MANAGE_DEVICES},
        {MANAGER, "SetDevicesStatus", FLEET_VERB_MANAGE_DEVICES},
        {MANAGER, "UpdateDevice", FLEET_VERB_MANAGE_DEVICES},
        {MANAGER, "UnregisterDevice", FLEET_VERB_MANAGE_DEVICES},
        {MANAGER, "InitiateDeviceAction", FLEET_VERB_RUN_ACTIONS},
        {MANAGER, "InitiateDeviceActions", FLEET_VERB_RUN_ACTIONS},
        {MANAGER, "CancelDeviceAction", FLEET_VERB_CANCEL_ACTIONS},
        {ACTION, "Cancel", FLEET_VERB_CANCEL_ACTIONS},
        {DEVICE, "SetStatus", FLEET_VERB_MANAGE_DEVICES},
        {DEVICE, "Unregister", FLEET_VERB_MANAGE_DEVICES},
        {DEVICE, "InitiateAction", FLEET_VERB_RUN_ACTIONS},
};

static const char *const descriptions[] = {
        [FLEET_VERB_READ] = "look at devices and actions",
        [FLEET_VERB_MANAGE_DEVICES] = "manage devices",
        [FLEET_VERB_RUN_ACTIONS] = "run actions on devices",
        [FLEET_VERB_CANCEL_ACTIONS] = "cancel actions",
        [FLEET_VERB_CANCEL_ANY] = "cancel actions of others",
        [FLEET_VERB_READ_AUDIT] = "look at the audit",
};

gboolean fleet_verb_of(const char *interface, const char *member, FleetVerb *verb, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        if (g_str_equal(rows[i].member, member) && g_str_equal(rows[i].interface, interface)) {
            *verb = rows[i].verb;
            return TRUE;
        }
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED, "method %s.%s is open to nobody", interface, member);
    return FALSE;
}

gboolean fleet_verb_check(FleetVerb verb, const FleetCaller *caller, GError **error)
{
    if (verb == FLEET_VERB_READ || caller->uid == 0 || caller->uid == geteuid())
        return TRUE;
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED,
            "user %u may not %s; ask as root or as the user that fleetd runs as", (guint)caller->uid,
            descriptions[verb]);
    return FALSE;
}
