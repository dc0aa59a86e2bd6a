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
        {MANAGER, "Heartbeat", FLEET_VERB_REPORT_PRESENCE},
        {MANAGER, "Heartbeats", FLEET_VERB_REPORT_PRESENCE},
        {MANAGER, "InitiateDeviceAction", FLEET_VERB_RUN_ACTIONS},
        {MANAGER, "InitiateDeviceActions", FLEET_VERB_RUN_ACTIONS},
        {MANAGER, "CancelDeviceAction", FLEET_VERB_CANCEL_ACTIONS},
        {MANAGER, "Reload", FLEET_VERB_CONFIGURE},
        {ACTION, "Cancel", FLEET_VERB_CANCEL_ACTIONS},
        {DEVICE, "SetStatus", FLEET_VERB_MANAGE_DEVICES},
        {DEVICE, "Unregister", FLEET_VERB_MANAGE_DEVICES},
        {DEVICE, "InitiateAction", FLEET_VERB_RUN_ACTIONS},
};

static const struct {
    const char *action;
    const char *description;
} verbs[] = {
        [FLEET_VERB_READ] = {NULL, "look at devices and actions"},
        [FLEET_VERB_MANAGE_DEVICES] = {"org.fleet.manage-devices", "manage devices"},
        [FLEET_VERB_REPORT_PRESENCE] = {"org.fleet.report-presence", "report that devices are there"},
        [FLEET_VERB_RUN_ACTIONS] = {"org.fleet.run-actions", "run actions on devices"},
        [FLEET_VERB_CANCEL_ACTIONS] = {"org.fleet.cancel-actions", "cancel actions"},
        [FLEET_VERB_CANCEL_ANY] = {"org.fleet.cancel-any-action", "cancel actions of others"},
        [FLEET_VERB_CONFIGURE] = {"org.fleet.configure", "have the configuration read anew"},
        [FLEET_VERB_READ_AUDIT] = {"org.fleet.read-audit", "look at the audit"},
};

G_STATIC_ASSERT(G_N_ELEMENTS(verbs) == FLEET_VERB_LAST_);

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

gboolean fleet_verb_is_free(FleetVerb verb, const FleetCaller *caller)
{
    return verb == FLEET_VERB_READ || caller->uid == 0 || caller->uid == geteuid();
}

const char *fleet_verb_action(FleetVerb verb)
{
    return verbs[verb].action;
}

const char *fleet_verb_description(FleetVerb verb)
{
    return verbs[verb].description;
}
